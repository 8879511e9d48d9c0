"""Unlabelled adaptation: what it wins on a day that moved, and what it refuses."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.models import Lda, LdaOptions, Mlp, MlpOptions
from myoprosthesis.training.decoding.class_distributions import ClassDistributions
from myoprosthesis.training.decoding.fitting import class_shares, fit
from myoprosthesis.training.decoding.unlabelled_adaptation import adapt_unlabelled, aligned, refined
from myoprosthesis.training.decoding.windows import Windows

NAMES = ("a", "b", "c")
MEANS = np.array([(0, 0, 0), (3.5, 0, 0), (0, 3.5, 0)])
GAIN, OFFSET = np.array([1.6, 0.6, 1.0]), np.array([1.5, 1.0, -2.0])
SHIFT = np.array([(0, 0, 0), (0, 1.5, 0), (0.8, 0, 0.8)])
EVEN = dict.fromkeys(NAMES, 1 / 3)


def day(seed, moved=False, numbers=(0, 1, 2), n=30, rounds=6):
    """Movements of `n` windows each, in turn; a day that moved has other gains, offsets and class means."""
    rng = np.random.default_rng(seed)
    number = np.tile(np.repeat(numbers, n), rounds)
    x = (MEANS + SHIFT * moved)[number] + rng.normal(size=(len(number), 3))
    x = x * GAIN + OFFSET if moved else x
    label, count, same = np.array(NAMES)[number], np.arange(len(number)), np.full(len(number), "day")
    return Windows(x, label, np.zeros((len(x), 0)), same, same, same, count, count, count, count)


@pytest.fixture(scope="module")
def made():
    return fit(day(0), Lda(LdaOptions()), "classification", NAMES)


def accuracy(decoder, w):
    return (np.array(NAMES)[decoder(w.x)[0].argmax(axis=1)] == w.label).mean()


def test_a_day_that_moved_is_won_back_on_windows_that_were_not_used(made):
    today, later = day(1, moved=True), day(2, moved=True)
    new, result = adapt_unlabelled(made, today.x, EVEN, 4)
    assert accuracy(made, later) < 0.7
    assert accuracy(new, later) > accuracy(aligned(made, today.x), later) + 0.02
    assert accuracy(new, later) > 0.85
    assert result.agreement_after > result.agreement_before


def test_alignment_undoes_gain_and_offset(made):
    """A day that differs by nothing else is decided as before, window by window."""
    today, both = day(0), day(0)
    again = aligned(made, today.x * GAIN + OFFSET)
    assert again(both.x * GAIN + OFFSET)[0] == pytest.approx(made(both.x)[0], abs=1e-9)


def test_a_class_that_came_seldom_is_not_moved_by_its_decisions(made):
    today = day(1, moved=True)
    start = aligned(made, today.x)
    old = ClassDistributions.of_decoder(start).means
    new = ClassDistributions.of_decoder(refined(start, today.x, np.array([True, False, True]))).means
    assert new[1] == pytest.approx(old[1])
    assert np.abs(new[[0, 2]] - old[[0, 2]]).max(axis=1).min() > 0.05


def test_what_was_fitted_on_is_not_made_worse(made):
    later = day(3)
    try:
        new, _ = adapt_unlabelled(made, day(2).x, EVEN, 4)
    except ConfigError:
        return
    assert accuracy(new, later) > accuracy(made, later) - 0.01


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (day(1).x[:100], "100 windows are too few to adapt 3 classes"),
        (np.full((400, 3), np.nan), "not finite"),
        (np.random.default_rng(0).normal(1, 2, (600, 3)), "hardly more than by chance"),
        (
            np.repeat(np.eye(3)[[0, 1]], 150, axis=0)[np.random.default_rng(0).permutation(300)],
            "hardly came|window later",
        ),
        (day(1, numbers=(0, 0, 0, 0, 0, 1, 2)).x, "'a' has .* of the windows"),
    ],
)
def test_too_few_noise_and_one_sided(made, x, sentence):
    shares = {"a": 0.7, "b": 0.15, "c": 0.15} if "has" in sentence else EVEN
    with pytest.raises(ConfigError, match=sentence):
        adapt_unlabelled(made, x, shares, 4)


def test_a_decoder_of_which_the_shares_are_not_known_and_one_with_layers(made):
    with pytest.raises(ConfigError, match="fit it again"):
        adapt_unlabelled(made, day(1).x, {}, 4)
    deep = fit(day(0), Mlp(MlpOptions(epochs=5)), "classification", NAMES)
    with pytest.raises(ConfigError, match="one linear layer"):
        adapt_unlabelled(deep, day(1).x, EVEN, 4)


def test_the_shares_of_the_fit():
    assert class_shares(day(0, numbers=(0, 0, 1, 2)), NAMES) == {"a": 0.5, "b": 0.25, "c": 0.25}
