"""EMG over a serial line as text: one line per sample, one number per channel. Bytes ↔ values; no port, no clock.

What Arduino sketches and MyoWare boards print: `512, 498, 530` with commas, semicolons, blanks or tabs, and CR LF, or
for Arduino's plotter `EMG1:512,EMG2:498`. A separator at the end of a line is none.
"""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LONGEST = 1024
"""Bytes without an end of line that are no line any more."""
SETTLED = 5
"""Lines in a row that look alike before that is how this board prints: what it says at its start is no sample."""
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
BETWEEN = re.compile(rb"[ \t]*[,;][ \t]*|[ \t]+")
LABELLED = re.compile(rb"([^:,;\t]+?)[ \t]*:[ \t]*([^\s:,;]+)[ \t]*(?:[,;\t][ \t]*|[ ]+|$)")

Shape = tuple[int, tuple[str, ...]]
"""Of a line: how many numbers it has, and their labels; no labels: it has none."""


class Lines:
    """Reads a stream of lines, however it comes in; the first, which may be half a line, is left out.

    `channels` and `labels` are those of the lines that are taken: of the first ones, until `SETTLED` in a row agree,
    and from then on of those; `known` says so. `other` is the shape of the newest lines when as many in a row are
    not like that, None while they are. `counts`: `lines` that were taken and `damaged` ones, which were not.
    """

    def __init__(self) -> None:
        self.channels, self.known = 0, False
        self.labels: tuple[str, ...] = ()
        self.counts = Counter[str]()
        self._rest = b""
        self._joined = False
        self._last: Shape = (0, ())
        self._alike = 0

    @property
    def other(self) -> Shape | None:
        """See the class."""
        strange = self._last[0] and self._alike >= SETTLED and not self._taken(self._last)
        return self._last if strange else None

    def reset(self) -> None:
        """Another stream begins: half a line is never made whole."""
        self._rest, self._joined, self._alike = b"", False, 0

    def parse(self, data: bytes) -> Array:
        """Samples (n, channels) that `data` completes; what is damaged is counted and dropped."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            self._rest = self._rest[-LONGEST:]
        if lines and not self._joined:
            self._joined = True
            lines = lines[1:]
        rows: list[list[float]] = []
        for line in lines:
            if not line.strip():
                continue
            labels, values = parsed(line)
            shape = len(values), labels
            self._alike = self._alike + 1 if shape == self._last else 1
            self._last = shape
            if self._settle(shape):
                rows.clear()
            sound = bool(values) and self._taken(shape)
            self.counts["lines" if sound else "damaged"] += 1
            if sound:
                rows.append(values)
        return np.array(rows).reshape(len(rows), self.channels)

    def _settle(self, shape: Shape) -> bool:
        """Take lines of this shape from now on, where that is still open; True when others were taken before."""
        agreed = self._alike >= SETTLED
        if self.known or not shape[0] or (self.counts["lines"] and not agreed):
            return False
        changed = self.counts["lines"] > 0 and not self._taken(shape)
        (self.channels, self.labels), self.known = shape, agreed
        return changed

    def _taken(self, shape: Shape) -> bool:
        return shape == (self.channels, self.labels)


def parsed(line: bytes) -> tuple[tuple[str, ...], list[float]]:
    """The labels of a line, if it has any, and its numbers; nothing where it is not one of finite numbers only."""
    line = line.strip().rstrip(b",; \t")
    labels: tuple[str, ...] = ()
    cells = BETWEEN.split(line)
    if b":" in line:
        pairs, at = [], 0
        while at < len(line) and (match := LABELLED.match(line, at)):
            pairs.append(match.groups())
            at = match.end()
        if at < len(line):
            return (), []
        labels = tuple(label.decode(errors="replace").strip() for label, _ in pairs)
        cells = [value for _, value in pairs]
        if len(set(labels)) != len(labels):
            return (), []
    if not all(NUMBER.fullmatch(cell) for cell in cells):
        return (), []
    values = [float(cell) for cell in cells]
    return (labels, values) if all(map(math.isfinite, values)) else ((), [])
