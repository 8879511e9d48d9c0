"""Confidences: how far they are off, the temperature that mends it, and thresholds."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.temperature import sharpened
from myoprosthesis.training.decoding.reliability import reliability, temperature_for, threshold_for


def drawn(n=20000, seed=0):
    """Probabilities of four classes, and a class drawn by them: they are right as often as they say."""
    rng = np.random.default_rng(seed)
    z = np.exp(rng.normal(0.0, 2.0, (n, 4)))
    share = z / z.sum(axis=1, keepdims=True)
    return share, (share.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_by_which_probabilities_were_changed_is_found(temperature):
    share, truth = drawn()
    overconfident = sharpened(share, 1.0 / temperature)
    assert temperature_for(overconfident, truth) == pytest.approx(temperature, rel=0.05)


def test_where_no_temperature_is_better_it_is_1():
    truth = np.arange(60) % 3
    assert temperature_for(np.eye(3)[truth], truth) == 1.0


def test_probabilities_are_hardly_off_and_certain_ones_are():
    share, truth = drawn()
    right = share.argmax(axis=1) == truth
    bins, error = reliability(share.max(axis=1), right)
    assert error < 0.015 and sum(b.windows for b in bins) == len(truth)
    assert all(b.right == pytest.approx(b.confidence, abs=0.05) for b in bins)
    assert [b.confidence for b in bins] == sorted(b.confidence for b in bins)
    certain = sharpened(share, 0.2)
    assert reliability(certain.max(axis=1), right)[1] > 0.15


def test_a_few_decisions_have_a_bin_each():
    bins, error = reliability(np.array([0.5, 1.0]), np.array([True, True]))
    assert len(bins) == 2 and error == pytest.approx(0.25)


def test_the_threshold_lets_no_more_wrong_ones_through_than_are_accepted_and_no_lower_one_does():
    share, truth = drawn(2000)
    confidence, wrong = share.max(axis=1), share.argmax(axis=1) != truth
    for accepted in (0.2, 0.05, 0.01, 0.0005):
        limit = threshold_for(confidence, wrong, accepted)
        passed = (wrong & (confidence >= limit)).mean()
        assert passed <= accepted and passed > accepted - 1.5 / len(truth)
    assert threshold_for(confidence, wrong, wrong.mean()) == 0.0


def test_decisions_that_are_wrong_and_certain_are_said():
    with pytest.raises(ConfigError, match=r"25\.00% of the decisions are wrong and certain"):
        threshold_for(np.array([1.0, 0.9, 0.8, 0.7]), np.array([True, False, False, False]), 0.1)
