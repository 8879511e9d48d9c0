"""`myoprosthesis train` from the command line to the files, on a curriculum of seconds."""

import json
import os
import re
import shlex
import signal
import subprocess
import time

import pytest

from myoprosthesis.cli.main import main
from myoprosthesis.policies.onnx_policy import OnnxPolicy

TINY = """
name: tiny
field: 6.0
trial: 0.2
hidden: 8
batch: 8
evaluate_every: 3
stages:
  - {name: still, batches: 3, distance: [0.0, 0.0], go: [0.02, 0.05]}
  - {name: pushed, batches: 6, distance: [0.02, 0.05], go: [0.02, 0.05], field: [1.0, 1.0]}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(
            [
                "train",
                "reach",
                "--curriculum",
                "tiny.yaml",
                "--effector",
                "point_mass",
                "--compile",
                "off",
                "--quiet",
                *words,
            ]
        )
    return end.value.code


def test_from_nothing_to_a_policy_with_its_card_and_on_from_there(place, capsys):
    assert train("--field", "0", "--out", "policies/mine", "--json", "scores.json") == 0
    contract = OnnxPolicy(place / "policies" / "mine" / "policy.onnx").contract
    assert (contract.name, contract.stages, contract.effector) == ("mine", ("still",), "point_mass")
    assert sorted(p.name for p in (place / "policies" / "mine").iterdir()) == [
        "card.md",
        "loss.png",
        "policy.onnx",
        "training.yaml",
    ]
    assert sorted(p.name for p in (place / "runs" / "mine").iterdir()) == [
        "checkpoint.pt",
        "loss.csv",
        "loss.png",
        "training.yaml",
    ]
    assert json.loads((place / "scores.json").read_text())["fields"] == contract.result
    assert train("--from", "policies/mine", "--stage", "pushed", "--out", "policies/pushed") == 0
    card = (place / "policies" / "pushed" / "card.md").read_text()
    assert "clockwise curl field of 6" in card and "weights of mine, sha256" in card
    words = shlex.split(re.search(r"^    (myoprosthesis train .*)$", card, re.MULTILINE).group(1))
    assert words[words.index("--curriculum") + 1] == "tiny.yaml" and words[words.index("--compile") + 1] == "off"
    assert words[words.index("--from") + 1] == "policies/mine"
    before = OnnxPolicy(place / "policies" / "pushed" / "policy.onnx").sha256
    with pytest.raises(SystemExit) as end:
        main([*words[1:], "--run", "runs/again", "--overwrite", "--quiet"])
    assert end.value.code == 0
    assert OnnxPolicy(place / "policies" / "pushed" / "policy.onnx").sha256 == before


@pytest.mark.parametrize(
    "words, message",
    [
        (("--field", "0", "--stage", "pushed"), "no stage is left"),
        (("--stage", "pulled"), "still, pushed"),
        (("--resume",), "nothing to resume"),
        (("--from", "policies/none"), "no policy to start from"),
        (("--json", "none/scores.json"), "does not exist"),
        (("--curriculum", "teeny.yaml"), "tiny.yaml"),
    ],
)
def test_bad_input_ends_with_a_sentence_and_leaves_nothing(place, capsys, words, message):
    assert train(*words) == 2
    assert message in capsys.readouterr().err
    assert sorted(p.name for p in place.iterdir()) == ["tiny.yaml"]


def test_a_policy_or_a_run_that_is_there_is_not_overwritten(place, capsys):
    assert train("--field", "0", "--out", "policies/mine") == 0
    file = place / "policies" / "mine" / "policy.onnx"
    made = file.read_bytes()
    assert train("--field", "0", "--out", "policies/mine", "--run", "runs/other", "--seed", "5") == 2
    assert "--overwrite" in capsys.readouterr().err and file.read_bytes() == made
    assert train("--field", "0", "--out", "policies/mine", "--run", "runs/other", "--seed", "5", "--overwrite") == 0
    assert file.read_bytes() != made
    file.unlink()
    before = (place / "runs" / "mine" / "checkpoint.pt").read_bytes()
    assert train("--field", "0", "--out", "policies/mine", "--seed", "5") == 2
    assert "--resume" in capsys.readouterr().err
    assert (place / "runs" / "mine" / "checkpoint.pt").read_bytes() == before


def test_ctrl_c_keeps_the_run_and_resume_finishes_it(place, begin):
    (place / "long.yaml").write_text(TINY.replace("batches: 3,", "batches: 100000,"))
    command = [
        "train",
        "reach",
        "--curriculum",
        "long.yaml",
        "--effector",
        "point_mass",
        "--compile",
        "off",
        "--quiet",
        "--field",
        "0",
        "--out",
        "policies/long",
    ]
    checkpoint, seen = place / "runs" / "long" / "checkpoint.pt", 0
    for more in ((), ("--resume",)):
        process = begin(*command, *more, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
        waited = time.monotonic() + 120
        while not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > seen):
            assert process.poll() is None and time.monotonic() < waited
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 130 and "go on with --resume" in said
        assert not (place / "policies" / "long").exists()
        seen = checkpoint.stat().st_mtime_ns
