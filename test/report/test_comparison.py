"""Sessions that mirror each other are not told apart; one that learns and one that does not are."""

import json
from dataclasses import replace

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.report.comparison import _pairs, compare, default_place
from myoprosthesis.report.trial_table import read

SHORT = (("baseline", 40, 0.0), ("adaptation", 104, 1.0), ("washout", 48, 0.0))


@pytest.fixture(scope="module")
def folders(write, planted, tmp_path_factory):
    at = tmp_path_factory.mktemp("sessions")
    return {
        "cw": write(at / "cw", planted(blocks=SHORT)),
        "ccw": write(at / "ccw", planted(blocks=SHORT, gain=-10.0)),
        "rigid": write(at / "rigid", planted(blocks=SHORT, learned=0.0, seed=1)),
        "short": write(at / "short", planted(blocks=(("baseline", 24, 0.0), *SHORT[1:]))),
    }


def by_measure(numbers):
    return {d["measure"]: d for d in numbers["differences"]}


def test_opposite_fields_are_mirror_images_trial_by_trial(folders, tmp_path):
    numbers = compare([folders["cw"], folders["ccw"]], tmp_path)
    found = by_measure(numbers)
    for measure in ("initial", "end of adaptation", "after-effect"):
        assert found[measure]["zero_within"] and found[measure]["paired"] in (8, 16), measure
        assert found[measure]["own_mm"] * found[measure]["reference_mm"] > 0
    for d in found.values():
        if d["paired"]:
            assert d["difference"] == pytest.approx(d["own_mm"] - d["reference_mm"], abs=0.5)
    assert abs(found["initial"]["difference"]) > 0.01
    assert found["after-effect"]["own_mm"] < -10 < 20 < found["initial"]["own_mm"]
    assert json.loads((tmp_path / "figures.json").read_text())["differences"][0]["session"] == "ccw"
    html = (tmp_path / "index.html").read_text()
    assert "<script" not in html and html.count("<img alt=") == 3


def test_sessions_without_a_curl_field_are_not_turned(undrawn, folders, write, planted, tmp_path):
    """Whose side is unknown: what is said of them is to the right, for all sessions of the page."""
    rotated = write(tmp_path / "vmr", planted(blocks=[(n, k, 0.0) for n, k, _ in SHORT], special=False))
    alone = compare([folders["ccw"], folders["cw"]], tmp_path / "a")
    found = compare([folders["ccw"], rotated], tmp_path / "b")
    assert alone["positive_to"] == "to the side to which the session's own field pushes"
    assert found["positive_to"].startswith("to the right of the motion (not every first course has a curl field")
    ccw = by_measure(found)["initial"]["reference_mm"]
    assert ccw == pytest.approx(-by_measure(alone)["initial"]["reference_mm"]) and ccw < -20
    html = (tmp_path / "b" / "index.html").read_text()
    assert "positive to the right of the motion" in html and "mirror" not in html and "own field" not in html


def test_the_side_is_that_of_the_course_that_is_compared(undrawn, write, planted, tmp_path):
    """Two sessions that are the same but for the field of a later course."""
    before, after = (("baseline", 24, 0.0), ("adaptation 1", 40, 0.0), ("washout 1", 24, 0.0)), ("washout 2", 24, 0.0)
    sessions = [
        write(tmp_path / str(k), planted(blocks=(*before, ("adaptation 2", 40, sign), after), special=False))
        for k, sign in enumerate((1.0, -1.0))
    ]
    found = compare(sessions, tmp_path / "out")
    assert found["positive_to"].startswith("to the right") and by_measure(found)["initial"]["difference"] == 0


def test_a_fixed_policy_differs_from_one_that_learns(undrawn, folders, tmp_path):
    found = by_measure(compare([folders["cw"], folders["rigid"]], tmp_path))
    assert found["end of adaptation"]["interval"][0] > 15 and found["after-effect"]["interval"][0] > 10
    for d in found.values():
        assert d["difference"] == pytest.approx(d["own_mm"] - d["reference_mm"])
    assert found["initial"]["paired"] == 0  # other seeds have their targets in another order


def test_sessions_of_different_length_are_compared_as_groups(undrawn, folders, tmp_path):
    found = by_measure(compare([folders["cw"], folders["short"]], tmp_path))
    assert all(d["paired"] == 0 for d in found.values())
    low, high = found["after-effect"]["interval"]
    assert low < 0 < high


def test_trials_are_paired_by_the_movement_and_not_by_the_number_of_the_target(folders):
    whole = read(folders["cw"] / "trials.csv").table
    nearer = {
        "target_x": 0.5 * (whole.target_x + whole.start_x), "target_y": 0.5 * (whole.target_y + whole.start_y),
    }  # fmt: skip
    assert _pairs(whole, whole)[0] == list(range(len(whole)))
    assert _pairs(whole, replace(whole, **nearer)) == ([], [])


def test_one_session_or_too_many_are_refused(folders):
    with pytest.raises(ConfigError, match="1 sessions are to be compared, expected 2 to 8"):
        compare([folders["cw"]])
    assert default_place([folders["cw"], folders["ccw"]]).name == "comparison_cw_and_ccw"
