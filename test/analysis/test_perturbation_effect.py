"""Effects that are known because they were put in."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.analysis.perturbation_effect import Movements, compare, return_time
from myoprosthesis.core.errors import DataError

DT, N = 0.01, 100
T = DT * np.arange(N)
ANGLES = np.arange(8) * np.pi / 4
TARGET = 0.1 * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
STRAIGHT = np.linspace(0, 1, N)[None, :, None] * TARGET[:, None]
RIGHT = np.column_stack([np.sin(ANGLES), -np.cos(ANGLES)])
BUMP = np.sin(np.pi * np.linspace(0, 1, N)) ** 2


def movements(position=STRAIGHT, hidden=None, label=None):
    k = len(position)
    state = np.zeros((k, N, 3)) if hidden is None else hidden
    return Movements(position, np.zeros((k, 2)), TARGET[:k], np.arange(k) if label is None else label, state, DT)


def test_a_push_to_the_right_is_a_lateral_deviation_to_the_right():
    size = np.linspace(0.004, 0.011, 8)
    pushed = STRAIGHT + (size[:, None] * BUMP)[:, :, None] * RIGHT[:, None]
    found = compare(movements(), movements(pushed))
    np.testing.assert_allclose(found.lateral_deviation, size, rtol=1e-3)
    assert found.lateral_interval.value == pytest.approx(size.mean(), rel=1e-3)
    assert found.lateral_interval.low < size.mean() < found.lateral_interval.high
    np.testing.assert_allclose(compare(movements(pushed), movements()).lateral_deviation, -size, rtol=1e-3)


def test_a_shift_is_an_endpoint_error():
    late = STRAIGHT - 0.02 * TARGET[:, None] / 0.1
    near = compare(movements(), movements(late))
    assert near.endpoint_error == pytest.approx(np.full(8, 0.02), abs=1e-9)
    np.testing.assert_allclose(near.lateral_deviation, 0, atol=1e-12)


def test_hidden_trajectories_part_by_what_was_added_and_return_as_it_fades():
    away = np.exp(-np.maximum(0, T - 0.3) / 0.1) * (T >= 0.3)
    state = np.zeros((8, N, 3))
    moved = state + (away[:, None] * np.array([3.0, 0, 4.0]))[None]
    found = compare(movements(hidden=state), movements(hidden=moved), share=0.1, from_s=0.3)
    np.testing.assert_allclose(found.distance, np.tile(5 * away, (8, 1)))
    assert found.return_s == pytest.approx(np.full(8, 0.1 * np.log(10)), abs=DT)


def test_movements_are_paired_by_target_not_by_order_and_repeats_are_averaged():
    size = np.linspace(0.004, 0.011, 8)
    pushed = STRAIGHT + (size[:, None] * BUMP)[:, :, None] * RIGHT[:, None]
    plain, other = movements(), movements(pushed)
    order = np.array([3, 1, 7, 0, 5, 2, 6, 4, 3, 1])
    mixed = Movements(*(getattr(other, f)[order] for f in ("position", "start", "target", "label", "hidden")), DT)
    np.testing.assert_allclose(compare(plain, mixed).lateral_deviation, size, rtol=1e-3)
    few = Movements(*(getattr(other, f)[order[:3]] for f in ("position", "start", "target", "label", "hidden")), DT)
    found = compare(plain, few)
    assert found.label.tolist() == [1, 3, 7]
    np.testing.assert_allclose(found.lateral_deviation, size[[1, 3, 7]], rtol=1e-3)


def test_the_time_of_a_return():
    d = np.array([0, 1.0, 0.5, 0.05, 0.2, 0.1, 0.0])
    assert return_time(d, 0.1) == pytest.approx(0.5)  # 0.05 did not last
    assert return_time(d, 0.1, from_s=0.2) == pytest.approx(0.4)  # the peak from there on is 0.5: 0.1 is too much
    assert return_time(d, 0.1, share=0.6) == pytest.approx(0.2)
    assert return_time(np.zeros(5), 0.1) == 0.0
    assert np.isnan(return_time(np.arange(5.0), 0.1))


def test_what_does_not_fit_is_refused():
    base = movements()
    for other, sentence in (
        (replace(base, hidden=np.zeros((8, N, 4))), "as many samples and units"),
        (replace(base, dt=0.02), "one interval"),
        (replace(base, label=base.label + 7), "1 targets in common"),
        (replace(base, hidden=np.full((8, N, 3), np.nan)), "hidden of perturbed"),
        (replace(base, target=TARGET[:4]), "target of perturbed"),
    ):
        with pytest.raises(DataError, match=sentence):
            compare(base, other)
    for wrong, sentence in (({"share": 1.0}, "share is 1.0"), ({"from_s": 2.0}, "within the 1 s")):
        with pytest.raises(DataError, match=sentence):
            compare(base, base, **wrong)
