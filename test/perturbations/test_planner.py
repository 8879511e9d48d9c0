import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner, Preset
from myoprosthesis.tasks.random_reach import RandomReach, RandomReachOptions

CURL = {"kind": "curl", "gain": 10.0}


def planner(overrides=None, **preset):
    return Planner(build(Preset, {"name": "test", **preset}), overrides)


def trial(k):
    return TrialPlan(k, ns(k), ns(k + 1), (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), ns(k + 0.2))


def gains(made, n):
    """The b of the curl field in each of `n` trials, 0 where there is none."""
    return [sum(e.values["B"][0][1] for e in made.plan(trial(k)).entries) for k in range(n)]


def test_a_plan_is_of_its_trial():
    plan = planner(kinds=[CURL]).plan(trial(7))
    assert (plan.name, plan.trial, plan.from_ns, plan.until_ns) == ("test", 7, ns(7), ns(8))
    assert [(e.from_ns, e.until_ns) for e in plan.entries] == [(ns(7), ns(8))]


def test_kinds_add():
    plan = planner(kinds=[CURL, {"kind": "viscous", "gain": 3.0}]).plan(trial(0))
    total = sum((ForceField.from_dict(dict(e.values)) for e in plan.entries), ForceField.zero())
    np.testing.assert_array_equal(total.B, [[-3, 10, 0], [-10, -3, 0], [0, 0, -3]])


def test_blocks_are_baseline_adaptation_and_washout():
    made = planner(
        blocks=[{"first": 3, "last": 5, "kinds": [CURL]}, {"first": 8, "kinds": [{"kind": "curl", "gain": -4.0}]}]
    )
    assert gains(made, 11) == [0, 0, 0, 10, 10, 10, 0, 0, -4, -4, -4]
    names = [made.plan(trial(k)).name for k in (0, 3, 6, 8)]
    assert names == ["test (none)", "test (block 1)", "test (none)", "test (block 2)"]
    again = planner(blocks=[{"last": 1, "kinds": [CURL]}, {"first": 4, "kinds": [CURL]}])
    assert [again.plan(trial(k)).name for k in (0, 2, 4)] == ["test", "test (none)", "test"]


def test_catch_trials_are_chosen_by_the_seed_alone():
    def caught(seed, n=2000):
        made = planner(kinds=[CURL], catch_rate=0.2, seed=seed)
        return [g == 0 for g in gains(made, n)]

    assert caught(1) == caught(1) != caught(2)
    assert np.mean(caught(1)) == pytest.approx(0.2, abs=0.03)
    made = planner(kinds=[CURL], catch_rate=0.2, seed=1)
    assert [made.plan(trial(k)).name == "test (catch)" for k in range(2000)] == caught(1)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({}, "test"),
        ({"gain": 10}, "test"),
        ({"gain": 5.0}, "test (gain 5)"),
        ({"gain": 5, "ramp_s": 0.2}, "test (gain 5, ramp_s 0.2)"),
    ],
)
def test_the_name_of_a_plan_says_the_options_that_are_not_the_preset_s_own(overrides, name):
    assert planner(overrides, kinds=[CURL]).plan(trial(0)).name == name
    mirrored = planner(overrides, kinds=[{**CURL, "gain": -10.0}])
    assert mirrored.plan(trial(0)).name == name


def test_a_trial_without_a_perturbation_is_no_catch_trial():
    made = planner(blocks=[{"first": 100, "kinds": [CURL]}], catch_rate=1.0)
    assert made.plan(trial(0)).name == "test (none)" and made.plan(trial(100)).name == "test (catch)"


def test_catch_trials_do_not_fall_on_certain_targets():
    """With the same seed, the directions of caught reaches are spread over the circle like all others."""
    task, made = RandomReach(RandomReachOptions(seed=0)), planner(kinds=[CURL], catch_rate=0.25, seed=0)
    targets = [task.plan(k, 0).target for k in range(2000) if made.is_catch(k)]
    angles = np.arctan2([t[1] for t in targets], [t[0] for t in targets])
    assert len(angles) > 400 and abs(np.exp(1j * angles).mean()) < 0.12


def test_an_override_reaches_every_kind_that_has_the_option():
    made = planner({"gain": 15.0}, kinds=[CURL, {"kind": "constant", "force": [1, 0, 0]}])
    assert made.plan(trial(0)).entries[0].values["B"][0][1] == 15
    later = planner({"start_s": 0.5}, kinds=[CURL, {"kind": "constant"}]).plan(trial(0))
    assert {e.from_ns for e in later.entries} == {ns(0.5)}


def test_every_kind_keeps_the_direction_of_its_own_gain():
    """Recorded is what acted: the plan that is sent holds the signs."""
    kinds = [
        {"kind": "curl", "gain": -10.0},
        {"kind": "viscous", "gain": 3.0},
        {"kind": "constant", "force": [0, -2]},
        {"kind": "electrode_shift", "gain": -0.5},
    ]
    made = planner({"gain": 4.0}, kinds=kinds)
    curl, viscous, constant, shift = made.plan(trial(0)).entries
    assert curl.values["B"][0][1] == -4 and viscous.values["B"][0][0] == -4 and shift.values["positions"] == -4
    assert constant.values["f"] == [0, -2, 0]
    assert made.gains == (("curl", -4.0), ("viscous", 4.0), ("electrode_shift", -4.0))


def test_each_kind_that_is_there_twice_has_its_own_gain():
    two = Preset("two", kinds=({"kind": "curl", "gain": 10.0}, {"kind": "curl", "gain": -4.0}))
    assert Planner(two, {"gain": 2.0}).gains == (("curl", 2.0), ("curl", -2.0))


@pytest.mark.parametrize(
    ("preset", "overrides", "sentence"),
    [
        ({"kinds": [{"kind": "curls"}]}, None, "unknown perturbation 'curls'.*did you mean 'curl'"),
        ({"kinds": [{"gain": 5}]}, None, "needs its kind: one of .*channel, .*constant"),
        ({"kinds": [{"kind": "curl", "gian": 5}]}, None, "perturbation curl: unknown option 'gian'.*'gain'"),
        ({"kinds": [{"kind": "curl", "gain": 1e6}]}, None, "outside -100 to 100"),
        ({"kinds": [{"kind": "curl", "gain": float("nan")}]}, None, "finite"),
        (
            {"kinds": [{**CURL, "duration_s": 0.2, "ramp_s": 5}]},
            None,
            "ramp_s of 5 s is longer than its duration_s",
        ),
        ({"kinds": [{"kind": "joint_load"}]}, None, "needs joints"),
        ({"kinds": [{"kind": "constant", "force": [1, 2, 3, 4]}]}, None, "has 4 values; x and y are needed"),
        ({"kinds": [{"kind": "pulse", "force": [1]}]}, None, "has 1 values; x and y are needed"),
        ({"kinds": [{"kind": "weakness", "muscles": ["a", "b", "a"]}]}, None, "weakness: muscles has 'a' twice"),
        ({"kinds": [{"kind": "weakness"}]}, {"muscles": ["a", "a"]}, "weakness: muscles has 'a' twice"),
        ({"kinds": [{"kind": 5}]}, None, "unknown perturbation 5"),
        ({"kinds": "curl"}, None, "'curl' is not a mapping"),
        ({"kinds": [CURL], "blocks": [{"kinds": [CURL]}]}, None, "exclude each other"),
        ({"blocks": [{"first": 5, "last": 3}]}, None, "block: .*trial 3, before its first, 5"),
        ({"blocks": [{"from": 5}]}, None, "block: unknown option 'from'"),
        (
            {"blocks": [{"last": 3}, {"first": 3}]},
            None,
            "begins with trial 3, .* trial 0 ends with trial 3",
        ),
        ({"blocks": [{"first": 9}, {"first": 2}]}, None, "begins with trial 9, and the one .* trial 2 has no end"),
        ({"catch_rate": 1.5}, None, "outside 0 to 1"),
        ({"kinds": [CURL]}, {"stiffness": 5}, "'test' has no option stiffness"),
        ({"kinds": [CURL]}, {"gain": "much"}, "'much' is not a number"),
        ({"kinds": [CURL]}, {"gain": -8.0}, "a gain is a magnitude"),
        ({"kinds": [{"kind": "rotation"}]}, {"gain": 8.0}, "has no option gain; it has degrees"),
        ({"kinds": [{"kind": "weakness"}]}, {"gain": 0.5}, "has no option gain; it has .*strength"),
    ],
)
def test_a_bad_preset_is_refused_before_the_first_trial(preset, overrides, sentence):
    with pytest.raises(ConfigError, match=sentence):
        planner(overrides, **preset)


def test_what_begins_after_the_trial_is_left_out_and_the_name_says_so():
    late = planner(kinds=[{**CURL, "start_s": 1.0}])
    assert (late.plan(trial(3)).entries, late.plan(trial(3)).name) == ((), "test (not before the trial's end)")
    plan = planner(kinds=[CURL, {"kind": "viscous", "start_s": 60.0}]).plan(trial(3))
    assert ([e.from_ns for e in plan.entries], plan.name) == ([ns(3)], "test (in part after the trial's end)")
    late.check_within(1.5)
    with pytest.raises(
        ConfigError, match=r"curl begins 1 s after the trial's start \(start_s\), and a trial ends after 1"
    ):
        late.check_within(1.0)


def test_without_trials_it_is_as_in_the_first():
    """One plan for ever, numbered −1, for those who have no task."""
    for_ever = TrialPlan(-1, 0, 2**62, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), None, reset=False)
    planner = Planner(Preset(kinds=({"kind": "curl", "gain": 3.0},), catch_rate=1.0))
    assert [e.kind for e in planner.plan(for_ever).entries] == ["law"] and not planner.is_catch(-1)


@pytest.mark.parametrize("name", ["force_channel", "visuomotor_rotation"])
def test_what_a_trial_lays_out_is_refused_where_there_are_none(name):
    with pytest.raises(ConfigError, match="is laid out by where a trial begins or ends, and there are no trials here"):
        presets.planner(name, {}).check_alone()


@pytest.mark.parametrize("name", ["curl_cw", "push", "null"])
def test_what_needs_no_trial_acts_without(name):
    presets.planner(name, {}).check_alone()
