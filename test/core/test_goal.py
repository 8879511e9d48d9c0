import json
import math

import pytest

from myoprosthesis.core import goal, motion_clip
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.goal import (
    ClipGoal,
    CommandGoal,
    ConstantGoal,
    OrbitGoal,
    SwitchedGoal,
    from_dict,
    in_turn,
    pieces,
    to_dict,
)  # fmt: skip

ORBIT = OrbitGoal((1.0, 2.0, 3.0), (0.2, 0.1), 4.0, 0.3, "ball")
BACK = OrbitGoal((1.0, 2.0, 3.0), (0.2, 0.1), -4.0, 0.3, "ball")
STEPS = "time_s, hip, height [m]\n0.0, 0.0, 1.0\n0.5, 1.0, 1.0\n2.0, 0.0, 4.0\n"


@pytest.fixture
def walk(tmp_path, monkeypatch):
    """A clip of 2 s with two columns."""
    (tmp_path / "walk.csv").write_text(STEPS)
    monkeypatch.setenv(motion_clip.FOLDERS, str(tmp_path))
    motion_clip.load.cache_clear()
    return motion_clip.read(tmp_path / "walk.csv")


GOALS = [ConstantGoal({"ball/x": 0.1, "b": 2.0}), ORBIT, CommandGoal(1.2, -0.4), SwitchedGoal(ORBIT, BACK, 1.5)]


@pytest.mark.parametrize("one", GOALS)
def test_plain_data_brings_a_goal_back(one):
    assert goal.from_dict(goal.to_dict(one)) == one
    assert set(one.at(0.3)) == set(one.units)


def test_an_orbit_stays_on_its_ellipse_and_comes_round():
    for t in (0.0, 0.7, 1.9, 3.999):
        (x, vx), (y, vy), (z, _), (phase, rate) = (ORBIT.at(t)[f"ball/{n}"] for n in ("x", "y", "z", "phase"))
        assert ((x - 1.0) / 0.2) ** 2 + ((y - 2.0) / 0.1) ** 2 == pytest.approx(1.0)
        assert (z, rate) == (3.0, 2 * math.pi / 4.0) and -math.pi <= phase <= math.pi
        before, after = ORBIT.at(t - 1e-6), ORBIT.at(t + 1e-6)
        assert (vx, vy) == pytest.approx(
            [(after[f"ball/{n}"][0] - before[f"ball/{n}"][0]) / 2e-6 for n in "xy"], abs=1e-8
        )
        assert ORBIT.at(t + 4.0)["ball/x"][0] == pytest.approx(x)


def test_a_switched_goal_is_the_second_one_from_its_time_on():
    turned = SwitchedGoal(ORBIT, BACK, 1.5)
    assert turned.at(1.499) == ORBIT.at(1.499) and turned.at(1.5) == BACK.at(1.5) != ORBIT.at(1.5)


def test_a_period_below_zero_goes_round_clockwise():
    left, right = OrbitGoal((0, 0, 0), (1, 1), 4.0), OrbitGoal((0, 0, 0), (1, 1), -4.0)
    assert left.at(1.0)["target/y"][0] == pytest.approx(1.0) and right.at(1.0)["target/y"][0] == pytest.approx(-1.0)


def test_a_clip_is_read_between_its_samples_at_its_speed_and_begins_again(walk):
    assert dict(walk.units) == {"hip": "rad", "height": "m"} and walk.duration_s == 2.0
    steps = ClipGoal("walk", walk.sha256, phase=0.5, speed=2.0)
    assert goal.from_dict(goal.to_dict(steps)) == steps
    assert steps.at(0.0)["reference/height"] == pytest.approx(
        (2.0, 4.0)
    )  # at 1 s of the clip, 2 m/s there, twice as fast
    assert steps.at(0.25)["reference/hip"] == pytest.approx((1.0 / 3.0, -4.0 / 3.0))
    assert steps.at(0.625)["reference/hip"] == pytest.approx((0.5, 4.0))  # 2.25 s: 0.25 s of the next round
    assert steps.at(0.25)["reference/phase"] == pytest.approx((1.5 * math.pi, 2.0 * math.pi))
    assert set(steps.units) == set(steps.at(0.0))


def test_a_clip_with_another_hash_or_none_is_refused(walk):
    with pytest.raises(ConfigError, match="give all machines the same file"):
        ClipGoal("walk", "0" * 64).at(0.0)
    with pytest.raises(ConfigError, match="unknown clip 'wlak'.*did you mean 'walk'"):
        ClipGoal("wlak", walk.sha256).at(0.0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("time, a\n0, 1\n1, 1\n", "needs a column time_s"),
        ("time_s, a\n0, 1\n", "two rows or more"),
        ("time_s, a\n0, 1\n0, 1\n", "begin at 0 and grow"),
        ("time_s, a\n0, nan\n1, 1\n", "finite"),
        ("time_s, a, a\n0, 1, 1\n1, 1, 1\n", "column twice"),
        ("time_s, a\n0, x\n1, 1\n", "cannot be read"),
    ],
)
def test_a_damaged_clip_is_refused(text, sentence, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        motion_clip.read(tmp_path / "bad.csv")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"kind": "orbti"}, "did you mean 'orbit'"),
        ({"kind": "command", "speed": 1.0, "turn": 2.0}, "'turn'"),
        ({"kind": "command", "speed": math.nan}, "finite"),
        ({"kind": "orbit", "centre": [0, 0], "radii": [1, 1], "period_s": 1.0}, "centre .* needs 3 numbers"),
        ({"kind": "orbit", "centre": [0, 0, 0], "radii": [1, 1], "period_s": 0.0}, "period of 0 s"),
        ({"kind": "constant", "values": {"a": "x"}}, "finite"),
        ("orbit", "an object with a kind"),
    ],
)
def test_a_damaged_goal_is_refused(data, sentence):
    with pytest.raises(ConfigError, match=sentence):
        goal.from_dict(data)


def test_goals_one_after_the_other_are_nested_no_deeper_than_a_message_may_be():
    parts = [(-math.inf if k == 0 else float(k), ConstantGoal({"a": float(k)})) for k in range(100)]
    whole = in_turn(parts)
    assert pieces(whole) == parts and from_dict(json.loads(json.dumps(to_dict(whole)))) == whole
    assert [whole.at(k + 0.5)["a"][0] for k in range(-1, 100)] == [0.0, *map(float, range(100))]

    def depth(goal):
        return 1 + max(depth(goal.before), depth(goal.after)) if isinstance(goal, SwitchedGoal) else 1

    assert depth(whole) == 8
    late = SwitchedGoal(whole, whole, 7.5)  # the second part begins in the middle
    assert [late.at(t) for t in (6.5, 7.2, 7.7, 8.2)] == [in_turn(pieces(late)).at(t) for t in (6.5, 7.2, 7.7, 8.2)]
    assert [t for t, _ in pieces(late)][6:10] == [6.0, 7.0, 7.5, 8.0]
