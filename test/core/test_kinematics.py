"""On paths whose measures are known by hand."""

import numpy as np
import pytest

from myoprosthesis.core.kinematics import endpoint_error, lateral, lateral_deviation, path_length, peak_speed

S = np.linspace(0, 1, 1001)
START, TARGET = np.array([0.1, 0.3, 0.0]), np.array([0.1, 0.4, 0.0])  # forwards, +y; right of it is +x


def bent(by):
    """A half sine off the line START → TARGET, `by` m to the right at its middle."""
    return START + S[:, None] * (TARGET - START) + np.sin(np.pi * S)[:, None] * [by, 0, 0]


@pytest.mark.parametrize("by", [0.02, -0.03])
def test_right_of_the_motion_is_positive(by):
    assert lateral_deviation(bent(by), START, TARGET) == pytest.approx(by)
    np.testing.assert_allclose(lateral(bent(by), START, TARGET), by * np.sin(np.pi * S), atol=1e-15)


def test_the_other_way_round_right_is_left():
    back = bent(0.02)[::-1]
    assert lateral_deviation(back, TARGET, START) == pytest.approx(-0.02)


@pytest.mark.parametrize("turn", np.arange(8) * np.pi / 4)
def test_it_is_the_same_in_every_direction_and_place(turn):
    c, s = np.cos(turn), np.sin(turn)
    rotate = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    moved, start, target = ((p @ rotate.T) + [1.0, -2.0, 0.5] for p in (bent(0.02), START, TARGET))
    assert lateral_deviation(moved, start, target) == pytest.approx(0.02)


def test_of_a_path_to_both_sides_the_larger_counts_with_its_sign():
    path = START + S[:, None] * (TARGET - START) + np.where(S < 0.5, 0.01, -0.02)[:, None] * [1, 0, 0]
    assert lateral_deviation(path, START, TARGET) == pytest.approx(-0.02)


def test_without_a_line_there_is_no_side():
    assert lateral_deviation(bent(0.02), START, START) == 0.0
    assert lateral_deviation(np.zeros((0, 3)), START, TARGET) == 0.0


def test_two_coordinates_are_enough():
    assert lateral_deviation(bent(0.02)[:, :2], START[:2], TARGET[:2]) == pytest.approx(0.02)
    assert endpoint_error(bent(0.02)[:, :2], TARGET, 0.01, 0.01) == pytest.approx(0, abs=1e-12)


def test_endpoint_error_is_the_mean_over_the_last_100_ms():
    path = np.tile(TARGET, (100, 1))
    path[:90] += 1.0  # before the window
    path[90:95, 0] += 0.003
    path[95:, 1] -= 0.005
    assert endpoint_error(path, TARGET, 0.01) == pytest.approx(0.004)
    assert endpoint_error(path, TARGET, 0.01, window_s=0.05) == pytest.approx(0.005)
    assert endpoint_error(path, TARGET, 0.002, window_s=0.02) == pytest.approx(0.004)


def test_length_and_speed():
    t = np.linspace(0, 2 * np.pi, 10_001)
    circle = 0.05 * np.stack([np.cos(t), np.sin(t)], axis=1)
    assert path_length(circle) == pytest.approx(2 * np.pi * 0.05, rel=1e-6)
    assert path_length(bent(0.0)) == pytest.approx(0.1)
    assert peak_speed([[0, 0], [0.3, -0.4], [0.1, 0.2]]) == pytest.approx(0.5)
