import numpy as np
import pytest

from myoprosthesis.core.bounded import bounded, finite
from myoprosthesis.core.errors import EffectorError

INF, NAN = np.inf, np.nan


def test_what_is_not_finite_does_not_become_a_bound():
    values = bounded([INF, -INF, NAN, 2.0, -2.0, 0.5], 0.0, 1.0)
    np.testing.assert_array_equal(values, [NAN, NAN, NAN, 1.0, 0.0, 0.5])


def test_only_finite_targets_are_sent():
    assert finite(np.ones(2)).tolist() == [1.0, 1.0]
    for value in (INF, -INF, NAN):
        with pytest.raises(EffectorError, match="not finite cannot be sent"):
            finite(np.array([0.0, value]))
