"""Writing figures to a file, beside the table that people read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.atomic import write_atomic
from myoprosthesis.files.csv_text import csv_text


def check_writable(path: str, option: str = "--json") -> None:
    """Refuse early a file that could not be written at the end."""
    folder = Path(path).expanduser().absolute().parent
    if path and Path(path).expanduser().is_dir():
        raise ConfigError(f"{option} {path}: this is a folder, the name of a file is needed")
    if path and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigError(f"{option} {path}: the folder {folder} does not exist or cannot be written to")


def policy_folder(out: str) -> Path:
    """The folder into which a policy is to be written; raises `ConfigError` where there is one already."""
    folder = Path(out).expanduser()
    if (folder / "policy.onnx").exists():
        raise ConfigError(f"{folder} already holds a policy, which is not overwritten: give another --out")
    return folder


def write_json(path: str, figures: dict[str, Any]) -> None:
    """Write figures whole or not at all; what is not a finite number becomes null."""
    _replace(path, json.dumps(_plain(figures), indent=1) + "\n")


def write_csv(path: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write rows whole or not at all, under `columns` and then all their further keys.

    A value that is missing or is not a finite number is left empty.
    """
    keys = dict.fromkeys([*columns, *(key for row in rows for key in row)])
    _replace(path, csv_text(keys, *([_plain(row.get(key)) for key in keys] for row in rows)))


def _replace(path: str, text: str) -> None:
    """Put a text in the place of a file, at once."""
    if not path:
        return
    target = Path(path).expanduser()
    if target.exists() and not target.is_file():  # a device or a pipe, which must not be replaced by a file
        try:
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
    else:
        write_atomic(target, text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
