"""Checkpoints and other files of a training run, each whole or not at all."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.atomic import Content, replace_file

HEAD = "myoprosthesis checkpoint"
"""The first line of a checkpoint begins with this; a file of a former release has none."""


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
    """Tensors and plain data only, so that `load` never unpickles code; a first line has their size and SHA-256."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    head = f"{HEAD} {len(data)} {hashlib.sha256(data).hexdigest()}\n".encode()
    write(path, head + data)


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote; raises `ConfigError` for a file that is missing, cut off or changed."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"there is no checkpoint {path}: nothing to resume; start without --resume") from None
    except OSError as error:
        raise _unreadable(path, error.strerror) from error
    if data.startswith(HEAD.encode()):
        head, _, data = data.partition(b"\n")
        size, digest = [*head.decode("ascii", "replace").split(), "", ""][2:4]
        if str(len(data)) != size:
            raise _unreadable(path, f"it has {len(data)} bytes of {size}")
        if hashlib.sha256(data).hexdigest() != digest:
            raise _unreadable(path, "its SHA-256 is not that of its contents")
    try:
        return torch.load(io.BytesIO(data), weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise _unreadable(path, error) from error


def _unreadable(path: Path, reason: object) -> ConfigError:
    return ConfigError(f"checkpoint {path} cannot be read ({reason}); start again without --resume")
