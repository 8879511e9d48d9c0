"""A serial port that never blocks, says in one sentence why it cannot be had, and comes back by itself."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import stat
import threading
import time

import serial
from serial.tools import list_ports

from myoprosthesis.core.errors import EffectorError

RETRY_S = 0.02
"""Between two attempts to open a port that was lost."""
DRAIN_S = 0.05
"""How long closing waits for the last bytes to leave."""


class HandPort:
    """`error` is empty while the port works. After a failure it says why, and a thread tries to open it again."""

    def __init__(self, path: str, baud: int, rs485: bool = False) -> None:
        self.path, self.baud, self._rs485 = path, baud, rs485
        self.error = ""
        self.reopened = 0
        self.bytes_sent = 0
        self._serial: serial.Serial | None = None
        self._rest = b""
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Raises `EffectorError` with what would help."""
        self._closed.clear()
        try:
            self._serial = self._opened()
        except (OSError, ValueError) as error:
            raise EffectorError(explain(self.path, error)) from error
        self.error = ""

    def write(self, data: bytes) -> None:
        """Hand bytes to the operating system; what it does not take at once goes first next time, and nothing new
        is queued behind it: a target that waits is a dead target."""
        port = self._serial
        if port is None or not (data or self._rest):
            return
        try:
            out = self._rest or data
            sent = port.write(out) or 0
            self.bytes_sent += sent
            self._rest = out[sent:]
        except (OSError, TypeError) as error:  # TypeError: pyserial, when closed in between
            self._lose(error)

    def read(self) -> bytes:
        """What has come, at once."""
        port = self._serial
        if port is None:
            return b""
        try:
            waiting = port.in_waiting
            return port.read(waiting or 1)  # at least one, since only reading tells that the device is gone
        except (OSError, TypeError) as error:
            self._lose(error)
            return b""

    def close(self) -> None:
        """Let the last bytes leave and release the port; safe to call twice."""
        self._closed.set()
        with self._lock:
            port, self._serial = self._serial, None
        if port is None:
            return
        with contextlib.suppress(OSError):
            until = time.monotonic() + DRAIN_S
            while port.out_waiting and time.monotonic() < until:
                time.sleep(0.001)
        with contextlib.suppress(OSError):
            port.close()

    def retune(self, baud: int) -> None:
        """Go on at another speed, with what has come so far dropped."""
        self.baud = baud
        if self._serial is not None:
            try:
                self._serial.baudrate = baud
                self._serial.reset_input_buffer()
            except (OSError, ValueError) as error:
                raise EffectorError(f"{self.path} cannot be set to {baud} Bd: {error}") from error

    def _opened(self) -> serial.Serial:
        port = serial.Serial(self.path, self.baud, timeout=0, write_timeout=0, exclusive=True)
        if self._rs485:
            from serial.rs485 import RS485Settings

            port.rs485_mode = RS485Settings()
        port.reset_input_buffer()
        return port

    def _lose(self, error: Exception) -> None:
        with self._lock:
            port, self._serial, self._rest = self._serial, None, b""
            if port is None:
                return
            self.error = f"{self.path} is gone ({_reason(error)}); it is used again as soon as it is plugged in"
        threading.Thread(target=self._recover, args=(port,), name="hand port", daemon=True).start()

    def _recover(self, lost: serial.Serial) -> None:
        with contextlib.suppress(OSError):
            lost.close()  # may take long on a USB adapter, hence in this thread
        while not self._closed.wait(RETRY_S):
            try:
                port = self._opened()
            except (OSError, ValueError):
                continue
            with self._lock:
                if not self._closed.is_set():
                    self._serial, self.error = port, ""
                    self.reopened += 1
                    return
            port.close()


def explain(path: str, error: Exception) -> str:
    """Why a port could not be opened, and what would help."""
    code = getattr(error, "errno", None)
    if code is None and "exclusively lock" in str(error):
        code = errno.EBUSY
    if code is None and "configure port" in str(error):
        code = errno.ENOTTY
    if code == errno.EACCES:
        return f"no permission for {path}: {_permission(path)}"
    if code in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        return f"{path} is busy: another program has it open; close that program (`fuser {path}` names it)"
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return f"there is no port {path}: {_present()}; plug the hand in, or give another port"
    if code in (errno.ENOTTY, errno.EINVAL, errno.EISDIR) or isinstance(error, ValueError):
        return f"{path} cannot be used as a serial port ({_reason(error)}): {_present()}"
    return f"{path} cannot be opened: {_reason(error)}"


def _permission(path: str) -> str:
    """What to do about a port that may not be opened."""
    try:
        group = grp.getgrgid(os.stat(path).st_gid).gr_name
        readable = bool(os.stat(path).st_mode & stat.S_IRGRP)
    except (OSError, KeyError):
        group, readable = "dialout", True
    if group == "root" or not readable:
        return "install a udev rule that gives it to the group dialout (hardware/udev), and join that group"
    return f"join the group {group} with `sudo usermod -aG {group} $USER`, then log in again"


def _present() -> str:
    ports = [p.device for p in list_ports.comports()]
    return f"ports here are {', '.join(ports)}" if ports else "no serial port is plugged in here"


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error).split(":")[0]
