"""Walks of people over the cycle, as files have them."""

import numpy as np
import pytest

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError, RecordingError
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.motion.people_gait import NAMES, SIGNALS, read_gait

HEAD = [f"{name} [{unit}]" for name, unit in SIGNALS.items()]


def person(folder, name, head, rows=50):
    cycle = 2.0 * np.pi * np.arange(rows) / rows
    (folder / f"{name}.csv").write_text(csv_text(head, *np.stack([np.cos(cycle + k) for k in range(len(head))], 1)))


def test_signals_by_name_in_any_order_and_what_is_not_there_is_unknown(tmp_path):
    person(tmp_path, "anna", [*HEAD[::-1], "toe [deg]"])
    person(tmp_path, "bert", ["ground_vertical [BW]"])
    people = read_gait(tmp_path)
    assert people.people == ("anna", "bert") and people.curves.shape == (2, 100, len(NAMES))
    grid = 2.0 * np.pi * np.arange(100) / 100
    for k in range(len(NAMES)):
        np.testing.assert_allclose(people.curves[0, :, k], np.cos(grid + len(NAMES) - 1 - k), atol=3e-3)
    there = ~np.isnan(people.curves[1]).any(axis=0)
    assert [name for name, is_there in zip(NAMES, there, strict=True) if is_there] == ["ground_vertical"]


@pytest.mark.parametrize(
    "head, sentence",
    [
        (["knee_angle"], r"knee_angle does not say its unit; 'knee_angle \[deg\]' is needed"),
        (["knee_angle [rad]"], r"knee_angle is in 'rad'; 'knee_angle \[deg\]' is needed"),
        (["ankle_angle_moment [N m]"], r"'ankle_angle_moment \[N m/kg\]' is needed"),
        (["knee_angle [deg]", "knee_angle  [deg]"], "knee_angle twice"),
        (["knee [deg]"], "has none of hip_flexion, "),
    ],
)
def test_units_and_names_are_asked_for(tmp_path, head, sentence):
    person(tmp_path, "anna", head)
    with pytest.raises(ConfigError, match=sentence):
        read_gait(tmp_path)


def test_what_is_no_cycle_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no such folder"):
        read_gait(tmp_path / "none")
    with pytest.raises(ConfigError, match=r"no \.csv of people .* such as hip_flexion \[deg\]"):
        read_gait(tmp_path)
    person(tmp_path, "anna", HEAD, 12)
    with pytest.raises(RecordingError, match="20 rows"):
        read_gait(tmp_path)
    person(tmp_path, "anna", HEAD)
    text = (tmp_path / "anna.csv").read_text().splitlines()
    text[3] = "nan" + text[3][text[3].index(",") :]
    (tmp_path / "anna.csv").write_text("\n".join(text))
    with pytest.raises(RecordingError, match=r"no number for 'hip_flexion \[deg\]' in row 3"):
        read_gait(tmp_path)


def test_the_person_that_comes_with_the_package_walks_as_people_do():
    people = read_gait(share.root() / "config" / "recordings" / "gait_falisse")
    assert len(people.people) == 11 and np.isfinite(people.curves).all()
    mean = dict(zip(NAMES, people.curves.mean(axis=0).T, strict=True))
    assert 55.0 < mean["knee_angle"].max() < 75.0 and 60 < mean["knee_angle"].argmax() < 80
    assert -1.8 < mean["ankle_angle_moment"].min() < -1.1 and 40 < mean["ankle_angle_moment"].argmin() < 55
    assert mean["ground_forward"][:25].min() < -0.1 and mean["ground_forward"][40:60].max() > 0.1
    assert 0.4 < mean["ground_vertical"].mean() < 0.55
