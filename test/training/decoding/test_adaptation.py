"""Adaptation: the equations, what it wins on a day that moved, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.models import Lda, LdaOptions, Logistic, LogisticOptions, Mlp, MlpOptions
from myoprosthesis.training.decoding.adaptation import ShiftWeights, adapt, adapted, first_seconds, shrunk
from myoprosthesis.training.decoding.class_distributions import ClassDistributions, with_distributions
from myoprosthesis.training.decoding.fitting import fit
from myoprosthesis.training.decoding.repetition_spread import repetition_spread, spread_of
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


def moved(made, new, weight):
    """The decoder with this weight of the new day in everything."""
    old = ClassDistributions.of_decoder(made)
    today = ClassDistributions.of_labelled(made.normaliser(new.x), new.label, NAMES)
    return with_distributions(made, old, shrunk(old, today, ShiftWeights(weight, weight)))


@pytest.mark.parametrize(("kind", "options"), [(Lda, LdaOptions()), (Logistic, LogisticOptions())])
def test_without_weight_nothing_changes(kind, options):
    made, new = decoder(kind, options), day(1, TURN)
    assert moved(made, new, 0.0)(new.x)[0] == pytest.approx(made(new.x)[0], abs=1e-9)


def test_all_the_weight_is_the_means_of_the_new_day():
    made, new = decoder(), day(1, TURN)
    z = made.normaliser(new.x)
    got = ClassDistributions.of_decoder(moved(made, new, 1.0))
    assert got.means == pytest.approx(np.array([z[new.label == k].mean(axis=0) for k in NAMES]))
    fitted = fit(new, Lda(LdaOptions()), "classification", NAMES)
    both = (f(day(2, TURN).x)[0].argmax(axis=1) for f in (moved(made, new, 1.0), fitted))
    assert np.mean(np.equal(*both)) > 0.98


def repeated(seed, jitter, n=40, repetitions=6):
    """A day whose repetitions lie `jitter` apart in each feature, beside the noise of the windows."""
    rng = np.random.default_rng(seed)
    parts = [day(seed + k, n=n) for k in range(repetitions)]
    x = np.concatenate([p.x + np.repeat(rng.normal(0, jitter, (3, 3)), n, axis=0) for p in parts])
    label = np.concatenate([p.label for p in parts])
    count, same = np.arange(len(x)), np.full(len(x), "day")
    number = np.repeat([str(k) for k in range(repetitions)], 3 * n)
    return Windows(x, label, np.zeros((len(x), 0)), same, same, number, 10 * count, 10 * count + 39, count, count)


def test_the_spread_of_repetitions_is_that_which_was_put_in():
    """Of a mean and that of the five others: σ² (1 + 1/5) in each of three whitened features, over their number."""
    w = repeated(0, 0.5, repetitions=30)
    made = fit(w, Lda(LdaOptions()), "classification", NAMES)
    spread = repetition_spread(w, made)
    within = 1.0 + 0.25  # the covariance of the fit holds windows and repetitions
    assert spread_of(spread, 40) == pytest.approx((0.25 + 1 / 40) * (1 + 1 / 29) / within, rel=0.25)
    assert spread_of(spread, 8) > spread_of(spread, 16) > spread_of(spread, 128)
    assert repetition_spread(repeated(0, 0.5, repetitions=1), made) == {}


def test_a_day_is_followed_as_far_as_it_differs_by_more_than_repetitions_do():
    w = repeated(0, 0.5)
    made = fit(w, Lda(LdaOptions()), "classification", NAMES)
    spread = repetition_spread(w, made)
    same, other = repeated(50, 0.5, repetitions=1), replace(repeated(50, 0.5, repetitions=1))
    far = replace(other, x=other.x + np.array([6.0, 0, 0]))
    weights = [adapted(made, v.x, v.label, spread)[1] for v in (same, far)]
    assert weights[0].own < 0.5
    assert weights[1].common > 0.9 > weights[0].common
    assert weights[1].own == pytest.approx(weights[0].own)  # the shift is common to all classes
    assert adapted(made, far.x, far.label, {})[1] == ShiftWeights(0.5, 0.5)


def test_a_day_that_moved_is_won_back_on_windows_that_were_not_used():
    w = repeated(0, 0.3)
    made, later = fit(w, Lda(LdaOptions()), "classification", NAMES), day(3, TURN)
    new, result = adapt(made, day(2, TURN, n=40), repetition_spread(w, made))
    assert accuracy(new, later) > accuracy(made, later) + 0.1
    assert result.after > result.before
    assert 0 < result.own_weight < 1


def test_it_refuses_itself_where_nothing_has_changed_or_it_would_be_worse():
    w = repeated(0, 1.0)
    made = fit(w, Lda(LdaOptions()), "classification", NAMES)
    still = day(4)
    means = np.array([w.x[w.label == k].mean(axis=0) for k in still.label])
    with pytest.raises(ConfigError, match="no more than its repetitions"):
        adapt(made, replace(still, x=means), repetition_spread(w, made))
    x = still.x.copy()
    x[120:150] = still.x[:30]  # the first half of what is called c was a
    with pytest.raises(ConfigError, match="worse in a cross-check"):
        adapt(decoder(), replace(still, x=x), {})


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
        adapt(decoder(Mlp, MlpOptions(epochs=5)), day(1), {})
