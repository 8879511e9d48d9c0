"""Commanded, twin and measured postures."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.twin_error import TwinComparison


def test_differences_by_name_worked_out_by_hand():
    """Orders differ, and each has joints that the others have not."""
    compare = TwinComparison(("index", "thumb", "wrist"), ("thumb", "tip", "index"), ("index", "thumb"))
    found = compare([1.0, 0.5, 9.0], [0.25, 7.0, 0.75], [0.5, 1.0])
    assert found.names == ("index", "thumb")
    np.testing.assert_allclose(found.twin, [-0.25, -0.25])
    np.testing.assert_allclose(found.measured, [-0.5, 0.5])
    np.testing.assert_allclose(found.apart, [-0.25, 0.75])
    assert found.worst == ("thumb", 0.75)
    told = dict(zip(found.channels, found.values, strict=True))
    assert told["index/measured"] == -0.5 and told["thumb/apart"] == 0.75 and len(told) == 6
    np.testing.assert_allclose(found.measured - found.twin, found.apart)


def test_what_is_not_known_stays_so_and_is_not_the_worst():
    compare = TwinComparison("ab", "ab", "ab")
    found = compare([0, 0], [0.1, 0.1], [np.nan, 0.2])
    assert np.isnan(found.measured[0]) and np.isnan(found.apart[0]) and found.worst == ("b", pytest.approx(0.1))
    assert compare([0, 0], [0, 0], [np.nan, np.nan]).worst == ("", 0.0)


def test_hands_without_a_joint_in_common_cannot_be_compared():
    with pytest.raises(ConfigError, match="no joint is in all three: commanded are a; the twin has a; measured are b"):
        TwinComparison(["a"], ["a"], ["b"])
