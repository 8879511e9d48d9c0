"""Muscles beside people's: curves whose r is known."""

import numpy as np
import pytest

from myoprosthesis.analysis.gait_emg import ceiling, correlations, cycle, similarity, typical
from myoprosthesis.core.errors import DataError

CYCLE = 2.0 * np.pi * np.arange(100) / 100
MUSCLES = 9


def waves(late=0.0, offset=0.0):
    """(100, 9): one wave a cycle, each muscle later than the one before; two that are `late` have r = cos(late)."""
    return np.stack([1.0 + offset + np.cos(CYCLE - k * 0.6 - late) for k in range(MUSCLES)], 1)


def test_r_is_that_of_pearson_whatever_offset_and_size():
    people = np.stack([waves(0.0), 3.0 * waves(1.0, 2.0)])
    r = correlations(waves(0.4), people)
    np.testing.assert_allclose(r[0], np.cos(0.4), atol=1e-12)
    np.testing.assert_allclose(r[1], np.cos(0.6), atol=1e-12)
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 100, MUSCLES))
    expected = [np.corrcoef(one[:, k], other[:, k])[0, 1] for k in range(MUSCLES)]
    np.testing.assert_allclose(correlations(one, other[None])[0], expected, atol=1e-12)


def test_a_muscle_that_does_nothing_is_like_nobody_and_one_that_was_not_measured_does_not_count():
    walk, people = waves(), np.stack([waves(), waves()])
    walk[:, 2], people[0, :, 4] = 0.3, np.nan
    r = correlations(walk, people)
    assert r[0, 2] == r[1, 2] == 0.0 and np.isnan(r[0, 4]) and r[1, 4] == pytest.approx(1.0)
    s = similarity(np.stack([walk, walk]), people)
    np.testing.assert_allclose(s.by_person, [7 / 8, 8 / 9])


def test_by_person_by_muscle_and_their_median():
    late = np.array([0.1, 0.5, 0.9, 1.3, 0.2])
    s = similarity(np.stack([waves(), waves()]), np.stack([waves(x) for x in late]))
    np.testing.assert_allclose(s.by_person, np.cos(late), atol=1e-12)
    assert s.median.value == pytest.approx(np.cos(0.5)) and s.median.low < s.median.value < s.median.high
    np.testing.assert_allclose(s.by_muscle, np.cos(late).mean(), atol=1e-12)
    assert s.by_cycles.low == pytest.approx(s.by_cycles.high)  # all cycles are alike


def test_the_interval_of_cycles_is_as_wide_as_they_differ():
    rng = np.random.default_rng(1)
    people = np.stack([waves(), waves(0.3), waves(-0.3)])
    noisy = waves() + rng.normal(0.0, 2.0, (12, 100, MUSCLES))
    s = similarity(noisy, people)
    assert s.by_cycles.low < s.by_cycles.value - 0.02 and s.by_cycles.value < 0.95


def test_shuffled_walks_are_like_nobody_where_the_walk_is():
    s = similarity(np.stack([waves(), waves()]), np.stack([waves(x) for x in (0.0, 0.1, -0.1)]))
    assert s.median.value > 0.99
    assert abs(np.median(s.shuffled_phase)) < 0.1 and s.shuffled_phase.min() < -0.9
    assert np.quantile(s.shuffled_muscles, 0.95) < 0.6 and len(s.shuffled_muscles) == 1000


def test_people_among_each_other():
    late = np.array([0.0, 0.2, 0.7])
    top = ceiling(np.stack([waves(x) for x in late]))
    pairs = np.cos([0.2, 0.7, 0.5])
    assert top.median.value == pytest.approx(np.median(pairs)) and top.pairs == 3
    assert top.median.low <= top.median.value <= top.median.high
    np.testing.assert_allclose(top.by_muscle, np.median(pairs), atol=1e-12)
    assert top.against_others > top.median.value
    with pytest.raises(DataError, match="2 people have no ceiling"):
        ceiling(np.stack([waves(), waves()]))


def test_a_cycle_is_at_equal_steps_from_its_begin_to_a_step_before_its_end():
    time = np.linspace(0.0, 5.0, 501)
    out = cycle(time, np.stack([time, 2.0 * time], 1), 1.0, 3.0)
    np.testing.assert_allclose(out[:, 0], 1.0 + 2.0 * np.arange(100) / 100)
    np.testing.assert_allclose(out[:, 1], 2.0 * out[:, 0])


def test_cycles_of_another_length_are_not_typical():
    lengths = np.array([1.0] * 20 + [1.02] * 10 + [1.9])
    assert typical(lengths).tolist() == [True] * 30 + [False] and typical(np.ones(4)).all()


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(DataError, match="1 cycles"):
        similarity(waves()[None], np.stack([waves(), waves()]))
    with pytest.raises(DataError, match="not finite"):
        similarity(np.full((3, 100, MUSCLES), np.nan), np.stack([waves(), waves()]))
