"""Annotations and markers as labels of samples: one label a sample, and a sentence on everything that did not fit."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.emg.recording import Span

Array = NDArray[np.float64]
SHOWN = 4
"""Names that are listed in a sentence."""
TOUCHING_S = 1e-6
"""Labels that overlap by no more than this follow each other: sums of decimal numbers differ in the last bit."""


@dataclass(frozen=True)
class Annotation:
    """`text` from `onset` (s) on, for `duration` (s); 0 says nothing of its end."""

    onset: float
    text: str
    duration: float = 0.0


class Timeline:
    """Which label holds when: `starts` and `stops` in s and `labels`, in order and without overlap.

    An annotation without a duration holds until the next one begins (one without text too), or to the end. Where
    annotations overlap, the one that began last holds, and the other one again afterwards; of two that begin together
    the shorter one. One without a duration inside another one that is not to be ignored marks an instant and holds for
    no sample. `remarks` says so; `in_file` are the labels of all of them. Labels are as in the file, those to be
    ignored among them: they end what they cover.
    """

    def __init__(self, annotations: Sequence[Annotation], ignore: Sequence[str] = ()) -> None:
        self._ignore = {*ignore, ""}
        ordered = sorted(annotations, key=lambda a: (a.onset, -a.duration if a.duration > 0 else np.inf))
        self.remarks: list[str] = []
        self.in_file = tuple(dict.fromkeys(a.text.strip() for a in ordered if a.text.strip()))
        self._parts = self._with_ends(ordered)
        self.starts, self.stops, self._which = self._swept()
        self.labels = [self._parts[k][2] for k in self._which]

    def spans(self, times: Array, before: float = np.nan) -> tuple[Span, ...]:
        """Spans of samples at `times` (n,), s, which may have gaps and jumps.

        `before` is the time of the last sample of the block before, whose span the first one may continue.
        """
        if not len(self.starts) or not len(times):
            return ()
        earlier, *which = self._at(np.concatenate([[before], times])).tolist()
        edges = [0, *(np.flatnonzero(np.diff(which)) + 1).tolist(), len(times)]
        runs = [(which[a], a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
        labelled = [(k, a, b) for k, a, b in runs if k >= 0 and self.labels[k]]
        return tuple(Span(self.labels[k], a, b, a == 0 and k == earlier) for k, a, b in labelled)

    def _at(self, times: Array) -> NDArray[np.intp]:
        """Place of what holds at each time, −1 where nothing does."""
        which = np.searchsorted(self.starts, times, side="right") - 1
        return np.where((which >= 0) & (times < self.stops[which]), which, -1)

    def missed(self, times: Array, begin: float) -> list[str]:
        """Sentences on the labels that no sample at `times` has, all samples of the recording, or that outlast it.

        It gives their times since `begin`, that of the first sample, as spans do.
        """
        hit = {self._which[k] for k in np.unique(self._at(times)) if k >= 0} if len(self.starts) else set()
        used = [k for k, part in enumerate(self._parts) if part[2] not in self._ignore]
        lost = [f"{self._parts[k][2]!r} at {self._parts[k][0] - begin:.3f} s" for k in used if k not in hit]
        end = 2 * times[-1] - times[-2] if len(times) > 1 else np.inf
        cut = [repr(self._parts[k][2]) for k in used if k in hit and end + TOUCHING_S < self._parts[k][1] < np.inf]
        return [
            *([f"{_listed(lost, 'label', 'labels')} {'has' if len(lost) == 1 else 'have'} no sample"] if lost else []),
            *([f"{_listed(cut, 'label', 'labels')} would last beyond the end of the recording"] if cut else []),
        ]

    def _with_ends(self, ordered: list[Annotation]) -> list[tuple[float, float, str]]:
        """Onset, end and label of each; what is to be ignored has an empty label."""
        out: list[tuple[float, float, str]] = []
        instants, held, ended, lasting, around, until = [], 0, 0, 0, "", -np.inf
        onsets = np.array([a.onset for a in ordered])
        for a in ordered:
            label, used = a.text.strip(), a.text.strip() not in self._ignore
            if a.duration > 0:
                lasting += used
                if used and a.onset + a.duration > until:
                    around, until = label, a.onset + a.duration
                out.append((a.onset, a.onset + a.duration, label))
            elif a.onset < until:
                if used:
                    instants.append(label)
            else:
                later = int(np.searchsorted(onsets, a.onset, side="right"))
                out.append((a.onset, float(onsets[later]) if later < len(onsets) else np.inf, label))
                held += used
                ended += not label and len(out) > 1 and out[-2][1] == a.onset and bool(out[-2][2])
        if held:
            which = f"{held} of {held + lasting} labels have" if lasting else "its labels have"
            self.remarks.append(f"{which} no duration: each holds until the next label begins")
        if ended:
            ends = "1 label without a text ends" if ended == 1 else f"{ended} labels without a text end"
            self.remarks.append(f"{ends} the one before")
        if instants:
            self.remarks.append(
                f"{_listed(sorted(set(instants)), 'label', 'labels')} without a duration inside another label such as "
                f"{around!r} mark {len(instants)} instants and no samples (leave the other one out with ignore)"
            )
        return out

    def _swept(self) -> tuple[Array, Array, list[int]]:
        """Onsets, ends and places in `_parts`: at any time the one that began last of those that hold."""
        parts = self._parts
        edges = sorted({e for start, stop, _ in parts for e in (start, stop)})
        active: list[tuple[int, float]] = []  # the one that began last first
        out: list[tuple[float, float, int]] = []
        covered: list[str] = []
        k = 0
        for a, b in zip(edges[:-1], edges[1:], strict=True):
            while k < len(parts) and parts[k][0] <= a:
                while active and active[0][1] <= a:
                    heapq.heappop(active)
                under = parts[-active[0][0]] if active else None
                if under and under[1] > a + TOUCHING_S and not {under[2], parts[k][2]} & self._ignore:
                    covered.append(under[2])
                heapq.heappush(active, (-k, parts[k][1]))
                k += 1
            while active and active[0][1] <= a:
                heapq.heappop(active)
            if not active:
                continue
            top = -active[0][0]
            if out and out[-1][1:] == (a, top):
                out[-1] = (out[-1][0], b, top)
            else:
                out.append((a, b, top))
        if covered:
            names = _listed(sorted(set(covered)), "", "")
            self.remarks.append(
                f"labels that begin before another one ends: {len(covered)} ({names}), where "
                "a sample has the label that began last, and the other one's again afterwards"
            )
        starts, stops = (np.array([o[m] for o in out], float) for m in (0, 1))
        return starts, stops, [o[2] for o in out]


def within(spans: Sequence[Span], start: int, stop: int) -> tuple[Span, ...]:
    """What of the spans lies in the samples `start` to `stop` (exclusive), counted from `start`."""
    return tuple(
        Span(s.label, max(s.start, start) - start, min(s.stop, stop) - start, s.start < start)
        for s in spans
        if s.start < stop and s.stop > start
    )


def label_text(value: Any) -> str:
    """A value of a label as text: 3 for 3.0, all digits of a code; empty for what is missing."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value).strip()


def _listed(names: Sequence[str], one: str, several: str) -> str:
    """Up to `SHOWN` names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{one if len(names) == 1 else several} {', '.join(names[:SHOWN])}{more}".strip()
