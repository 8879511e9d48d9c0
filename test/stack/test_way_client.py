"""A walk in a stack that is asked for another speed and heading, on the command line and on the topic."""

import json
import shutil

import numpy as np
import pytest

from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.envs import legs_imitation
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.onnx_graphs.mlp_policy import mlp_policy
from myoprosthesis.policies import score_record

NS = "asked"


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    """One that does nothing but a little of everything."""
    contract = BatchEnv(legs_imitation.config(), 1, 1).contract("limp")
    n, m = contract.observation_size, contract.action.size
    weights = {
        "mean": np.zeros((1, n)), "scale": np.ones((1, n)), "w0": np.zeros((m, n)), "b0": np.zeros(m),
        "centre": np.full(m, -3.0), "gain": np.ones(1),
    }  # fmt: skip
    file = tmp_path_factory.mktemp("limp") / "policy.onnx"
    file.write_bytes(mlp_policy(contract, weights, "silu").SerializeToString())
    return str(file)


@pytest.fixture(scope="module")
def walk(start, policy):
    made = start({"task": {"trial_s": 300.0}}, stack="walk", policy=policy, namespace=NS)  # which cannot stand
    made.plans, made.answers = [], []
    node = made.probe.node
    node.create_subscription(
        topics.TARGET.type, topics.TARGET.name, lambda m: made.plans.append(TrialPlan.from_json(m.data)),
        topics.latched(10),
    )  # fmt: skip
    node.create_subscription(
        topics.TASK_ANSWER.type, topics.TASK_ANSWER.name,
        lambda m: made.answers.append((m.message, diagnostic_status.values(m))), topics.TASK_ANSWER.qos,
    )  # fmt: skip
    assert made.until(lambda: any(t["text"] == "start" for t in made.trials))
    yield made.ready()
    made.close()


def test_a_command_is_carried_out_and_what_is_limited_is_said(walk, begin, tmp_path):
    out = tmp_path / "command.json"
    asked = begin("command", "--speed", "3", "--heading", "30", "--namespace", NS, "--json", str(out), stdout=-1)
    assert walk.until(lambda: asked.poll() is not None)
    text = asked.stdout.read()
    assert asked.returncode == 0 and "it walks at 1.80 m/s, heading 30 deg\n" in text
    assert "note: the speed is limited to 1.8 m/s (asked for: 3)" in text
    figures = json.loads(out.read_text())
    assert figures["carried_out"] and figures["speed"] == 1.8 and figures["heading_deg"] == pytest.approx(30.0)
    assert walk.until(lambda: [p.trial for p in walk.plans[-2:]] == [0, 1])
    now, ahead = walk.plans[-2:]
    assert now.label.endswith(" → 1.80 m/s, 30°") and now.from_ns == walk.plans[0].from_ns
    assert now.goal(now.until_ns)["command/heading"] == pytest.approx(np.radians(30.0))
    assert ahead.goal(ahead.from_ns)["command/speed"] == 1.8


def test_words_are_steps_of_one_plan(walk, begin):
    asked = begin("command", "walk at 1 m/s for 5 s, then turn left 20°", "--namespace", NS, stdout=-1)
    assert walk.until(lambda: asked.poll() is not None)
    assert asked.returncode == 0 and "it walks at 1.00 m/s, heading 50 deg in the end" in asked.stdout.read()
    assert walk.until(lambda: walk.plans[-2].goal(walk.plans[-2].until_ns)["command/speed"] == 1.0)


def test_a_policy_that_cannot_stand_is_not_stopped_and_one_that_can_takes_the_walk_over(walk, begin, tmp_path, policy):
    """What a contract says of the policy holds from the swap on, in the middle of a trial."""
    n = len(walk.plans)
    refused = begin("command", "walk at 1.2 m/s for 5 s, then stop", "--namespace", NS, stderr=-1)
    assert walk.until(lambda: refused.poll() is not None) is not None
    assert refused.returncode == 2 and len(walk.plans) == n
    assert "error: it cannot stop: its policy has not learned to stand" in refused.stderr.read()
    other = tmp_path / "slow" / "policy.onnx"
    other.parent.mkdir()
    shutil.copyfile(policy, other)
    score_record.record(other, {}, {}, {"speed": (0.8, 0.9), "stands": True})
    swapped = begin("swap", str(other), "--namespace", NS, stdout=-1)
    assert walk.until(lambda: swapped.poll() is not None) is not None
    assert swapped.returncode == 0, swapped.stdout.read()
    assert walk.until(lambda: len(walk.plans) > n)
    now = walk.plans[n]
    assert now.trial == walk.plans[0].trial and now.goal(now.until_ns)["command/speed"] == 0.9
    stop = begin("command", "stop", "--namespace", NS, stdout=-1)
    assert walk.until(lambda: stop.poll() is not None) is not None
    assert stop.returncode == 0 and "it stands, heading" in stop.stdout.read()
    back = begin("swap", policy, "--namespace", NS, stdout=-1)
    assert walk.until(lambda: back.poll() is not None) is not None and back.returncode == 0


def test_what_comes_on_the_topic_is_answered_whatever_it_is(walk):
    asking = walk.probe.speak(topics.TASK_COMMAND)
    assert walk.until(asking.get_subscription_count)
    for text in ('{"id": "1", "gait": "run"}', '{"id": "2", "speed": "x"}', "nonsense", '{"id": "3", "speed": 1.1}'):
        asking.publish(topics.TASK_COMMAND.type(data=text))
    assert walk.until(lambda: any(values["id"] == "3" for _, values in walk.answers))
    (one, two, none, three) = walk.answers[-4:]
    assert one[0] == "refused" and one[1]["id"] == "1" and "this task cannot run" in one[1]["why"]
    assert two[0] == "refused" and two[1]["id"] == "2" and "a finite number is needed" in two[1]["why"]
    assert none[0] == "refused" and "is not JSON" in none[1]["why"]
    assert three[0] == "carried out" and three[1]["speed"] == 1.1 and three[1]["notes"] == []


def test_a_refusal_is_the_tasks_own_sentence_and_nothing_changes(walk, begin):
    walk.spin(1.0)  # what was carried out before is published by then
    n = len(walk.plans)
    asked = begin("command", "--speed", "1", "--namespace", "nobody", stderr=-1)
    refused = begin("command", "run", "--namespace", NS, stderr=-1)
    assert walk.until(lambda: asked.poll() is not None and refused.poll() is not None)
    assert (asked.returncode, refused.returncode) == (2, 2) and len(walk.plans) == n
    assert "error: no task takes commands at /nobody/task/command: is a stack with one up" in asked.stderr.read()
    assert refused.stderr.read().startswith("error: this task cannot run: its clips walk")


def test_a_push_at_the_pelvis_is_imposed_while_it_runs(walk, begin):
    words = ("perturb", "push_pelvis", "--option", "newton=60", "--option", "direction_deg=180", "--namespace", NS)
    asked = begin(*words, stdout=-1)
    assert walk.until(lambda: asked.poll() is not None) is not None
    assert asked.returncode == 0 and "push_pelvis from the next trial on" in asked.stdout.read()


def test_a_push_throws_the_legs_off_their_way_and_a_load_changes_their_steps(policy, up, tmp_path):
    preset = tmp_path / "hard.yaml"

    def error(*words):
        settings = ("--set", "task.trial_s=0.5", "--set", "task.most_apart=10", "--set", "task.most_astray=100")
        figures = up("walk", "--policy", policy, "--lockstep", "--trials", "1", "--seed", "2", *settings, *words)
        (row,) = figures["by_trial"]
        assert row["completed"]
        return row["way_error_mm"]

    free = error()
    preset.write_text("kinds: [{kind: body_push, newton: 800.0, direction_deg: -90.0, start_s: 0.1}]\n")
    assert error("--perturbation", str(preset)) > free + 20.0
    assert error("--perturbation", "loaded_foot") != free


def test_a_push_at_the_pelvis_of_an_arm_is_refused_before_anything_starts(command_here):
    done = command_here("up", "reach", "--perturbation", "push_pelvis", "--lockstep", "--trials", "1", "--quiet")
    assert done.returncode == 2 and "effector 'arm26' has no free part 'pelvis'; it has: none" in done.stderr


def test_a_task_without_a_speed_says_so(start, begin):
    stack = start(effector="point_mass", namespace="still")
    try:
        stack.ready()
        asked = begin("command", "--speed", "1", "--namespace", "still", stderr=-1)
        assert stack.until(lambda: asked.poll() is not None) is not None
        assert "task 'centre_out' has no speed and heading that could be asked for" in asked.stderr.read()
    finally:
        stack.close()
