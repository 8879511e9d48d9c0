import math
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.tasks.orbit_follow import OrbitFollow, OrbitFollowOptions
from myoprosthesis.testing.task import SPEC

DT = 0.01


def task(**options):
    return OrbitFollow(build(OrbitFollowOptions, options)).for_effector(replace(SPEC, home=(0.1, 0.4, 0.0)))


def record(plan, position):
    """A trial in which the endpoint was at `position(now_ns)`."""
    time_ns = np.arange(plan.from_ns, plan.until_ns, ns(DT))
    table = np.zeros((len(time_ns), 3, 3))
    table[:, 0] = [position(int(t)) for t in time_ns]
    return TrialRecord(plan, DT, ENDPOINT, time_ns, table)


def on_target(plan, now_ns):
    return np.array([plan.goal(now_ns)[c] for c in ("target/x", "target/y", "target/z")])


def test_the_target_goes_round_the_effectors_start_both_ways():
    plans = [task().plan(k, ns(k)) for k in range(40)]
    for plan in plans:
        assert plan.start == (0.1, 0.4, 0.0)
        assert np.linalg.norm(on_target(plan, plan.from_ns + ns(1.3)) - plan.start) == pytest.approx(0.06)
        turned = np.cross(np.subtract(plan.target, plan.start), on_target(plan, plan.from_ns + ns(1.0)) - plan.start)
        assert (turned[2] < 0) == (plan.label == "clockwise")
    assert 10 < sum(p.label == "clockwise" for p in plans) < 30
    assert {task(direction="cw").plan(k, 0).label for k in range(9)} == {"clockwise"}


def test_who_is_on_the_target_all_the_time_scores_one():
    plan = task().plan(3, ns(3))
    result = task().judge(record(plan, lambda now: on_target(plan, now)))
    assert result.success and result.figures == {"mean_distance_mm": 0.0, "score": 1.0}


def test_distance_is_judged_after_it_has_settled_and_scored_by_the_share_within_the_tolerance():
    plan = task().plan(0, 0)
    apart = [0.0, 0.0, 0.02]

    def late(now):
        if now < ns(0.8):
            return [9.0, 9.0, 9.0]
        return on_target(plan, now) + apart if now < ns(2.4) else on_target(plan, now) + np.multiply(apart, 3.0)

    result = task().judge(record(plan, late))
    assert result.figures["mean_distance_mm"] == pytest.approx(40.0) and result.figures["score"] == pytest.approx(0.5)
    assert result.success is False and task(tolerance=0.05).judge(record(plan, late)).success is True


def test_a_trial_of_which_nothing_is_judged_has_no_figures():
    plan = task().plan(0, 0)
    early = record(replace(plan, until_ns=ns(0.5)), lambda now: [0, 0, 0])
    assert task().judge(early).figures == {"mean_distance_mm": None, "score": None}


def test_it_needs_an_endpoint_and_does_without_resets():
    spec = Mirror(MirrorOptions()).spec
    with pytest.raises(Refused, match="effector 'mirror' has no endpoint"):
        task().needs(spec)
    assert task().needs(SPEC) == ENDPOINT
    options = OrbitFollowOptions(centre=(0.0, 0.3))
    real = OrbitFollow(options).for_effector(replace(SPEC, resettable=False))
    assert not real.plan(0, 0).reset and real.plan(0, 0).start == (0.0, 0.3, 0.0)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"radii": [0.1]}, "two are needed"),
        ({"centre": [0, 0, 0, 0]}, "centre has 4"),
        ({"trial_s": 0.5}, "leave nothing"),
        ({"direction": "up"}, "none of ccw, cw, both"),
    ],
)
def test_impossible_options_are_refused(bad, sentence):
    with pytest.raises(ConfigError, match=sentence):
        build(OrbitFollowOptions, bad)


def test_its_speed_is_that_of_its_period():
    plan = task(period_s=2.0, radii=[0.1, 0.1]).plan(0, 0)
    speed = np.linalg.norm(plan.goal_table(("target/x", "target/y"), ns(1.1))[1])
    assert speed == pytest.approx(2 * math.pi * 0.1 / 2.0)
