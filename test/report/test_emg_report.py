"""A walk beside people's EMG: muscles whose r is known, in a recording in which one trial has a fall."""

import json

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.serialization import serialize_message
from std_msgs.msg import String

from myoprosthesis.core.errors import DataError
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.effectors.bodies import myolegs
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.motion.people_emg import MUSCLES
from myoprosthesis.nodes import diagnostic_status
from myoprosthesis.recording.bag_writer import BagWriter
from myoprosthesis.report import gait_cycles
from myoprosthesis.report.gait_cycles import COLUMNS, of_trials
from myoprosthesis.report.walk_trials import CONTACTS, SETTLED_S, WalkTrial, touch_downs

DT_NS = 31_250_000
SECOND = 10**9
CYCLE_S = 1.0
LATE = {"activation": 0.6, "excitation": 0.2}
"""rad, by which the walk's muscles are late: r is the cosine."""


def muscle(k, seconds, late):
    return 0.5 + 0.4 * np.cos(2.0 * np.pi * seconds / CYCLE_S - 0.7 * k - late)


def walk(trial=0, seconds=10.0, completed=True, stance=0.6, period=CYCLE_S):
    time = np.arange(0.0, seconds, DT_NS / SECOND)
    load = np.where((time / period) % 1.0 < stance, 400.0, 0.0)
    activation, excitation = (
        np.stack([muscle(k, time, LATE[kind]) for k in range(len(COLUMNS))], 1) for kind in ("activation", "excitation")
    )
    return WalkTrial(trial, completed, time, load, activation, excitation)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    cycle = np.arange(100) / 100
    for n, late in enumerate((0.0, 0.05, -0.05)):
        table = np.stack([muscle(k, cycle, late) for k in range(len(MUSCLES))], 1)
        (folder / f"person_{n}.csv").write_text(csv_text(MUSCLES, *table.tolist()))
    return folder


def height(trial, k):
    """m, of the pelvis: in the last trial it comes down after five seconds."""
    return 0.3 if trial == 3 and k > 160 else 0.95


@pytest.fixture
def recording(tmp_path):
    """Two trials of ten seconds, then two with a fall, in which all muscles do something else.

    The task of the last one did not mind."""
    out = BagWriter(tmp_path / "walked")
    text, status, state = "std_msgs/msg/String", "diagnostic_msgs/msg/DiagnosticStatus", "sensor_msgs/msg/JointState"
    topics = {name: out.topic(f"/{name}", state) for name in ("state", "applied")}
    spec = out.topic("/effector/spec", text)
    out.add(spec, 0, serialize_message(String(data=myolegs(BodyOptions(contacts=CONTACTS)).spec.to_json())))
    events = out.topic("/trial/events", status)
    names = (*CONTACTS, "root/z", *(f"{m}/activation" for m in COLUMNS))
    pack, act = JointStateWriter(names).pack, JointStateWriter(COLUMNS, ("effort",)).pack

    def tell(word, when, **values):
        message: DiagnosticStatus = diagnostic_status.status("trial", word, values)
        out.add(events, when, serialize_message(message))

    for trial in range(4):
        begin, one = trial * 10 * SECOND, walk(trial)
        tell("start", begin, trial=trial, time_ns=begin)
        for k in range(len(one.time_s)):
            stamp = begin + k * DT_NS
            fallen = trial >= 2
            activation = one.states[k, ::-1] if fallen else one.states[k]
            table = np.zeros((3, len(names)))
            table[0, 2], table[0, 3:], table[2, 0] = height(trial, k), activation, one.load[k]
            out.add(topics["state"], stamp, pack(stamp, *table))
            out.add(topics["applied"], stamp, act(stamp, one.excitation[k] if not fallen else activation))
        end = begin + 10 * SECOND
        tell("end", end, trial=trial, time_ns=end, completed=trial != 2)
    out.close()
    return tmp_path / "walked"


def test_a_recording_beside_people_gives_the_r_that_is_known(recording, people, command_here, tmp_path):
    file, out = tmp_path / "emg.json", tmp_path / "page"
    done = command_here("report", "emg", str(recording), "--data", str(people), "--json", str(file), "--out", str(out))
    assert done.returncode == 0, done.stderr
    numbers = json.loads(file.read_text())
    assert {"r_mean_by_person", "r_median", "r_by_muscle", "ceiling", "shuffled"} <= set(numbers)
    assert (numbers["of"], numbers["trials"], numbers["all_trials"]) == ("excitation", 2, 4)
    for kind, late in LATE.items():
        assert numbers[kind]["r_median"] == pytest.approx(np.cos(late), abs=0.01)
        assert list(numbers[kind]["r_by_muscle"]) == list(MUSCLES)
        assert numbers[kind]["r_mean_by_person"]["person_1"] == pytest.approx(np.cos(late - 0.05), abs=0.01)
    assert numbers["r_median"] == numbers["excitation"]["r_median"]
    assert numbers["ceiling"]["median"] == pytest.approx(np.cos(0.05), abs=1e-4) and numbers["people"] == 3
    assert numbers["cycles"] == 2 * (10 - int(SETTLED_S) - 1) and numbers["cycle_s"] == pytest.approx(CYCLE_S)
    assert numbers["shuffled"]["phase"]["median"] < 0.3 and "excitation: r 0.98" in done.stdout
    page = (out / "index.html").read_text()
    assert "those that came to their end" in page and page.count("<figure") == 3
    assert numbers["synergies"]["cosine"] > 0.95 and numbers["synergies"]["count_of_walk"] >= 1
    assert (out / "synergies.csv").read_text().startswith("muscle,synergy 1 walk,synergy 1 people")
    assert (out / "synergies_course.csv").read_text().startswith("cycle [%],synergy 1 walk,synergy 1 people")
    head, *rows = (out / "curves.csv").read_text().splitlines()
    assert head.startswith("cycle [%],SOL people,SOL people sd,SOL excitation") and len(rows) == 100
    assert (out / "muscles_people.csv").read_text().startswith("person,r of excitation,r of activation")


def test_nothing_of_a_trial_with_a_fall_is_compared():
    good, fallen = walk(0), walk(1, completed=False)
    cycles = of_trials("walk", [good, fallen])
    assert (cycles.trials, cycles.all_trials) == (1, 2) and len(cycles.activation) == 7
    with pytest.raises(DataError, match="0 cycles of the left foot in 0 trials that came to their end, of 1: 5 at"):
        of_trials("walk", [fallen])
    with pytest.raises(DataError, match="2 cycles"):
        of_trials("walk", [walk(seconds=5.0)])


def test_a_cycle_of_another_length_is_left_out():
    odd = walk(1, seconds=7.0, period=2.0)
    cycles = of_trials("walk", [walk(0, 30.0), odd])
    assert cycles.left_out == 2 and np.allclose(cycles.lengths, CYCLE_S)


@pytest.mark.parametrize("step_s", [0.01, 0.03125])
def test_a_foot_that_bounces_in_stance_or_scuffs_in_swing_has_not_come_down(step_s):
    time = np.arange(0.0, 3.0 - 1e-9, step_s)
    load = np.where(time % 1.0 < 0.6, 400.0, 0.0)
    load[(time % 1.0 > 0.25) & (time % 1.0 < 0.37)] = 0.0
    load[(time % 1.0 > 0.75) & (time % 1.0 < 0.82)] = 50.0
    np.testing.assert_allclose(time[touch_downs(time, load)], [1.0, 2.0])


def test_muscles_that_are_commanded_by_length_have_no_excitation():
    trial = walk()
    cycles = of_trials("walk", [WalkTrial(0, True, trial.time_s, trial.load, trial.states)])
    assert cycles.excitation is None and len(cycles.activation) == 7


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["emg", "reach_null", "--data", "{people}"], "policy 'reach_null' does not walk: it is one of effector"),
        (["emg", "reach_null"], "are needed: emg NAME --data FOLDER"),
        (["emg", "nobody", "--data", "{people}"], "unknown policy 'nobody'"),
        (["emg", "{recording}", "--data", "nowhere"], "--data nowhere: there is no such folder"),
        (["emg", "{recording}", "--data", "{people}", "--option", "speed=1"], "this is a recording"),
        (["policy", "--data", "x"], "--data belongs to: report emg"),
    ],
)
def test_what_makes_no_sense_is_refused(command_here, recording, people, words, sentence):
    filled = [word.format(people=people, recording=recording) for word in words]
    done = command_here("report", *filled)
    assert done.returncode == 2 and sentence in done.stderr, done.stderr


def test_trials_of_a_policy_are_those_that_came_to_their_end(monkeypatch, tmp_path):
    """With the excitations that it commands and the load on the left foot, by name."""
    from myoprosthesis.envs import legs_imitation
    from myoprosthesis.envs.batch_env import BatchEnv
    from myoprosthesis.onnx_graphs.mlp_policy import mlp_policy
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    contract = BatchEnv(legs_imitation.config(), 1, 1).contract("limp")
    n, m = contract.observation_size, contract.action.size
    weights = {
        "mean": np.zeros((1, n)), "scale": np.ones((1, n)), "w0": np.zeros((m, n)), "b0": np.zeros(m),
        "centre": np.linspace(-3.0, -1.0, m), "gain": np.ones(1),
    }  # fmt: skip
    kept = []
    monkeypatch.setattr(gait_cycles, "of_trials", lambda name, trials: kept.append(trials))
    file = tmp_path / "policy.onnx"
    file.write_bytes(mlp_policy(contract, weights, "silu").SerializeToString())
    options = {"trial_s": 0.5, "most_apart": 10.0, "most_astray": 100.0}
    gait_cycles.played(OnnxPolicy(file), "limp", 2, options, 0, 1, lambda share: None)
    (trials,) = kept
    assert [t.completed for t in trials] == [True, True] and len(trials[0].time_s) == 16
    names = list(contract.action.names)
    expected = 1.0 / (1.0 + np.exp(-np.linspace(-3.0, -1.0, m)))
    for k, name in enumerate(COLUMNS):
        np.testing.assert_allclose(trials[0].excitation[:, k], expected[names.index(name)], rtol=1e-5)
    assert trials[0].load.max() > 50.0
    late = 1.0 - np.exp(-0.45 / 0.05)
    np.testing.assert_allclose(trials[0].states[-1], trials[0].excitation[-1] * late, rtol=0.2)
