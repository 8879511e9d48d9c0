"""A policy's trials in an environment are those of a stack in lockstep: one score, whoever plays it."""

import json
from dataclasses import replace

import pytest
import torch

from myoprosthesis.core.errors import Refused
from myoprosthesis.envs import baoding, hand_posture
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.envs.played_trials import played
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.policies.store import find
from myoprosthesis.training.rl import export
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.network import Actor
from myoprosthesis.training.rl.network_options import NetworkOptions

SEED, TRIALS = 7, 3
TASK = {"noise": 0.3, "direction": "any", "period_s": [4.0, 6.0], "ball_noise": 0.001, "trial_s": 2.0}


def random_policy(config, folder):
    """Of random weights: it is not still, and holds balls for some time."""
    env = BatchEnv(config, 1, 1)
    network = NetworkOptions(actor=(32,), observes_past=True, bounded=True, layer_norm=True)
    n = env.single_observation_space.shape[0] + 39
    actor = Actor(n, 39, network, torch.Generator().manual_seed(3))
    with torch.no_grad():
        actor.layers[-1].weight.mul_(30.0)
        actor.scale.fill_(0.5)
    action_map = ActionMap.of(env, network.smoothing, network.gain, network.bounded)
    contract = replace(env.contract("random"), hidden=export.hidden(action_map))
    path = folder / "random" / "policy.onnx"
    path.parent.mkdir()
    export.export(actor, action_map, contract, path)
    return path


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return random_policy(baoding.config("policy"), tmp_path_factory.mktemp("policy"))


def both(policy, command, tmp_path, task, options, *words):
    """Results of the same trials in an environment and in a stack."""
    out = tmp_path / "up.json"
    settings = [word for name, value in options.items() for word in ("--set", f"task.{name}={value}")]
    done = command(
        "up", *words, "--policy", str(policy), "--lockstep",
        "--trials", str(TRIALS), "--seed", str(SEED), *settings, "--quiet", "--json", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    here = played(OnnxPolicy(policy), range(TRIALS), task, {**options, "seed": SEED}, 1)
    return here, json.loads(out.read_text())["by_trial"]


def test_trials_in_a_stack_are_those_of_the_environment(policy, command, tmp_path):
    here, there = both(policy, command, tmp_path, "baoding", TASK, "baoding")
    assert len(there) == TRIALS and not any(row["lost"] for row in there)
    for row, result in zip(there, here, strict=True):
        assert {name: row[name] for name in result.figures} == pytest.approx(dict(result.figures), abs=1e-12)
        assert row["success"] == result.success
    assert len({row["median_error_deg"] for row in there}) == TRIALS and all(row["held"] > 0.2 for row in there)


def test_a_hand_brought_to_postures_in_a_stack_is_that_of_the_environment(command, tmp_path):
    """The goal goes over the wire as 23 joint channels."""
    policy = random_policy(hand_posture.config(), tmp_path)
    options = {"trial_s": 0.4, "settle_s": 0.2}
    words = ("reach", "--effector", "myohand", "--task", "hand_posture", "--set", "effector.dt=0.02")
    here, there = both(policy, command, tmp_path, "hand_posture", options, *words)
    assert len(there) == TRIALS and not any(row["lost"] for row in there)
    for row, result in zip(there, here, strict=True):
        assert {name: row[name] for name in result.figures} == pytest.approx(dict(result.figures), abs=1e-12)
    assert len({row["median_error_deg"] for row in there}) == TRIALS


def test_evaluate_prints_the_means_of_the_same_trials(policy, command_here, tmp_path):
    out = tmp_path / "score.json"
    words = [word for name, value in TASK.items() if name != "noise" for word in ("--option", f"{name}={value}")]
    end = command_here(
        "evaluate", str(policy), "--episodes", "3", "--noise", "0.3", "--seed", str(SEED), *words, "--quiet",
        "--json", str(out),
    )  # fmt: skip
    assert end.returncode == 0, end.stderr
    figures = json.loads(out.read_text())
    results = [r.figures for r in played(OnnxPolicy(policy), range(3), "", {**TASK, "seed": SEED}, 1)]
    assert figures["held"] == pytest.approx(sum(r["held"] for r in results) / 3)
    assert {"score", "score_sd", "episodes", "noise", "median_error_deg"} <= set(figures)
    assert figures["over_trials"]["held"]["median"] == sorted(r["held"] for r in results)[1]
    assert figures["episodes"] == 3 and figures["noise"] == 0.3


def test_a_policy_without_a_task_of_its_own_is_refused():
    with pytest.raises(Refused, match="no task with a score"):
        played(OnnxPolicy(find("reach_null")), [0])
