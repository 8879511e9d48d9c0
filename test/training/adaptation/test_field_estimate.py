"""The estimate of a field: what a movement tells, what it does not, and how it follows from trial to trial."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.adaptation.field_estimate import FieldEstimate, PractisedMovement

CW = np.array([[0.0, 10.0], [-10.0, 0.0]])


def movement(B, velocity, kind="normal", load=None, **changes) -> PractisedMovement:
    n = len(velocity)
    time = 0.01 * np.arange(1, n + 1)
    made = {
        "trial": 0,
        "start": np.zeros(3),
        "target": np.array([0.1, 0.0, 0.0]),
        "go_s": 0.2,
        "time": time,
        "position": np.cumsum(velocity, axis=0) * 0.01,
        "velocity": velocity,
        "load": velocity[:, :2] @ B.T if load is None else load,
        "kind": kind,
    }
    return PractisedMovement(**{**made, **changes})


def curved() -> np.ndarray:
    phase = np.linspace(0, 2 * np.pi, 100)
    return 0.3 * np.stack([np.cos(phase), np.sin(phase), 0 * phase], axis=1)


def straight(x, y) -> np.ndarray:
    return np.sin(np.linspace(0, np.pi, 100))[:, None] * np.array([x, y, 0.0])


def test_a_curved_movement_tells_the_whole_field():
    for B in (CW, -CW, np.array([[-3.0, 2.0], [5.0, -1.0]])):
        estimate = FieldEstimate(rate=1.0, retention=1.0, ridge=1e-6)
        np.testing.assert_allclose(estimate.after(movement(B, curved())).B, B, atol=1e-6)
    assert FieldEstimate(1.0, 1.0, 1e-6).after(movement(CW, curved())).gain == pytest.approx(10.0)
    assert FieldEstimate(1.0, 1.0, 1e-6).after(movement(-CW, curved())).gain == pytest.approx(-10.0)


def test_the_load_of_a_clockwise_field_pushes_to_the_right():
    forward = straight(0.0, 0.4)
    assert (movement(CW, forward).load[1:-1, 0] > 0).all()


def test_a_straight_movement_tells_nothing_of_the_forces_of_moving_across():
    estimate = FieldEstimate(1.0, 1.0, 0.01, np.array([[1.0, 2.0], [3.0, 4.0]]))
    found = estimate.after(movement(CW, straight(0.4, 0.0))).B
    np.testing.assert_allclose(found[:, 0], CW[:, 0], atol=0.02)
    np.testing.assert_array_equal(found[:, 1], [2.0, 4.0])


def test_the_estimate_follows_the_equation_of_the_state_space_model():
    rate, retention = 0.1, 0.98
    estimate, gain = FieldEstimate(rate, retention, 1e-6), 0.0
    for _ in range(200):
        estimate = estimate.after(movement(CW, curved()))
        gain = retention * gain + rate * (10.0 - gain)
        assert estimate.gain == pytest.approx(gain, abs=1e-6)
    assert estimate.gain == pytest.approx(10.0 * rate / (1 - retention + rate), rel=1e-3)


def test_a_channel_teaches_nothing_and_a_catch_trial_unlearns():
    estimate = FieldEstimate(0.2, 0.9, 1e-6, CW)
    wall = np.tile([5.0, -50.0], (100, 1))
    np.testing.assert_array_equal(estimate.after(movement(CW, curved(), "channel", wall)).B, 0.9 * CW)
    np.testing.assert_allclose(estimate.after(movement(0 * CW, curved(), "catch")).B, (0.9 - 0.2) * CW, atol=1e-6)


def test_a_body_at_rest_tells_nothing():
    estimate = FieldEstimate(0.5, 1.0, 0.03, CW)
    np.testing.assert_array_equal(estimate.after(movement(CW, np.zeros((50, 3)))).B, CW)


def test_mirrored_fields_give_mirrored_estimates():
    one = two = FieldEstimate(0.1, 0.99, 0.03)
    for k in range(20):
        velocity = straight(0.4 * np.cos(k), 0.4 * np.sin(k)) + 0.1 * curved()
        one, two = one.after(movement(CW, velocity)), two.after(movement(-CW, velocity))
    np.testing.assert_array_equal(one.B, -two.B)


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("kind 'surprise', known are normal", {"kind": "surprise"}),
        ("has 1 samples", {"time": np.zeros(1)}),
        (r"load has shape \(5, 2\), expected \(100, 2\)", {"load": np.zeros((5, 2))}),
        ("velocity holds values that are not finite", {"velocity": np.full((100, 2), np.nan)}),
    ],
)
def test_what_is_no_movement_is_refused(fault, changes):
    good = vars(movement(CW, curved()))
    with pytest.raises(ConfigError, match=fault):
        PractisedMovement(**{**good, **changes})
