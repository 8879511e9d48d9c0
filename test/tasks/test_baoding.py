"""Baoding balls: targets that turn back within a trial, figures of a trial that runs, and phase 2 of the contest."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import TrialRecord
from myoprosthesis.effectors.baoding_hand import BaodingHandOptions, baoding_hand
from myoprosthesis.tasks.baoding import Baoding, BaodingOptions
from myoprosthesis.tasks.live_task import LiveTask
from myoprosthesis.tasks.steerable_task import SteerableTask
from myoprosthesis.testing.task import check_task

DT = 0.025


@pytest.fixture(scope="module")
def spec():
    return baoding_hand(BaodingHandOptions()).spec


def task(spec, **options):
    return Baoding(build(BaodingOptions, options)).for_effector(spec)


def phases(plan, seconds, ball=1):
    return np.unwrap([plan.goal(plan.from_ns + ns(t))[f"target{ball}/phase"] for t in seconds])


def test_it_is_a_task_as_any_other_and_more(spec):
    check_task(Baoding(BaodingOptions(direction="any", noise=0.2)), 5, spec)
    assert isinstance(task(spec), LiveTask) and isinstance(task(spec), SteerableTask)


@pytest.mark.parametrize("before, after", [("ccw", "cw"), ("cw", "hold"), ("hold", "ccw")])
def test_targets_that_are_redirected_go_on_from_where_they_are(spec, before, after):
    plan = task(spec, direction=before).plan(3, ns(10.0))
    other = task(spec, direction=after)
    turned = other.redirected(plan, ns(12.0))
    assert turned.label == f"{before} → {after}" and (turned.trial, turned.from_ns) == (3, ns(10.0))
    assert TrialPlan.from_json(turned.to_json()) == turned
    seconds = np.arange(0.0, 5.0, DT)
    rate = {"ccw": 2 * np.pi / 5, "cw": -2 * np.pi / 5, "hold": 0.0}
    for ball in (1, 2):
        steps = np.diff(phases(turned, seconds, ball)) / DT
        np.testing.assert_allclose(steps[seconds[:-1] < 2.0 - DT / 2], rate[before], atol=1e-9)
        np.testing.assert_allclose(steps[seconds[:-1] >= 2.0], rate[after], atol=1e-9)
    assert other.redirected(turned, ns(13.0)) is turned and other.redirected(other.plan(3, 0), ns(1.0)).label == after
    back = task(spec, direction=before).redirected(turned, ns(13.0))
    np.testing.assert_allclose(np.diff(phases(back, seconds[seconds > 3.0])) / DT, rate[before], atol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.8])
def test_a_trial_in_real_time_is_judged_as_one_on_the_grid_of_periods(spec, offset):
    """Its states come some part of a period after the planned times, and one of them may be missing."""
    made = task(spec, direction="hold", trial_s=1.0)
    plan, needs = made.plan(0, 0), tuple(made.needs(spec))
    row = baoding_hand(BaodingHandOptions()).reset(0).table[:, [spec.channels.index(c) for c in needs]]
    times = np.arange(41) * ns(DT) + round(offset * ns(DT))
    record = TrialRecord(plan, DT, needs, times, np.repeat(row[None], 41, axis=0))
    result = made.judge(record)
    assert (result.success, result.figures["held"]) == (True, 1.0)
    gap = np.delete(np.arange(41), 20)
    lacking = made.judge(replace(record, time_ns=times[gap], table=record.table[gap]))
    assert (lacking.success, lacking.figures["held"]) == (True, pytest.approx(39 / 40))
    dropped = made.judge(replace(record, time_ns=times[:30], table=record.table[:30]))
    assert (dropped.success, dropped.figures["held"]) == (False, pytest.approx(29 / 40))


def test_figures_of_a_trial_that_runs_are_those_of_its_time_so_far(spec):
    made = task(spec, direction="hold")
    plan, needs = made.plan(0, 0), tuple(made.needs(spec))
    state = baoding_hand(BaodingHandOptions()).reset(0)
    row = state.table[:, [spec.channels.index(c) for c in needs]]
    table = np.repeat(row[None], 40, axis=0)
    record = TrialRecord(plan, DT, needs, np.arange(40) * ns(DT), table)
    near = made.solved(record)[0]
    figures = made.progress(record)
    assert (figures["score"], figures["held"]) == (near, 1.0) and abs(figures["phase_error_deg"]) < 45
    table[20:, 0, needs.index("ball2/z")] = 1.0
    fallen = made.progress(replace(record, table=table))
    assert (fallen["score"], fallen["held"]) == (near / 2, 0.5)
