"""The content of a regular file: never a pipe, a device or more than a stated number of bytes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from myoprosthesis.core.errors import ConfigError

MIB = 1 << 20


def read_bytes(path: Path, most: int, what: str = "") -> bytes:
    """The content of `path`, which is refused when it is no regular file or larger than `most` bytes.

    `what` names it in the sentence of the `ConfigError` (default: the path).
    """
    name = what or str(path)
    try:
        # A pipe that nobody writes to would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise ConfigError(f"{name} cannot be read: it is a folder, a file is needed")
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{name} cannot be read: it is a pipe or a device, a regular file is needed")
        if status.st_size > most:
            raise ConfigError(f"{name} has {_size(status.st_size)}; the limit is {_size(most)}")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most)
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}") from error
    finally:
        os.close(handle)


def _size(n: int) -> str:
    return f"{n / MIB:.0f} MiB" if n >= 10 * MIB else f"{n} bytes"
