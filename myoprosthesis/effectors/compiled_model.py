"""Models that MuJoCo compiles, or why it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import mujoco

from myoprosthesis.core.errors import ConfigError

T = TypeVar("T")


def compiled(load: Callable[[], T], what: str) -> T:
    """What `load` returns, such as a compiled model, or a `ConfigError` with MuJoCo's own reason."""
    try:
        return load()
    except (ValueError, OSError, mujoco.FatalError) as error:
        why = " ".join(str(error).split())  # of several lines, a log would have the last one alone
        raise ConfigError(f"{what} cannot be loaded by MuJoCo {mujoco.__version__}: {why}") from error
