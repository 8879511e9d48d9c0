"""Port of an emulated hand: a pseudo-terminal at its baud rate or a socket, with faults on demand."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import termios
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.emulators.emulator import Emulator
from myoprosthesis.emulators.fault import KINDS, Fault
from myoprosthesis.emulators.pty_port import PtyPort
from myoprosthesis.emulators.socket_port import SocketPort
from myoprosthesis.hands.address import address

NEEDS_METHOD = {"absent": "absent", "overload": "latch"}
"""Faults that only some hands have, with the method of their emulators."""
TURNAROUND_S = 1e-4
"""Time between the end of a request and the beginning of its reply."""
SPEEDS = {getattr(termios, n): int(n[1:]) for n in dir(termios) if n.startswith("B") and n[1:].isdigit()}


class EmulatedPort:
    """Serves an emulator until `close`.

    `path` is the port to open; it stays the same when the hand is unplugged and plugged in again. A reader or writer at
    another baud rate than the hand's gets garbage, as on a wire.

    `counts`: `requests` (chunks read), `replies`, `bytes_in`, `bytes_out`. `received`: the newest chunks, each with its
    time (s, monotonic clock). `events`: faults that began and ended, with their time.
    """

    def __init__(self, emulator: Emulator, faults: Iterable[Fault] = (), path: str = "") -> None:
        self.emulator, self.counts = emulator, Counter[str]()
        self.received: deque[tuple[float, bytes]] = deque(maxlen=10_000)
        self.events: deque[tuple[float, str]] = deque(maxlen=1000)
        place = address(path) if emulator.spec.framing == "tcp" else None
        self._port = PtyPort(path, emulator.spec.name) if place is None else SocketPort(*place)
        self._serial = place is None
        self.path = self._port.path
        parts = [joint.part for joint in emulator.spec.joints]
        self.index_joint = parts.index("index") if "index" in parts else 0
        """The joint of the faults `stuck`, `absent` and `overload`."""
        self._lock = threading.Lock()
        self._faults: dict[str, tuple[float, float]] = {}
        self._on: set[str] = set()
        self._replies: deque[tuple[float, bytes]] = deque()
        self._in_free = self._out_free = 0.0
        self._stop, self._wake = os.pipe()
        for fault in faults:
            self.fault(fault.kind, fault.for_s, fault.after_s)
        self._thread = threading.Thread(target=self._run, name="emulated hand", daemon=True)
        self._thread.start()

    def __enter__(self) -> EmulatedPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; safe to call twice."""
        if self._thread.is_alive():
            os.write(self._wake, b"x")
            self._thread.join(timeout=2.0)
            os.close(self._stop)
            os.close(self._wake)
        self._port.close()

    def fault(self, kind: str, for_s: float = 0.0, after_s: float = 0.0) -> None:
        """Begin a fault in `after_s`, for `for_s` (0: until `heal`)."""
        if kind not in KINDS:
            raise ConfigError(f"fault {kind!r} is none of {', '.join(KINDS)}")
        spec, lacks = self.emulator.spec, kind in NEEDS_METHOD and not hasattr(self.emulator, NEEDS_METHOD[kind])
        if lacks or (kind == "overload" and not spec.reboots):
            raise ConfigError(f"fault {kind!r} is none of the {spec.title}'s: {KINDS[kind]}")
        begin = time.monotonic() + after_s
        with self._lock:
            self._faults[kind] = (begin, begin + for_s if for_s else float("inf"))
        os.write(self._wake, b"f")

    def settle(self, quiet_s: float = 0.3, patience_s: float = 2.0) -> None:
        """Wait until the hand has received nothing for `quiet_s`, at most for `patience_s`."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until and self.received and time.monotonic() - self.received[-1][0] < quiet_s:
            time.sleep(0.02)

    def heal(self) -> None:
        """End all faults."""
        with self._lock:
            self._faults.clear()
        os.write(self._wake, b"f")

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        request_fifo_scheduling()  # a hand has a processor of its own
        while True:
            now = time.monotonic()
            self._apply_faults(now)
            ports = [self._stop] + ([self._port.master] if self._port.master >= 0 else [])
            due = self._replies[0][0] - now if self._replies else 0.02
            ready, _, _ = select.select(ports, [], [], max(0.0, min(due, 0.02)))
            if self._stop in ready and b"x" in os.read(self._stop, 64):
                return
            if self._port.master in ready:
                self._read()
            self._write()
            self.emulator.advance(time.monotonic())

    def _read(self) -> None:
        try:
            data = os.read(self._port.master, 4096)
        except OSError as error:
            if isinstance(self._port, SocketPort):
                self._port.hang_up()
            elif error.errno != errno.EIO:
                raise
            return
        if not data and isinstance(self._port, SocketPort):
            self._port.hang_up()
            return
        now = time.monotonic()
        self.counts["requests"] += 1
        self.counts["bytes_in"] += len(data)
        self.received.append((now, data))
        if "silence" in self._on:
            return
        per_byte, baud_fits = 10 / self.emulator.spec.baud if self._serial else 0.0, self._baud_fits()
        self._in_free = max(self._in_free, now) + len(data) * per_byte
        for reply in self.emulator.receive(data if baud_fits else _garbled(data), now):
            reply = self._corrupted(reply if baud_fits else _garbled(reply))
            self._out_free = max(self._in_free + TURNAROUND_S, self._out_free) + len(reply) * per_byte
            self._replies.append((self._out_free, reply))

    def _write(self) -> None:
        while self._replies and self._replies[0][0] <= time.monotonic():
            _, reply = self._replies.popleft()
            if self._port.master < 0 or "silence" in self._on:
                continue
            with contextlib.suppress(OSError):  # nobody reads, and the terminal is full: lost, as on a wire
                self.counts["bytes_out"] += os.write(self._port.master, reply)
                self.counts["replies"] += 1

    def _corrupted(self, reply: bytes) -> bytes:
        if "half" in self._on:
            return reply[: len(reply) // 2]
        if "checksum" in self._on:
            k = len(reply) // 2
            return reply[:k] + bytes([reply[k] ^ 0x01]) + reply[k + 1 :]
        return reply

    def _baud_fits(self) -> bool:
        """True if the terminal is set to the hand's speed, or to one without a name."""
        if not self._serial:
            return True
        speed = SPEEDS.get(termios.tcgetattr(self._port.master)[5])
        return speed is None or speed == self.emulator.spec.baud

    def _apply_faults(self, now: float) -> None:
        with self._lock:
            on = {kind for kind, (begin, end) in self._faults.items() if begin <= now < end}
        begun, ended = on - self._on, self._on - on
        self._on = on
        motors = self.emulator.motors
        for kind in sorted(begun | ended):
            self.events.append((now, f"fault {kind} {'begins' if kind in on else 'is over'}: {KINDS[kind]}"))
            if kind == "absent":
                self.emulator.absent(self.index_joint, kind in on)  # type: ignore[attr-defined]
            elif kind == "overload":
                if kind in on:
                    self.emulator.latch(self.index_joint)  # type: ignore[attr-defined]
            elif kind == "foreign":
                self.emulator.foreign(kind in on)
            elif kind == "stuck":
                motors.stuck[self.index_joint] = kind in on
            elif kind == "hot":
                motors.heat = 60.0 if kind in on else 0.0
            elif kind == "unplug":
                self._replies.clear()
                (self._port.unplug if kind in on else self._port.plug)()


def _garbled(data: bytes) -> bytes:
    """Bytes as they are read at another baud rate than they were written at."""
    return bytes((b * 37 + 90) & 0xFF for b in data)
