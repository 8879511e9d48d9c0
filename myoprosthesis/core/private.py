"""Folders of this user alone, for what processes of a stack share in a place for temporary files: emulators' ports."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from myoprosthesis.core.errors import ConfigError


def stack_name(domain: int, namespace: str) -> str:
    """What the folder of a stack is called, the same for all of its processes."""
    return "_".join(["myoprosthesis", str(os.getuid()), str(domain), *namespace.strip("/").split("/")]).rstrip("_")


def runtime_folder(name: str) -> Path:
    """Path of the runtime folder `name`, in `XDG_RUNTIME_DIR` where that belongs to this user alone.

    Otherwise it is in the folder for temporary files. It need not exist; one that exists and is not this user's alone
    is refused.
    """
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(own if _is_private(own) else tempfile.gettempdir()) / name
    if os.path.lexists(folder):
        check_private(folder)
    return folder


def make_private(folder: Path) -> None:
    """Make a folder that only this user can enter, where it does not exist.

    Raises `ConfigError` when it is not this user's own, others can write to it, or it is a link.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(folder):
            folder.mkdir(mode=0o700)
    except FileExistsError:
        pass  # made by another process meanwhile: it is looked at below
    except OSError as error:
        raise ConfigError(f"the folder {folder} cannot be made: {error.strerror}") from error
    check_private(folder)


def _is_private(folder: str) -> bool:
    if not os.path.isabs(folder):
        return False
    try:
        check_private(Path(folder))
    except ConfigError:
        return False
    return True


def check_private(folder: Path) -> None:
    """Raise `ConfigError` where others could change what is in a folder."""

    def refusal(why: str) -> ConfigError:
        return ConfigError(f"{folder} {why}: another user could put a port of theirs in it; remove it")

    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise refusal("is a link, or another's, or no folder at all") from error
    try:
        about, above = os.fstat(handle), os.stat("..", dir_fd=handle)
    finally:
        os.close(handle)
    if about.st_uid != os.getuid():
        raise refusal(f"belongs to user {about.st_uid}")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise refusal(f"can be written by others (mode {stat.S_IMODE(about.st_mode):o})")
    if above.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not above.st_mode & stat.S_ISVTX:
        raise refusal(f"stands in a folder that others can write (mode {stat.S_IMODE(above.st_mode):o})")
