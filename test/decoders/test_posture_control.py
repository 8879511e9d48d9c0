"""From decisions to postures: poses, joints, speed, limits; what moves nothing is refused."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.options import build
from myoprosthesis.decoders.decision import Decision
from myoprosthesis.decoders.options import DecoderOptions
from myoprosthesis.decoders.posture_control import PostureController, PostureControlOptions

JOINTS = ("index", "middle", "thumb")
LOW, HIGH = (0.0, 0.0, -1.5), (1.5, 1.5, 0.0)
POSES = {"open": (0.0, 0.0, 0.0), "power": (1.4, 1.4, -1.0), "pinch": (0.7, 0.0, -0.5)}
CLASSES = ("power", "open", "rest")


def spec(quantity="position", poses=POSES):
    command = Channels(quantity, JOINTS, "rad" if quantity == "position" else "1", LOW, HIGH)
    return EffectorSpec("claw", 0.005, command, JOINTS, poses=poses)


def drive(answers=CLASSES, task="classification", unit="1", speed=2.0, grips=(), **more):
    settings = DecoderOptions(task=task, rest="rest" if task == "classification" else "")
    return PostureController("mine", answers, unit, settings, spec(**more), PostureControlOptions(tuple(grips), speed))


def chosen(choice, speed=1.0, rejected=False):
    return Decision(0, np.zeros(3), choice, 0.9, rejected, speed, 1.0, False)


def values(*scores, rejected=False):
    return Decision(0, np.array(scores, float), "", 1.0, rejected, 1.0, 1.0, False)


# -- classes ----------------------------------------------------------------------------------------------------


def test_a_class_moves_straight_to_its_pose_at_the_speed_of_its_fastest_joint():
    """x(t) = x0 + (pose − x0)·v·t / max|pose − x0|, then it stays there."""
    d, start, pose = drive(speed=2.0), np.array([0.2, 0.9, -0.1]), np.array(POSES["power"])
    d.start_from(start)
    longest = np.abs(pose - start).max()
    for k in range(1, 121):
        x = d.advance(chosen("power"), 0.01)
        np.testing.assert_allclose(x, start + (pose - start) * min(1.0, 2.0 * 0.01 * k / longest), atol=1e-12)
    np.testing.assert_allclose(x, pose, atol=1e-12)


def test_any_cut_of_time_gives_the_same_way():
    way = []
    for steps in ([0.1] * 5, [0.05] * 10, [0.3, 0.02, 0.18]):
        d = drive()
        d.start_from(np.zeros(3))
        for seconds in steps:
            x = d.advance(chosen("power", speed=0.7), seconds)
        way.append(x)
    np.testing.assert_allclose(way[1:], [way[0]] * 2)


def test_speed_is_proportional_and_nothing_moves_at_0():
    for share in (0.0, 0.25, 1.0):
        d = drive(speed=3.0)
        d.start_from(np.zeros(3))
        assert np.abs(d.advance(chosen("power", speed=share), 0.1)).max() == pytest.approx(0.3 * share)


@pytest.mark.parametrize("decision", [chosen("rest"), chosen(""), chosen("rest", rejected=True), None])
def test_rest_rejection_and_silence_hold(decision):
    d = drive()
    d.start_from(np.array([0.3, 0.4, -0.5]))
    for _ in range(5):
        assert d.advance(decision, 0.1).tolist() == [0.3, 0.4, -0.5]


def test_nothing_moves_before_it_is_known_where_the_hand_is():
    d = drive()
    assert d.posture is None and d.advance(chosen("power"), 1.0) is None
    d.start_from(np.full(3, np.nan))
    assert d.posture is None
    d.start_from(np.array([0.1, 0.2, -0.3]))
    d.start_from(np.array([0.1, np.nan, -0.3]))
    assert d.posture.tolist() == [0.1, 0.2, -0.3]


def test_a_posture_outside_the_limits_is_brought_inside():
    d = drive()
    d.start_from(np.array([9.0, -9.0, 9.0]))
    assert d.posture.tolist() == [1.5, 0.0, 0.0]


def test_the_way_leaves_the_limits_nowhere():
    d = drive(CLASSES, speed=20.0)
    d.start_from(np.array([1.5, 0.0, -1.5]))
    for k in range(400):
        x = d.advance(chosen(("power", "open")[k // 7 % 2]), 0.013)
        assert (x >= LOW).all() and (x <= HIGH).all()


def test_what_was_given_is_not_changed():
    d, start = drive(), np.array([0.1, 0.1, -0.1])
    d.start_from(start)
    before = d.advance(chosen("power"), 0.1)
    kept = before.copy()
    d.advance(chosen("power"), 0.1)
    assert start.tolist() == [0.1, 0.1, -0.1] and before.tolist() == kept.tolist()
    assert spec().poses["power"] == POSES["power"]


# -- what outputs move -------------------------------------------------------------------------------------------


def test_grips_say_what_an_answer_moves():
    d = drive(("fist", "wave", "rest", "open"), grips=["fist=pinch", "wave=hold"])
    d.start_from(np.zeros(3))
    for _ in range(100):
        d.advance(chosen("fist"), 0.1)
    np.testing.assert_allclose(d.posture, POSES["pinch"])
    d.advance(chosen("wave"), 0.1)
    np.testing.assert_allclose(d.posture, POSES["pinch"])
    d.advance(chosen("open"), 10.0)
    np.testing.assert_allclose(d.posture, POSES["open"])


REFUSED = {
    "a class": (
        {"answers": ("power", "fist")},
        "output 'fist' of decoder 'mine' moves nothing of effector 'claw' .its poses: open, power, pinch",
    ),
    "what would help": ({"answers": ("fist",)}, r"give it one, such as policy.grips=\[fist=power\], or hold to stay"),
    "an unknown pose": (
        {"answers": ("power",), "grips": ["power=fist"]},
        "output 'power' of decoder 'mine' moves nothing",
    ),
    "a joint for a class": ({"answers": ("index",)}, "output 'index' of decoder 'mine' moves nothing"),
    "a value": ({"answers": ("wrist",), "task": "regression"}, "output 'wrist'.*its joints: index, middle, thumb"),
    "no poses": ({"answers": ("fist",), "poses": {}}, r"\(its poses: none\).*policy.grips=\[fist=hold\]"),
    "muscles": ({"quantity": "effort"}, "decoder 'mine' gives postures, effector 'claw' takes effort"),
}


@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_what_moves_nothing_is_refused(given, sentence):
    with pytest.raises(ContractError, match=sentence):
        drive(**given)


@pytest.mark.parametrize("pair", ["close", "close=", "=power", "a=b=c", ""])
def test_a_grip_is_a_pair(pair):
    with pytest.raises(ConfigError, match="grips takes pairs as close=power"):
        build(PostureControlOptions, {"grips": [pair]})


def test_a_speed_is_within_bounds():
    for speed in (0.0, -1.0, 100.0, float("nan")):
        with pytest.raises(ConfigError, match="speed"):
            build(PostureControlOptions, {"speed": speed})


# -- values and switches ----------------------------------------------------------------------------------------


def settled(d, decision):
    for _ in range(200):
        d.advance(decision, 0.1)
    return d.posture


def test_values_in_the_joints_unit_are_joint_angles_within_limits():
    d = drive(("index", "thumb"), "regression", unit="rad")
    d.start_from(np.array([0.0, 0.6, 0.0]))
    np.testing.assert_allclose(settled(d, values(0.8, -0.4)), [0.8, 0.6, -0.4])  # what is not decoded stays
    np.testing.assert_allclose(settled(d, values(7.0, 7.0)), [1.5, 0.6, 0.0])


def test_values_without_a_unit_close_a_joint_by_their_share():
    """0 is open and 1 the limit that is further from open, whichever way that is."""
    d = drive(("index", "thumb"), "regression")
    d.start_from(np.zeros(3))
    np.testing.assert_allclose(settled(d, values(0.5, 0.5)), [0.75, 0.0, -0.75])
    np.testing.assert_allclose(settled(d, values(1.7, -3.0)), [1.5, 0.0, 0.0])


def test_a_value_closes_a_grip_by_its_share_and_two_add_up():
    d = drive(("force",), "regression", grips=["force=power"])
    d.start_from(np.zeros(3))
    np.testing.assert_allclose(settled(d, values(0.5)), 0.5 * np.array(POSES["power"]))
    both = drive(("power", "pinch"), "regression")
    both.start_from(np.zeros(3))
    np.testing.assert_allclose(settled(both, values(0.5, 0.0)), 0.5 * np.array(POSES["power"]))
    together = np.clip(0.9 * np.array(POSES["power"]) + np.array(POSES["pinch"]), LOW, HIGH)
    np.testing.assert_allclose(settled(both, values(0.9, 1.0)), together)


def test_a_switch_is_on_or_off():
    d = drive(("index", "middle"), "multilabel")
    d.start_from(np.zeros(3))
    np.testing.assert_allclose(settled(d, values(0.6, 0.4)), [1.5, 0.0, 0.0])
    np.testing.assert_allclose(settled(d, values(0.4, 0.95)), [0.0, 1.5, 0.0])


@pytest.mark.parametrize("decision", [values(np.nan, 0.5), values(np.inf, 0.5), values(1.0, 1.0, rejected=True)])
def test_values_that_are_none_or_far_from_what_was_fitted_hold(decision):
    d = drive(("index", "middle"), "regression")
    d.start_from(np.array([0.3, 0.3, -0.3]))
    assert d.advance(decision, 1.0).tolist() == [0.3, 0.3, -0.3]


def test_values_are_reached_no_faster_than_the_speed():
    d = drive(("index",), "regression", unit="rad", speed=2.0)
    d.start_from(np.zeros(3))
    assert d.advance(values(1.5), 0.1)[0] == pytest.approx(0.2)


def test_a_force_closes_a_grip_by_its_share_of_the_range_that_was_fitted():
    settings, options = DecoderOptions(task="regression"), PostureControlOptions(("Fz=power",), 20.0)
    d = PostureController("mine", ("Fz",), "N", settings, spec(), options, ((5.0,), (25.0,)))
    d.start_from(np.zeros(3))
    for force, share in ((5.0, 0.0), (15.0, 0.5), (25.0, 1.0), (40.0, 1.0), (1.0, 0.0)):
        for _ in range(50):
            x = d.advance(values(force), 0.01)
        np.testing.assert_allclose(x, share * np.array(POSES["power"]), atol=1e-12)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_speed_or_a_posture_that_is_not_finite_moves_nothing(value):
    moved = drive()
    moved.start_from(np.array([0.2, 0.3, -0.4]))
    before = moved.posture.copy()
    moved.advance(chosen("power", speed=value), 0.01)
    moved.start_from(np.full(before.size, value))
    np.testing.assert_array_equal(moved.posture, before)
