"""`myoprosthesis train hand` from the command line to the files."""

import json
from dataclasses import replace

import pytest

from myoprosthesis.cli.main import main
from myoprosthesis.policies.onnx_policy import OnnxPolicy

TINY = """
name: tiny
env: Point-v0
simulations: 8
steps: 16
network: {actor: [8], critic: [8]}
stages:
  - {name: near, batches: 3, episodes: 4, promote: 0.0, task: {distance: [0.0, 0.2]}}
  - {name: far, batches: 4, episodes: 4, promote: 2.0}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*words):
    with pytest.raises(SystemExit) as end:
        main(["train", "hand", "--curriculum", "tiny.yaml", "--threads", "1", "--quiet", *words])
    return end.value.code


def test_from_nothing_to_a_policy_and_a_stage_that_was_not_passed_says_so(place, capsys):
    assert train("--json", "figures.json") == 0
    assert "stage 'far' was not passed in 4 batches: it wants a score of 2, the best was" in capsys.readouterr().err
    figures = json.loads((place / "figures.json").read_text())
    assert figures["unreached"] == "far" and figures["finished"] and figures["samples_per_s"] > 0
    contract = OnnxPolicy(place / "policies" / "tiny" / "policy.onnx").contract
    assert contract.stages == ("near", "far") and contract.hidden == (("past", (1, 1)),)
    assert contract.result["episodes"] == 100 and contract.result["score"] == pytest.approx(figures["score"], abs=1e-5)
    card = (place / "policies" / "tiny" / "card.md").read_text()
    assert "| near | 3 |" in card and "| far | 4 |" in card and "train hand --curriculum tiny.yaml --seed 0" in card
    files = {p.name for p in (place / "runs" / "tiny").iterdir()} - {"events"}
    assert files == {"checkpoint.pt", "curve.csv", "curve.png", "training.yaml"}
    assert train() == 2 and "there is a policy in policies/tiny already" in capsys.readouterr().err


def test_the_contract_says_for_what_the_last_stage_trains():
    from myoprosthesis.cli.train_muscles import skill
    from myoprosthesis.envs import baoding
    from myoprosthesis.envs.batch_env import BatchEnv

    contract = BatchEnv(baoding.config("policy"), 1, 1).contract("cw")
    assert skill(contract, {"task.direction": "cw", "task.noise": 0.2, "reward.solved": 1.0}) == {"direction": "cw"}
    assert skill(replace(contract, effector="elsewhere"), {"task.direction": "cw"}) == {}


def test_a_run_that_was_stopped_goes_on(place, capsys):
    assert train("--hours", "0") == 0
    assert "stopped at batch 1; go on with --resume" in capsys.readouterr().err
    assert train("--overwrite") == 2 and "there is a run in runs/tiny already" in capsys.readouterr().err
    assert train("--resume", "--json", "figures.json") == 0
    assert json.loads((place / "figures.json").read_text())["finished"]
    assert train("--resume", "--sims", "9") == 2 and "other settings" in capsys.readouterr().err
