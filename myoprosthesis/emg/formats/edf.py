"""Recordings as EDF, EDF+ and BDF: rate, units, names and annotations are in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import agreement
from myoprosthesis.emg.layout import Layout, uses
from myoprosthesis.emg.recording import Recording, Span, volts


@uses("rate", "unit", "channels")
def read_edf(path: Path, layout: Layout, block: int) -> Iterator[Recording]:
    """All signals of one rate and unit, or those that the layout names; annotations are the labels."""
    import edfio

    try:
        file = edfio.read_bdf(path) if path.suffix.lower() == ".bdf" else edfio.read_edf(path)
        signals = {s.label: s for s in file.signals}
    except Exception as error:  # edfio raises many kinds for what is no such file
        raise ConfigError(f"{path} is no {path.suffix[1:].upper()} file, or a damaged one") from error
    for name in layout.channels:
        if name not in signals:
            raise ConfigError(f"{path}: {unknown('channel', name, signals)}")
    used = [signals[c] for c in layout.channels or signals]
    if not used:
        raise ConfigError(f"{path} holds no signal")
    rates, units = {s.sampling_frequency for s in used}, {s.physical_dimension for s in used}
    if len(rates) > 1 or len(units) > 1:
        told = ", ".join(f"{s.label} {s.sampling_frequency:g} Hz {s.physical_dimension}" for s in used)
        raise ConfigError(f"{path} holds several kinds of signals: name the EMG (--channels); there are {told}")
    rate, file_unit = agreement.rate(path, layout, float(rates.pop())), agreement.unit(path, layout, units.pop())
    unit, factor = volts(file_unit)
    samples = np.stack([s.data for s in used], axis=1) * factor
    whole = Recording(
        samples, tuple(s.label for s in used), rate, unit, np.arange(len(samples)) / rate,
        spans=_spans(file.annotations, rate, len(samples)), source=str(path), file_unit=file_unit,
    )  # fmt: skip
    for start in range(0, len(whole), block or max(1, len(whole))):
        yield whole.part(start, start + (block or len(whole)))


def _spans(annotations, rate: float, n: int) -> tuple[Span, ...]:  # type: ignore[no-untyped-def]
    """An annotation lasts as long as it says, or until the next one."""
    told = sorted(annotations, key=lambda a: a.onset)
    spans: list[Span] = []
    for k, one in enumerate(told):
        ends = one.onset + one.duration if one.duration else told[k + 1].onset if k + 1 < len(told) else n / rate
        start, stop = max(0, round(one.onset * rate)), min(n, round(ends * rate))
        if one.text and start < stop and (not spans or start >= spans[-1].stop):
            spans.append(Span(one.text, start, stop))
    return tuple(spans)
