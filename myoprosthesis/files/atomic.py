"""Files that are either the old one or the new one, never half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from myoprosthesis.core.errors import ConfigError, MyoError

Content = bytes | str | Callable[[BinaryIO], Any]
"""Bytes, text (written in UTF-8), or a function that writes to the file it is given."""


def replace_file(path: Path, content: Content) -> None:
    """Write `content` to a new file beside `path` and rename it over `path` once it is on the disk.

    Whatever is raised meanwhile, `OSError` for a full disk included, the old file stays as it was.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")  # of its own, should two processes write the file
    try:
        with new.open("xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, content: Content, error: type[MyoError] = ConfigError) -> None:
    """`replace_file`; a file that cannot be written is an `error` of one sentence."""
    try:
        replace_file(path, content)
    except OSError as fault:
        raise error(f"{path} cannot be written: {fault.strerror}") from fault
