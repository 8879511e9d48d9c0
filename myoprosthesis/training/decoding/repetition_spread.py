"""How far the class means of one repetition lie from those of the others of the same session."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from myoprosthesis.training.decoding.fitting import Fitted
from myoprosthesis.training.decoding.windows import Windows

LENGTHS = (8, 16, 32, 64, 128)
"""Numbers of windows, from the start of a repetition, for which the spread is known."""


def repetition_spread(w: Windows, decoder: Fitted) -> dict[str, float]:
    """Mean square of that distance, in the units of novelty, by the number of windows that the mean is taken over.

    This is what a class mean of a new session would differ by if nothing had changed: what an adaptation must not
    follow. Empty where no session repeats a class.
    """
    y = decoder.normaliser(w.x) @ decoder.novelty_detector.whiten
    squares: dict[int, list[float]] = {n: [] for n in LENGTHS}
    for session in sorted(set(w.session.tolist())):
        for name in decoder.names:
            here = (w.session == session) & (w.label == name)
            repetitions = sorted(set(w.repetition[here].tolist()))
            for repetition in repetitions if len(repetitions) > 1 else ():
                own = np.flatnonzero(here & (w.repetition == repetition))
                others = y[here & (w.repetition != repetition)].mean(axis=0)
                for n in LENGTHS:
                    squares[n].append(float(((y[own[:n]].mean(axis=0) - others) ** 2).sum()))
    return {str(n): float(np.mean(each)) for n, each in squares.items() if each}


def spread_of(spread: Mapping[str, float], windows: float) -> float:
    """The spread of means over this number of windows, interpolated on the logarithm of the number."""
    known = sorted((int(n), value) for n, value in spread.items())
    return float(np.interp(np.log(windows), np.log([n for n, _ in known]), [value for _, value in known]))
