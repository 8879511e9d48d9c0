"""A serial port that never blocks, says in one sentence why it cannot be had, and comes back by itself.

The port itself belongs to a small process, the port server, which does the last will of this one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import serial

import myoprosthesis
from myoprosthesis.core.errors import EffectorError
from myoprosthesis.core.serial_errors import explain, reason
from myoprosthesis.effectors.serial_hand import port_server
from myoprosthesis.effectors.serial_hand.port_server import LastWill, PortSettings
from myoprosthesis.hands.address import address

RETRY_S = 0.02
"""Between two attempts to start a port server."""
ANSWER_S = 5.0
"""How long a port server may take to start and to open a port."""
LATENCY_MS = 1
"""The latency timer of an FTDI adapter that is quick enough for a hand."""
START = (
    "import sys; sys.path += sys.argv[1:3]; from myoprosthesis.effectors.serial_hand.port_server import main; main()"
)
"""Started without site packages, except pyserial's folder: 30 ms sooner, and nothing else runs that could fail."""


class PortClient:
    """The port of a hand, whose server is a process of its own.

    `error` is empty while the port works; after a failure it says why, and the port is used again as soon as it can be.
    `reopened` counts how often that was. `take_stall` says once that this process was silent for too long."""

    def __init__(
        self, path: str, baud: int, rs485: bool = False, silent_s: float = 0.07, lasting_s: float = 0.1
    ) -> None:
        """A will is done after `silent_s` without a `write`, for `lasting_s`."""
        self.path, self.baud = path, baud
        self._rs485, self._silent_s, self._lasting_s = rs485, silent_s, lasting_s
        self.error = ""
        self.reopened = 0
        self._link: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._stall = 0.0
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Raises `EffectorError` with what would help."""
        self._closed.clear()
        try:
            self._link, self._server = self._started(wait_for_port=False)
        except (OSError, ValueError) as error:
            raise EffectorError(_explained(self.path, error)) from error
        self.error = ""

    @property
    def server_pid(self) -> int:
        """The process that has the port; 0 while there is none."""
        return self._server.pid if self._server is not None else 0

    def write(self, data: bytes, will: LastWill | None = None) -> None:
        """Write bytes, and leave `will` for the case that nothing more comes from here (None: nothing).

        Bytes that cannot leave at once are dropped: a target that waits is a dead target."""
        if self._link is None:
            return
        try:
            self._link.send(port_server.pack_write(data, will, time.monotonic()))
        except BlockingIOError:
            pass
        except OSError:
            self._replace_server()

    def read(self) -> bytes:
        """What has come, at once."""
        out = b""
        while (link := self._link) is not None:
            try:
                packet = link.recv(port_server.LARGEST)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            letter = packet[:1]
            if letter == port_server.DATA:
                out += packet[1:]
            elif letter == port_server.LOST:
                self.error = _gone(self.path, port_server.unpack_error(packet))
            elif letter == port_server.BACK:
                self.error = ""
                self.reopened += 1
            elif letter == port_server.WILLED:
                self._stall = struct.unpack_from("!d", packet, 1)[0]
            elif not packet:
                self._replace_server()
        return out

    def take_stall(self) -> float:
        """The time (s) for which this process had been silent when its will was begun; 0: it was not.

        To be asked after `read` and before `write`; until it has been asked, nothing is written."""
        stall, self._stall = self._stall, 0.0
        if stall and self._link is not None:
            with contextlib.suppress(OSError):
                self._link.send(port_server.KNOWN)
        return stall

    def close(self, last: bytes = b"") -> None:
        """Write `last`, let it leave and release the port; safe to call twice."""
        self._closed.set()
        with self._lock:
            link, self._link = self._link, None
            process, self._server = self._server, None
        if link is not None:
            with contextlib.suppress(OSError):
                link.send(port_server.CLOSE + last)
        if process is not None:
            _end(process)
        if link is not None:
            link.close()

    def retune(self, baud: int) -> None:
        """Go on at another speed, with what has come so far dropped."""
        self.baud = baud
        if self._link is not None:
            self._link.send(port_server.RETUNE + struct.pack("!I", baud))
            try:
                _answer(self._link)
            except OSError as error:
                raise EffectorError(f"{self.path} cannot be set to {baud} Bd: {error}") from error

    # -- the port server --------------------------------------------------------------------------------------------

    def _started(self, wait_for_port: bool) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        """A port server that has opened the port; raises its error."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        folders = [str(Path(module.__file__ or "").parents[1]) for module in (myoprosthesis, serial)]
        words = [sys.executable, "-I", "-S", "-c", START, *folders, str(theirs.fileno()), str(os.getpid())]
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            ours.close()
            raise EffectorError(f"the process that keeps {self.path} cannot be started: {error}") from error
        finally:
            theirs.close()
        settings = PortSettings(
            self.path, self.baud, self._rs485, self._silent_s, lasting_s=self._lasting_s, wait_for_port=wait_for_port,
            place=address(self.path),
        )  # fmt: skip
        ours.setblocking(False)
        try:
            ours.send(port_server.OPEN + json.dumps(asdict(settings)).encode())
            _answer(ours)
        except OSError:
            ours.close()
            _end(process)
            raise
        return ours, process

    def _replace_server(self) -> None:
        """The port server ended: report it, and start another."""
        with self._lock:
            link, self._link = self._link, None
            process, self._server = self._server, None
            if link is None or process is None or self._closed.is_set():
                return
            self.error = self._server_ended("")
        link.close()
        threading.Thread(target=self._recover, args=(process,), name="hand port", daemon=True).start()

    def _server_ended(self, cause: str) -> str:
        return f"the process that keeps {self.path} ended{cause}; another is started"

    def _recover(self, lost: subprocess.Popen[bytes]) -> None:
        _end(lost)
        code = lost.returncode
        self.error = self._server_ended(f" ({signal.Signals(-code).name})" if code < 0 else f" (status {code})")
        while not self._closed.is_set():
            try:
                link, process = self._started(wait_for_port=True)
            except (OSError, EffectorError):
                self._closed.wait(RETRY_S)
                continue
            with self._lock:
                if not self._closed.is_set():
                    self._link, self._server, self.error = link, process, ""
                    self.reopened += 1
                    return
            link.close()
            _end(process)


def _answer(link: socket.socket) -> None:
    """Wait until a port server confirms; raises the error that it reports."""
    until = time.monotonic() + ANSWER_S
    link.settimeout(ANSWER_S)
    try:
        while time.monotonic() < until:
            packet = link.recv(port_server.LARGEST)
            if packet[:1] == port_server.FAILED:
                raise port_server.unpack_error(packet)
            if packet[:1] == port_server.DONE:
                return
            if not packet:
                raise OSError(errno.EPIPE, "the process that keeps the port ended")
        raise TimeoutError(f"the process that keeps the port did not answer within {ANSWER_S:g} s")
    finally:
        link.setblocking(False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a port server that was asked to end."""
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _gone(path: str, error: Exception) -> str:
    return f"{path} is gone ({reason(error)}); it is used again as soon as it is plugged in"


def _explained(path: str, error: Exception) -> str:
    if address(path) is None:
        return explain(path, error, "hand")
    why = str(error).rpartition("] ")[2]
    return f"{path} cannot be reached ({why}): is the hand on, in this network, at this address and port?"


def check_latency(path: str, devices: Path = Path("/sys/bus/usb-serial/devices")) -> None:
    """Raise `EffectorError`, which says what would help, where the adapter at `path` holds replies back."""
    try:
        latency = int((devices / Path(path).resolve().name / "latency_timer").read_text())
    except (OSError, ValueError):
        return  # not an FTDI adapter
    if latency <= LATENCY_MS:
        return
    raise EffectorError(
        f"the adapter at {path} holds replies back for {latency} ms (its latency timer), {LATENCY_MS} ms is needed: "
        f"install the udev rules of hardware/udev, or write {LATENCY_MS} to "
        f"{devices}/{Path(path).resolve().name}/latency_timer"
    )
