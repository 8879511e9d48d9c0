"""Output of a process, written by a thread of its own: a writer never waits for a reader."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import TextIO

MOST_LINES = 1000
"""Lines that wait for a reader; further ones are counted and left out."""
ALIKE, WINDOW_S = 10, 5.0
"""Lines that differ in their numbers only and pass within this time; the others are counted."""
KINDS, PIPE_BYTES = 200, 1 << 20
LONGEST = 4096
"""Bytes of a line that pass."""
LAST_S = 0.5
"""How long the end of a process waits for a reader of its last words."""
_NUMBER = re.compile(rb"\d+")


class Alike:
    """Lets lines pass, of those that are alike some, and says how many more there were."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._until = 0.0

    def take(self, line: bytes, now: float) -> list[bytes]:
        """The lines to be passed on now that this one has come."""
        out = self.counts(now)
        kind = _NUMBER.sub(b"#", line)[:200]
        if kind not in self._counts and len(self._counts) >= KINDS:
            kind = b"other lines"
        n = self._counts[kind] = self._counts.get(kind, 0) + 1
        return [*out, line] if n <= ALIKE else out

    def counts(self, now: float, end: bool = False) -> list[bytes]:
        """How many lines were left out, once their window is over."""
        if now < self._until and not end:
            return []
        more = {kind: n - ALIKE for kind, n in self._counts.items() if n > ALIKE}
        self._counts, self._until = {}, now + WINDOW_S
        return [b"%d more like this: %s" % (n, kind[:100]) for kind, n in more.items()]


class Output:
    """A bounded queue of pieces of text before a file descriptor, and the thread that writes them."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: deque[bytes] = deque()
        self._lock, self._ready = threading.Lock(), threading.Event()
        self._dropped, self._closing = 0, False
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def put(self, piece: bytes) -> None:
        """Have something written; at once, whatever the reader does."""
        with self._lock:
            if len(self._lines) >= MOST_LINES:
                self._dropped += 1
            else:
                self._lines.append(piece)
        self._ready.set()

    def close(self, seconds: float = LAST_S) -> None:
        """Wait for what is queued to be written, at most `seconds`; safe to call twice."""
        self._closing = True
        self._ready.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            self._ready.wait()
            self._ready.clear()
            while text := self._take():
                while text:
                    try:
                        text = text[os.write(self._fd, text) :]
                    except BlockingIOError:
                        select.select([], [self._fd], [], 1.0)
                    except OSError:  # nobody will read any more
                        text = b""
            if self._closing:
                return

    def _take(self) -> bytes:
        with self._lock:
            lines, self._lines = self._lines, deque()
            dropped, self._dropped = self._dropped, 0
        if dropped:
            lines.append(b"%d lines were left out: nobody read them in time\n" % dropped)
        return b"".join(lines)


class _Lossy(io.TextIOBase):
    """Text into a pipe; what finds no room is counted."""

    def __init__(self, fd: int) -> None:
        self._fd, self.lost = fd, 0

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        try:
            os.write(self._fd, text.encode(errors="replace"))
        except BlockingIOError:
            self.lost += 1
        return len(text)


class Unheld(io.TextIOBase):
    """Text for a stream, such as a terminal, through an `Output`: what writes here goes on while nobody reads there."""

    def __init__(self, stream: TextIO) -> None:
        stream.flush()
        self._stream, self._output = stream, Output(stream.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Of the stream."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Have the text written, as soon as somebody reads."""
        self._output.put(text.encode(self.encoding, self._stream.errors or "replace"))
        return len(text)

    def end(self, seconds: float) -> None:
        """Wait for what is queued to be written, at most `seconds`; safe to call twice."""
        self._output.close(seconds)


class _Diverted:
    """One descriptor of this process, whose writers write into a pipe that a thread always empties."""

    def __init__(self, fd: int, stream: str) -> None:
        self._fd, self._kept, self._stream, self._before = fd, os.dup(fd), stream, getattr(sys, stream)
        self._output = Output(self._kept)
        self._read, write = os.pipe()
        # A library may write while it holds Python's lock, without which the thread cannot empty the pipe: a line is
        # lost then, rather than both waiting for each other. There is room for thousands.
        os.set_blocking(write, False)
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        os.dup2(write, fd)
        os.close(write)
        self._lossy = _Lossy(fd)
        setattr(sys, stream, self._lossy)
        self._thread = threading.Thread(target=self._empty, name=f"diverted {stream}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """The descriptor as before, and the last words written as far as somebody reads them."""
        setattr(sys, self._stream, self._before)
        os.dup2(self._kept, self._fd)  # the last end of the pipe: its reader comes to the end
        self._thread.join(LAST_S)
        if self._lossy.lost:
            self._output.put(b"%d pieces of output were lost\n" % self._lossy.lost)
        self._output.close()

    def _empty(self) -> None:
        alike, rest = Alike(), b""
        while True:
            ready, _, _ = select.select([self._read], [], [], WINDOW_S)
            data = os.read(self._read, 65_536) if ready else b""
            *lines, rest = (rest + data).split(b"\n")
            over = bool(ready) and not data
            if len(rest) > LONGEST or (over and rest):
                lines, rest = [*lines, rest], b""
            now = time.monotonic()
            for line in lines:
                for passed in alike.take(line[:LONGEST], now):
                    self._output.put(passed + b"\n")
            for passed in alike.counts(now, end=over):
                self._output.put(passed + b"\n")
            if over:
                os.close(self._read)
                return


@contextlib.contextmanager
def diverted() -> Iterator[None]:
    """Context in which no thread of this process waits for a reader of its standard output or error.

    Both, also when libraries write to them, go through an `Output` each: another process may be slow to read, or Ctrl-S
    may have been typed in the terminal.
    """
    both = [_Diverted(1, "stdout"), _Diverted(2, "stderr")]
    try:
        yield
    finally:
        for one in both:
            one.close()
