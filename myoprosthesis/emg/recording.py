"""A recording: samples of several EMG channels, with their times, labels and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6, "nV": 1e-9}
"""Units that are converted to V when read; any other unit (`counts`) is kept by name."""


@dataclass(frozen=True)
class Span:
    """Samples `start` to `stop` (exclusive) during which one thing was done."""

    label: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Recording:
    """`samples` (n_samples, n_channels) in `unit`, `times` (n_samples,) in s, both as recorded.

    `stamped` tells whether the times come from the file; otherwise they are sample number / rate. `targets`
    (n_samples, n_targets) is what was measured or prompted beside the EMG; spans are in order and do not overlap.
    """

    samples: Array
    channels: tuple[str, ...]
    rate: float
    unit: str
    times: Array
    stamped: bool = False
    spans: tuple[Span, ...] = ()
    targets: Array = field(default_factory=lambda: np.zeros((0, 0)))
    target_names: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        n = len(self.samples)
        if self.samples.ndim != 2 or self.samples.shape[1] != len(self.channels) or not self.channels:
            raise ConfigError(f"{self.source}: samples of shape {self.samples.shape} for {len(self.channels)} channels")
        if len(set(self.channels)) != len(self.channels):
            raise ConfigError(f"{self.source}: channel names are not unique: {', '.join(self.channels)}")
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise ConfigError(f"{self.source}: a rate of {self.rate} Hz; it must be above 0")
        if self.times.shape != (n,):
            raise ConfigError(f"{self.source}: {len(self.times)} times for {n} samples")
        if not self.target_names:
            object.__setattr__(self, "targets", np.zeros((n, 0)))
        if self.targets.shape != (n, len(self.target_names)):
            raise ConfigError(f"{self.source}: targets of shape {self.targets.shape} for {n} samples")

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def seconds(self) -> float:
        """Number of samples / rate."""
        return len(self) / self.rate

    def part(self, start: int, stop: int) -> Recording:
        """Samples `start` to `stop` (exclusive), with what of the spans lies in them."""
        stop = min(stop, len(self))
        spans = tuple(
            Span(s.label, max(s.start, start) - start, min(s.stop, stop) - start)
            for s in self.spans
            if s.start < stop and s.stop > start
        )
        cut = slice(start, stop)
        return replace(self, samples=self.samples[cut], times=self.times[cut], targets=self.targets[cut], spans=spans)


def joined(parts: Sequence[Recording]) -> Recording:
    """One recording from parts that follow each other; a span that was cut is whole again."""
    if len(parts) == 1:
        return parts[0]
    spans: list[Span] = []
    offset = 0
    for part in parts:
        for s in part.spans:
            whole = spans and spans[-1].stop == offset + s.start == offset and spans[-1].label == s.label
            start = spans.pop().start if whole else offset + s.start
            spans.append(Span(s.label, start, offset + s.stop))
        offset += len(part)
    return replace(
        parts[0],
        samples=np.concatenate([p.samples for p in parts]),
        times=np.concatenate([p.times for p in parts]),
        targets=np.concatenate([p.targets for p in parts]),
        spans=tuple(spans),
    )


def runs(labels: Sequence[str] | NDArray[np.str_], skip: Sequence[str] = ()) -> tuple[Span, ...]:
    """Spans of equal neighbours in one label per sample; those labelled as in `skip`, or empty, are left out."""
    given = np.asarray(labels)
    if not given.size:
        return ()
    edges = np.concatenate([[0], np.flatnonzero(given[1:] != given[:-1]) + 1, [given.size]])
    spans = (Span(str(given[a]), int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True))
    return tuple(s for s in spans if s.label and s.label not in skip)
