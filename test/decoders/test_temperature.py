"""Scores with a temperature."""

import numpy as np
import pytest

from myoprosthesis.decoders.temperature import sharpened


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_it_is_the_softmax_of_logits_over_the_temperature(temperature):
    logits = np.random.default_rng(0).normal(0.0, 3.0, (200, 5))

    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    np.testing.assert_allclose(sharpened(softmax(logits), temperature), softmax(logits / temperature), atol=1e-12)
    one = sharpened(softmax(logits)[0], temperature)
    assert one.shape == (5,) and one.argmax() == logits[0].argmax()


def test_certainty_stays_certain_and_nothing_is_divided_by_zero():
    np.testing.assert_array_equal(sharpened(np.array([[1.0, 0.0, 0.0]]), 20.0), [[1.0, 0.0, 0.0]])
    assert np.isfinite(sharpened(np.array([1e-300, 1e-310, 0.0]), 0.1)).all()
