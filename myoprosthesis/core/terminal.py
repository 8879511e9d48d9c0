"""What is said to a terminal or a pipe, whatever characters it knows."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata
from typing import Any

NEAREST = {
    "·": "*", "−": "-", "–": "-", "—": "-", "…": "...", "→": "->", "←": "<-", "×": "x", "±": "+-", "≤": "<=",
    "≥": ">=", "≈": "~", "µ": "u", "μ": "u", "°": " deg", "Ω": "Ohm", "’": "'", "‘": "'", "“": '"', "”": '"', "•": "*",
}  # fmt: skip
"""What stands for a character where it is not known."""


def nearest(error: UnicodeError) -> tuple[str, int]:
    """Characters that an encoding does not have, by their nearest in ASCII, else by `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    plain = (NEAREST.get(c) or unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode() for c in text)
    return "".join(p or "?" for p in plain), error.end


codecs.register_error("myoprosthesis.nearest", nearest)


def accept_all_characters() -> None:
    """Let no character end this process: standard output and error take all, by the nearest that they know."""
    for stream in (sys.stdout, sys.stderr):
        known: Any = stream
        if isinstance(known, io.TextIOWrapper):
            known.reconfigure(errors="myoprosthesis.nearest")
