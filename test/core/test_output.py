"""Whoever speaks does not wait for whoever reads."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

from myoprosthesis.core import output
from myoprosthesis.core.output import ALIKE, MOST_LINES, WINDOW_S, Alike, Output

SPEAKER = """
import os, sys, time
from myoprosthesis.core.output import diverted
kept = os.dup(2)
with_diverted = diverted(); with_diverted.__enter__()
longest = 0.0
for k in range(20_000):
    began = time.perf_counter()
    print(f"{'abcdefghij'[k % 10]} {'x' * 200} {chr(97 + k % 26)} {chr(97 + k // 26 % 26)}{chr(97 + k // 676 % 26)}")
    try:
        os.write(2, b"from a library\\n")
    except BlockingIOError:
        pass
    longest = max(longest, time.perf_counter() - began)
sys.stdout.flush()
began = time.monotonic()
with_diverted.__exit__(None, None, None)
open(sys.argv[1], "w").write(f"{longest} {time.monotonic() - began}")
"""


def test_a_speaker_whom_nobody_reads_goes_on_and_ends(tmp_path):
    """Four megabytes into a pipe that holds 64 KiB and that nobody empties."""
    figures = tmp_path / "figures"
    read, write = os.pipe()
    done = subprocess.Popen([sys.executable, "-c", SPEAKER, str(figures)], stdout=write, stderr=write)
    os.close(write)
    assert done.wait(60) == 0
    longest, closing = map(float, figures.read_text().split())
    os.close(read)
    assert longest < 5.0 and closing < 5.0  # for ever, otherwise


def test_what_is_read_comes_whole_in_order_with_counts(tmp_path):
    script = (
        "import os, sys\nfrom myoprosthesis.core.output import diverted\nwith diverted():\n"
        "  print('first', file=sys.stderr, flush=True)\n  print('other', flush=True)\n"
        "  for k in range(500): os.write(2, b'[%d] a bad plan %d\\n' % (k, k))\n"
        "  os.write(2, b'no end')\nprint('after', flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    lines, last = done.stderr.splitlines(), ALIKE - 1
    assert lines[0] == "first" and lines[1] == "[0] a bad plan 0" and lines[ALIKE] == f"[{last}] a bad plan {last}"
    assert f"{500 - ALIKE} more like this: [#] a bad plan #" in lines and "no end" in lines
    assert len(lines) == ALIKE + 3 and done.stdout == "other\nafter\n"


def test_lines_beyond_the_queue_are_counted():
    read, write = os.pipe()
    os.set_blocking(write, False)
    while True:
        try:
            os.write(write, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(write, True)
    out = Output(write)
    began = time.monotonic()
    for k in range(3 * MOST_LINES):
        out.put(b"%d\n" % k)
    assert time.monotonic() - began < 5.0
    got, end = b"", time.monotonic() + 20.0
    while sum(tally(got)) < 3 * MOST_LINES and time.monotonic() < end:
        if select.select([read], [], [], 0.1)[0]:
            got += os.read(read, 65_536)
    out.close()
    written, left_out = tally(got)
    assert written + left_out == 3 * MOST_LINES and left_out >= MOST_LINES


def tally(got: bytes) -> tuple[int, int]:
    """Lines that came whole, and those that were counted instead."""
    lines = got.lstrip(b"x").split(b"\n")[:-1]
    counts = [int(line.split()[0]) for line in lines if b"left out" in line]
    return len(lines) - len(counts), sum(counts)


def test_kinds_of_lines_are_bounded_too():
    alike = Alike()
    passed = [line for k in range(5000) for line in alike.take(f"{'z' * (k % 900)}{chr(97 + k % 26)}".encode(), 1.0)]
    assert len(passed) <= output.KINDS * ALIKE + ALIKE
    assert sum(int(line.split()[0]) for line in alike.counts(1.0 + WINDOW_S)) == 5000 - len(passed)


def test_a_stream_that_nobody_reads_does_not_hold_its_writer():
    """As a terminal on which Ctrl-S was typed."""
    script = (
        "import sys\nfrom myoprosthesis.core.output import Unheld\nout = Unheld(sys.stdout)\n"
        "assert not out.isatty() and out.fileno() == 1\n"
        "for k in range(5000): print(k, 'x' * 100, file=out)\nprint('done', file=sys.stderr, flush=True)\nout.end(0.2)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    assert process.stderr.readline() == b"done\n"
    first, last = process.stdout.read().split(b"\n")[:2], process.wait(60)
    assert first[0].startswith(b"0 xxx") and last == 0
