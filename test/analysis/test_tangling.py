"""Tangling against its equation, and trajectories that are known to be tangled or not."""

import numpy as np
import pytest

from myoprosthesis.analysis.tangling import SHARE, tangling
from myoprosthesis.core.errors import DataError

DT = 0.01
T = np.arange(0, 2 * np.pi, DT)


def test_it_is_the_equation():
    rng = np.random.default_rng(0)
    trials = [rng.normal(3, 1, (n, 4)) for n in (9, 5)]
    x, v = np.concatenate(trials), np.concatenate([np.gradient(t, DT, axis=0) for t in trials])
    epsilon = SHARE * np.mean(np.sum((x - x.mean(0)) ** 2, axis=1))
    wanted = [
        max(np.sum((v[t] - v[s]) ** 2) / (np.sum((x[t] - x[s]) ** 2) + epsilon) for s in range(14)) for t in range(14)
    ]
    assert np.allclose(tangling(trials, DT), wanted)


def test_a_circle_is_less_tangled_than_an_eight():
    """Of a circle |ẋ − ẋ'| = ω|x − x'|, so that Q stays below ω²; an eight crosses itself in different directions."""
    circle = np.stack([np.cos(T), np.sin(T)], 1)
    eight = np.stack([np.sin(T), np.sin(2 * T)], 1)
    assert tangling([circle], DT).max() <= 1.0
    assert tangling([eight], DT).max() > 10
    assert tangling([10 * circle], DT).max() == pytest.approx(tangling([circle], DT).max())
    assert tangling([circle], DT / 2).max() == pytest.approx(4 * tangling([circle], DT).max())


def test_two_ways_out_of_one_state_are_tangled_across_trajectories():
    line = np.stack([T, 0 * T], 1)
    assert tangling([line, line], DT).max() == pytest.approx(0.0, abs=1e-9)
    assert tangling([line, -line], DT).max() > 0.5


def test_derivatives_are_taken_before_samples_are_left_out():
    circle = np.stack([np.cos(T), np.sin(T)], 1)
    few = tangling([circle], DT, most=100)
    assert len(few) <= 100 and few.max() <= 1.0 and few.max() > 0.9 * tangling([circle], DT).max()


@pytest.mark.parametrize("trials", [[], [np.ones((1, 2))], [np.ones((5, 2))], [np.ones((5, 2)), np.ones((5, 3))]])
def test_what_has_none_is_refused(trials):
    with pytest.raises(DataError):
        tangling(trials, DT)
