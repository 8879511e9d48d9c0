"""Trajectories planted in a plane of a larger space."""

import numpy as np
import pytest

from myoprosthesis.analysis import hidden
from myoprosthesis.core.errors import DataError

RNG = np.random.default_rng(0)
UNITS = 20
PLANE = np.linalg.qr(RNG.normal(size=(UNITS, 2)))[0].T
PHASE = np.linspace(0, 2 * np.pi, 200, endpoint=False)
ANGLES = np.arange(8) * np.pi / 4


def planted(noise=0.0):
    """(8, 200, 20): ellipses 3 : 1 in one plane, shifted by condition along its second axis."""
    flat = np.stack([np.column_stack([3 * np.cos(PHASE + a), np.sin(PHASE + a)]) for a in ANGLES])
    return flat @ PLANE + 5 + noise * RNG.normal(size=(8, 200, UNITS))


def test_the_planted_plane_is_found():
    axes = hidden.shared_axes(planted(0.01), 2)
    assert axes.variance == pytest.approx([0.9, 0.1], abs=0.005)
    np.testing.assert_allclose(np.abs(axes.components @ PLANE.T), np.eye(2), atol=0.01)
    np.testing.assert_allclose(axes.mean, 5, atol=0.01)
    assert hidden.components_for(hidden.shared_axes(planted(0.01)), 0.95) == 2
    assert hidden.components_for(axes, 0.85) == 1
    assert (np.abs(axes.components).max(axis=1) == axes.components.max(axis=1)).all()


def test_trajectories_keep_their_distances_and_come_back():
    states = planted()
    axes = hidden.shared_axes(states, 2)
    flat = axes.project(states)
    assert flat.shape == (8, 200, 2)
    np.testing.assert_allclose(axes.restore(flat), states, atol=1e-12)
    np.testing.assert_allclose(hidden.distances(flat), hidden.distances(states), atol=1e-12)
    np.testing.assert_allclose(axes.project(states[3]), flat[3], atol=1e-12)


def test_place_and_rotation_of_the_units_do_not_matter():
    turn = np.linalg.qr(RNG.normal(size=(UNITS, UNITS)))[0]
    states = planted(0.1)
    one, other = hidden.shared_axes(states), hidden.shared_axes(states @ turn + 3)
    np.testing.assert_allclose(one.variance, other.variance)
    assert hidden.principal_angles(hidden.shared_axes(states @ turn, 2), hidden.shared_axes(states, 2))[-1] > 0.5
    np.testing.assert_allclose(hidden.spread(states), hidden.spread(states @ turn + 3))


def test_axes_are_shared_not_those_of_the_first_condition():
    flat = np.zeros((2, 50, 3))
    flat[0, :, 0] = flat[1, :, 1] = np.linspace(-1, 1, 50)
    axes = hidden.shared_axes(flat)
    assert axes.variance == pytest.approx([0.5, 0.5, 0])
    first, second = (hidden.shared_axes(flat[i : i + 1], 1) for i in (0, 1))
    np.testing.assert_allclose(hidden.variance_accounted(flat, first), [[1], [0]], atol=1e-12)
    np.testing.assert_allclose(hidden.variance_accounted(flat, axes)[:, 1], [1, 1])
    assert hidden.principal_angles(first, second) == pytest.approx([np.pi / 2])
    assert hidden.principal_angles(first, first) == pytest.approx([0], abs=1e-7)


def test_angles_rise_from_the_shared_direction():
    both = hidden.Axes(np.zeros(3), np.eye(3)[:2], np.ones(2))
    tilted = hidden.Axes(np.zeros(3), np.array([[1.0, 0, 0], [0, np.cos(0.4), np.sin(0.4)]]), np.ones(2))
    assert hidden.principal_angles(both, tilted) == pytest.approx([0, 0.4], abs=1e-7)


def test_a_condition_s_own_offset_is_not_variance_over_time():
    states = planted()
    states[2] += 100 * RNG.normal(size=UNITS)
    axes = hidden.Axes(np.full(UNITS, 5.0), PLANE, np.ones(2))
    np.testing.assert_allclose(hidden.variance_accounted(states, axes)[:, 1], 1)


def test_conditions_that_start_together_part_and_meet_again():
    s = np.sin(np.linspace(0, np.pi, 101))
    states = np.stack([np.column_stack([s * np.cos(a), s * np.sin(a)]) for a in (0, np.pi)])
    np.testing.assert_allclose(hidden.distance(*states), 2 * s)
    np.testing.assert_allclose(hidden.spread(states), 2 * s)
    three = np.concatenate([states, states[:1]])
    np.testing.assert_allclose(hidden.spread(three), (2 + 2 + 0) * s / 3)
    np.testing.assert_allclose(hidden.distances(three)[:, 1, 2], 2 * s)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: hidden.shared_axes(np.ones((2, 5, 3))), "never change"),
        (lambda: hidden.shared_axes(np.ones((5, 3))), "expected (n_conditions, n_samples, n_units)"),
        (lambda: hidden.shared_axes(np.full((2, 5, 3), np.nan)), "30 values that are not finite"),
        (lambda: hidden.shared_axes(planted(), 21), "count is 21, expected a whole number from 1 to 20"),
        (lambda: hidden.shared_axes(planted(), 2).project(np.ones((4, 3))), "expected (n_0, 20)"),
        (lambda: hidden.variance_accounted(np.ones((2, 5, 20)), hidden.shared_axes(planted())), "condition 0 never"),
        (lambda: hidden.components_for(hidden.shared_axes(planted(0.1), 1), 0.99), "fit more"),
        (lambda: hidden.components_for(hidden.shared_axes(planted()), 95), "share is 95"),
        (lambda: hidden.distance(np.ones((5, 2)), np.ones((4, 2))), "shapes (5, 2) and (4, 2)"),
        (lambda: hidden.spread(np.ones((1, 5, 2))), "at least 2"),
        (
            lambda: hidden.principal_angles(hidden.shared_axes(planted()), hidden.shared_axes(planted()[:, :, :3])),
            "20 and 3 units",
        ),
    ],
)
def test_refusals(call, says):
    with pytest.raises(DataError) as error:
        call()
    assert says in str(error.value) and "\n" not in str(error.value)
