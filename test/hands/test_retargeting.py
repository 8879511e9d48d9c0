"""The joints of a virtual hand and those of real ones."""

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.effectors.bodies import BodyOptions, myohand
from myoprosthesis.files import yaml_text
from myoprosthesis.hands import data_sheets, grips, retargeting
from myoprosthesis.hands.hand_spec import HandSpec
from myoprosthesis.hands.retargeting import VirtualJoint

HANDS = [n.removesuffix("_model") for n in registry.names("effectors") if n.endswith("_model")]


def both(name):
    return retargeting.load("myohand", data_sheets.load(name))


def test_the_virtual_joints_are_those_of_the_model_with_its_limits():
    body, joints = myohand(BodyOptions()), both("ability_hand")
    assert joints.names == body.spec.joints
    limits = np.array([body.model.joint(n).range for n in joints.names])
    np.testing.assert_allclose(np.transpose(joints.bounds()), limits, atol=1e-3)
    low, high = joints.bounds()
    assert (low >= limits[:, 0] - 1e-3).all() and (high <= limits[:, 1] + 1e-3).all()


@pytest.mark.parametrize("name", HANDS)
@pytest.mark.parametrize("grip", grips.library())
def test_a_grip_comes_back_as_it_was(name, grip):
    joints = both(name)
    pose = grips.pose(joints.hand, grip)
    np.testing.assert_allclose(joints.to_real(joints.to_virtual(pose)), pose, atol=1e-9)


@pytest.mark.parametrize("name", HANDS)
def test_every_posture_between_open_and_closed_comes_back(name):
    joints = both(name)
    start, end = joints.hand.column("open"), joints.hand.column("closed")
    for share in np.random.default_rng(0).random((100, start.size)):
        pose = start + share * (end - start)
        np.testing.assert_allclose(joints.to_real(joints.to_virtual(pose)), pose, atol=1e-9)
    assert np.linalg.matrix_rank(joints.to_real_matrix) == (np.abs(joints.to_real_matrix).sum(axis=1) > 0).sum()


@pytest.mark.parametrize("name", HANDS)
def test_a_bent_finger_bends_its_counterpart_and_no_other(name):
    joints = both(name)
    straight = joints.to_virtual(joints.hand.column("open"))
    for part, virtual in (("index", "mcp2_flexion_r"), ("middle", "pm3_flexion_r"), ("ring", "mcp4_flexion_r")):
        bent = straight.copy()
        bent[joints.names.index(virtual)] += 0.6
        turned = joints.to_real(bent) - joints.to_real(straight)
        parts = {j.part for j, angle in zip(joints.hand.joints, turned, strict=True) if abs(angle) > 1e-9}
        towards = joints.hand.column("closed") - joints.hand.column("open")
        assert parts == {part} and (turned * towards >= 0).all()


def test_the_weighted_mean_of_closures_worked_out_by_hand():
    """index of the Ability Hand: MCP at 0.5 of its way (weight 2), PIP at 1 (2), DIP at 0 (1): 0.6 of 1.74 rad."""
    joints = both("ability_hand")
    virtual = joints.to_virtual(np.zeros(6))
    for name, angle in (("mcp2_flexion_r", 0.75), ("pm2_flexion_r", 1.5), ("md2_flexion_r", 0.0)):
        virtual[joints.names.index(name)] = angle
    np.testing.assert_allclose(joints.to_real(virtual), [0.6 * 1.74, 0, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(joints.to_real(virtual + 9.0)[:4], 1.74)  # limits of the real hand
    assert (joints.to_virtual(np.full(6, 99.0)) <= joints.bounds()[1]).all()


THREE = [
    VirtualJoint("a", 0.0, 1.0, 0.0, 1.0, "index"),
    VirtualJoint("b", 0.0, 1.0, 0.0, 0.5, "index"),
    VirtualJoint("c", -1.0, 1.0, 0.0, -1.0, "pinky", like="b"),
    VirtualJoint("wrist", -1.0, 1.0, 0.2, 0.2),
]


def hand_of(*joints):
    good = yaml_text.read_mapping(data_sheets.folder() / "ability_hand.yaml")
    return build(HandSpec, {**good, "name": "made", "joints": joints})


def joint(name, part="index", **other):
    return {"name": name, "part": part, "low": -1.0, "high": 2.0, "open": 0.0, "closed": 2.0, "speed": 1.0, **other}


def test_two_joints_in_one_part_say_what_they_stand_for():
    hand = hand_of(joint("near"), joint("far"))
    joints = retargeting.mapping_between(hand, THREE, {"near": ["a"], "far": ["b"]})
    np.testing.assert_allclose(joints.to_real(np.array([0.25, 0.5, 0.0, 0.7])), [0.5, 2.0])
    np.testing.assert_allclose(joints.to_virtual(np.array([0.5, 1.0])), [0.25, 0.25, -0.5, 0.2])  # c closes like b
    with pytest.raises(ConfigError, match="near, far of PSYONIC Ability Hand are one part"):
        retargeting.mapping_between(hand, THREE, {})
    with pytest.raises(ConfigError, match="a corresponds to both near and far"):
        retargeting.mapping_between(hand, THREE, {"near": ["a"], "far": ["a"]})
    with pytest.raises(ConfigError, match="made, near: unknown virtual joint 'aa'"):
        retargeting.mapping_between(hand, THREE, {"near": ["aa"], "far": ["b"]})


def test_a_joint_without_a_counterpart_stays_open():
    hand = hand_of(joint("near"), joint("side", "spread", open=0.5, closed=0.5))
    joints = retargeting.mapping_between(hand, THREE, {})
    assert joints.to_real(np.ones(4))[1] == 0.5
    np.testing.assert_allclose(joints.to_virtual(np.array([0.0, 1.5])), [0, 0, 0, 0.2])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"closed": 9.0}, "closed: 9.0 is outside"),
        ({"closed": 1.5}, "a: open 0.0 and closed 1.5 must be within its limits"),
        ({"closed": 0.0}, "a: open and closed differ"),
        ({"part": "toe"}, "'toe' is none of"),
        ({"weight": 0}, "weight: 0 is outside"),
    ],
)
def test_a_wrong_virtual_joint_is_refused(change, sentence):
    good = {"name": "a", "low": 0.0, "high": 1.0, "open": 0.0, "closed": 1.0, "part": "index"}
    with pytest.raises(ConfigError, match=sentence):
        build(VirtualJoint, {**good, **change})


def test_an_unknown_virtual_hand_lists_the_known_ones():
    with pytest.raises(ConfigError, match="unknown virtual hand 'myofoot'.*myohand"):
        retargeting.load("myofoot", data_sheets.load("ability_hand"))
