"""Ends what tests have left behind: `reaper.py MARK SECONDS [HELPER …]`, once its standard input is closed.

Processes with MARK (NAME=VALUE) in their environment have so many seconds to end by themselves; each one that is left
then is killed, and told on the standard output. Those with a HELPER in their command line are left alone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def marked(mark: str, helpers: list[str]) -> Iterator[tuple[int, str]]:
    """Number and command line of each process with this mark but for this one."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if mark.encode() not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if words and not any(helper in words for helper in helpers):  # without words: it has ended
            yield int(folder.name), words


def main() -> None:
    mark, seconds, *helpers = sys.argv[1:]
    sys.stdin.read()
    until = time.monotonic() + float(seconds)
    while any(marked(mark, helpers)) and time.monotonic() < until:
        time.sleep(0.1)
    for number, words in marked(mark, helpers):
        print(number, words[:300], flush=True)
        os.kill(number, signal.SIGKILL)


if __name__ == "__main__":
    main()
