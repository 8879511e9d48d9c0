"""Text from files, names and messages as it may be shown: what is not printable is escaped, what is long is cut."""

from __future__ import annotations

LONGEST = 2000
"""Characters of a message that a person reads."""


def printable(value: object, most: int = LONGEST) -> str:
    """`value` as text without control characters (they appear as `\\x1b`), at most `most` characters long."""
    text = str(value)
    if len(text) > most:
        text = f"{text[:most]}… ({len(text) - most} more characters)"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def brief(value: object, most: int = 120) -> str:
    """The text of a value on one line, of bounded length and without control characters, for a sentence."""
    text = " ".join(str(value).split())
    return printable(text if len(text) <= most else f"{text[:most]}…")


def short(value: object) -> str:
    """A value of an option for people: `5` for 5.0, `0, 0.3` for a tuple."""
    if isinstance(value, (tuple, list)):
        return ", ".join(map(short, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def counted(n: int, what: str) -> str:
    """A number and what it counts, in the plural but for one: 1 gap, 2 gaps."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def is_plain(text: str) -> bool:
    """Whether `text` can stand in a name: no control characters, no line breaks."""
    return text.isprintable()
