"""Libraries that only some need, asked for in one sentence when they are missing."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from myoprosthesis.core.errors import ConfigError


def library(name: str, extra: str, what: str) -> Any:
    """The module `name`; raises `ConfigError` that says how to install it for `what`."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:  # a library may lack a shared object, and say so in many ways
        base = name.split(".")[0]
        why = "" if isinstance(error, ModuleNotFoundError) else f" ({' '.join(str(error).split())[:80]})"
        raise ConfigError(f"{what} needs {base}{why}: pip install 'myoprosthesis[{extra}]'") from error


def require(name: str, extra: str, what: str) -> None:
    """Raise the error of `library` where the library `name` is not installed, without importing it.

    For a command that only starts the process that uses it: `scipy.signal` alone takes over a second to import.
    """
    if importlib.util.find_spec(name) is None:
        raise ConfigError(f"{what} needs {name}: pip install 'myoprosthesis[{extra}]'")
