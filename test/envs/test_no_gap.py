"""A policy's trials in an environment are those of a stack in lockstep: one score, whoever plays it."""

import json
from dataclasses import replace

import pytest
import torch

from myoprosthesis.core.errors import Refused
from myoprosthesis.core.leg_names import PLACES
from myoprosthesis.envs import baoding, hand_posture, legs_imitation
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.envs.played_trials import played
from myoprosthesis.policies import score_record
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract
from myoprosthesis.policies.store import find
from myoprosthesis.tasks.walk import PERIOD_S, Walk
from myoprosthesis.training.rl import export
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.network import Actor
from myoprosthesis.training.rl.network_options import NetworkOptions

SEED, TRIALS = 7, 2
TASK = {"noise": 0.3, "ball_noise": 0.001, "trial_s": 2.5}


def random_policy(config, folder):
    """Of random weights: it is not still, and holds balls for some time."""
    env = BatchEnv(config, 1, 1)
    network = NetworkOptions(actor=(32,), observes_past=True, bounded=True, layer_norm=True)
    m = env.body.spec.command.size
    actor = Actor(env.single_observation_space.shape[0] + m, m, network, torch.Generator().manual_seed(3))
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


def test_a_walk_in_a_stack_is_that_of_the_environment(command, tmp_path):
    """The clip goes over the wire as name, hash, phase and speed, the way as a command; a trial begins in motion."""
    policy = random_policy(legs_imitation.config(), tmp_path)
    options = {"trial_s": 0.5, "turn_deg_s": [-30.0, 30.0], "speed": [0.8, 1.8]}
    wanted = {**Walk.effector_options, "dt": PERIOD_S, "observed_sites": PLACES}
    texts = {k: f"[{','.join(v)}]" if isinstance(v, tuple) else v for k, v in wanted.items()}
    settings = [word for name, value in texts.items() for word in ("--set", f"effector.{name}={value}")]
    words = ("reach", "--effector", "myolegs", "--task", "walk", *settings)
    here, there = both(policy, command, tmp_path, "walk", options, *words)
    assert len(there) == TRIALS and not any(row["lost"] for row in there)
    for row, result in zip(there, here, strict=True):
        assert {name: row[name] for name in result.figures} == dict(result.figures)
    assert all(0.2 < row["held"] <= 1.0 and row["joint_rmse_deg"] > 1.0 for row in there)


def words(*more):
    options = [word for name, value in TASK.items() if name != "noise" for word in ("--option", f"{name}={value}")]
    return ["--episodes", str(TRIALS), "--noise", str(TASK["noise"]), "--seed", str(SEED), *options, "--quiet", *more]


@pytest.fixture
def push(tmp_path):
    """A preset that acts early, in a file."""
    path = tmp_path / "early_push.yaml"
    path.write_text("kinds: [{kind: object_push, objects: [ball1], force: [0.2, 0.1, 0.0], start_s: 0.5}]\n")
    return str(path)


def test_evaluate_gives_the_same_over_ros_to_the_last_digit(policy, push, command, command_here, tmp_path):
    """Phase 2, other balls in each trial, and a push on one of them."""
    more = ["--perturbation", push, "--option", "phase=2"]
    done = command("evaluate", str(policy), *words(*more, "--ros", "--json", str(tmp_path / "ros.json")))
    assert done.returncode == 0, done.stdout + done.stderr
    end = command_here("evaluate", str(policy), *words(*more, "--json", str(tmp_path / "here.json")))
    assert end.returncode == 0, end.stderr
    there, here = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("ros", "here"))
    assert there == here
    assert {"score", "score_sd", "held", "median_error_deg", "episodes", "noise"} <= set(here)
    assert (here["episodes"], here["noise"]) == (TRIALS, TASK["noise"])
    assert here["over_trials"]["held"]["median"] == pytest.approx(here["held"])  # of two
    assert 0.2 < here["held"] < 1.0 and here["median_error_deg"] > 1.0


def test_a_perturbation_and_other_balls_change_what_is_played(policy, push):
    plain = played(OnnxPolicy(policy), range(TRIALS), "", {**TASK, "seed": SEED}, 1)
    for imposed, options in (
        ("half_strength", {}),
        ("ball_heavy", {}),
        (push, {}),
        ("null", {"ball_mass": (0.1, 0.1)}),
    ):
        other = played(
            OnnxPolicy(policy), range(TRIALS), "", {**TASK, "seed": SEED, **options}, 1, perturbation=imposed
        )
        assert [r.figures for r in other] != [r.figures for r in plain], imposed
    with pytest.raises(Refused, match="at the observation, which acts in a stack only"):
        played(OnnxPolicy(policy), [0], "", {}, 1, perturbation="visuomotor_rotation")


def test_a_score_of_record_is_measured_again_and_says_for_what_the_policy_is(policy, command_here, tmp_path):
    """`evaluate --record`, then `policy verify`, which notices a card that is too good."""
    path = tmp_path / "mine" / "policy.onnx"
    path.parent.mkdir()
    path.write_bytes(policy.read_bytes())
    (path.parent / "card.md").write_text("# mine\n\n## Score\n\nold\n\n## Contract\n\nPeriod 25 ms.\n")
    asked = ["--option", "direction=cw", "--option", "trial_s=1.0"]
    end = command_here("evaluate", str(path), "--episodes", "4", "--seed", "3", *asked, "--record", "--quiet")
    assert end.returncode == 0 and "a policy for direction cw" in end.stdout
    contract = read_contract(path)
    assert contract.task_options == {"direction": "cw"} and contract.result["options"]["trial_s"] == 1.0
    card = (path.parent / "card.md").read_text()
    assert "| score |" in card and "old" not in card and card.endswith("## Contract\n\nPeriod 25 ms.\n")
    out = tmp_path / "verify.json"
    end = command_here("policy", "verify", str(path), "--json", str(out))
    figures = json.loads(out.read_text())
    assert end.returncode == 0 and figures["holds"] and figures["now"]["score"] == contract.result["score"]
    assert figures["now"]["held"] == contract.result["held"] and f"within {figures['tolerance']:.3f}" in end.stdout
    score_record.record(path, {**contract.result, "score": contract.result["score"] + 0.5}, {}, {})
    end = command_here("policy", "verify", str(path))
    assert end.returncode == 1 and "does not hold here" in end.stdout
    score_record.record(path, {"score": 0.5, "score_sd": 0.1, "episodes": 100.0}, {}, {})
    end = command_here("policy", "verify", str(path))
    assert end.returncode == 2 and "carries the score of its training" in end.stderr


def test_the_physics_of_a_task_with_a_body_of_its_own_is_that_of_the_training(command_here, tmp_path):
    """Legs have another time step, start and contacts in their task than by default."""
    path, out = random_policy(legs_imitation.config(), tmp_path), tmp_path / "verify.json"
    assert read_contract(path).fingerprint
    asked = ["--option", "trial_s=0.3"]
    end = command_here("evaluate", str(path), "--episodes", "2", *asked, "--record", "--quiet")
    assert end.returncode == 0, end.stderr
    end = command_here("policy", "verify", str(path), "--json", str(out))
    assert end.returncode == 0 and json.loads(out.read_text())["same_physics"], end.stdout


def test_reaches_in_a_stack_are_those_of_the_environment(command, tmp_path):
    """Velocities and a policy with delays and noise-free feedback included."""
    here, there = both(find("reach_null"), command, tmp_path, "centre_out", {}, "reach")
    for row, result in zip(there, here, strict=True):
        assert {name: row[name] for name in result.figures} == pytest.approx(dict(result.figures), abs=1e-12)
    assert all(row["peak_speed"] > 0.1 for row in there)


def test_a_policy_without_a_task_of_its_own_is_refused():
    with pytest.raises(Refused, match="no task with a score"):
        played(OnnxPolicy(find("point_mass_null")), [0])
