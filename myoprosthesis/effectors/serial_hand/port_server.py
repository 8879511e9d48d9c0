"""The server of a hand's port.

A process apart from everything that can crash, which outlives whoever commands the hand by the time of its last will.

The standard library and pyserial only. Owner and server exchange packets over a socket that keeps their bounds, each
packet a letter and what belongs to it; neither ever waits for the other.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

OPEN, WRITE, RETUNE, KNOWN, CLOSE = b"O", b"W", b"T", b"N", b"C"
"""To the server. `KNOWN`: the owner knows that its will was done, and has read what came before."""
DONE, FAILED, DATA, LOST, BACK, WILLED = b"K", b"F", b"D", b"L", b"B", b"W"
"""From the server."""
LARGEST = 65536
"""Bytes of the longest packet."""
RETRY_S = 0.02
"""Between two attempts to open a port that was lost."""
DRAIN_S = 0.05
"""How long closing waits for the last bytes to leave."""
LOOK_S = 0.02
"""Between two looks at whether the owner's process still lives: a fork of it may hold its end of the socket open."""

PRIORITY = 30


@dataclass(frozen=True)
class LastWill:
    """What to write when the owner falls silent or is gone.

    `frames` one after the other, the last again and again; then, if the owner is gone, `leave`."""

    frames: tuple[bytes, ...]
    leave: bytes = b""


@dataclass(frozen=True)
class PortSettings:
    """How a port is served.

    The will is done after `silent_s` without a packet of the owner, a frame every `every_s`, for `lasting_s`.
    `wait_for_port`: a port that does not exist yet is waited for."""

    path: str
    baud: int
    rs485: bool = False
    silent_s: float = 0.07
    every_s: float = 0.02
    lasting_s: float = 0.1
    wait_for_port: bool = False
    place: tuple[str, int] | None = None
    """Host and port of a hand on a network; None: `path` is a serial port."""


def pack_write(data: bytes, will: LastWill | None, now: float) -> bytes:
    """A packet: bytes to write, and the will that holds from now on (None: there is nothing to be done)."""
    parts = [data, *((will.leave, *will.frames) if will is not None else ())]
    return WRITE + struct.pack("!d", now) + b"".join(struct.pack("!H", len(p)) + p for p in parts)


def unpack_write(packet: bytes) -> tuple[float, bytes, LastWill | None]:
    """Inverse of `pack_write`: time, data, will."""
    (then,), at, parts = struct.unpack_from("!d", packet, 1), 9, []
    while at < len(packet):
        (n,) = struct.unpack_from("!H", packet, at)
        parts.append(packet[at + 2 : at + 2 + n])
        at += 2 + n
    return then, parts[0], LastWill(tuple(parts[2:]), parts[1]) if len(parts) > 2 else None


def pack_error(letter: bytes, error: Exception) -> bytes:
    """A packet that tells an error by its number and its words."""
    return letter + struct.pack("!i", getattr(error, "errno", None) or 0) + str(error).encode()


def unpack_error(packet: bytes) -> OSError:
    """Inverse of `pack_error`; an error without a number has the words as its only argument."""
    (number,), text = struct.unpack_from("!i", packet, 1), packet[5:].decode(errors="replace")
    return OSError(number, text) if number else OSError(text)


class PortServer:
    """Keeps one port for the owner at the other end of a socket."""

    def __init__(self, owner: socket.socket, parent: int = 0) -> None:
        """`parent`: the process whose death is the owner's death; 0: only the socket tells."""
        self._owner, self._parent = owner, parent
        self._owner.setblocking(False)
        self._settings = PortSettings("", 0)
        self._port: Any = None
        self._rest = b""
        self._will: LastWill | None = None
        self._heard_at = time.monotonic()
        self._begun: float | None = None
        self._written = 0
        self._unknown = False
        self._leave = b""
        self._gone = self._over = False
        self._retry_at = float("inf")

    def run(self) -> None:
        """Until the owner closes, or is gone and its will is done."""
        while not self._over:
            port = [self._port] if self._port is not None else []
            owner = [] if self._gone else [self._owner]
            ready, _, _ = select.select(owner + port, port if self._rest else [], [], self._patience())
            if self._owner in ready:
                self._hear()
            if self._port is not None and self._port in ready:
                self._forward()
            if self._rest:
                self._put(b"")
            self._tend(time.monotonic())
        self._release()

    def dismiss(self, *_: object) -> None:
        """As if the owner were gone."""
        self._gone = True

    # -- time -----------------------------------------------------------------------------------------------------

    def _patience(self) -> float:
        now = time.monotonic()
        due = [now + LOOK_S, self._retry_at]
        if self._begun is not None:
            due.append(self._begun + self._written * self._settings.every_s)
        elif self._will is not None:
            due.append(self._heard_at + self._settings.silent_s)
        return max(0.0, min(due) - now)

    def _tend(self, now: float) -> None:
        """Do what its time has come for. What the owner has said by now was heard before."""
        if self._parent and os.getppid() != self._parent:
            self._gone = True
        if self._port is None and now >= self._retry_at:
            self._return()
        silent = now - self._heard_at
        if self._will is not None and self._begun is None and (self._gone or silent >= self._settings.silent_s):
            self._begun, self._written, self._unknown = now, 0, True
            self._rest = b""
            self._tell(WILLED + struct.pack("!d", silent))
        if self._begun is not None and self._will is not None:
            if now - self._begun >= self._settings.lasting_s:
                self._leave, self._will, self._begun = self._will.leave, None, None
            elif now >= self._begun + self._written * self._settings.every_s:
                self._put(self._will.frames[min(self._written, len(self._will.frames) - 1)])
                self._written += 1
        if self._gone and self._will is None:
            self._over = True

    # -- the owner ------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        while not (self._gone or self._over):
            try:
                packet = self._owner.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            self._heard_at = time.monotonic()
            if packet:
                self._obey(packet[:1], packet)
            else:
                self._gone = True

    def _obey(self, letter: bytes, packet: bytes) -> None:
        if letter == WRITE:
            then, data, will = unpack_write(packet)
            if self._unknown or self._heard_at - then > self._settings.silent_s:
                return  # computed before the will was done, or long ago: a dead target
            self._will = will
            self._put(data)
        elif letter == KNOWN:
            self._unknown, self._will, self._begun, self._leave = False, None, None, b""
        elif letter == OPEN:
            self._settings = PortSettings(**json.loads(packet[1:]))
            self._open()
        elif letter == RETUNE:
            self._retune(struct.unpack_from("!I", packet, 1)[0])
        elif letter == CLOSE:
            self._leave, self._over = packet[1:], True

    def _tell(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # the owner does not read, or is gone
            self._owner.send(packet)

    # -- the port -------------------------------------------------------------------------------------------------

    def _opened(self) -> Any:
        t = self._settings
        if t.place is not None:
            from myoprosthesis.effectors.serial_hand.tcp_port import TcpPort

            return TcpPort(*t.place)
        import serial

        from myoprosthesis.core.serial_errors import refuse_foreign_link

        refuse_foreign_link(t.path)
        port = serial.Serial(t.path, t.baud, timeout=0, write_timeout=0, exclusive=True)
        if t.rs485:
            from serial.rs485 import RS485Settings

            port.rs485_mode = RS485Settings()
        port.reset_input_buffer()
        return port

    def _open(self) -> None:
        from myoprosthesis.core.serial_errors import once_free

        try:
            self._port = once_free(self._opened)
        except (OSError, ValueError) as error:
            if self._settings.wait_for_port:
                self._tell(DONE)
                self._lose(error)
            else:
                self._tell(pack_error(FAILED, error))
                self._over = True
        else:
            self._tell(DONE)

    def _retune(self, baud: int) -> None:
        try:
            if self._port is not None:
                self._port.baudrate = baud
                self._port.reset_input_buffer()
        except (OSError, ValueError) as error:
            self._tell(pack_error(FAILED, error))
        else:
            self._settings = PortSettings(**{**asdict(self._settings), "baud": baud})
            self._tell(DONE)

    def _put(self, data: bytes) -> None:
        """Write; what the port does not take at once goes first next time, and nothing new is queued behind it."""
        out = self._rest or data
        if self._port is None or not out:
            return
        try:
            self._rest = out[os.write(self._port.fileno(), out) :]
        except BlockingIOError:
            self._rest = out
        except OSError as error:
            self._lose(error)

    def _forward(self) -> None:
        try:
            data = os.read(self._port.fileno(), 4096)
            if not data:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
        else:
            self._tell(DATA + data)

    def _lose(self, error: Exception) -> None:
        lost, self._port, self._rest = self._port, None, b""
        self._retry_at = time.monotonic() + RETRY_S
        self._tell(pack_error(LOST, error))
        if lost is not None:  # closing may take long on a USB adapter
            threading.Thread(target=_close, args=(lost,), daemon=True).start()

    def _return(self) -> None:
        try:
            self._port = self._opened()
        except (OSError, ValueError):
            self._retry_at = time.monotonic() + RETRY_S
        else:
            self._retry_at = float("inf")
            self._tell(BACK)

    def _release(self) -> None:
        """Write what is left and the last word, let it leave, and close the port."""
        until = time.monotonic() + DRAIN_S
        while self._rest and time.monotonic() < until:
            self._put(b"")
            time.sleep(0.001)
        self._put(self._leave)
        if self._port is not None:
            with contextlib.suppress(OSError):
                while self._port.out_waiting and time.monotonic() < until:
                    time.sleep(0.001)
            _close(self._port)


def _close(port: Any) -> None:
    with contextlib.suppress(OSError):
        port.close()


def main() -> None:
    """Keep a port for the process `argv[-1]` at the other end of the socket `argv[-2]`."""
    owner = socket.socket(fileno=int(sys.argv[-2]))
    server = PortServer(owner, int(sys.argv[-1]))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, server.dismiss)
    gc.disable()
    with contextlib.suppress(AttributeError, OSError):  # where it is granted: above the loops of those it outlives
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    server.run()
    os._exit(0)
