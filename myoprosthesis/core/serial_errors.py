"""Serial ports that cannot be had: why, what would help, and waiting for one that is busy for a moment."""

from __future__ import annotations

import errno
import grp
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Port = TypeVar("Port")
LET_GO_S = 1.0
"""For so long a port that is locked is tried again: a program that ends lets go of it a moment later."""
AGAIN_S = 0.05
BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)


def is_busy(error: Exception) -> bool:
    """Whether a port could not be opened since another program has it."""
    code = getattr(error, "errno", None)
    return code in BUSY or (code is None and "exclusively lock" in str(error))  # pyserial has no number for it


def once_free(open_port: Callable[[], Port], wait_s: float = LET_GO_S) -> Port:
    """What `open_port` opens, which is tried again while another program has the port, for `wait_s` at most.

    Raises:
        OSError, ValueError: What `open_port` raises, the last time that the port is busy.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            return open_port()
        except OSError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(AGAIN_S)


def explain(path: str, error: Exception, what: str) -> str:
    """Why `path` could not be opened; `what` is the device that a person would plug in there."""
    code = getattr(error, "errno", None)
    if code is None and "configure port" in str(error):  # pyserial has no number for it
        code = errno.ENOTTY
    if code == errno.EACCES:
        return f"no permission for {path}: {_permission(path)}"
    if is_busy(error):
        return f"{path} is busy: another program has it open; close that program (`fuser {path}` names it)"
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return f"there is no port {path}: {present()}; plug the {what} in, or give another port"
    if code in (errno.ENOTTY, errno.EINVAL, errno.EISDIR) or isinstance(error, ValueError):
        return f"{path} cannot be used as a serial port ({reason(error)}): {present()}"
    return f"{path} cannot be opened: {reason(error)}"


def present() -> str:
    """The USB serial ports of this machine, in words."""
    ports = sorted(str(p) for kind in ("ttyUSB", "ttyACM") for p in Path("/dev").glob(f"{kind}*"))
    return f"ports here are {', '.join(ports)}" if ports else "no serial port is plugged in here"


def reason(error: Exception) -> str:
    """The operating system's words for it."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error).split(":")[0]


def refuse_foreign_link(path: str) -> None:
    """Raises `OSError` when a port is a link that another user made, or can exchange for one to another device."""
    place = Path(path)
    for _ in range(40):
        link = os.lstat(place)
        if not stat.S_ISLNK(link.st_mode):
            return
        folder = os.stat(place.parent)
        other = next((s.st_uid for s in (link, folder) if s.st_uid not in (0, os.getuid())), None)
        if other is not None:
            raise OSError(f"{place} is a link that another user (number {other}) can change")
        if folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not folder.st_mode & stat.S_ISVTX:
            raise OSError(f"{place} is a link in a folder that others can write")
        place = place.parent / os.readlink(place)


def _permission(path: str) -> str:
    """What to do about a port that may not be opened."""
    try:
        about = os.stat(path)
        group, readable = grp.getgrgid(about.st_gid).gr_name, bool(about.st_mode & stat.S_IRGRP)
    except (OSError, KeyError):
        group, readable = "dialout", True
    if group == "root" or not readable:
        return "install a udev rule that gives it to the group dialout (hardware/udev), and join that group"
    return f"join the group {group} with `sudo usermod -aG {group} $USER`, then log in again"
