"""Postures of a hand that are asked for: which ones, and what counts as reached."""

import math
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_record import TrialRecord
from myoprosthesis.tasks.grip_targets import GripTargets, GripTargetsOptions
from myoprosthesis.testing.task import SPEC as ARM

DT = 0.01
HAND = registry.factory("effectors", "ability_hand_model")(registry.options("effectors", "ability_hand_model")()).spec


def task(**options):
    options = {"grips": ["close=power", "flexion=pinch", "open=open"], **options}
    return GripTargets(build(GripTargetsOptions, options)).for_effector(HAND)


def record(plan, angles):
    """A trial with these joint angles, (n_samples, n_joints), from its start on, one each period."""
    table = np.zeros((len(angles), 3, len(HAND.command.names)))
    table[:, 0] = angles
    return TrialRecord(plan, DT, HAND.command.names, plan.from_ns + ns(DT) * np.arange(len(angles)), table)


def path(plan, *parts):
    """Angles from `open` on: (share of the way to the target, seconds) for each part, in a straight line."""
    start, goal = np.array(HAND.poses["open"]), np.array(HAND.poses[{"close": "power"}.get(plan.label, plan.label)])
    shares, at = [], 0.0
    for share, seconds in parts:
        n = round(seconds / DT)
        shares += list(at + (share - at) * (np.arange(n) + 1) / n)
        at = share
    return start + np.array(shares)[:, None] * (goal - start)


def closing(**options):
    plan = next(p for k in range(20) if (p := task(**options).plan(k, 0)).label == "close")
    return task(**options), plan


def test_no_posture_is_asked_for_twice_in_a_row_and_each_is():
    labels = [task().plan(k, 0).label for k in range(200)]
    assert all(a != b for a, b in zip(labels, labels[1:], strict=False))
    assert set(labels) == {"close", "flexion", "open"} and min(map(labels.count, set(labels))) > 50
    assert labels == [task().plan(k, ns(9)).label for k in range(200)]
    assert labels != [task(seed=1).plan(k, 0).label for k in range(200)]


def test_it_is_asked_for_at_the_go_signal_and_the_hand_goes_on_from_where_it_is():
    asked, plan = closing(go_s=0.4)
    assert plan.goal(ns(0.3))["go"] == 0.0 and plan.goal(ns(0.41))["go"] == 1.0
    assert [task().plan(k, 0).reset for k in range(3)] == [True, False, False]
    assert list(asked.needs(HAND)) == list(HAND.command.names)


def test_a_posture_that_is_kept_is_reached_and_the_time_ends_where_the_keeping_begins():
    asked, plan = closing(go_s=0.5, dwell_s=1.0, tolerance=0.05)
    far = float(np.abs(np.subtract(HAND.poses["power"], HAND.poses["open"])).max())
    angles = path(plan, (0.0, 0.5), (1.0, 1.0), (1.0, 1.5))
    result = asked.judge(record(plan, angles))
    assert result.success and asked.done(record(plan, angles))
    assert not asked.done(record(plan, angles[:200])) and not asked.judge(record(plan, angles[:200])).success
    figures = result.figures
    # in a straight line at `far` rad/s the tolerance is reached 0.05 / far seconds before the end of the way
    assert figures["time_s"] == pytest.approx(1.0 - 0.05 / far, abs=2 * DT)
    assert figures["path_efficiency"] == pytest.approx(1.0) and figures["overshoots"] == 0
    bits = math.log2(far / 0.1 + 1.0)
    assert figures["throughput"] == pytest.approx(bits / figures["time_s"], rel=0.02)
    assert figures["error_deg"] == pytest.approx(0.0, abs=1e-9)


def test_who_leaves_the_posture_again_overshoots_and_goes_a_longer_way():
    asked, plan = closing(go_s=0.5, dwell_s=1.0, tolerance=0.1)
    result = asked.judge(record(plan, path(plan, (0.0, 0.5), (1.0, 1.0), (0.5, 0.5), (1.0, 0.5), (1.0, 1.5))))
    assert result.success and result.figures["overshoots"] == 1
    assert 0.4 < result.figures["path_efficiency"] < 0.6 and result.figures["time_s"] > 1.9


def test_a_posture_that_is_never_kept_is_not_reached():
    asked, plan = closing(go_s=0.5, dwell_s=1.0)
    result = asked.judge(record(plan, path(plan, (0.0, 0.5), (0.5, 3.0))))
    assert not result.success and result.figures["time_s"] is None and result.figures["throughput"] is None
    assert result.figures["error_deg"] > math.degrees(0.15)


def test_what_was_kept_before_the_go_signal_does_not_count():
    asked, plan = closing(go_s=2.0, dwell_s=1.0)
    angles = path(plan, (1.0, 0.1), (1.0, 1.8), (0.0, 0.1), (0.0, 1.0))
    assert not asked.judge(record(plan, angles)).success


def test_one_who_is_there_already_has_no_throughput():
    asked, plan = closing()
    result = asked.judge(record(plan, path(plan, (1.0, 0.1), (1.0, 3.0))))
    assert result.success and result.figures["time_s"] == 0.0 and result.figures["throughput"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"grips": ["close=fist"]}, "'close' stands for 'fist', which is no pose of 'ability_hand_model'"),
        ({"grips": ["close=power"]}, "is given 1: give two grips or more"),
        ({"grips": ["close=power", "rest=hold"]}, "'rest' stands for 'hold', which is no pose"),
    ],
)
def test_grips_that_cannot_be_asked_for_are_refused(options, words):
    with pytest.raises(Refused, match=words):
        task(**options)


def test_a_body_without_postures_is_refused():
    with pytest.raises(Refused, match="it asks for postures of a hand, and effector"):
        GripTargets(GripTargetsOptions()).needs(replace(ARM, poses={}))


def test_times_that_leave_nothing_of_a_trial_are_refused():
    with pytest.raises(ConfigError, match=r"0\.5 s to go, 5\.5 s to stay: nothing is left of 6 s"):
        GripTargetsOptions(dwell_s=5.5)
