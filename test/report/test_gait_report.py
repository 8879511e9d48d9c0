"""A walk's angles, moments and force of the ground beside people's, out of a recording that a stack would make."""

import json

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.serialization import serialize_message
from std_msgs.msg import String

from myoprosthesis.core.errors import DataError
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.nodes import diagnostic_status
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.recording.bag_writer import BagWriter
from myoprosthesis.report import gait_mechanics
from myoprosthesis.report.walk_trials import CONTACTS, WalkTrial

DT_NS = 31_250_000


@pytest.fixture(scope="module")
def mechanics():
    return gait_mechanics._Mechanics()


@pytest.fixture(scope="module")
def walked(mechanics):
    """Two trials of the shipped policy, with all that the forces need, and the muscles' own."""
    from myoprosthesis.report import walk_trials

    options = {"speed": [1.3, 1.3], "straight": 1.0, "trial_s": 6.0}
    return walk_trials.played(
        OnnxPolicy(store.find("walk")), "walk", 2, options, 0, 1, lambda share: None, mechanics.columns
    )


def written(path, mechanics, trials, plan, weaker=1.0):
    """The recording of a stack; muscles pull `weaker` than their states say."""
    out = BagWriter(path)
    text, status, state = "std_msgs/msg/String", "diagnostic_msgs/msg/DiagnosticStatus", "sensor_msgs/msg/JointState"
    names = list(dict.fromkeys([*CONTACTS, *(name for name, _ in mechanics.columns), *mechanics.muscles]))
    topics = {name: out.topic(f"/{name}", state) for name in ("state", "command")}
    out.add(out.topic("/perturbation", text), 0, serialize_message(String(data=plan.to_json())))
    events = out.topic("/trial/events", status)
    pack = JointStateWriter(tuple(names)).pack

    def tell(word, when, **values):
        message: DiagnosticStatus = diagnostic_status.status("trial", word, values)
        out.add(events, when, serialize_message(message))

    begin = 0
    for trial in trials:
        tell("start", begin, trial=trial.trial, time_ns=begin)
        pulls = mechanics._forces.of(trial.states).muscles
        for k, row in enumerate(trial.states):
            table = np.zeros((3, len(names)))
            for (name, field), value in zip(mechanics.columns, row, strict=True):
                table[("position", "velocity").index(field), names.index(name)] = value
            table[2, [names.index(m) for m in mechanics.muscles]] = weaker * pulls[k]
            table[2, 0] = trial.load[k]
            stamp = begin + k * DT_NS
            out.add(topics["state"], stamp, pack(stamp, *table))
            out.add(topics["command"], stamp, pack(stamp, *table))
        begin += len(trial.states) * DT_NS
        tell("end", begin, trial=trial.trial, time_ns=begin, completed=True)
    out.close()
    return path


NOTHING = PerturbationPlan("null", 10**11)


def test_a_recorded_walk_is_the_one_that_was_played(tmp_path, mechanics, walked, command_here):
    path = written(tmp_path / "walked", mechanics, walked, NOTHING)
    file, out = tmp_path / "gait.json", tmp_path / "page"
    done = command_here("report", "gait", str(path), "--json", str(file), "--out", str(out))
    assert done.returncode == 0, done.stderr
    numbers = json.loads(file.read_text())
    own = mechanics.cycles("walk", walked)
    assert numbers["cycles"] == len(own.values) and numbers["people"] == 11
    assert numbers["speed"] == pytest.approx(float(own.speeds.mean()), rel=1e-6) == pytest.approx(1.3, abs=0.05)
    signals = numbers["signals"]
    assert signals["knee_angle"]["highest"] == pytest.approx(own.values[:, :, 2].mean(axis=0).max(), rel=1e-6)
    assert signals["ankle_angle_moment"]["lowest"] < -1.0 and signals["ankle_angle_moment"]["r"] > 0.85
    assert "knee_angle: r" in done.stdout
    page = (out / "index.html").read_text()
    assert page.count("<figure") == 3 and "Force of the ground" in page
    head = (out / "moments.csv").read_text().splitlines()[0]
    assert head.startswith("cycle [%],hip_flexion_moment people [N m/kg],hip_flexion_moment people sd [N m/kg]")


def test_the_ground_carries_the_body_and_pushes_it_ahead_along_its_way(mechanics, walked):
    """Whichever way that is: turned by a quarter, a walk has the same forces. Both feet together carry the body."""
    trial = walked[0]
    here = mechanics.of(trial)
    turned = trial.states.copy()
    x, y = (mechanics.columns.index((f"root/{axis}", "position")) for axis in "xy")
    turned[:, x], turned[:, y] = -trial.states[:, y], trial.states[:, x]
    u, v = (mechanics.columns.index((f"root/{axis}", "velocity")) for axis in "xy")
    turned[:, u], turned[:, v] = -trial.states[:, v], trial.states[:, u]
    w, i, j, k = (mechanics.columns.index((f"root/q{axis}", "position")) for axis in "wxyz")
    half = np.sqrt(0.5)
    qw, qx, qy, qz = (trial.states[:, c] for c in (w, i, j, k))
    turned[:, w], turned[:, i], turned[:, j], turned[:, k] = (
        half * (qw - qz), half * (qx - qy), half * (qy + qx), half * (qz + qw)
    )  # fmt: skip
    there = mechanics.of(WalkTrial(0, True, trial.time_s, trial.load, turned))
    np.testing.assert_allclose(there, here, atol=2e-2)
    both = mechanics._forces.of(trial.states).ground.sum(axis=1)[64:]
    assert both[:, 2].mean() == pytest.approx(mechanics._weight, rel=0.05)
    forward = mechanics.cycles("walk", walked).values[:, :, 8].mean(axis=0)
    assert forward[:25].min() < -0.05 and forward[40:60].max() > 0.05


def test_a_walk_under_a_perturbation_is_refused(tmp_path, mechanics, walked):
    plan = PerturbationPlan("push_pelvis", 10**11, 0, (PerturbationEntry("body", "body_push", {}, 0, 10**9),))
    with pytest.raises(DataError, match="is of a walk under push_pelvis: moments"):
        gait_mechanics.recorded(written(tmp_path / "pushed", mechanics, walked, plan))
    with pytest.raises(DataError, match="in trial 0 muscles pull otherwise"):
        gait_mechanics.recorded(written(tmp_path / "weak", mechanics, walked, NOTHING, weaker=0.9))


def test_what_makes_no_sense_is_refused(command_here, tmp_path):
    for words, sentence in (
        (["gait", "reach_null"], "policy 'reach_null' does not walk"),
        (["gait", "walk", "run"], "one recording or policy is needed: gait NAME"),
        (["gait"], "one recording or policy is needed"),
        (["gait", "walk", "--data", "nowhere"], "--data nowhere: there is no such folder"),
    ):
        done = command_here("report", *words)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr
