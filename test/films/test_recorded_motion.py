"""What a recording tells of a body along the time."""

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from std_msgs.msg import String

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import RecordingError
from myoprosthesis.core.goal import OrbitGoal
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.films import recorded_motion
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.bag_writer import BagWriter

STATE, TEXT = "sensor_msgs/msg/JointState", "std_msgs/msg/String"
SECOND = 10**9
HOME, AWAY = (0.0, 0.3, 0.0), (0.1, 0.4, 0.0)


def packed(text):
    return serialize_message(String(data=text))


def spec(name):
    return EffectorSpec(name, 0.1, Channels("position", ("a",), "rad", (-1.0,), (1.0,)), ("a",))


def plan(trial, target, **more):
    return TrialPlan(trial, trial * SECOND, (trial + 1) * SECOND, HOME, target, trial * SECOND, **more)


@pytest.fixture
def bag(tmp_path):
    """Two trials of one second; the second one has a field and an object of another size."""

    def write(root="", names=("a", "b"), effectors=("arm",), states=20):
        out = BagWriter(tmp_path / "recording")
        channels = {name: out.topic(f"{root}/{name}", TEXT) for name in ("effector/spec", "target", "perturbation")}
        for effector in effectors:
            out.add(channels["effector/spec"], 0, packed(spec(effector).to_json()))
        orbit = OrbitGoal((0.0, 0.2, 0.0), (0.1, 0.1), 4.0, 0.0, "target")
        for one in (plan(0, AWAY), plan(1, HOME, initial={"ball/mass": 0.2}), plan(2, HOME, goals=(orbit,))):
            out.add(channels["target"], one.from_ns, packed(one.to_json()))
        out.add(channels["target"], 5, packed("no trial"))
        for one in (
            PerturbationPlan("push", SECOND),
            PerturbationPlan("null", SECOND),
            PerturbationPlan("curl_cw", 2 * SECOND, from_ns=SECOND),
        ):
            out.add(channels["perturbation"], one.from_ns, packed(one.to_json()))
        state, pack = out.topic(f"{root}/state", STATE), JointStateWriter(names, ("position",)).pack
        for k in range(states):
            out.add(state, k * SECOND // 10, pack(k * SECOND // 10, np.array([k, -k], float)))
        out.close()
        return Bag(tmp_path / "recording")

    return write


def test_states_trials_and_names_are_read_at_every_instant(bag):
    motion = recorded_motion.read(bag())
    assert motion.effector == "arm" and motion.channels == ("a", "b") and motion.seconds == 1.9
    assert motion.positions[motion.row(0)].tolist() == [0, 0]
    assert motion.positions[motion.row(SECOND // 10 * 3 - 1)].tolist() == [2, -2], "the newest that there was"
    assert motion.positions[motion.row(-5)].tolist() == [0, 0]
    assert motion.plan(SECOND // 2).trial == 0 and motion.plan(3 * SECOND // 2).trial == 1
    assert motion.plan(10 * SECOND) is None
    assert motion.initial(SECOND // 2) == {} and motion.initial(3 * SECOND // 2) == {"ball/mass": 0.2}
    assert motion.caption(SECOND // 2).split() == ["0.50", "s", "trial", "1"]
    assert motion.caption(3 * SECOND // 2).split() == ["1.50", "s", "trial", "2", "curl_cw"]


def test_a_target_is_drawn_where_a_trial_asks_for_another_place_than_its_start(bag):
    motion = recorded_motion.read(bag())
    assert motion.targets(SECOND // 2)["endpoint"].tolist() == [*AWAY]
    assert np.isnan(motion.targets(3 * SECOND // 2)["endpoint"]).all()
    assert motion.targets(2 * SECOND)["endpoint"] == pytest.approx((0.1, 0.2, 0.0)), "one that moves"
    assert motion.targets(10 * SECOND) == {}


def test_a_body_is_found_in_its_namespace(bag):
    motion = recorded_motion.read(bag("/left"), "left/state")
    assert motion.effector == "arm" and len(motion.plans) == 3 and motion.perturbations[-1] == (SECOND, "curl_cw")


def test_without_states_or_of_two_bodies_it_is_refused(bag, tmp_path):
    with pytest.raises(RecordingError, match="of several bodies in turn \\(arm, leg\\)"):
        recorded_motion.read(bag(effectors=("arm", "leg")))
    with pytest.raises(RecordingError, match="has no states of a body: topic 'right/state' is not in it"):
        recorded_motion.read(Bag(tmp_path / "recording"), "right/state")


def test_policies_are_named_from_the_instant_on_at_which_they_were_active():
    series = ((0, "null"), (SECOND, "reach_cw"))
    assert [recorded_motion.newest(series, t) for t in (-1, 0, SECOND - 1, SECOND)] == ["", "null", "null", "reach_cw"]
