"""What formats with markers beside samples share: a marker holds until the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import agreement
from myoprosthesis.emg.layout import Layout
from myoprosthesis.emg.recording import Recording, Span, volts

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
    """Rate (Hz) and unit, of the file or the layout; asked for when neither says them."""
    return agreement.rate(path, layout, rate), agreement.unit(path, layout, unit)


def columns(path: Path, layout: Layout, names: Sequence[str]) -> list[int]:
    """Places of the channels that are wanted: those of the layout, or all."""
    for name in layout.channels:
        if name not in names:
            raise ConfigError(f"{path}: {unknown('channel', name, names)}")
    return [list(names).index(c) for c in layout.channels or names]


def held(times: Array, markers: Sequence[tuple[float, str]], before: float = -np.inf) -> tuple[Span, ...]:
    """Spans of samples at `times`: each marker (s, text) from its time until the next one's. `before` is the time of
    the last sample of the block before."""
    told = sorted(markers, key=lambda m: m[0])
    edges = [*np.searchsorted(times, [at for at, _ in told]).tolist(), len(times)]
    spans = (Span(t, a, b, at <= before) for (at, t), a, b in zip(told, edges[:-1], edges[1:], strict=True))
    return tuple(s for s in spans if s.label and s.start < s.stop)


def cut(
    path: Path, layout: Layout, block: int, pieces: Iterator[tuple[Array, Array]], names: Sequence[str],
    markers: Sequence[tuple[float, str]], rate: float, unit: str,
) -> Iterator[Recording]:  # fmt: skip
    """Recordings of up to `block` samples (0: all in one) from pieces of samples (n, n_channels) and times (n,)."""
    wanted, count = columns(path, layout, names), 0
    channels, (kept, factor) = tuple(names[k] for k in wanted), volts(unit)

    last = -np.inf

    def made(x: Array, t: Array) -> Recording:
        nonlocal last
        spans, last = held(t, markers, last), float(t[-1])
        samples = np.asarray(x[:, wanted], float) * factor
        return Recording(samples, channels, rate, kept, t, True, spans, source=str(path), file_unit=unit)

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
