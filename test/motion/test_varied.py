"""People who were never recorded: they walk on these legs, each in an own way, and the same seed gives the same."""

import numpy as np
import pytest
import yaml

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import POSTURE
from myoprosthesis.motion.varied import gait_of, varied

BEYOND = np.radians(9.0)
"""Hips are spread, and excursions grow with the speed."""


@pytest.fixture(scope="module")
def legs():
    return Legs()


@pytest.fixture(scope="module")
def gait(legs):
    return gait_of(legs, motion_clip.read(motion_clip.find("walk_1.2")))


def test_a_clip_is_the_gait_that_it_was_made_of(gait):
    assert gait.speed == pytest.approx(1.2, abs=1e-4)
    assert gait.duration_s == pytest.approx(1.088, abs=1e-3)


def test_people_differ_and_walk(legs, gait):
    people = [varied(legs, gait, (0.8, 1.8), np.random.default_rng(seed)) for seed in range(4)]
    for slow, fast in people:
        assert (slow.speed, fast.speed) == (pytest.approx(0.8), pytest.approx(1.8))
        for one in (slow, fast):
            assert legs.between(one.postures).min() > 0.0  # the legs pass each other
            assert one.contacts.any(axis=0).all()
            for name, (low, high) in legs.ranges.items():
                column = one.postures[:, POSTURE.index(name)]
                assert low - BEYOND <= column.min() and column.max() <= high + BEYOND
    apart = [
        np.degrees(np.abs(a[0].postures[:, 6:] - b[0].postures[:, 6:]).mean())
        for i, a in enumerate(people) for b in people[:i]
    ]  # fmt: skip
    assert min(apart) > 1.0
    (again,) = varied(legs, gait, (0.8,), np.random.default_rng(0))
    np.testing.assert_array_equal(again.postures, people[0][0].postures)


def test_the_command_writes_clips_that_a_walk_finds(tmp_path, command_here, monkeypatch):
    folder = tmp_path / "people"
    words = ("motion", "vary", "walk_1.2", "--out", str(folder), "--people", "2", "--seed", "3")
    assert command_here(*words, "--speed", "1.0", "1.3").returncode == 0
    names = sorted(path.stem for path in folder.glob("*.csv"))
    assert names == ["varied_00_1.0", "varied_00_1.3", "varied_01_1.0", "varied_01_1.3"]
    beside = yaml.safe_load((folder / "varied_01_1.3.yaml").read_text())
    assert beside["licence"] == "MIT" and beside["speed_m_s"] == pytest.approx(1.3)
    assert "no recording" in beside["remarks"][0]
    monkeypatch.setenv(motion_clip.FOLDERS, str(folder))
    assert "varied_01_1.3" in motion_clip.names()


def test_a_clip_of_arms_is_refused(legs, tmp_path):
    path = tmp_path / "arm.csv"
    path.write_text("time_s,shoulder\n0,0\n1,1\n")
    with pytest.raises(ConfigError, match="none of legs"):
        gait_of(legs, motion_clip.read(path))


@pytest.mark.parametrize(
    "speeds, sentence",
    [(("0",), "is outside 0.3 to 4 m/s"), (("-1.2",), "is outside"), (("1.2", "1.2"), "has a speed twice")],
)
def test_speeds_at_which_nobody_walks_or_that_are_there_twice_are_refused(command_here, tmp_path, speeds, sentence):
    done = command_here("motion", "vary", "walk_1.2", "--out", str(tmp_path), "--people", "1", "--speed", *speeds)
    assert done.returncode == 2 and sentence in done.stderr and not list(tmp_path.iterdir())


def test_clips_at_speeds_that_differ_little_have_names_of_their_own(command_here, tmp_path):
    words = ("motion", "vary", "walk_1.2", "--out", str(tmp_path), "--people", "1", "--speed", "1.2", "1.24")
    assert command_here(*words).returncode == 0
    assert sorted(p.name for p in tmp_path.glob("*.csv")) == ["varied_00_1.2.csv", "varied_00_1.24.csv"]
