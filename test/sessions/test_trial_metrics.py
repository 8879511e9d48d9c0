"""The row of the table for a finished trial."""

import numpy as np
import pytest

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_record import ENDPOINT, TrialRecord
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.folder import COLUMNS
from myoprosthesis.sessions.session_trials import CHANNEL, plan
from myoprosthesis.sessions.trial_metrics import PlayedTrial, row


def straight(speed=0.4, push=0.0):
    """A movement along x in a channel of which the hand presses against the left wall with `push` × the ideal force."""
    n, dt = 100, 0.01
    v = np.zeros((n, 3))
    v[20:70, 0] = speed * np.sin(np.pi * np.arange(50) / 50)
    x = np.cumsum(v, axis=0) * dt
    load = np.zeros((n, 3))
    load[:, 1] = -push * 10 * v[:, 0]  # a CW field pushes along −y; the hand presses along +y, the wall back
    return np.arange(n) * ns(dt), np.stack([x, v, load], axis=1)


def record(plan, time_ns, table):
    return TrialRecord(plan, 0.01, ENDPOINT, time_ns, table)


@pytest.mark.parametrize("push", [0.0, 0.5, 1.0])
def test_the_slope_of_a_channel_trial_is_the_share_of_the_field_that_is_met(push, data):
    session = sessions.made(data())
    trial = next(t for t in plan(session) if t.kind == CHANNEL and t.block == 1)
    there = TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2))
    got = row(session, trial, record(there, *straight(push=push)), PlayedTrial("p", "0"))
    assert got["channel_slope"] == pytest.approx(push) and got["gain"] == 10.0 and list(got) == list(COLUMNS)
    assert got["channel_force_N"] == pytest.approx(-push * 4.0)  # the hand presses to the left of its motion


def test_the_row_of_a_lost_trial_says_why_and_has_no_figures(data):
    session = sessions.made(data())
    trial = plan(session)[0]
    there = TrialPlan(0, 0, ns(1.0), (0.0, 0.3, 0.0), (0.1, 0.3, 0.0), ns(0.2))
    states = record(there, np.arange(100), np.zeros((100, 3, 3)))
    values = row(session, trial, states, PlayedTrial("p", "s"), "emergency stop")
    assert set(values) == set(COLUMNS) and values["lost"] == "emergency stop"
    assert values["success"] is values["endpoint_error_mm"] is values["lateral_deviation_mm"] is None
    assert values["samples"] == 100 and values["target_x"] == 0.1


@pytest.mark.parametrize("short_by", [0.001, 0.02])
def test_the_task_judges_within_the_radius_of_the_session(short_by, data):
    session = sessions.made(data())
    time_ns, table = straight()
    end = table[-1, 0, 0]
    there = TrialPlan(0, 0, ns(1), (0, 0, 0), (end + short_by, 0, 0), ns(0.2))
    values = row(session, plan(session)[0], record(there, time_ns, table), PlayedTrial("p", "0"))
    assert values["success"] is (short_by < session.reaching.radius)
    assert values["endpoint_error_mm"] == pytest.approx(short_by * 1e3) and values["peak_speed"] == pytest.approx(0.4)


def late(second, start_s):
    """A clockwise field of 10 in the whole of a trial, and another from `start_s` on."""
    return [{"kind": "curl", "gain": 10}, {**second, "start_s": start_s}]


@pytest.mark.parametrize(
    "second", [{"kind": "curl", "gain": -9}, {"kind": "constant", "force": [0, 5, 0]}], ids=["curl", "constant"]
)
@pytest.mark.parametrize("start_s", [0.95, 0.45])
def test_each_field_counts_in_its_own_window(data, second, start_s):
    blocks = [{"name": "A", "role": "adaptation", "trials": 20, "kinds": late(second, start_s), "channel_rate": 0.5}]
    session = sessions.made(data(blocks=blocks))
    trial = next(t for t in plan(session) if t.kind == CHANNEL)
    there = TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2))
    time_ns, table = straight(push=0.8)
    got = row(session, trial, record(there, time_ns, table), PlayedTrial("p", "0"))
    moving, on = time_ns >= ns(0.2), time_ns > ns(start_s)  # a state has the load of the period before it
    speed = table[:, 1, 0]
    field = -10 * speed  # N along y
    field[on] += 9 * speed[on] if second["kind"] == "curl" else 5.0
    wall, ideal = 0.8 * 10 * speed[moving], -field[moving]
    assert got["channel_slope"] == pytest.approx(float(wall @ ideal) / float(ideal @ ideal))
    assert got["gain"] == 10.0  # the largest in the trial


@pytest.mark.parametrize(
    ("kinds", "gain"),
    [
        ([{"kind": "curl", "gain": 15, "start_s": 0.6}], 15.0),
        ([{"kind": "curl", "gain": -15, "start_s": 0.1, "duration_s": 0.1}], -15.0),
        ([{"kind": "curl", "gain": 15, "ramp_s": 0.1}], 15.0),
        ([{"kind": "curl", "gain": 15, "ramp_s": 4.0}], 3.75),
        ([{"kind": "curl", "gain": 10}, {"kind": "curl", "gain": 5, "start_s": 0.2}], 15.0),
        ([{"kind": "curl", "gain": 10}, {"kind": "curl", "gain": -10, "start_s": 0.2}], 10.0),
        ([{"kind": "constant", "force": [1, 0, 0]}], 0.0),
    ],
)
def test_the_gain_of_a_trial_is_the_largest_of_its_curl_field_whenever_it_acts(data, kinds, gain):
    session = sessions.made(data(blocks=[{"name": "A", "role": "adaptation", "trials": 4, "kinds": kinds}]))
    there = TrialPlan(0, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2))
    got = row(session, plan(session)[0], record(there, *straight()), PlayedTrial("p", "0"))
    assert got["gain"] == pytest.approx(gain, rel=1e-6)


@pytest.mark.parametrize(
    ("angle_deg", "has"), [(0.0, False), (2.0, False), (90.0, True), (6.0, True)]
)  # the force turned from the movement
def test_a_field_along_the_channel_gives_no_slope_of_what_is_left_of_it(data, angle_deg, has):
    force = [3 * np.cos(np.deg2rad(angle_deg)), 3 * np.sin(np.deg2rad(angle_deg)), 0]
    blocks = [{"name": "A", "role": "adaptation", "trials": 20, "channel_rate": 0.5,
               "kinds": [{"kind": "constant", "force": [float(f) for f in force]}]}]  # fmt: skip
    session = sessions.made(data(blocks=blocks))
    trial = next(t for t in plan(session) if t.kind == CHANNEL)
    there = TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2))
    got = row(session, trial, record(there, *straight(push=0.1)), PlayedTrial("p", "0"))
    assert (got["channel_slope"] is not None) == has


def test_a_load_at_the_joints_beside_a_field_gives_no_slope_of_the_field_alone(data):
    curl = {"kind": "curl", "gain": 10}
    for kinds, has in (([curl], True), ([curl, {"kind": "joint_load", "joints": ["elbow"], "torque": 1.0}], False)):
        blocks = [{"name": "A", "role": "adaptation", "trials": 20, "channel_rate": 0.5, "kinds": kinds}]
        session = sessions.made(data(blocks=blocks))
        trial = next(t for t in plan(session) if t.kind == CHANNEL)
        there = TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2))
        got = row(session, trial, record(there, *straight(push=0.5)), PlayedTrial("p", "0"))
        assert (got["channel_slope"] is not None) == has


def test_where_there_is_nothing_to_be_cancelled_there_is_no_slope(data):
    """A constant force along the movement has no lateral part, at this target."""
    blocks = [{"name": "A", "role": "adaptation", "trials": 20, "channel_rate": 0.5,
               "kinds": [{"kind": "constant", "force": [3, 0, 0]}]}]  # fmt: skip
    session = sessions.made(data(blocks=blocks))
    trial = next(t for t in plan(session) if t.kind == CHANNEL)
    there = TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2))
    got = row(session, trial, record(there, *straight()), PlayedTrial("p", "0"))
    assert got["channel_slope"] is None and got["channel_force_N"] is not None
