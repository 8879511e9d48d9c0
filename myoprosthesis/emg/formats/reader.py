"""What a format of recordings is: a reader of its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat


class EmgFormatReader(Protocol):
    """Reader of the files with one extension, registered under it (entry points `myoprosthesis.emg_formats`).

    `@uses("rate", "unit", …)` declares which fields of the description it reads; any other that is set is refused
    before it is called.
    """

    def __call__(self, path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
        """Read a recording.

        Args:
            path: a regular file that is not empty.
            layout: what a person says of the file; it contradicts the file nowhere (`rate_and_unit`, `emg_channels`).
            block: most samples of a part, so that no more of the file is in memory; 0: the whole recording in one part.

        Returns:
            Parts that follow each other, all with the same channels, rate (Hz) and unit: `samples`, shape
            (n, n_channels), in V where the unit of the file is one of volts and else as stored, NaN where one is
            missing; `times` (n,), s, increasing over all parts; `targets` (n, n_targets); spans with the labels of the
            file, counted from the first sample of their part and `continued` where one began in the part before. The
            samples are the same for any `block`.

        Raises:
            ConfigError: The file is damaged, or neither it nor `layout` says its rate, unit or channels, or they
                contradict each other; the sentence names the option that would settle it.
        """
        ...
