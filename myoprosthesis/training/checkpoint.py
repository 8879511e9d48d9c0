"""Files that are either the old one or the new one, never half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from myoprosthesis.core.errors import ConfigError


def write(path: Path, fill: Callable[[BinaryIO], Any]) -> None:
    """Let `fill` write to a temporary file beside `path`, then rename it over `path`.

    On any failure, a full disk included, the old file stays as it was and `ConfigError` says so.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            fill(file)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        kept = "the previous one is intact" if path.exists() else "there is no previous one"
        raise ConfigError(
            f"{path} could not be written ({error}); {kept}. Free some space on that disk and continue with --resume"
        ) from error


def write_text(path: Path, text: str) -> None:
    """`write` for text in UTF-8."""
    write(path, lambda file: file.write(text.encode()))


def save(path: Path, state: dict[str, Any]) -> None:
    """Tensors and plain data only, so that `load` never unpickles code."""
    write(path, lambda file: torch.save(state, file))


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote."""
    try:
        return torch.load(path, weights_only=True)
    except FileNotFoundError:
        raise ConfigError(f"there is no checkpoint {path}: nothing to resume; start without --resume") from None
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ConfigError(f"checkpoint {path} cannot be read ({error}); start again without --resume") from error
