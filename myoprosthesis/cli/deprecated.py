"""Commands that were renamed; their former names work for one release."""

from __future__ import annotations

from myoprosthesis.core.deprecated import notice

COMMANDS = {"exchange": "switch-effector", "go": "continue"}
"""Former names of commands."""


def present(words: list[str]) -> list[str]:
    """What was typed, with the present name of a command that was renamed."""
    if words and words[0] in COMMANDS:
        notice(words[0], COMMANDS[words[0]])
        return [COMMANDS[words[0]], *words[1:]]
    return words
