"""Adaptation: the equations, what it wins on a day that moved, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.models import Lda, LdaOptions, Logistic, LogisticOptions, Mlp, MlpOptions
from myoprosthesis.training.decoding.adaptation import ClassDistributions, adapt, adapted, first_seconds
from myoprosthesis.training.decoding.fitting import fit
from myoprosthesis.training.decoding.windows import Windows

NAMES = ("a", "b", "c")
MEANS = {"a": (0, 0, 0), "b": (4, 0, 0), "c": (0, 4, 0)}
TURN = np.array([[0.2, -1.0, 0], [1.0, 0.2, 0], [0, 0, 1]])


def day(seed, turn=None, n=60):
    """`n` windows of each class, one after the other; features turned as by a band that was put on otherwise."""
    rng = np.random.default_rng(seed)
    label = np.repeat(NAMES, n)
    x = np.array([MEANS[k] for k in label]) + rng.normal(size=(len(label), 3))
    count = np.arange(len(label))
    empty = np.full(len(label), "day")
    x = x if turn is None else x @ turn
    return Windows(x, label, np.zeros((len(label), 0)), empty, empty, empty, 10 * count, 10 * count + 39, count, count)


def decoder(kind=Lda, options=None):
    return fit(day(0, n=200), kind(options or LdaOptions()), "classification", NAMES)


def accuracy(fitted, w):
    scores, _ = fitted(w.x)
    return (np.array(NAMES)[scores.argmax(axis=1)] == w.label).mean()


def test_the_distributions_of_the_fit_are_in_the_decoder():
    w, made = day(0, n=200), decoder()
    z = made.normaliser(w.x)
    got = ClassDistributions.of_decoder(made)
    means = np.array([z[w.label == k].mean(axis=0) for k in NAMES])
    assert got.means == pytest.approx(means)
    within = z - means[np.searchsorted(np.array(NAMES), w.label)]
    assert got.covariance == pytest.approx(within.T @ within / len(z), abs=0.01)
    again = got.novelty_detector()
    assert again(z) == pytest.approx(made.novelty_detector(z))


@pytest.mark.parametrize(("kind", "options"), [(Lda, LdaOptions()), (Logistic, LogisticOptions())])
def test_without_weight_nothing_changes(kind, options):
    made, new = decoder(kind, options), day(1, TURN)
    same = adapted(made, new.x, new.label, 0.0, 0.0)
    assert same(new.x)[0] == pytest.approx(made(new.x)[0], abs=1e-9)


def test_all_the_weight_is_the_discriminant_of_the_new_day():
    made, new = decoder(), day(1, TURN)
    whole = adapted(made, new.x, new.label, 1.0, 1.0)
    fitted = fit(new, Lda(LdaOptions()), "classification", NAMES)
    both = (f(day(2, TURN).x)[0].argmax(axis=1) for f in (whole, fitted))
    assert np.mean(np.equal(*both)) > 0.98


def test_a_day_that_moved_is_won_back_on_windows_that_were_not_used():
    made, later = decoder(), day(3, TURN)
    new, result = adapt(made, day(2, TURN, n=40))
    assert accuracy(new, later) > accuracy(made, later) + 0.1
    assert result.after > result.before
    assert 0 < result.mean_weight <= 0.25


def test_it_refuses_itself_where_it_would_be_no_better():
    w = day(4)
    with pytest.raises(ConfigError, match="decoder stays"):
        adapt(decoder(), replace(w, x=np.array([MEANS[k] for k in w.label], float)))


@pytest.mark.parametrize(
    ("w", "seconds", "sentence"),
    [
        (day(1).where(day(1).label != "b"), 6.0, "class 'b' does not occur"),
        (day(1), 1.5, "class 'a' has 10 windows in 1.5 s"),
        (day(1, n=12), 6.0, "class 'a' has 12 windows"),
        (replace(day(1), label=np.where(day(1).label == "b", "x", day(1).label)), 6.0, "label 'x' is none"),
    ],
)
def test_too_few_and_one_sided_samples(w, seconds, sentence):
    with pytest.raises(ConfigError, match=sentence):
        first_seconds(w, NAMES, seconds, 0.05)


def test_the_first_seconds_are_shared_by_the_classes():
    w = day(1)
    take = first_seconds(w, NAMES, 6.0, 0.05)
    assert np.flatnonzero(take).tolist() == [*range(40), *range(60, 100), *range(120, 160)]


def test_the_halves_of_the_check_share_no_sample():
    from myoprosthesis.training.decoding.adaptation import _halves

    w = day(1, n=20)
    early, late = _halves(w)
    for name in NAMES:
        a, b = (rows[w.label[rows] == name] for rows in (early, late))
        assert len(a) and w.last[a].max() < w.first[b].min()
    with pytest.raises(ConfigError, match="all overlap"):
        _halves(replace(w, last=w.first + 500))


def test_only_one_linear_layer():
    with pytest.raises(ConfigError, match="one linear layer"):
        adapt(decoder(Mlp, MlpOptions(epochs=5)), day(1))
