"""An emulated EMG board on a pseudo-terminal, with faults on demand."""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import threading
import time
import tty
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.emg_board import EmgBoard

TICK_S = 2e-3


class EmgPort:
    """Serves a board until `close`. `path` is the port to open; it stays the same when the board is unplugged and
    plugged in again. `spoil`, when set, is what happens to bytes on their way; what finds no room is lost, as on a
    wire. `counts`: `bytes_in`, `bytes_out`, `bytes_lost`.
    """

    def __init__(self, board: EmgBoard, path: str = "") -> None:
        self.board, self.counts = board, Counter[str]()
        self.silent = False
        self.spoil: Callable[[bytes], bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="myoprosthesis-") if not path else None
        self.path = path or str(Path(self._folder.name if self._folder else "") / board.name)
        self._lock = threading.Lock()
        self._master = self._slave = -1
        self._stop = threading.Event()
        self.plug()
        self._begin = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="emulated EMG board", daemon=True)
        self._thread.start()

    def __enter__(self) -> EmgPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; safe to call twice."""
        self._stop.set()
        self._thread.join(timeout=5.0)
        self.unplug()
        if self._folder is not None:
            self._folder.cleanup()

    def plug(self) -> None:
        """The port appears."""
        with self._lock:
            if self._master >= 0:
                return
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)  # the slave stays open here, so that the master lives while nobody is there
            os.set_blocking(self._master, False)
            link = Path(self.path)
            if link.is_symlink():
                link.unlink()
            try:
                link.symlink_to(os.ttyname(self._slave))
            except OSError as error:
                raise ConfigError(f"{self.path} cannot be made: {error.strerror}") from error

    def unplug(self) -> None:
        """The port disappears."""
        with self._lock:
            if self._master < 0:
                return
            Path(self.path).unlink(missing_ok=True)
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            with self._lock:
                now = time.monotonic() - self._begin
                data = self._heard()
                out = (self.board.receive(data, now) if data else b"") + self.board.due(now)
                if self.spoil is not None:
                    out = self.spoil(out)
                if self._master >= 0 and not self.silent:
                    self._send(out)

    def _heard(self) -> bytes:
        if self._master < 0 or not select.select([self._master], [], [], 0)[0]:
            return b""
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(self._master, 4096)
        self.counts["bytes_in"] += len(data)
        return data

    def _send(self, out: bytes) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while sent < len(out):
                sent += os.write(self._master, out[sent:])
        self.counts["bytes_out"] += sent
        self.counts["bytes_lost"] += len(out) - sent
