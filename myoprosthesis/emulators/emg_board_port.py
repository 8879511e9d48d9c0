"""Port of an emulated EMG board: a pseudo-terminal, with faults on demand."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import Counter
from collections.abc import Callable

from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.emulators.emg_board import EmgBoard
from myoprosthesis.emulators.pty_port import PtyPort

TICK_S = 2e-3


class EmgBoardPort:
    """Serves a board until `close`.

    `path` is the port to open; it stays the same when the board is unplugged and plugged in again. `spoil`, when set,
    changes bytes on their way; bytes that the terminal cannot take are lost, as on a wire. `counts`: `bytes_in`,
    `bytes_out`, `bytes_lost`.
    """

    def __init__(self, board: EmgBoard, path: str = "") -> None:
        self.board, self.counts = board, Counter[str]()
        self.silent = False
        self.spoil: Callable[[bytes], bytes] | None = None
        self._port = PtyPort(path, board.name)
        self.path = self._port.path
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._begin = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="emulated EMG board", daemon=True)
        self._thread.start()

    def __enter__(self) -> EmgBoardPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; safe to call twice."""
        self._stop.set()
        self._thread.join(timeout=5.0)
        with self._lock:
            self._port.close()

    def plug(self) -> None:
        """The port appears."""
        with self._lock:
            self._port.plug()

    def unplug(self) -> None:
        """The port disappears."""
        with self._lock:
            self._port.unplug()

    def _run(self) -> None:
        request_fifo_scheduling()  # a board has a processor of its own
        while not self._stop.wait(TICK_S):
            with self._lock:
                now = time.monotonic() - self._begin
                data = self._receive()
                out = (self.board.receive(data, now) if data else b"") + self.board.due(now)
                if self.spoil is not None:
                    out = self.spoil(out)
                if self._port.master >= 0 and not self.silent:
                    self._send(out)

    def _receive(self) -> bytes:
        if self._port.master < 0 or not select.select([self._port.master], [], [], 0)[0]:
            return b""
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(self._port.master, 4096)
        self.counts["bytes_in"] += len(data)
        return data

    def _send(self, out: bytes) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while sent < len(out):
                sent += os.write(self._port.master, out[sent:])
        self.counts["bytes_out"] += sent
        self.counts["bytes_lost"] += len(out) - sent
