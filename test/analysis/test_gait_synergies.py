"""Synergies beside people's: people that are made of synergies, and walks that use the same ones or others."""

import numpy as np
import pytest

from myoprosthesis.analysis.gait_synergies import gait_synergies
from myoprosthesis.core.errors import DataError

CYCLE = np.arange(100) / 100
WEIGHTS = np.kron(np.eye(3), [[1.0, 0.8, 0.6]]) + 0.05


def bursts(late=0.0, order=(0, 1, 2), weights=WEIGHTS):
    """(100, 9): three bursts a cycle, each with three muscles."""
    when = [np.exp(-np.square(((CYCLE - 0.2 - 0.3 * k - late + 0.5) % 1.0 - 0.5) / 0.08)) for k in order]
    return np.stack(when, 1) @ weights


def people(n=5):
    rng = np.random.default_rng(0)
    return np.stack([bursts(0.01 * k, weights=WEIGHTS + 0.1 * rng.random(WEIGHTS.shape)) for k in range(n)])


def test_a_walk_with_the_same_synergies_is_as_alike_as_people_are():
    s = gait_synergies(bursts(0.02), people())
    assert s.count == 3 and set(s.counts.tolist()) == {3} and len(s.shuffled) == 500
    assert s.cosine.value > 0.98 and s.ceiling > 0.98 and s.timing.value > 0.95 and s.ceiling_timing > 0.95
    assert np.median(s.shuffled) < 0.8
    mean = s.people.weights / np.linalg.norm(s.people.weights, axis=1, keepdims=True)
    assert (np.einsum("km,km->k", s.own.weights, mean) > 0.95).all()  # in the same order
    assert all(np.corrcoef(s.own.activation[:, k], s.people.activation[:, k])[0, 1] > 0.9 for k in range(3))


def test_the_same_weights_at_other_times_and_others_at_the_same_time_are_told_apart():
    early = gait_synergies(bursts(order=(1, 2, 0)), people())
    assert early.cosine.value > 0.98 and early.timing.value < 0.2
    mixed = gait_synergies(bursts(weights=WEIGHTS[:, [0, 3, 6, 1, 4, 7, 2, 5, 8]]), people())
    assert mixed.cosine.value < 0.8


def test_people_without_a_muscle_are_left_out_and_too_few_are_refused():
    some = people()
    some[0, :, 4] = np.nan
    assert len(gait_synergies(bursts(), some).counts) == 4
    some[1:3, :, 0] = np.nan
    with pytest.raises(DataError, match="2 people have all muscles: three at least"):
        gait_synergies(bursts(), some)
