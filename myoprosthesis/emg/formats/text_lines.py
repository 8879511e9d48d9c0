"""Lines of a text file in whatever encoding it has, of bounded length."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from types import TracebackType

from myoprosthesis.core.errors import ConfigError

PROBE = 16 << 20
"""Bytes from which the encoding is found."""
LONGEST = 1 << 20
"""Characters of a line; more is no table of samples."""
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
"""Byte order marks; that of UTF-32 begins with one of UTF-16."""
MINUS = re.compile("\u2212(?=[.,]?\\d)")
"""The minus sign of Unicode before a number."""
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
WESTERN = "cp1252"
"""What European Windows programs write; it has the printable characters of Latin-1 in the same places."""


class TextLines:
    """Lines of a file, without their ends, one after the other; `number` is that of the last one, from 1.

    `remark` says how the encoding was found where the file does not say it itself. Raises `ConfigError`.
    """

    def __init__(self, path: Path, encoding: str = "") -> None:
        self.path, self.number, self.remark = path, 0, ""
        self.whole = True
        """Whether the last line was ended."""
        try:
            with path.open("rb") as file:
                probe = file.read(PROBE)
            self.encoding = _known(path, encoding) if encoding else self._detect_encoding(probe)
            self._file = path.open(encoding=self.encoding)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error

    def __enter__(self) -> TextLines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def next(self) -> str | None:
        """The next line, None at the end of the file."""
        return next(iter(self.take(1)), None)

    def take(self, n: int) -> list[str]:
        """The next `n` lines, fewer at the end of the file."""
        lines: list[str] = []
        try:
            while len(lines) < n and (line := self._file.readline(LONGEST + 1)):
                lines.append(line)
        except UnicodeError as error:  # also of a file in utf-16 without its mark
            raise ConfigError(
                f"{self.path}, after line {self.number + len(lines)}: this is not {self.encoding}; give its "
                f"--encoding, such as cp1252"
            ) from error
        if not lines:
            return lines
        if max(map(len, lines)) > LONGEST:
            number = self.number + 1 + next(k for k, line in enumerate(lines) if len(line) > LONGEST)
            raise ConfigError(f"{self.path}, line {number} has more than {LONGEST} characters: this is no table")
        text = "".join(lines)
        if strange := CONTROL.search(text):
            number = self.number + 1 + text.count("\n", 0, strange.start())
            raise ConfigError(
                f"{self.path} is no text: is its extension right?" if number == 1 else
                f"{self.path}, line {number}: {strange[0]!r} is no text: was the file cut off while it was written? "
                f"Remove what is from there on"
            )  # fmt: skip
        text = MINUS.sub("-", text)
        self.number += len(lines)
        self.whole = text.endswith("\n")
        return (text[:-1] if self.whole else text).split("\n")

    def _detect_encoding(self, probe: bytes) -> str:
        for mark, name in MARKS.items():
            if probe.startswith(mark):
                return name
        sample = probe[: 1 << 12]
        for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
            if sample and zeros.count(0) > 0.8 * len(zeros):
                return name
        try:
            codecs.getincrementaldecoder("utf-8")().decode(probe, final=len(probe) < PROBE)
        except UnicodeDecodeError:
            if b"\0" in sample:
                raise ConfigError(f"{self.path} is no text: is its extension right?") from None
            self.remark = f"not UTF-8: read as {WESTERN} (Western European); --encoding names another"
            return WESTERN
        return "utf-8"


def _known(path: Path, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # refused by those that are not of text, such as hex
        return name
    except (LookupError, UnicodeError) as error:
        raise ConfigError(f"{path}: there is no encoding {encoding!r}; utf-8, cp1252 and utf-16 are some") from error
