"""`emg sources` and `emg stream` as a person uses them."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import numpy as np
import pytest

from myoprosthesis.cli.main import main
from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats, serial_frame
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.sources.serial_boards import FramedBoard, SerialOptions
from myoprosthesis.emg.sources.synthetic import SyntheticOptions
from myoprosthesis.emulators.emg_board import Contractions, FramedEmgBoard
from myoprosthesis.emulators.emg_board_port import EmgBoardPort


def run(*words):
    with pytest.raises(SystemExit) as caught:
        main(["emg", *map(str, words)])
    return caught.value.code


def test_sources_lists_each_with_its_options(capsys):
    assert run("sources") == 0
    out = capsys.readouterr().out
    for name in registry.names("emg_sources"):
        assert f"\n{name}  " in f"\n{out}"
        for f in fields(registry.options("emg_sources", name)):
            assert re.search(rf"^  {f.name} ", out, re.MULTILINE), f.name
    assert re.search(r"^  speed +1 +0.001 … 10000 +times as fast as it was", out, re.MULTILINE), out
    assert re.search(r"^  port +needed ", out, re.MULTILINE) and "()" not in out


def test_a_recording_is_streamed_and_recorded_again(tmp_path, capsys):
    args = ["--option", "speed=50", "--option", "repetitions=1", "--option", "labels=[open, close]"]
    assert run("stream", "recording", *args, "--out", tmp_path / "again.h5", "--json", tmp_path / "f.json") == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    again = formats.read(tmp_path / "again.h5", RecordingFormat())
    assert figures["timing"]["samples"] == len(again) == 1200
    assert figures["source"]["rate"] == 200.0 and figures["faults"] == []
    assert [s.label for s in again.spans] == ["close", "open"]
    rms = again.samples.std(axis=0)
    assert figures["rms"] == pytest.approx(dict(zip(again.channels, rms, strict=True)), rel=1e-4)  # of all that came
    out = capsys.readouterr().out
    assert "1200 samples of 8 channels" in out
    assert re.search(r" /s .*rms, counts: ch1 \d[\d.e+-]*  ch2 \d", out), out  # where no terminal is, a line a second


def test_a_board_is_streamed_for_a_while(tmp_path):
    with EmgBoardPort(FramedEmgBoard(channels=3)) as port:
        options = ["--option", f"port={port.path}", "--option", "mode=framed", "--option", "wait_s=30"]
        assert run("stream", "serial", *options, "--seconds", 1, "--out", tmp_path / "b.csv") == 0
    with pytest.raises(ConfigError, match="which (counts|only grows)"):  # as this board does
        formats.read(tmp_path / "b.csv", RecordingFormat())
    recording = formats.read(tmp_path / "b.csv", RecordingFormat(channels=("ch1", "ch2", "ch3")))
    assert recording.unit == "V" and recording.rate == 1000.0 and len(recording) > 100
    assert np.all(np.diff(recording.times) > 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["telepathy"], "unknown emg source 'telepathy': known are"),
        (["serial"], "port: is needed"),
        (["serial", "--option", "port=/dev/none"], "there is no port /dev/none"),
        (["recording", "--option", "file"], "takes name=value"),
        (["recording", "--option", "layout={rate"], "--option layout is not YAML"),
        (["recording", "--option", "file=/none"], "does not exist"),
        (["synthetic", "--out", "a.mp3"], "written as .csv"),
        (["synthetic", "--seconds", "-1"], "--seconds: '-1' is below 0 s"),
    ],
)
def test_bad_words_get_one_sentence(words, sentence, capsys):
    assert run("stream", *words) == 2
    told = capsys.readouterr().err
    assert sentence in told and told.count("\n") == 1


def test_a_source_that_never_sent_is_told_as_such(tmp_path, capsys):
    """A board that says what it is, and then nothing."""
    with EmgBoardPort(FramedEmgBoard(channels=3)) as port:
        port.spoil = lambda data: serial_frame.describe(port.board.description) if data else b""
        options = ["--option", f"port={port.path}", "--option", "mode=framed", "--option", "wait_s=30"]
        assert run("stream", "serial", *options, "--seconds", 1, "--json", tmp_path / "f.json") == 2
    told = capsys.readouterr()
    assert f"error: {port.path} has sent no sample since it was opened" in told.err
    assert json.loads((tmp_path / "f.json").read_text())["rms"] == {"ch1": None, "ch2": None, "ch3": None}


def test_an_emulated_board_can_be_as_loud_as_muscles_in_turn():
    """Two seconds of rest, two of a gesture, as the codec of the stack reads them."""
    options = SyntheticOptions(channel_count=4, rate=1000.0, gestures=("rest", "close"), hold_s=2.0, rms=3e-4)
    signal = Contractions(options, 1e-6)
    board, reader = FramedEmgBoard(channels=4, signal=signal), FramedBoard(SerialOptions(port="none", mode="framed"))
    parts = [reader.parse(board.due(0.01 * k), 0.01 * k)[0] for k in range(1, 401)]
    reader.spec()
    samples = 1e-6 * np.concatenate(parts)
    rest, close = samples[500:2000].std(axis=0), samples[2500:].std(axis=0)
    assert len(samples) == 4000 and (rest < 8e-6).all() and close.max() > 1e-4 and (close > 1.2 * rest).all()
    assert [signal.gesture(s) for s in (0.0, 1.9, 2.1, 4.1)] == ["rest", "rest", "close", "rest"]
