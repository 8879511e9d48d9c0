"""Parts of a zip file, whose sizes are checked before anything is decompressed."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import printable
from myoprosthesis.files.regular import MIB, read_bytes

LARGEST = 1024 * MIB
"""Bytes of a zip file, and of all parts of one that are read."""
MOST_PARTS = 10_000
_ENCRYPTED = 1


class ZipArchive:
    """A zip file in memory; every fault is a `ConfigError` with one sentence."""

    def __init__(self, data: bytes, name: str) -> None:
        """`data`: the bytes of the file; `name` names it in sentences."""
        self.name = name
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeError) as error:
            raise ConfigError(f"{name} is no zip file, or a damaged one ({len(data)} bytes)") from error
        infos = self._zip.infolist()
        if len(infos) > MOST_PARTS:
            raise ConfigError(f"{name} has {len(infos)} parts, at most {MOST_PARTS} are read")
        self._parts = {info.filename: info for info in infos}
        if len(self._parts) < len(infos):
            names = [info.filename for info in infos]
            twice = next(n for n in names if names.count(n) > 1)
            raise ConfigError(f"{name} has the part {printable(twice, 60)!r} twice: leave one out")

    @classmethod
    def open(cls, path: Path) -> ZipArchive:
        """The zip file at `path`."""
        return cls(read_bytes(path, LARGEST), str(path))

    @property
    def names(self) -> tuple[str, ...]:
        """Its parts."""
        return tuple(self._parts)

    @property
    def size(self) -> int:
        """Bytes of all parts together, decompressed."""
        return sum(info.file_size for info in self._parts.values())

    def read(self, part: str, most: int) -> bytes:
        """One part, which is refused before it is decompressed when it is larger than `most` bytes."""
        info = self._parts.get(part)
        if info is None:
            there = printable(", ".join(self._parts), 200) or "none"
            raise ConfigError(f"{self.name} has no part {part!r}; there are: {there}")
        if info.file_size > most:
            raise ConfigError(
                f"{part} in {self.name} has {info.file_size / MIB:.0f} MiB once it is decompressed; the limit is "
                f"{most / MIB:.0f} MiB"
            )
        if info.flag_bits & _ENCRYPTED:
            raise ConfigError(f"{part} in {self.name} is encrypted: save it without a password")
        try:
            with self._zip.open(info) as file:
                data = file.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise ConfigError(f"{part} in {self.name} is damaged: {printable(str(error), 80)}") from error
        if len(data) != info.file_size:
            raise ConfigError(f"{part} in {self.name} is damaged: {len(data)} bytes of {info.file_size}")
        return data
