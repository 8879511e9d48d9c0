"""Names that users typed and that still work for one release, each with a sentence on what to type instead."""

from __future__ import annotations

import sys

COMMANDS = {"exchange": "switch-effector", "go": "continue"}
"""Former names of commands."""


def notice(former: str, present: str) -> None:
    """Say that a name is going away."""
    print(f"deprecated: {former} is called {present} now; the old name works until the next release", file=sys.stderr)


def present(words: list[str]) -> list[str]:
    """What was typed, with the present name of a command that was renamed."""
    if words and words[0] in COMMANDS:
        notice(words[0], COMMANDS[words[0]])
        return [COMMANDS[words[0]], *words[1:]]
    return words
