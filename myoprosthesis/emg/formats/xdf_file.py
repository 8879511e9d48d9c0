"""XDF files: the streams, with what could not be read of them; a stream that was stopped and started again is one.

https://github.com/sccn/xdf/wiki/Specifications. pyxdf reads the file and brings the clocks together; what it would
allocate is compared with what is there before.
"""

from __future__ import annotations

import logging
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.extras import library

Array = NDArray[np.float64]
BOUNDARY = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")
"""Where reading goes on behind a damaged place."""
SIZES = {"string": 2, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "float32": 4, "double64": 8}
"""Least bytes of a value, by channel_format."""
CUT_OFF = 2**26
"""A chunk that says it is longer than the rest of the file by more than this is damaged, not cut off."""
USUAL = ("Segments and clock-segments differ", "Calculated effective sampling rate")
"""What pyxdf says of sound files."""
DESCRIBED = ("label", "unit", "type", "scaling_factor")
"""What is read of the description of a channel."""


@dataclass(frozen=True, eq=False)
class XdfStream:
    """`values` (n, n_channels), numbers or texts, at `times` (n,) in s; `channels` as described, by their place."""

    number: int
    name: str
    type: str
    source: str
    host: str
    format: str
    rate: float
    channels: tuple[dict[str, str], ...]
    times: Array
    values: Any
    synchronised: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the channels, empty where the file says none."""
        return tuple(c["label"] for c in self.channels)

    @property
    def about(self) -> str:
        """What tells it apart from another one of its name."""
        words = [self.type, f"{len(self.channels)} × {self.format}", self.host]
        names = ", ".join([n for n in self.labels if n][:4])
        return ", ".join(w for w in [*words, f"channels {names} …" if names else ""] if w)


def load(path: Path) -> tuple[list[XdfStream], list[str]]:
    """The streams of a file, and sentences on what was not whole; raises `ConfigError`."""
    pyxdf = library("pyxdf", "emg", "reading XDF")
    remarks = _checked(path)
    logger, messages = logging.getLogger("pyxdf.pyxdf"), _Messages()
    propagate = logger.propagate
    logger.addHandler(messages)
    logger.propagate = False
    try:
        with np.errstate(all="ignore"):  # what it says of stamps that are all the same
            loaded, _ = pyxdf.load_xdf(str(path), synchronize_clocks=True, dejitter_timestamps=False, verbose=False)
        streams = [_stream(s) for s in loaded]
    except Exception as error:  # pyxdf raises many kinds for what is no such file
        raise _damaged(path) from error
    finally:
        logger.removeHandler(messages)
        logger.propagate = propagate
    remarks += [f"pyxdf says: {m[:160]}" for m in messages.texts if not any(u in m for u in USUAL)]
    for stream, raw in zip(streams, loaded, strict=True):
        remarks += [*_undescribed(stream, raw), *_counted(stream, raw)]
    joined, more = _joined(streams)
    return joined, remarks + more


def _checked(path: Path) -> list[str]:
    """Walk through the chunks: refuse sizes that are not there, and say how much is damaged."""
    channels: dict[int, tuple[int, int]] = {}
    damaged = 0
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:4] != b"XDF:":
                raise _damaged(path)
            place = 4
            while place < len(data):
                try:
                    start, size = _length(data, place)
                    tag, stream = struct.unpack_from("<HI", data, start) if size >= 6 else (0, 0)
                    if size < 2 or size > len(data) - start + CUT_OFF:
                        raise ValueError("length")
                except MyoError:
                    raise
                except (ValueError, struct.error):
                    damaged += 1
                    place = data.find(BOUNDARY, place) + len(BOUNDARY)
                    if place < len(BOUNDARY):
                        break
                    continue
                if start + size > len(data):
                    damaged += 1
                if tag == 2:
                    channels[stream] = _width(path, bytes(data[start + 6 : start + size]))
                if tag == 3 and stream in channels:
                    _check_samples(path, data, start + 6, size - 6, *channels[stream])
                place = start + size
    except MyoError:
        raise
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    words = f"{damaged} places of the file are damaged or cut off: what is behind them, up to the next mark, is lost"
    return [words] if damaged else []


def _length(data: Any, place: int) -> tuple[int, int]:
    """Where a number of variable length ends, and the number; raises `ValueError`, `struct.error`."""
    width = data[place]
    if width not in (1, 4, 8):
        raise ValueError(f"a number of {width} bytes")
    return place + 1 + width, struct.unpack_from({1: "<B", 4: "<I", 8: "<Q"}[width], data, place + 1)[0]


def _width(path: Path, header: bytes) -> tuple[int, int]:
    """Number of channels and least bytes of a value, as a stream's header says."""
    try:
        info = ElementTree.fromstring(header.decode("utf-8", "replace"))
        count, kind = int(info.findtext("channel_count") or 0), info.findtext("channel_format") or ""
    except MyoError:
        raise
    except (ElementTree.ParseError, ValueError) as error:
        raise _damaged(path) from error
    if count < 1 or kind not in SIZES:
        name = info.findtext("name") or ""
        raise ConfigError(f"{path}: stream {name[:80]!r} says that it has {count} channels of format {kind[:80]!r}")
    return count, SIZES[kind]


def _check_samples(path: Path, data: Any, start: int, size: int, width: int, each: int) -> None:
    try:
        _, count = _length(data, start)
    except (IndexError, ValueError, struct.error):
        return  # damaged, which pyxdf finds
    if count * (1 + width * each) > size:
        raise ConfigError(
            f"{path} is a damaged XDF file: {count} samples of {width} channels do not fit into a chunk of {size} bytes"
        )


def _stream(raw: Any) -> XdfStream:
    info = raw["info"]
    count = int(_one(info, "channel_count"))
    channels = _described(info)
    if len(channels) != count:
        channels = [dict.fromkeys(DESCRIBED, "")] * count
    values: Any = raw["time_series"]
    return XdfStream(
        info["stream_id"], _one(info, "name"), _one(info, "type"), _one(info, "source_id"), _one(info, "hostname"),
        _one(info, "channel_format"), float(_one(info, "nominal_srate") or 0), tuple(channels),
        np.asarray(raw["time_stamps"], float), values, bool(raw["clock_times"]),
    )  # fmt: skip


def _described(info: Any) -> list[dict[str, str]]:
    """Label, unit and type of every channel that a stream's header describes."""
    desc = (info.get("desc") or [None])[0] or {}
    channels = ((desc.get("channels") or [None])[0] or {}).get("channel") or [] if isinstance(desc, dict) else []
    return [{k: _one(c, k) for k in DESCRIBED} for c in channels if isinstance(c, dict)]


def _undescribed(stream: XdfStream, raw: Any) -> list[str]:
    """A sentence where a stream describes another number of channels than it has."""
    described, width = len(_described(raw["info"])), len(stream.channels)
    if described in (0, width):
        return []
    return [
        f"stream {stream.name!r} has {width} channels and describes {described}: "
        "names, units and types that it gives are not used"
    ]


def _counted(stream: XdfStream, raw: Any) -> list[str]:
    """A sentence where the recorder wrote down another number of samples than there are."""
    footer = (raw.get("footer") or {}).get("info") or {}
    text = _one(footer, "sample_count") if isinstance(footer, dict) else ""
    if not text.isdigit() or int(text) == len(stream.times):
        return []
    return [f"stream {stream.name!r}: its recorder counted {text} samples, {len(stream.times)} are in the file"]


def _joined(streams: Sequence[XdfStream]) -> tuple[list[XdfStream], list[str]]:
    """Streams of which the parts that follow each other, of one name and from one source, are one."""
    groups: dict[Any, list[XdfStream]] = {}
    for s in streams:
        source = "" if s.format == "string" else s.source
        groups.setdefault((s.name, s.type, source, s.format, s.rate, s.labels), []).append(s)
    out, remarks = [], []
    for group in groups.values():
        parts = sorted((s for s in group if len(s.times)), key=lambda s: float(s.times[0]))
        apart = all(a.times[-1] < b.times[0] for a, b in zip(parts[:-1], parts[1:], strict=True))
        if len(parts) < 2 or not apart:
            out += parts or group[:1]
            continue
        texts = group[0].format == "string"
        whole = [row for p in parts for row in p.values] if texts else np.concatenate([p.values for p in parts])
        times = np.concatenate([p.times for p in parts])
        out.append(replace(parts[0], times=times, values=whole, synchronised=all(p.synchronised for p in parts)))
        remarks.append(f"stream {parts[0].name!r} was stopped and started again: its {len(parts)} parts are one")
    return sorted(out, key=lambda s: s.number), remarks


class _Messages(logging.Handler):
    """Keeps what is logged, instead of a line on the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.texts.append(" ".join(record.getMessage().split()))


def _one(info: Any, key: str) -> str:
    """A value of XML as pyxdf gives it: a list with one text, or with None for an empty element."""
    value = info.get(key) or [""]
    return str(value[0] or "").strip()


def _damaged(path: Path) -> ConfigError:
    return ConfigError(f"{path} is no XDF file, or a damaged one")
