"""Trained policies under fields, over ROS in lockstep: what motor control has measured, as directions and bounds."""

import csv
import json
import statistics

import pytest
import yaml

from myoprosthesis.perturbations import presets

B = 10.0
"""N·s/m, in F = b·[v_y, −v_x]."""
TURN = 4
"""One movement to each target."""


@pytest.fixture(scope="module")
def session(command, tmp_path_factory):
    """Run blocks of one movement to each target in one stack, each with a policy and kinds of perturbations.

    Endpoint errors and lateral deviations (mm) by block.
    """

    def run(*blocks, effector="arm26"):
        folder = tmp_path_factory.mktemp("session")
        plan, table = folder / "session.yaml", folder / "out" / "trials.csv"
        listed = [{"name": f"{k}", "trials": TURN, "policy": p, "kinds": kinds} for k, (p, kinds) in enumerate(blocks)]
        words = {"name": "physics", "effector": effector, "policy": blocks[0][0], "task": {"targets": TURN}}
        plan.write_text(yaml.safe_dump({**words, "blocks": listed}))
        done = command("session", "run", str(plan), "--out", str(table.parent), "--quiet")
        assert done.returncode == 0, done.stdout + done.stderr
        rows = list(csv.DictReader(table.open()))
        assert [int(r["trial"]) for r in rows] == list(range(TURN * len(blocks)))
        assert not any(r["lost"] for r in rows)
        out = []
        for k, (policy, _) in enumerate(blocks):
            part = rows[TURN * k : TURN * (k + 1)]
            assert len({r["label"] for r in part}) == TURN and {r["policy"] for r in part} == {policy}
            error = statistics.median(float(r["endpoint_error_mm"]) for r in part)
            out.append((error, statistics.fmean(float(r["lateral_deviation_mm"]) for r in part)))
        return out

    return run


def curl(gain):
    return [{"kind": "curl", "gain": gain}]


BODIES = {"arm26": "reach", "point_mass": "point_mass"}


@pytest.fixture(scope="module", params=BODIES)
def measured(request, session):
    """(policy, field) → (endpoint error, lateral deviation), for every policy of a body."""
    body, family = request.param, BODIES[request.param]
    null, cw, ccw = (f"{family}_{field}" for field in ("null", "cw", "ccw"))
    blocks = {
        "null/null": (null, []),
        "null/cw": (null, curl(B)),
        "null/ccw": (null, curl(-B)),
        "cw/cw": (cw, curl(B)),
        "cw/null": (cw, []),
        "ccw/ccw": (ccw, curl(-B)),
        "ccw/null": (ccw, []),
    }
    return dict(zip(blocks, session(*blocks.values(), effector=body), strict=True))


def test_each_policy_reaches_straight_in_its_own_field(measured):
    for own in ("null/null", "cw/cw", "ccw/ccw"):
        error, side = measured[own]
        assert error <= 5.0 and abs(side) <= 2.0, (own, measured[own])


def test_a_field_met_for_the_first_time_bends_to_its_own_side(measured):
    """CW pushes to the right of the motion, which is positive."""
    assert measured["null/cw"][1] > 10.0 and measured["null/ccw"][1] < -10.0, measured


def test_the_after_effect_is_to_the_other_side(measured):
    assert measured["cw/null"][1] < -10.0 and measured["ccw/null"][1] > 10.0, measured


def test_left_and_right_are_mirror_images_within_a_fifth(measured):
    for right, left in (("null/cw", "null/ccw"), ("ccw/null", "cw/null")):
        a, b = measured[right][1], -measured[left][1]
        assert abs(a - b) <= 0.2 * max(a, b), (right, a, b)


@pytest.fixture(scope="module")
def imposed(session):
    """What else can be imposed on `reach_null`, one block each."""
    blocks = {
        "nothing": [],
        "channel": [{"kind": "channel"}, {"kind": "curl", "gain": B}],
        "rotation": [{"kind": "rotation", "degrees": 30.0}],
        "rotation back": [{"kind": "rotation", "degrees": -30.0}],
        "delay": [{"kind": "delay", "terms": ["muscle_length", "muscle_velocity"], "delay_s": 0.1}],
        "noise": [{"kind": "noise", "terms": ["vision"], "sd": 0.02}],
        "weakness": [{"kind": "weakness", "strength": 0.3}],
        "viscous": [{"kind": "viscous", "gain": 30.0}],
        "pulse": [{"kind": "pulse", "force": [10.0, 0.0, 0.0]}],
        "half": curl(B / 2),
        "full": curl(B),
    }
    return dict(zip(blocks, session(*(("reach_null", kinds) for kinds in blocks.values())), strict=True))


def test_walls_keep_the_path_straight_in_a_field(imposed):
    assert abs(imposed["channel"][1]) < 2.0 < 10.0 < imposed["full"][1]


def test_a_turned_view_turns_the_path(imposed):
    """The hand is seen turned counter-clockwise, to the left: it goes to the right, and the other way round."""
    assert imposed["rotation"][1] * imposed["rotation back"][1] < 0
    assert imposed["rotation"][1] > 5.0, imposed


@pytest.mark.parametrize("what", ["delay", "noise", "weakness", "viscous", "pulse"])
def test_what_disturbs_costs_precision(imposed, what):
    assert imposed[what][0] > imposed["nothing"][0] + 0.3, imposed


def test_half_a_field_bends_less(imposed):
    assert 0.35 < imposed["half"][1] / imposed["full"][1] < 0.85


def test_catch_trials_come_by_seed(up):
    three, four = (
        list(map(presets.planner("curl_cw", {}, catch_rate=0.5, seed=seed).is_catch, range(4))) for seed in (3, 4)
    )
    assert three != four and 0 < sum(four) < 4
    words = ("--lockstep", "--trials", "4", "--perturbation", "curl_cw", "--set", "perturbation.catch_rate=0.5")
    figures = up(*words, "--set", "perturbation.seed=4")  # in the others the path is bent
    assert [t["lateral_deviation_mm"] < 10.0 for t in figures["by_trial"]] == four


def test_without_a_task_what_is_imposed_begins_with_simulated_time(command, tmp_path):
    """And not at the wall clock's time, at which simulated time never comes."""
    hashes = []
    for name in ("null", "curl_cw"):
        file = tmp_path / f"{name}.json"
        words = ["up", "reach", "--task", "none", "--lockstep", "--duration", "0.5", "--json", str(file)]
        done = command(*words, "--perturbation", name)
        assert done.returncode == 0, done.stderr
        hashes.append(json.loads(file.read_text())["trace_sha256"])
    assert hashes[0] != hashes[1]
