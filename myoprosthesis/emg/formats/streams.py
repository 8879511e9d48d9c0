"""What formats with markers beside samples share: a marker holds until the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.layout import Layout, needed
from myoprosthesis.emg.recording import VOLTS, Recording, Span

Array = NDArray[np.float64]


def chosen(path: Path, layout: Layout, there: Sequence[str], likely: Sequence[str], what: str) -> str:
    """The one that holds the EMG: the one that is named, else the only likely one."""
    if layout.dataset:
        if layout.dataset not in there:
            raise ConfigError(f"{path}: {unknown(what, layout.dataset, there)}")
        return layout.dataset
    if len(likely) != 1:
        told = ", ".join(sorted(there)) or "none"
        raise ConfigError(f"{path} holds {len(likely)} {what}s of EMG: say which (--dataset); there are {told}")
    return likely[0]


def basics(path: Path, layout: Layout, rate: float, unit: str) -> tuple[float, str]:
    """Rate (Hz) and unit: the layout's, else those of the file; asked for when neither says them."""
    rate, unit = layout.rate or rate, layout.unit or unit
    if not rate > 0:
        raise needed(path, "sampling rate", "rate", "2000")
    if not unit:
        raise needed(path, "unit", "unit", "V (or counts)")
    return rate, unit


def columns(path: Path, layout: Layout, names: Sequence[str]) -> list[int]:
    """Places of the channels that are wanted: those of the layout, or all."""
    for name in layout.channels:
        if name not in names:
            raise ConfigError(f"{path}: {unknown('channel', name, names)}")
    return [list(names).index(c) for c in layout.channels or names]


def held(layout: Layout, times: Array, markers: Sequence[tuple[float, str]]) -> tuple[Span, ...]:
    """Spans of samples at `times`: each marker (s, text) from its time until the next one's."""
    told = sorted(markers, key=lambda m: m[0])
    edges = [*np.searchsorted(times, [at for at, _ in told]).tolist(), len(times)]
    spans = (Span(layout.called(t), a, b) for (_, t), a, b in zip(told, edges[:-1], edges[1:], strict=True))
    return tuple(s for s in spans if s.label and s.start < s.stop)


def cut(
    path: Path, layout: Layout, block: int, pieces: Iterator[tuple[Array, Array]], names: Sequence[str],
    markers: Sequence[tuple[float, str]], rate: float, unit: str,
) -> Iterator[Recording]:  # fmt: skip
    """Recordings of up to `block` samples (0: all in one) from pieces of samples (n, n_channels) and times (n,)."""
    wanted, count = columns(path, layout, names), 0
    channels, kept = tuple(names[k] for k in wanted), "V" if unit in VOLTS else unit

    def made(x: Array, t: Array) -> Recording:
        samples = np.asarray(x[:, wanted], float) * VOLTS.get(unit, 1.0)
        return Recording(samples, channels, rate, kept, t, True, held(layout, t, markers), source=str(path))

    parts: list[tuple[Array, Array]] = []
    waiting = 0
    for piece in pieces:
        count, waiting = count + len(piece[1]), waiting + len(piece[1])
        parts.append(piece)
        while block and waiting >= block:
            x, t = (np.concatenate([p[k] for p in parts]) for k in (0, 1))
            yield made(x[:block], t[:block])
            parts, waiting = [(x[block:], t[block:])], waiting - block
    if not count:
        raise ConfigError(f"{path} has no samples")
    if waiting:
        yield made(*(np.concatenate([p[k] for p in parts]) for k in (0, 1)))
