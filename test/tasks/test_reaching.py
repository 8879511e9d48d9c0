from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord
from myoprosthesis.effectors.bodies import arm26
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.tasks.centre_out import CentreOut, CentreOutOptions
from myoprosthesis.tasks.hold import Hold
from myoprosthesis.tasks.orbit_follow import OrbitFollow, OrbitFollowOptions
from myoprosthesis.tasks.random_reach import RandomReach, RandomReachOptions
from myoprosthesis.tasks.reaching import ReachOptions

HOME = (0.1, 0.4)


def centre_out(**options):
    return CentreOut(build(CentreOutOptions, {"home": HOME, **options}))


def plans(task, n):
    return [task.plan(k, ns(k)) for k in range(n)]


def angles(made):
    """Directions in eighths of a turn."""
    moved = np.array([np.subtract(p.target, p.start) for p in made])
    return (np.arctan2(moved[:, 1], moved[:, 0]) / (np.pi / 4)) % 8


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_target_once_a_round(shuffle):
    eighths = np.round(angles(plans(centre_out(shuffle=shuffle), 40)), 9) % 8
    for turn in eighths.reshape(5, 8):
        assert sorted(turn) == list(range(8))
    orders = {tuple(turn) for turn in eighths.reshape(5, 8)}
    assert len(orders) == (5 if shuffle else 1)


def test_the_targets_lie_on_a_circle_about_home_and_counter_clockwise():
    made = plans(centre_out(shuffle=False, distance=0.12, first_angle=90.0, targets=4), 4)
    np.testing.assert_allclose(
        [p.target for p in made],
        np.array([*HOME, 0]) + 0.12 * np.array([[0, 1, 0], [-1, 0, 0], [0, -1, 0], [1, 0, 0]]),
        atol=1e-12,
    )
    assert {p.start for p in made} == {(0.1, 0.4, 0.0)}


def test_the_seed_gives_the_order_and_trials_may_be_planned_in_any_order():
    one, same, other = (plans(centre_out(seed=s), 24) for s in (5, 5, 6))
    assert one == same != other
    assert centre_out(seed=5).plan(17, ns(17)) == one[17]


def test_times_and_go_signal():
    plan = centre_out(trial_s=0.8, go_s=0.15).plan(3, 10)
    assert (plan.trial, plan.from_ns, plan.go_ns, plan.until_ns) == (3, 10, ns(0.15) + 10, ns(0.8) + 10)
    assert plan.reset and plan.scored


def test_there_and_back_again():
    made = plans(centre_out(between="return"), 32)
    for out, back in zip(made[::2], made[1::2], strict=True):
        assert out.scored and not back.scored and not back.reset
        assert (back.start, back.target) == (out.target, out.start)
        assert back.go_ns is not None
    assert [p.reset for p in made] == [True] + [False] * 31
    assert sorted(np.round(angles(made[:16:2]), 9) % 8) == list(range(8))


def test_in_a_catch_trial_nobody_goes():
    made = plans(centre_out(catch_rate=0.25), 2000)
    caught = [p for p in made if p.go_ns is None]
    assert len(caught) == pytest.approx(500, abs=60)
    assert all(p.target == p.start for p in caught)
    back = plans(centre_out(catch_rate=1.0, between="return"), 10)
    assert [p.go_ns is None for p in back] == [True, False] * 5  # the way home is never a catch trial
    assert {p.target for p in back} == {p.start for p in back} == {(0.1, 0.4, 0.0)}


@pytest.mark.parametrize("between", ["reset", "return"])
def test_random_reaches_are_within_their_distances_and_all_around(between):
    task = RandomReach(build(RandomReachOptions, {"nearest": 0.04, "distance": 0.1, "between": between}))
    made = [p for p in plans(task, 1000) if p.scored]
    length = [np.linalg.norm(np.subtract(p.target, p.start)) for p in made]
    assert 0.04 <= min(length) < 0.045 and 0.095 < max(length) <= 0.1
    assert len(set(np.floor(angles(made)))) == 8
    assert made == [p for p in plans(task, 1000) if p.scored]


def test_hold_stays():
    for plan in plans(Hold(ReachOptions(home=HOME)), 5):
        assert plan.start == plan.target == (0.1, 0.4, 0.0)


@pytest.mark.parametrize(
    ("cls", "bad", "sentence"),
    [
        (CentreOutOptions, {"home": [0, 0, 0, 0]}, "home has 4 coordinates"),
        (CentreOutOptions, {"go_s": 1.0, "trial_s": 1.0}, "go signal at 1.0 s"),
        (CentreOutOptions, {"targets": 0}, "outside 1 to 360"),
        (CentreOutOptions, {"between": "teleport"}, "none of reset, return"),
        (RandomReachOptions, {"nearest": 0.2}, "nearest, 0.2 m, is above distance, 0.1 m"),
    ],
)
def test_impossible_tasks_are_refused(cls, bad, sentence):
    with pytest.raises(ConfigError, match=sentence):
        build(cls, bad)


def test_home_may_be_filled_in_later():
    options = build(CentreOutOptions, {})
    assert options.home == ()
    assert CentreOut(replace(options, home=(0.0, 0.3, 0.1))).plan(0, 0).start == (0.0, 0.3, 0.1)


def test_a_home_where_the_body_is_not_put_is_refused():
    spec = arm26(BodyOptions()).spec
    elsewhere = CentreOut(build(CentreOutOptions, {"home": (0.0, 0.4)}))
    with pytest.raises(ConfigError, match=r"'arm26' begins at \(-0.01697, 0.454, 0\), and home is \(0, 0.4\)"):
        elsewhere.for_effector(spec)
    assert elsewhere.for_effector(replace(spec, resettable=False)).plan(0, 0).start == (0.0, 0.4, 0.0)
    assert CentreOut(build(CentreOutOptions, {"home": spec.home})).for_effector(spec).plan(0, 0).start == spec.home
    with pytest.raises(ConfigError, match="home has 1 coordinates; there are three, or two in a plane"):
        build(CentreOutOptions, {"home": (0.3,)})


def test_a_target_out_of_reach_is_refused_before_the_first_trial():
    spec = replace(arm26(BodyOptions()).spec, resettable=False)  # it is not put anywhere
    x, y, _, longest = spec.reach
    assert (x, y) == (0.0, 0.0) and longest == pytest.approx(0.642)
    nearly = {"home": [0.0, 0.4], "targets": 360}
    assert centre_out(distance=longest - 0.401, **nearly).for_effector(spec).options.targets == 360
    with pytest.raises(Refused):
        centre_out(distance=longest - 0.399, **nearly).for_effector(spec)
    for task in (centre_out(distance=0.5), centre_out(home=(0.6, 0.0), distance=0.1),
                 RandomReach(build(RandomReachOptions, {"nearest": 0.9, "distance": 0.9})),
                 OrbitFollow(build(OrbitFollowOptions, {"radii": (0.6, 0.6)}))):  # fmt: skip
        with pytest.raises(Refused, match=r"out of reach of effector 'arm26': it is .* the endpoint comes 0\.642 m"):
            task.for_effector(spec)
    unknown = replace(spec, reach=())
    assert centre_out(distance=1.9).for_effector(unknown).options.distance == 1.9


def test_the_end_is_the_last_tenth_of_a_second_whether_or_not_states_are_missing():
    """At 5 m/s towards the target, which is reached at 1 s: 275 mm away on average over its last ten samples."""
    task = centre_out(trial_s=1.0)
    plan = task.plan(0, 0)
    time_ns = np.arange(100) * 10_000_000
    table = np.zeros((100, 3, 3))
    table[:, 0, :] = plan.target
    table[:, 0, 0] += 5.0 * (1.0 - 1e-9 * time_ns)
    whole = TrialRecord(plan, 0.01, ENDPOINT, time_ns, table)
    assert task.judge(whole).figures["endpoint_error_mm"] == pytest.approx(275.0)
    there = np.delete(np.arange(100), [91, 93, 94, 97])
    part = TrialRecord(plan, 0.01, ENDPOINT, time_ns[there], table[there])
    assert task.judge(part).figures["endpoint_error_mm"] == pytest.approx(250.0)


@pytest.mark.parametrize(
    ("offset", "lateral"), [((0.1, 0.0, 0.0), 20.0), ((0.0, 0.0, 0.0), None), ((0.1, 0.0, 0.02), None),
                            ((0.0, 0.0, 0.1), None)],
)  # fmt: skip
def test_a_lateral_deviation_is_of_a_line_in_the_plane(offset, lateral):
    """None where start and target are one place, or one above the other."""
    task = centre_out(trial_s=1.0)
    plan = task.plan(0, 0)
    plan = replace(plan, target=tuple(np.add(plan.start, offset).tolist()))
    table = np.zeros((100, 3, 3))
    table[:, 0, :] = plan.start
    table[50, 0, 1] -= 0.02
    figures = task.judge(TrialRecord(plan, 0.01, ENDPOINT, np.arange(100) * 10_000_000, table)).figures
    assert figures.get("lateral_deviation_mm") == (None if lateral is None else pytest.approx(lateral))
    assert figures["endpoint_error_mm"] == pytest.approx(1e3 * np.linalg.norm(offset))
