"""Boards on a serial port: emulated on a pseudo-terminal, with bytes lost, noise, silence and the plug pulled."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, SourceError
from myoprosthesis.core.options import build
from myoprosthesis.emg import serial_frame
from myoprosthesis.emg.ascii_lines import SETTLED, Lines, parsed
from myoprosthesis.emg.sources.serial_boards import AsciiBoard, FramedBoard, SerialOptions
from myoprosthesis.emg.sources.serial_line import SerialLine
from myoprosthesis.emulators.emg_board import AsciiEmgBoard, FramedEmgBoard, counts
from myoprosthesis.emulators.emg_board_port import EmgBoardPort
from myoprosthesis.testing import check_emg_source


def options(port, **more):
    mode = {"mode": "framed", "baud": 921_600} if isinstance(port.board, FramedEmgBoard) else {"rate": 500.0}
    unit = {} if "mode" in mode else {"unit": "counts"}
    return SerialOptions(port=port.path, **{**mode, **unit, "wait_s": 30.0, **more})


def until(done, source, patience=60.0):
    """Read until `done(blocks)`."""
    blocks, end = [], time.monotonic() + patience
    while not done(blocks):
        assert time.monotonic() < end, f"{sum(map(len, blocks))} samples, {source.fault}"
        block = source.read()
        blocks += [block] if block else []
        time.sleep(2e-3)
    return blocks


def enough(n):
    return lambda blocks: sum(map(len, blocks)) >= n


def numbers(samples):
    """Which samples of the emulated board these are, from the first two channels (modulo 1000)."""
    return (samples[:, 0].astype(int) + 500) % 1000


@pytest.mark.parametrize("kind", [serial_frame.INT16, serial_frame.INT24])
def test_frames_pass_the_check(kind):
    with EmgBoardPort(FramedEmgBoard(kind=kind)) as port:
        check_emg_source(lambda: SerialLine(options(port)))


def test_lines_pass_the_check():
    with EmgBoardPort(AsciiEmgBoard()) as port:
        check_emg_source(lambda: SerialLine(options(port)))


def test_a_board_says_what_it_is():
    with EmgBoardPort(FramedEmgBoard(channels=4, rate=2000.0, volts=2e-7)) as port:
        source = SerialLine(options(port))
        source.open()
        spec = source.spec
        assert (spec.channels, spec.rate, spec.unit) == (("ch1", "ch2", "ch3", "ch4"), 2000.0, "V")
        blocks = until(enough(1000), source)
        source.close()
    samples = np.concatenate([b.samples for b in blocks])
    raw = np.rint(samples / 2e-7).astype(int)
    first = int(numbers(raw[:1])[0])
    assert np.array_equal(raw, counts(first, len(raw), 4))
    assert source.timing.gaps == 0 and source.timing.damaged == 0


def reader(kind=serial_frame.INT16):
    """A board's bytes and what reads them, without a port."""
    board = FramedEmgBoard(channels=3, kind=kind, volts=0.0)
    made = FramedBoard(SerialOptions(port="none", mode="framed", unit="counts"))
    made.parse(board.due(1.0), 1.0)
    assert made.known and made.spec().unit == "counts"
    made.begin(1000.0)
    return board, made


def test_a_lost_byte_costs_one_frame_and_the_times_know():
    board, made = reader()
    parts = []
    for k in range(1, 400):
        data = board.due(1.0 + 0.01 * k)
        if k % 40 == 0:
            data = data[:20] + data[21:]  # in the first frame of two
        parts.append(made.parse(data, 1.0 + 0.01 * k))
    samples, times = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    assert len(samples) == 3990 - 9 * 5
    timing = made.timing
    assert (timing.gaps, timing.lost, timing.damaged, timing.duplicates, timing.jumps) == (9, 45, 9, 0, 0)
    assert np.array_equal((np.round(times * 1000).astype(int) - numbers(samples)) % 1000, np.zeros(len(samples)))


def test_lines_that_are_none_are_counted_and_left_out():
    lines = Lines()
    text = b"12, 4\r\n512,498\r\n511 ,  -3.5\n\nEMG ready\n1,2,3\n1\t2\r\nnan,1\n9 8"
    rng = np.random.default_rng(0)
    for cuts in (range(1, len(text)), np.sort(rng.integers(0, len(text), 6)), ()):
        lines, places = Lines(), [0, *cuts, len(text)]
        rows = [lines.parse(text[a:b]) for a, b in zip(places[:-1], places[1:], strict=True)]
        got = [r for part in rows for r in part.tolist()]
        assert got == [[512, 498], [511, -3.5], [1, 2]]
        assert lines.counts == {"lines": 3, "damaged": 3}
    assert len(Lines().parse(b"x" * 10_000)) == 0


BANNERS = {
    "a number": b"115200\r\n",
    "several": b"EMG v1.2\r\n2\r\n500\r\nbaud: 115200\r\n",
    "as many numbers as samples have, elsewhere": b"1 2 3 4\r\n9,9\r\n",
}


@pytest.mark.parametrize("banner", BANNERS.values(), ids=BANNERS)
def test_what_a_board_prints_at_its_start_is_no_sample(banner):
    made = AsciiBoard(SerialOptions(port="none", rate=500.0, unit="counts"))
    made.parse(b"7,8,9\r\n" + banner, 0.1)  # of the first line the half is taken for what it may be: nothing
    assert not made.known
    made.parse(b"1,2,3\r\n" * SETTLED, 0.2)
    assert made.known and made.spec().channels == ("ch1", "ch2", "ch3")
    made.begin(500.0)
    samples, _ = made.parse(b"4,5,6\r\n", 0.21)
    assert samples.tolist() == [[4, 5, 6]] and made.timing.damaged == 0 and not made.fault


LINES = {
    b"512, 498,": ((), [512, 498]),
    b"512;498;\t": ((), [512, 498]),
    b"EMG1:512,EMG2:498": (("EMG1", "EMG2"), [512, 498]),
    b"EMG1: 512\tEMG2: -4.5\t": (("EMG1", "EMG2"), [512, -4.5]),
    b"biceps left:1 triceps left:2": (("biceps left", "triceps left"), [1, 2]),
    b"1,,2": ((), []),
    b"1e999,2": ((), []),
    b"a:1,2": ((), []),
    b"a:1,a:2": ((), []),
    b"a:nan": ((), []),
}


@pytest.mark.parametrize("line, meant", LINES.items())
def test_a_line_as_boards_print_it(line, meant):
    assert parsed(line + b"\r") == meant


def test_labels_of_the_plotter_become_channels_and_what_is_no_emg_is_asked_for():
    def board(**given):
        made = AsciiBoard(SerialOptions(port="none", rate=500.0, unit="counts", **given))
        made.parse(b"\n" + b"millis:17,EMG1:512,EMG2:498\r\n" * SETTLED, 0.1)
        return made

    with pytest.raises(SourceError, match=r"sends 'millis', which is no EMG.*\(channels=\[EMG1, EMG2\]\)"):
        board().spec()
    with pytest.raises(SourceError, match="no lines of 2 numbers, but of 3 numbers"):
        board(channels=("a", "b")).spec()
    made = board(channels=("EMG2", "EMG1"))
    assert made.spec().channels == ("EMG2", "EMG1")
    made.begin(500.0)
    assert made.parse(b"millis:18,EMG1:1,EMG2:2\n", 0.2)[0].tolist() == [[2, 1]]


def test_a_board_that_becomes_another_is_told_of_and_not_read():
    made = AsciiBoard(SerialOptions(port="none", rate=500.0, unit="counts"))
    made.parse(b"\n" + b"1,2\n" * SETTLED, 0.1)
    made.spec(), made.begin(500.0)
    assert len(made.parse(b"1,2,3\n", 0.2)[0]) == 0 and made.fault == ""  # one damaged line is none
    assert len(made.parse(b"1,2,3\n" * SETTLED, 0.2)[0]) == 0
    assert "now sends lines of 3 numbers, and before of 2 numbers: open it again" in made.fault
    assert len(made.parse(b"1,2\n", 0.3)[0]) == 1 and made.fault == ""
    board, frames = reader()
    for other, sentence in (
        (FramedEmgBoard(channels=4), "4 channels, it began with 3"),
        (FramedEmgBoard(channels=3, rate=500.0, volts=0.0), "samples at 500 Hz"),
    ):
        samples, _ = frames.parse(other.due(1.0), 1.1)
        assert len(samples) == 0 and sentence in frames.fault
    assert len(frames.parse(board.due(3.0), 3.0)[0]) and frames.fault == ""


def test_missing_lines_are_a_gap():
    made = AsciiBoard(SerialOptions(port="none", rate=500.0, unit="counts"))
    board = AsciiEmgBoard()
    made.parse(board.due(0.1), 0.1)
    made.begin(made.spec().rate)
    for k in range(11, 1000):
        data = board.due(0.01 * k)
        made.parse(b"" if 400 <= k < 500 else data, 0.01 * k)
    assert made.timing.gaps == 1
    assert made.timing.lost == pytest.approx(500, abs=10)


def test_what_a_board_does_not_say_is_asked_for():
    with EmgBoardPort(AsciiEmgBoard()) as port:
        for given, sentence in (
            ({"rate": 0.0}, "give the rate"),
            ({"unit": ""}, "do not say their unit"),
            ({"channels": ("a", "b", "c"), "wait_s": 0.3}, "no lines of 3 numbers"),
            ({"mode": "framed", "wait_s": 0.3}, "no frames of EMG.*mode ascii"),
        ):
            with pytest.raises(SourceError, match=sentence):
                SerialLine(options(port, **given)).open()
        made = SerialLine(options(port, unit="mV", channels=("flexor", "extensor")))
        made.open()
        assert (made.spec.unit, made.spec.channels) == ("V", ("flexor", "extensor"))
        block = until(enough(1), made)[0]
        assert np.abs(block.samples).max() <= 0.5  # 500 mV
        made.close()
    with EmgBoardPort(FramedEmgBoard()) as port:
        with pytest.raises(SourceError, match="no lines of numbers.*mode framed"):
            SerialLine(options(port, mode="ascii", rate=500.0, unit="counts", wait_s=0.3)).open()
        with pytest.raises(SourceError, match="rate is 1000 Hz, not 500 Hz"):
            SerialLine(options(port, rate=500.0)).open()
        port.silent = True
        with pytest.raises(SourceError, match="nothing comes from"):
            SerialLine(options(port, wait_s=0.3)).open()


def test_ports_that_cannot_be_had(tmp_path):
    (tmp_path / "file").write_text("")
    for path, sentence in (
        (tmp_path / "none", "there is no port .*plug the board in"),
        (tmp_path / "file", "cannot be used as a serial port"),
    ):
        with pytest.raises(SourceError, match=sentence):
            SerialLine(SerialOptions(port=str(path), rate=1.0, unit="V")).open()
    with EmgBoardPort(AsciiEmgBoard()) as port:
        one = SerialLine(options(port))
        one.open()
        with pytest.raises(SourceError, match="is busy: another program"):
            SerialLine(options(port)).open()
        one.close()
        SerialLine(options(port)).open()
    with pytest.raises(ConfigError, match="port: is needed"):
        build(SerialOptions, {})


def test_a_board_that_falls_silent_or_is_unplugged_is_told_of_and_comes_back():
    with EmgBoardPort(FramedEmgBoard()) as port:
        source = SerialLine(options(port, silence_s=0.2))
        source.open()
        until(enough(200), source)
        assert source.fault == ""
        port.silent = True
        until(lambda _: "nothing has come" in source.fault, source)
        port.silent = False
        until(enough(200), source)
        assert source.fault == "" and source.timing.gaps >= 1
        port.unplug()
        assert not os.path.exists(port.path)
        until(lambda _: "is gone" in source.fault, source)
        port.plug()
        until(enough(300), source)
        assert source.fault == ""
        assert source.timing.jumps == 0  # the counter went on, and so did the times
        source.close()
        assert source.fault == ""


def test_a_frame_that_comes_twice_is_taken_once():
    board, made = reader()
    first = board.due(1.01)
    samples, times = made.parse(first + first + board.due(1.02), 1.02)
    assert len(samples) == len(times) == 20 and np.all(np.diff(numbers(samples)) % 1000 == 1)
    assert made.timing.duplicates == 10


def test_half_a_frame_is_never_made_whole_by_another_plug():
    board, made = reader()
    made.parse(board.due(1.01)[:-7], 1.01)
    made.restart()
    samples, _ = made.parse(board.due(1.02), 1.02)
    assert len(samples) == 10 and made.timing.damaged == 0
    lines = AsciiBoard(SerialOptions(port="none", rate=500.0, unit="counts"))
    lines.parse(b"1,2\n3,4\n5,", 0.1)
    lines.restart()
    assert lines.parse(b"6,7\n8,9\n", 0.2)[0].tolist() == [[8, 9]]
