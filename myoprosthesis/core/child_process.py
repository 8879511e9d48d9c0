"""What the processes of a stack and the one that starts them agree on: variables of the environment, exit statuses."""

from __future__ import annotations

import os

STARTER = "MYOPROSTHESIS_PARENT"
"""Variable with the number of the process that this one must not outlive."""
RUN = "MYOPROSTHESIS_RUN"
"""Variable of all processes of one stack, from its start to its end: a text that no other stack has."""
CRASHED, REFUSED, FAILED = 1, 2, 3
"""Exit status of a process that broke down, of one that cannot use what it was given, and of one whose work cannot go
on, such as an effector whose device is gone for good. The last two are not started again."""


def process_environment(run: str) -> dict[str, str]:
    """Environment variables of every process of a stack.

    With them a process ends with this one, even when that is killed, and an emergency stop outlasts a restart within
    `run`.
    """
    return {STARTER: str(os.getpid()), RUN: run, "PYTHONUNBUFFERED": "1"}
