"""The figures are those of the definitions, and what was planted lies within their intervals."""

import json

import numpy as np
import pytest

from myoprosthesis.report import figures


@pytest.fixture(scope="module")
def found(write, planted, tmp_path_factory):
    def make(**options):
        folder = write(tmp_path_factory.mktemp("s"), planted(**options))
        return figures.figures(folder)

    return make


@pytest.fixture(scope="module")
def cw(found):
    return found()


def test_the_course_follows_its_definitions(cw, made, planted):
    normal = [t for t in made(planted()) if t.kind == "normal"]
    before, during, after = (np.array([t.deviation_mm for t in normal if t.block == b]) for b in range(3))
    rest = np.abs(before[len(before) // 2 :]).mean()
    expected = {
        "baseline_mm": rest,
        "initial_mm": np.abs(during[:8]).mean(),
        "initial_signed_mm": during[:8].mean(),
        "end_mm": np.abs(during[-16:]).mean(),
        "initial_over_baseline": np.abs(during[:8]).mean() / rest,
        "reduction": 1 - np.abs(during[-16:]).mean() / np.abs(during[:8]).mean(),
        "after_effect_mm": after[:8].mean(),
        "after_effect_first_few_mm": after[:3].mean(),
        "after_effect_over_initial": after[:8].mean() / during[:8].mean(),
        "washout_mm": np.abs(after[-16:]).mean(),
        "washout_over_baseline": np.abs(after[-16:]).mean() / rest,
    }
    for key, value in expected.items():
        assert cw["course"][key] == pytest.approx(value, rel=1e-6), key
        low, high = cw["course"][f"{key}_interval"]
        assert low < value < high, key


def test_the_after_effect_goes_to_the_other_side_in_either_field(cw, found):
    ccw = found(gain=-10.0)
    assert cw["course"]["initial_signed_mm"] > 20 and cw["course"]["after_effect_mm"] < -15
    assert ccw["course"]["initial_signed_mm"] < -20 and ccw["course"]["after_effect_mm"] > 15
    for one in (cw, ccw):
        assert -1 < one["course"]["after_effect_over_initial"] < -0.5
        assert all(c["met"] for c in one["criteria"])


def test_a_policy_that_does_not_learn_does_not_meet_the_criteria(found):
    rigid = found(learned=0.0)
    judged = {c["title"]: c["met"] for c in rigid["criteria"]}
    assert judged["error when the field comes on, over baseline"]
    assert not judged["reduction by practice"] and not judged["after-effect over initial error"]
    low, high = rigid["course"]["reduction_interval"]
    assert low < 0 < high


def test_each_block_has_its_trials_and_what_they_show(cw, made, planted):
    trials = made(planted())
    assert [b["name"] for b in cw["blocks"]] == ["baseline", "adaptation", "washout"]
    adaptation = cw["blocks"][1]
    own = [t for t in trials if t.block == 1]
    assert adaptation["trials"] == [t.trial for t in own]
    assert adaptation["lateral_deviation_mm_by_trial"] == pytest.approx([t.deviation_mm for t in own], rel=1e-6)
    channel = [t for t in own if t.kind == "channel"]
    assert adaptation["channel_trials"] == [t.trial for t in channel]
    assert adaptation["channel_force_slope"] == pytest.approx([t.known for t in channel], rel=1e-6)
    last = [t.known for t in channel][len(channel) // 2 :][-8:]
    assert adaptation["adaptation_index"] == pytest.approx(np.mean(last))
    assert adaptation["after_effect_mm"] == pytest.approx(-30 * 0.89, abs=1.5)
    assert cw["blocks"][2]["after_effect_mm"] == pytest.approx(cw["course"]["after_effect_mm"])
    assert cw["blocks"][0]["adaptation_index"] is None


def test_without_noise_intervals_close_and_nothing_fails(found):
    still = found(noise_mm=0.0, error_mm=0.0)
    assert still["course"]["initial_mm"] == pytest.approx(0.0, abs=1e-9)
    assert still["course"]["reduction"] is None
    nearly = found(noise_mm=1e-13, error_mm=20.0)["course"]  # as a session without noise has it
    assert nearly["initial_mm"] == pytest.approx(20.0, rel=0.2) and nearly["initial_over_baseline"] is None
    json.dumps(figures.tidy(still), allow_nan=False)


def test_short_blocks_give_what_they_can(found):
    short = found(blocks=(("baseline", 1, 0.0), ("adaptation", 9, 1.0)), special=False)
    assert short["course"]["baseline_mm_interval"] is None
    assert short["course"]["end_mm"] is not None and short["course"]["end_mm_interval"] is None
    assert short["course"]["after_effect_mm"] is None


def test_the_same_seed_gives_the_same_figures(cw, found):
    again = found()
    assert {**again, "folder": ""} == {**cw, "folder": ""} or json.dumps(again["course"]) == json.dumps(cw["course"])
