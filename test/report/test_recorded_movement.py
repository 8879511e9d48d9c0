"""A movement at times of one's own."""

import numpy as np

from myoprosthesis.report.recorded_movement import at


def test_values_between_samples_are_on_the_line_between_them():
    time, values = np.array([0.0, 1.0, 3.0]), np.array([[0.0], [10.0], [30.0]])
    np.testing.assert_allclose(at(np.array([-1, 0.5, 2.0, 9]), time, values)[:, 0], [0, 5, 20, 30])
    assert at(np.zeros(4), np.zeros(0), np.zeros((0, 3))).shape == (4, 3)
