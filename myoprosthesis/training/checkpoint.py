"""Checkpoints and other files of a training run, each whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.atomic import Content, replace_file


def write(path: Path, content: Content) -> None:
    """Write a file of the run; on any failure, a full disk included, the old one stays and `ConfigError` says so."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        kept = "the previous one is intact" if path.exists() else "there is no previous one"
        raise ConfigError(
            f"{path} could not be written ({error}); {kept}. Free some space on that disk and continue with --resume"
        ) from error


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
