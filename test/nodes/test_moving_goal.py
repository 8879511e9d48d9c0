"""The shipped task with a moving goal, in a whole stack."""

import json

import pytest


def test_a_moving_target_is_followed_and_scored_by_its_task(command, tmp_path):
    figures = tmp_path / "figures.json"
    words = ("--effector", "point_mass", "--task", "orbit_follow", "--lockstep", "--trials", "3", "--seed", "11")
    done = command("up", "reach", *words, "--quiet", "--json", str(figures))
    assert done.returncode == 0, done.stdout + done.stderr
    got = json.loads(figures.read_text())
    assert got["trials"] == 3 and got["trials_lost"] == 0
    for trial in got["by_trial"]:
        assert 0.0 < trial["mean_distance_mm"] < 60.0 and 0.0 <= trial["score"] <= 1.0  # of a circle of 60 mm
        assert trial["label"] in ("clockwise", "counter-clockwise") and trial["endpoint_error_mm"] is None
        assert trial["success"] == (trial["mean_distance_mm"] <= 30.0)
    mean = sum(t["score"] for t in got["by_trial"]) / 3
    assert got["conditions"][0]["figures"]["score"] == pytest.approx(mean)
