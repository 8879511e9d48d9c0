"""The shipped curriculum is one, and a run of it in the hand's own physics is resumed bit for bit."""

import pytest
import torch

from myoprosthesis.core.share import root
from myoprosthesis.training.rl import curriculum as curricula
from myoprosthesis.training.rl.collector_spec import CollectorSpec
from myoprosthesis.training.rl.curriculum_reinforcement import CurriculumReinforcement
from myoprosthesis.training.rl.promotion import curriculum_trainer
from myoprosthesis.training.rl.trainable_env import make


@pytest.fixture(scope="module")
def plan():
    data = curricula.read(root() / "config" / "curricula" / "baoding.yaml")
    data |= {"simulations": 4, "steps": 12, "reached_share": 0.5}
    data["sac"] |= {"updates": 4, "minibatch": 64, "start": 60, "capacity": 5000}
    data["stages"][0] |= {
        "least_batches": 2,
        "promote": 0.0,
        "episodes": 1,
        "task": {**data["stages"][0]["task"], "trial_s": 0.2},
    }
    env = make(data["env"], 1, data["env_options"])
    return curricula.curriculum(data, env)


def start(plan, folder):
    return curriculum_trainer(CurriculumReinforcement(plan, CollectorSpec.of(plan, 0).make(), 0), folder)


def test_a_run_with_the_hand_goes_on_bit_for_bit(plan, tmp_path):
    whole = start(plan, tmp_path / "whole")
    whole.train(lambda run, means, row: run.progress.total < 4)
    start(plan, tmp_path / "cut").train(lambda run, means, row: run.progress.total < 2)
    again = start(plan, tmp_path / "cut")
    again.resume()
    again.train(lambda run, means, row: run.progress.total < 4)
    assert again.progress.history[-1]["samples"] == 4 * 48 and again.progress.spent == {"hold": 2, "slow": 2}
    one, two = whole.algorithm.weights()["actor"], again.algorithm.weights()["actor"]
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert [row["reward"] for row in whole.progress.history] == [row["reward"] for row in again.progress.history]
