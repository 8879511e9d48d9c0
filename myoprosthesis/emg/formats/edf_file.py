"""EDF, EDF+, BDF and BDF+ files: the header, the signals, the onset of every data record, and the annotations.

Kemp and Olivan (2003), doi 10.1016/S1388-2457(03)00123-8; a sample of BDF has 24 bits instead of 16. No more of the
file is read than is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.emg.formats.annotations import Annotation

Array = NDArray[np.float64]
HEAD = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)
FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Widths in bytes of the fields of the header, and of those of each signal."""
BIOSEMI = b"\xffBIOSEMI"
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
TAL = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14([^\x00]*)\x14\x00")
"""A list of annotations with one onset: +onset, a duration perhaps, texts."""


@dataclass(frozen=True)
class Signal:
    """One signal: `per_record` samples a data record, which lie `offset` bytes behind its beginning."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[float, float]
    per_record: int
    offset: int

    @property
    def calibrated(self) -> bool:
        """Whether the header says what a digital value means."""
        return self.digital[0] < self.digital[1] and self.physical[0] != self.physical[1]


class EdfFile:
    """Raises `ConfigError` for what is no such file. `remarks` are sentences on what is not as the header says."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.remarks: list[str] = []
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(256)
                fields = _split(head, HEAD, 1)
                number = _whole(fields[9][0], "number of signals")
                if not 0 < number <= size // 256 - 1:
                    raise ValueError(f"its header says that it has {number} signals")
                columns = _split(file.read(256 * number), FIELDS, number)
        except MyoError:
            raise
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise self._damaged(error) from error
        self.biosemi = head[:8] == BIOSEMI
        if not self.biosemi and fields[0][0] != "0":
            raise self._damaged("it does not begin with a version of 0")
        length, due = fields[5][0], 256 * (number + 1)
        if length and length != str(due):
            raise self._damaged(f"its header says that it is {length!r} bytes long, {number} signals need {due}")
        self.width = 3 if self.biosemi else 2
        try:
            self._signals = _signals(columns, self.width)
            self.record_s = _number(fields[8][0])
            declared = _whole(fields[7][0], "number of data records")
        except MyoError:
            raise
        except ValueError as error:
            raise self._damaged(error) from error
        bytes_in_record = self.width * sum(s.per_record for s in self._signals)
        there, rest = divmod(size - 256 * (number + 1), bytes_in_record or size)
        if not there:
            raise ConfigError(f"{path} holds no whole data record, of {bytes_in_record} bytes as its header says")
        self.records = min(declared, there) if declared >= 0 else there  # −1: the recording was not ended
        if self.records != there or declared > there:
            self.remarks.append(f"its header says {declared} data records, it has {there}: {self.records} are read")
        elif rest:
            self.remarks.append("its last data record is cut off and not read")
        if not self.records:
            raise ConfigError(f"{path} has no samples: its header says 0 data records")
        self._bytes = np.memmap(path, np.uint8, "r", 256 * (number + 1), (there, bytes_in_record))
        ordinary = [s for s in self._signals if s.label not in ANNOTATIONS]
        self.signals = tuple(s for s in ordinary if s.per_record)
        if len(self.signals) < len(ordinary):
            empty = ", ".join(s.label for s in ordinary if not s.per_record)
            self.remarks.append(f"{empty}: no samples at all")
        self.onsets, self.annotations = np.arange(self.records) * self.record_s, list[Annotation]()
        self._read_annotations(fields[6][0][3:5] == "+D")

    def digital(self, signal: Signal, first: int, last: int) -> NDArray[np.int64]:
        """Values as stored in the data records `first` to `last` (exclusive), shape (n,)."""
        raw = np.ascontiguousarray(self._part(signal, first, last))
        if self.width == 2:
            return raw.view("<i2").ravel().astype(np.int64)
        low, middle, high = raw.reshape(-1, 3).astype(np.int64).T
        return low + (middle << 8) + (((high ^ 0x80) - 0x80) << 16)

    @staticmethod
    def physical(signal: Signal, digital: NDArray[np.int64]) -> Array:
        """Values (n,) in the signal's unit of those as stored; the same where it has no calibration."""
        values = digital.astype(float)
        if not signal.calibrated:
            return values
        (low, high), (bottom, top) = signal.physical, signal.digital
        gain = (high - low) / (top - bottom)
        return gain * (values + (high / gain - top))

    def _part(self, signal: Signal, first: int, last: int) -> NDArray[np.uint8]:
        return self._bytes[first:last, signal.offset : signal.offset + self.width * signal.per_record]

    def beyond(self, signal: Signal, values: NDArray[Any]) -> bool:
        """Whether values as stored are outside the range that the header says they are in."""
        low, high = signal.digital
        return signal.calibrated and bool(len(values)) and not low <= values.min() <= values.max() <= high

    def _read_annotations(self, interrupted: bool) -> None:
        """Annotations, and the onsets of the data records, which the first list of each record says.

        `interrupted`: the header says that there are pauses between data records.
        """
        there = [s for s in self._signals if s.label in ANNOTATIONS]
        strange, onsets = 0, []
        for record in range(self.records if there else 0):
            for k, signal in enumerate(there):
                text = self._part(signal, record, record + 1).tobytes()
                place = 0
                for match in TAL.finditer(text):
                    strange += bool(text[place : match.start()].strip(b"\0"))
                    onset = float(match[1])
                    if k == 0 and match.start() == 0 and match[3][:1] in (b"", b"\x14"):
                        onsets.append(onset)
                    place = match.end()
                    self.annotations += [
                        Annotation(onset, _text(t), float(match[2] or 0)) for t in match[3].split(b"\x14") if t
                    ]
                strange += bool(text[place:].strip(b"\0"))
        if strange:
            self.remarks.append(f"{strange} places among its annotations cannot be read")
        if len(onsets) == self.records:
            self.onsets = np.array(onsets)
        elif onsets:
            self.remarks.append(f"only {len(onsets)} of {self.records} data records say when they begin: none is used")
        if interrupted and len(onsets) != self.records:
            self.remarks.append("its header says that it has pauses, but not where: samples are taken without any")

    def _damaged(self, why: object) -> ConfigError:
        return ConfigError(f"{self._path} is no {self._path.suffix[1:].upper()} file, or a damaged one: {why}")


def _signals(columns: list[list[str]], width: int) -> list[Signal]:
    """Signals from the columns of the header; raises `ValueError`."""
    out, offset = [], 0
    for label, _, unit, *texts, _, samples, _ in zip(*columns, strict=True):
        try:
            ends = [_number(v) for v in texts] if label not in ANNOTATIONS else [-1.0, 1.0, -1.0, 1.0]
        except ValueError:
            raise ValueError(
                f"the ranges of signal {label!r} are {', '.join(map(repr, texts))}: finite numbers are needed"
            ) from None
        per_record = _whole(samples, f"number of samples of {label!r}")
        if per_record < 0:
            raise ValueError(f"its header says that {label!r} has {per_record} samples a data record")
        out.append(Signal(label, unit, (ends[0], ends[1]), (ends[2], ends[3]), per_record, offset))
        offset += width * per_record
    return out


def _split(head: bytes, widths: tuple[int, ...], number: int) -> list[list[str]]:
    """Fields of a header: for each width `number` texts."""
    if len(head) != sum(widths) * number:
        raise ValueError("its header is cut off")
    out, place = [], 0
    for width in widths:
        out.append([_text(head[place + k * width : place + (k + 1) * width]) for k in range(number)])
        place += width * number
    return out


def _text(value: bytes) -> str:
    """UTF-8, or Latin-1 where it is none: a micro sign is one byte in the header of many devices."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.strip(" \0")


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"the {what} in its header is {text!r}") from None


def _number(text: str) -> float:
    """A finite number, with a comma or a point; an empty field of an uncalibrated signal is 0."""
    value = float(text.replace(",", ".") or 0)
    if not np.isfinite(value):
        raise ValueError(text)
    return value
