"""Centre-out movements of a policy on the body of the nodes, measured."""

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.training.gradient.evaluation import Reaches, centre_out, curl


@pytest.fixture(scope="module")
def measured():
    """Four reaches of the shipped policy without a field, and in a clockwise one of 10 N·s/m."""
    policy = OnnxPolicy(store.find("point_mass_null"))
    body = registry.factory("effectors", "point_mass")(registry.options("effectors", "point_mass")())
    return [centre_out(policy, body, gain, directions=4) for gain in (0.0, 10.0)]


def test_the_targets_lie_around_the_start_and_are_reached(measured):
    null = measured[0]
    np.testing.assert_allclose(np.linalg.norm(null.target - null.start, axis=1), 0.1)
    np.testing.assert_allclose(null.target[1] - null.start, [0.0, 0.1], atol=1e-12)
    n = round(1.0 / null.dt)
    assert null.path.shape == null.velocity.shape == (4, n, 2) and null.hidden.shape[:2] == (4, n)
    assert null.endpoint_errors().max() < 0.02


def test_a_clockwise_curl_field_pushes_to_the_right_of_the_motion(measured):
    null, field = (r.lateral_deviations() for r in measured)
    assert (field > null + 0.005).all()
    np.testing.assert_allclose(curl(10.0).force(np.zeros(3), np.array([0.0, 1.0, 0.0]))[:2], [10.0, 0.0])


def test_a_summary_has_medians_and_the_largest_deviation_with_its_sign():
    n, dt = 100, 0.01
    path = np.zeros((2, n, 2))
    path[0, :, 0], path[1, :, 1] = np.linspace(0, 0.1, n), np.linspace(0, 0.1, n)
    path[1, 50, 0] = -0.03
    path[:, -10:] = [[[0.1, 0.0]], [[0.0, 0.104]]]
    velocity = np.zeros((2, n, 2))
    velocity[0, 3], velocity[1, 3] = (0.3, 0.4), (0.1, 0.0)
    found = Reaches(path, velocity, np.zeros(2), np.array([[0.1, 0.0], [0.0, 0.1]]), dt, np.zeros((2, n, 0))).summary()
    assert found == {
        "endpoint_error_mm": 2.0,
        "endpoint_error_worst_mm": 4.0,
        "lateral_deviation_mm": -15.0,
        "lateral_deviation_largest_mm": -30.0,
        "peak_speed": 0.3,
    }
