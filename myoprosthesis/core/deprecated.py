"""Names that users typed and that still work for one release, each with a sentence on what to type instead."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import Any

PARAMETERS = {"parties": "participants"}
"""Former names of parameters of nodes."""


def notice(former: str, present: str) -> None:
    """Say that a name is going away."""
    print(f"deprecated: {former} is called {present} now; the old name works until the next release", file=sys.stderr)


def present_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under their present names; a former one is said once in a process."""
    for name in PARAMETERS.keys() & values.keys():
        _notice_once(name, PARAMETERS[name])
    return {PARAMETERS.get(name, name): value for name, value in values.items()}


@functools.cache
def _notice_once(former: str, present: str) -> None:
    notice(f"the parameter {former}", present)
