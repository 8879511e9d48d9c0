"""Libraries that only some need, asked for in one sentence when they are missing."""

from __future__ import annotations

import importlib
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
