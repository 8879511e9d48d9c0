"""`evaluate` of a walk: an unseen movement, and pushes."""

import json

import pytest

from myoprosthesis.envs import push_limits
from myoprosthesis.envs.push_limits import PushLimits


def test_a_movement_of_another_person_and_the_largest_push(command_here, tmp_path, monkeypatch):
    def limits(policy, trials, task, options, threads, progress):
        assert options["clips"][0].startswith("followed-") and options["speed"] == pytest.approx((1.2028, 1.2028))
        return PushLimits((0.0, 90.0, 180.0), (40, 12, 20), 0.1875, len(trials))

    monkeypatch.setattr(push_limits, "push_limits", limits)
    out, picture = tmp_path / "figures.json", tmp_path / "pushes.png"
    end = command_here(
        "evaluate", "walk", "--motion", "person_opensim", "--episodes", "2", "--option", "trial_s=0.3", "--push",
        "--picture", str(picture), "--threads", "1", "--quiet", "--json", str(out),
    )  # fmt: skip
    assert end.returncode == 0, end.stderr
    figures = json.loads(out.read_text())
    assert figures["completed"] == 1.0 and 0.0 < figures["joint_rmse_deg"] < 9.0 and figures["position_error_mm"] > 0
    assert figures["motion"] == "person_opensim" and len(figures["motion_sha256"]) == 64
    assert (figures["largest_push_ns"], figures["worst_push_deg"]) == (12, 90.0)
    assert figures["push_ns_by_direction"] == {"0": 40, "90": 12, "180": 20}
    assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("--picture", "x.png"), "--picture draws the pushes of --push"),
        (("--push", "--perturbation", "push_pelvis"), "without --perturbation"),
        (("--motion", "walk_1.3", "--record"), "without --motion"),
        (("--motion", "nobody"), "unknown clip 'nobody'"),
    ],
)
def test_what_does_not_go_together_is_refused(command_here, words, sentence):
    end = command_here("evaluate", "walk", *words)
    assert end.returncode != 0 and sentence in end.stderr
