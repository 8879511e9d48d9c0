"""Writing figures to a file, beside the table that people read."""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option `--json FILE`."""
    parser.add_argument("--json", metavar="FILE", default="", help="also write the figures to FILE")


def check_writable(path: str) -> None:
    """Refuse early a file that could not be written at the end."""
    folder = Path(path).expanduser().absolute().parent
    if path and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigError(f"--json {path}: the folder {folder} does not exist or cannot be written to")


def write_json(path: str, figures: dict[str, Any]) -> None:
    """Write figures whole or not at all; what is not a finite number becomes null."""
    if not path:
        return
    target = Path(path).expanduser()
    new = target.with_name(target.name + ".new")
    try:
        new.write_text(json.dumps(_plain(figures), indent=1) + "\n")
        os.replace(new, target)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
