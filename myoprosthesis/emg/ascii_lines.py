"""EMG over a serial line as text: one line per sample, one number per channel. Bytes ↔ values; no port, no clock.

What Arduino sketches and MyoWare boards print: `512, 498, 530` with commas, semicolons, blanks or tabs, and CR LF.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LONGEST = 1024
"""Bytes without an end of line that are no line any more."""
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
BETWEEN = re.compile(rb"[ \t]*[,;][ \t]*|[ \t]+")


class Lines:
    """Reads a stream of lines, however it comes in; the first, which may be half a line, is left out.

    `counts`: `lines` that were understood and `damaged` ones: not numbers, or not as many as the first line had.
    """

    def __init__(self, channels: int = 0) -> None:
        """`channels` is how many numbers a line has; 0: as many as the first one."""
        self.channels = channels
        self.counts = Counter[str]()
        self._rest = b""
        self._joined = False

    def reset(self) -> None:
        """Another stream begins: half a line is never made whole."""
        self._rest, self._joined = b"", False

    def feed(self, data: bytes) -> Array:
        """Samples (n, channels) that `data` completes; what is damaged is counted and dropped."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            self._rest = self._rest[-LONGEST:]
        if lines and not self._joined:
            self._joined = True
            lines = lines[1:]
        rows = []
        for line in lines:
            cells = BETWEEN.split(line.strip())
            if cells == [b""]:
                continue
            sound = all(NUMBER.fullmatch(c) for c in cells) and self.channels in (0, len(cells))
            self.counts["lines" if sound else "damaged"] += 1
            if sound:
                self.channels = len(cells)
                rows.append([float(c) for c in cells])
        return np.array(rows).reshape(len(rows), self.channels)
