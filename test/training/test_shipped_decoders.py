"""The decoders that are shipped: the command on their card makes them again, and they decide as it says."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import myoprosthesis
from myoprosthesis.cli.main import parser
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.training.decoding.replay import replay

ROOT = Path(myoprosthesis.__file__).parents[1]
NAMES = [f.parent.name for f in (ROOT / "policies").glob("*/policy.onnx") if OnnxPolicy(f).contract.conditioning]


def test_there_is_one():
    assert "gestures_myo" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_command_on_the_card_makes_it_again(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    card = (ROOT / "policies" / name / "card.md").read_text()
    words = shlex.split(re.search(r"^    (myoprosthesis decode fit .*)$", card, re.MULTILINE).group(1))[1:]
    words[words.index("--out") + 1] = str(tmp_path / name)
    given = parser().parse_args(words)
    given.command = ""
    assert given.func(given) == 0
    old, new = (OnnxPolicy(folder / name / "policy.onnx") for folder in (ROOT / "policies", tmp_path))
    x = np.random.default_rng(0).normal(0, 30, (200, old.contract.observation_size)).astype(np.float32)
    np.testing.assert_allclose([old.step(row) for row in x], [new.step(row) for row in x], atol=1e-4)
    assert old.contract.conditioning == new.contract.conditioning
    assert old.contract.result["fitted_on"] == new.contract.result["fitted_on"]


def test_the_turned_band_is_noticed_and_the_others_are_not():
    decoder = Decoder(OnnxPolicy(ROOT / "policies" / "gestures_myo" / "policy.onnx"))
    layout = RecordingFormat(
        rate=200, unit="counts", label_from=r"_C_(\d+)_", label_names=dict(zip("01234", decoder_names(), strict=True))
    )
    folder = ROOT / "config" / "recordings" / "libemg_myo"
    drifting = {
        file.name: any(d.drifting for d in replay(decoder, formats.read(file, layout)).decisions)
        for file in sorted(folder.glob("R_*_C_*.csv"))
    }
    assert not [name for name, drifts in drifting.items() if drifts and "R_3_" not in name]
    assert [name for name, drifts in drifting.items() if drifts] == [f"R_3_C_{k}_EMG.csv" for k in (0, 1, 3, 4)]


def decoder_names():
    return "close", "open", "rest", "extension", "flexion"
