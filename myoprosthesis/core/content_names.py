"""Names of files that keep what is under one name apart when its content changes."""

from __future__ import annotations


class ContentNames:
    """Gives a file's name while its content stays what it was when it was first seen, and else a name of its own.

    A network that was trained again and written over the one before has the same path, and is another.
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def of(self, name: str, sha256: str) -> str:
        """`name`, or with six digits of the hash behind it where that is not the first one of this name."""
        if not sha256 or self._first.setdefault(name, sha256) == sha256:
            return name
        return f"{name} {sha256[:6]}"
