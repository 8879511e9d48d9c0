"""What a source of EMG is and does: samples since the last call, with their times; no blocking, no rclpy."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.timebase import TimeBaseSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SourceSpec:
    """What a source says of itself once it is open: `rate` in Hz, `unit` of the samples (V, or a name as counts)."""

    name: str
    channels: tuple[str, ...]
    rate: float
    unit: str
    about: str = ""
    """One sentence for people: what it is, and where that matters what it is not."""

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise ConfigError(f"source {self.name!r} needs channels with unique names, got {', '.join(self.channels)}")
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise ConfigError(f"source {self.name!r} has a rate of {self.rate} Hz; it must be above 0: give it (rate)")
        if not self.unit:
            raise ConfigError(f"source {self.name!r} does not say its unit: give it (unit), such as V or counts")

    def to_json(self, **more: Any) -> str:
        """The text of a message on `emg/spec`, with what else there is to say: conditioning, calibration."""
        return json.dumps({**asdict(self), **more})

    @classmethod
    def from_json(cls, text: str) -> SourceSpec:
        """Inverse of `to_json`, of a message on `emg/spec` too, which says more; raises `ConfigError`."""
        try:
            data = json.loads(text)
            own = {f.name: data[f.name] for f in fields(cls) if f.name in data}
            return cls(**{**own, "channels": tuple(data["channels"])})
        except MyoError:
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"the specification of an EMG source cannot be read: {error!r}") from error


@dataclass(frozen=True, eq=False)
class EmgBlock:
    """The samples that have come since the last call, oldest first.

    `samples` (n, n_channels) with n ≥ 1 in the unit of the specification. `times` (n,) in s on the source's own time
    base: a recording's own times, a device's own clock, which neither jitter nor the computer's clock moves.
    `stamps_ns` (n,) int64 is when each sample was taken, as far apart as `times` say, and `arrival_ns` when the last
    one came in, both in ns of the computer's clock (`time.time_ns`). One number as `stamps_ns` is when the first
    sample was taken. `spans` are the prompts in it, if the source knows what was asked for.
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
        """What was asked for at the last sample; empty when nothing was, or nobody knows."""
        return next((s.label for s in self.spans if s.stop == len(self)), "")


def nanoseconds(seconds: Array) -> NDArray[np.int64]:
    """Whole nanoseconds, shape as given."""
    return np.rint(1e9 * seconds).astype(np.int64)


class EmgSource(Protocol):
    """A device, a stream or a replay, made from its options; constructing opens nothing."""

    @property
    def spec(self) -> SourceSpec:
        """Known once it is open; before that raises `SourceError`."""
        ...

    @property
    def fault(self) -> str:
        """Empty while samples come; otherwise why they do not, in one sentence. It recovers by itself."""
        ...

    @property
    def ended(self) -> bool:
        """True when nothing more will ever come: a recording that was played to its end."""
        ...

    @property
    def timing(self) -> TimeBaseSettings:
        """What its clock did so far: drift, gaps, duplicates, jumps."""
        ...

    def open(self) -> None:
        """Connect, and find out what the device says of itself, which may take seconds; raises `SourceError`."""
        ...

    def read(self) -> EmgBlock | None:
        """What has come since the last call, at once; None when nothing has. Raises nothing once it is open."""
        ...

    def close(self) -> None:
        """Release it; safe to call twice. It can be opened again."""
        ...


def silence(sender: str, limit_s: float, samples: int, question: str) -> str:
    """That nothing has come from `sender` for `limit_s`, or never since it was opened, and what to look at."""
    if not samples:
        return f"{sender} has sent no sample since it was opened: {question}"
    return f"nothing has come from {sender} for more than {limit_s:g} s: {question}"


def named(given: tuple[str, ...], n: int, told: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of `n` channels: those that were given, else those that the device tells, else ch1, ch2 …"""
    names = given or told or tuple(f"ch{k + 1}" for k in range(n))
    if len(names) != n:
        raise ConfigError(f"{len(names)} channel names ({', '.join(names)}) for {n} channels: give {n} (channels)")
    return names
