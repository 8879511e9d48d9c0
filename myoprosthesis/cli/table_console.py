"""Where tables are printed: as wide as the terminal, and in a pipe so wide that no name is cut."""

from __future__ import annotations

import sys

from rich.console import Console

PIPE = 200
"""Characters of a line in a pipe or a file."""


def table_console() -> Console:
    """The console of standard output."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE)
