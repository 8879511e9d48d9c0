"""Sources of EMG: their protocol, specification and blocks of samples."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError, SourceError
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.timebase import SourceTiming

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SourceSpec:
    """Specification of an open source: `rate` in Hz, `unit` of the samples (V, or a name such as counts)."""

    name: str
    channels: tuple[str, ...]
    rate: float
    unit: str
    about: str = ""
    """One sentence for people: what the source is."""

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise ConfigError(f"source {self.name!r} needs channels with unique names, got {', '.join(self.channels)}")
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise ConfigError(f"source {self.name!r} has a rate of {self.rate} Hz; it must be above 0: give it (rate)")
        if not self.unit:
            raise ConfigError(f"source {self.name!r} does not say its unit: give it (unit), such as V or counts")

    def to_json(self, **more: Any) -> str:
        """The text of a message on `emg/spec`; `more`: conditioning, calibration."""
        return json.dumps({**asdict(self), **more})

    @classmethod
    def from_json(cls, text: str) -> SourceSpec:
        """Inverse of `to_json`, without what else a message on `emg/spec` has; raises `ConfigError`."""
        try:
            data = json.loads(text)
            own = {f.name: data[f.name] for f in fields(cls) if f.name in data}
            return cls(**{**own, "channels": tuple(data["channels"])})
        except MyoError:
            raise
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ConfigError(f"the specification of an EMG source cannot be read: {error!r}") from error


@dataclass(frozen=True, eq=False)
class EmgBlock:
    """Samples since the last call, oldest first.

    Attributes:
        samples: Shape (n, n_channels), n ≥ 1, in the unit of the specification.
        times: Shape (n,), s on the source's own time base: the times of a recording, the clock of a device. Neither
            jitter nor the computer's clock changes them.
        stamps_ns: Shape (n,) int64, when each sample was taken, ns of the computer's clock (`time.time_ns`), as far
            apart as `times`; a single number is that of the first sample.
        arrival_ns: When the last sample arrived, ns of the same clock.
        spans: Prompts in the block, if the source has them.
    """

    samples: Array
    times: Array
    stamps_ns: NDArray[np.int64]
    arrival_ns: int
    spans: tuple[Span, ...] = field(default=())

    def __post_init__(self) -> None:
        if not np.ndim(self.stamps_ns):
            object.__setattr__(self, "stamps_ns", self.stamps_ns + nanoseconds(self.times - self.times[:1]))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def prompt(self) -> str:
        """Prompt at the last sample; empty: none, or unknown."""
        return next((s.label for s in self.spans if s.stop == len(self)), "")

    def by_prompt(self) -> list[EmgBlock]:
        """It in parts that have one prompt each."""
        edges = sorted({0, len(self), *(edge for s in self.spans for edge in (s.start, s.stop))})
        if len(edges) == 2:
            return [self]
        return [
            replace(
                self, samples=self.samples[a:b], times=self.times[a:b], stamps_ns=self.stamps_ns[a:b],
                spans=tuple(Span(s.label, 0, b - a, s.start < a) for s in self.spans if s.start <= a < s.stop),
            )
            for a, b in pairwise(edges)
        ]  # fmt: skip


def nanoseconds(seconds: Array) -> NDArray[np.int64]:
    """Whole nanoseconds of times in s."""
    return np.rint(1e9 * seconds).astype(np.int64)


class EmgSource(Protocol):
    """A device, a stream or a replay that gives EMG. It is constructed from its options, which opens nothing."""

    @property
    def spec(self) -> SourceSpec:
        """Channels, rate and unit.

        Raises:
            SourceError: The source is not open.
        """
        ...

    @property
    def fault(self) -> str:
        """Empty while samples arrive; otherwise one sentence why they do not. A source recovers by itself."""
        ...

    @property
    def ended(self) -> bool:
        """True when no more samples will come: the end of a recording."""
        ...

    @property
    def timing(self) -> SourceTiming:
        """Drift of the source's clock, gaps, duplicates and jumps since it was opened."""
        ...

    def open(self) -> None:
        """Connect and read the specification, which may take seconds.

        Raises:
            SourceError: The source cannot be opened; the message says what would help.
            ConfigError: An option does not fit the device.
        """
        ...

    def read(self) -> EmgBlock | None:
        """Samples since the last call.

        Does not block and raises nothing once the source is open: see `fault`.

        Returns:
            The samples; None when there are none.
        """
        ...

    def close(self) -> None:
        """Release the device; safe to call twice. The source can be opened again."""
        ...


@runtime_checkable
class AskedSource(Protocol):
    """What a source has beside the `EmgSource` protocol that does what a task asks for."""

    def ask(self, label: str) -> None:
        """From now on this is asked for, until something else is.

        Args:
            label: what is to be done, in the words of the task; empty: nothing.

        Raises:
            Refused: the source cannot do it, and does what it does when nothing is asked for.
        """
        ...


def opened(spec: SourceSpec | None, name: str) -> SourceSpec:
    """The specification of a source that is open; raises `SourceError`, which calls the source `name`, for None."""
    if spec is None:
        raise SourceError(f"{name} is not open yet")
    return spec


def silence(sender: str, last_sample_s: float, limit_s: float, samples: int, question: str) -> str:
    """Sentence for a `sender` without samples for `limit_s`, or since it was opened; empty while they come.

    `last_sample_s` is when the last one came (monotonic, s), `question` what to look at.
    """
    if time.monotonic() - last_sample_s < limit_s:
        return ""
    if not samples:
        return f"{sender} has sent no sample since it was opened: {question}"
    return f"nothing has come from {sender} for more than {limit_s:g} s: {question}"


def channel_names(option: tuple[str, ...], n: int, device: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of `n` channels: those of the option, else those of the device, else ch1, ch2 and so on."""
    names = option or device or tuple(f"ch{k + 1}" for k in range(n))
    if len(names) != n:
        raise ConfigError(f"{len(names)} channel names ({', '.join(names)}) for {n} channels: give {n} (channels)")
    return names
