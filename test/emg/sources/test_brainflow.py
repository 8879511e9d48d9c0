"""BrainFlow's synthetic and playback boards, and its Cyton driver against an emulated Cyton."""

from __future__ import annotations

import time

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, SourceError
from myoprosthesis.emg.sources.brainflow import BrainFlow, BrainFlowOptions
from myoprosthesis.emulators.cyton import VOLTS, CytonEmgBoard
from myoprosthesis.emulators.emg_board import counts
from myoprosthesis.emulators.emg_board_port import EmgBoardPort
from myoprosthesis.testing import check_emg_source

pytest.importorskip("brainflow", reason="needs the extra [brainflow]")


def collected(source, n, patience=60.0):
    blocks, end = [], time.monotonic() + patience
    while sum(map(len, blocks)) < n:
        assert time.monotonic() < end, source.fault
        block = source.read()
        blocks += [block] if block else []
        time.sleep(5e-3)
    return blocks


def test_the_synthetic_board_passes_the_check_and_says_what_it_is():
    check_emg_source(lambda: BrainFlow(BrainFlowOptions()))
    source = BrainFlow(BrainFlowOptions())
    source.open()
    assert (len(source.spec.channels), source.spec.rate, source.spec.unit) == (16, 250.0, "V")
    assert "not of a person" in source.spec.about
    source.close()


def test_a_cyton_gives_what_it_measured_and_comes_back_after_silence():
    with EmgBoardPort(CytonEmgBoard()) as port:
        source = BrainFlow(BrainFlowOptions(board="cyton", port=port.path, silence_s=0.3, restart_s=1.0))
        source.open()
        assert (len(source.spec.channels), source.spec.rate) == (8, 250.0)
        blocks = collected(source, 500)
        samples = np.concatenate([b.samples for b in blocks])
        raw = samples / VOLTS
        assert np.abs(raw - np.rint(raw)).max() < 1e-3
        first = (int(round(raw[0, 0])) + 500) % 1000
        if source.timing.lost == 0:
            assert np.array_equal(np.rint(raw).astype(int), counts(first, len(raw), 8))
        port.silent = True
        end = time.monotonic() + 30.0
        while "nothing has come from the board cyton" not in source.fault:
            assert time.monotonic() < end
            source.read()
        port.silent = False
        collected(source, 50)
        assert source.fault == ""
        source.close()


def test_a_recording_of_brainflow_is_played(tmp_path):
    from brainflow.board_shim import BoardIds, BoardShim
    from brainflow.data_filter import DataFilter

    rows = BoardShim.get_num_rows(BoardIds.CYTON_BOARD.value)
    data = np.zeros((rows, 300))
    data[0], data[1:9] = np.arange(300) % 256, np.arange(8)[:, None] * 10.0 + np.arange(300) % 7
    data[22] = 1.7e9 + np.arange(300) / 250.0
    DataFilter.write_file(data, str(tmp_path / "own.csv"), "w")
    source = BrainFlow(BrainFlowOptions(board="playback_file", file=str(tmp_path / "own.csv"), master="cyton"))
    source.open()
    samples = np.concatenate([b.samples for b in collected(source, 100)])
    np.testing.assert_allclose(samples[:100], 1e-6 * data[1:9, :100].T, atol=1e-12)
    source.close()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"board": "cytron"}, "unknown board of BrainFlow 'cytron'.*did you mean 'cyton'"),
        ({"board": "cyton", "port": "/dev/none"}, "board cyton cannot be opened: its port"),
        ({"board": "playback_file", "file": "x"}, r"needs the board that it replays \(master\)"),
        ({"parameters": {"mac": "1"}}, "unknown input parameter of BrainFlow 'mac'"),
        ({"channels": ("a",)}, "1 channel names"),
    ],
)
def test_what_cannot_be_opened(given, sentence):
    with pytest.raises((SourceError, ConfigError), match=sentence):
        BrainFlow(BrainFlowOptions(**given)).open()
