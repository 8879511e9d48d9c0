"""Signals of a walk beside people's: curves whose likeness is known."""

import numpy as np
import pytest

from myoprosthesis.analysis.gait_likeness import likeness
from myoprosthesis.core.errors import DataError

CYCLE = 2.0 * np.pi * np.arange(100) / 100


def curve(late=0.0, offset=0.0):
    return (offset + 10.0 * np.cos(CYCLE - late))[:, None]


def people(*offsets):
    return np.stack([curve(0.0, offset) for offset in offsets])


def test_a_walk_beside_the_mean_of_people():
    walk = np.stack([curve(0.5, 3.0), curve(0.5, 1.0)])
    (of,) = likeness(walk, people(-1.0, 0.0, 1.0))
    assert of.r == pytest.approx(np.cos(0.5)) and (of.lowest, of.highest) == pytest.approx((-8.0, 12.0), abs=0.01)
    gap = 2.0 + 10.0 * (np.cos(CYCLE - 0.5) - np.cos(CYCLE))
    assert of.rmse == pytest.approx(np.sqrt(np.square(gap).mean()))
    assert of.within == pytest.approx((np.abs(gap) <= 2.0).mean())
    assert (of.people_lowest, of.people_highest) == pytest.approx((-10.0, 10.0))


def test_a_walk_that_is_early_would_have_to_be_later():
    (of,) = likeness(np.stack([np.roll(curve(), -6, axis=0)]), people(-1.0, 0.0, 1.0))
    assert of.late == pytest.approx(0.06) and of.shifted_r == pytest.approx(1.0)
    (of,) = likeness(np.stack([np.roll(curve(), 3, axis=0)]), people(-1.0, 0.0, 1.0))
    assert of.late == pytest.approx(-0.03)


def test_people_with_each_other_are_each_with_the_mean_of_the_others():
    (of,) = likeness(np.stack([curve()]), people(-3.0, 0.0, 6.0))
    assert of.people_r == pytest.approx(1.0)
    assert of.people_rmse == pytest.approx(np.median([6.0, 1.5, 7.5]))


def test_a_signal_that_few_people_have_is_not_compared():
    some = people(-1.0, 0.0, 1.0)
    some[0, 3] = np.nan
    (of,) = likeness(np.stack([curve()]), some)
    assert np.isnan([of.r, of.rmse, of.within, of.late, of.people_r, of.people_lowest]).all()
    assert of.highest == pytest.approx(10.0)
    with pytest.raises(DataError, match="three at least"):
        likeness(np.stack([curve()]), people(0.0, 1.0))
