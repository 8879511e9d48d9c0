"""Planted synergies come back; what they account for is counted by hand."""

import numpy as np
import pytest

from myoprosthesis.analysis import synergies as sy
from myoprosthesis.core.errors import DataError

RNG = np.random.default_rng(0)
WEIGHTS = np.array([[1, 0.8, 0, 0, 0.2, 0, 0, 0], [0, 0, 1, 0.7, 0.5, 0, 0, 0], [0, 0, 0, 0, 0, 0.6, 1, 0.9]])
WEIGHTS /= np.linalg.norm(WEIGHTS, axis=1, keepdims=True)
PHASE = np.linspace(0, 1, 100, endpoint=False)
BURSTS = np.stack([np.exp(-(((PHASE - c) / 0.12) ** 2)) for c in (0.2, 0.5, 0.8)], axis=1)


def trials(count=10, noise=0.02, seed=1):
    """(count, 100, 8) cycles of three synergies with bursts that vary in size."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.5, 1.5, (count, 1, 3))
    return np.abs((BURSTS * size) @ WEIGHTS + rng.normal(0, noise, (count, 100, 8)))


FLAT = trials().reshape(-1, 8)


def test_nmf_finds_the_planted_synergies():
    found = sy.nmf(FLAT, 3)
    assert sy.similarity(found.weights, WEIGHTS).cosine.min() > 0.99
    assert found.weights.min() >= 0 and found.activation.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(found.weights, axis=1), 1)
    assert (np.diff((found.activation**2).sum(axis=0)) <= 0).all()
    clean = BURSTS @ WEIGHTS
    np.testing.assert_allclose(sy.nmf(clean, 3).restore(), clean, atol=0.01)


def test_the_largest_synergy_comes_first():
    noise = np.random.default_rng(5).uniform(size=(60, 12))
    for seed in range(3):
        found = sy.nmf(noise, 5, seed)
        assert (np.diff((found.activation**2).sum(axis=0)) <= 0).all()
    planted = sy.nmf((BURSTS * [1, 9, 3]) @ WEIGHTS, 3)
    assert sy.similarity(planted.weights, WEIGHTS[[1, 2, 0]]).pairs == ((0, 0), (1, 1), (2, 2))


def test_one_seed_one_answer():
    one, same = (sy.nmf(FLAT, 4, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.weights, same.weights)


def test_random_starts_can_only_help():
    noise = np.random.default_rng(5).uniform(size=(60, 12))
    one, many = (sy.vaf(noise, sy.nmf(noise, 5, starts=n).restore()) for n in (1, 8))
    assert many > one


def test_pca_finds_the_planted_subspace():
    found = sy.pca(FLAT, 3)
    np.testing.assert_allclose(found.weights @ found.weights.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(WEIGHTS @ found.weights.T, axis=1), 1, atol=0.01)
    assert (np.abs(found.weights).max(axis=1) == found.weights.max(axis=1)).all()
    np.testing.assert_allclose(sy.pca(FLAT, 8).restore(), FLAT, atol=1e-12)
    shifted = sy.pca(FLAT + 3, 3)
    np.testing.assert_allclose(shifted.weights, found.weights)
    np.testing.assert_allclose(shifted.restore(), found.restore() + 3)


def test_variance_accounted_for_by_hand():
    x, y = np.array([[3.0, 1], [4, 1]]), np.array([[3.0, 0], [4, 0]])
    assert sy.vaf(x, y) == pytest.approx(1 - 2 / 27) and sy.vaf(x, x) == 1 and sy.vaf(x, 0 * x) == 0
    np.testing.assert_allclose(sy.vaf_per_muscle(x, y), [1, 0])
    assert sy.vaf(x, y, centre=True) == pytest.approx(1 - 2 / 0.5)
    assert np.isnan(sy.vaf_per_muscle(x, y, centre=True)[1])


def test_the_curve_rises_to_all_and_three_are_enough():
    curve = sy.vaf_curve(FLAT, most=5)
    assert (np.diff(curve) > 0).all() and curve[2] > 0.95 > curve[1]
    assert sy.vaf_curve(FLAT, "pca")[-1] == pytest.approx(1) and len(sy.vaf_curve(FLAT, "pca")) == 8
    assert sy.count_for(FLAT, 0.95) == 3 and sy.count_for(FLAT, 0.95, method="pca") == 3
    assert sy.count_for(FLAT, 0.5) == 2 and sy.count_for(FLAT, 0.5, per_muscle=0.75) == 3


def test_synergies_are_matched_once_whatever_their_order_and_scale():
    found = sy.similarity(WEIGHTS, 5 * WEIGHTS[[2, 0, 1]])
    assert found.pairs == ((0, 1), (1, 2), (2, 0)) and found.mean == pytest.approx(1)
    two = sy.similarity([[1.0, 0], [1, 0.1]], [[1.0, 0.1], [0, 1]])  # the nearest pair is not in the best matching
    assert two.pairs == ((0, 0), (1, 1))
    assert two.cosine == pytest.approx([1 / np.sqrt(1.01), 0.1 / np.sqrt(1.01)])
    assert sy.similarity(WEIGHTS, WEIGHTS[:2]).pairs == ((0, 0), (1, 1))
    assert sy.similarity([[1.0, 0]], [[-1.0, 0]]).mean == -1


@pytest.mark.parametrize("method", ["nmf", "pca"])
def test_bootstrap_bounds_hold_the_planted_and_shrink_with_trials(method):
    few, many = (sy.bootstrap(trials(n, 0.05), 3, method, resamples=40) for n in (4, 40))
    for found in (few, many):
        assert found.vaf.value in found.vaf and 0.8 < found.vaf.value < 1
        assert (found.vaf_per_muscle.low <= found.vaf_per_muscle.high).all()
        assert (found.weights.low <= found.weights.high).all()
    assert (many.weights.high - many.weights.low).mean() < 0.6 * (few.weights.high - few.weights.low).mean()
    # components of nearly the same variance turn into each other from draw to draw, non-negative ones cannot
    assert many.similarity.low > {"nmf": 0.99, "pca": 0.9}[method] and few.similarity.low < many.similarity.low
    again = sy.bootstrap(trials(4, 0.05), 3, method, resamples=40)
    np.testing.assert_array_equal(again.weights.low, few.weights.low)


def test_bounds_of_planted_weights():
    found = sy.bootstrap(trials(20), 3, resamples=60)
    match = dict(sy.similarity(found.synergies.weights, WEIGHTS).pairs)
    planted = WEIGHTS[[match[i] for i in range(3)]]
    assert (np.abs(found.weights.value - planted) < 0.06).all()
    assert ((found.weights.low - 0.05 < planted) & (planted < found.weights.high + 0.05)).all()


def test_whole_trials_are_drawn_not_samples():
    """Two kinds of trial, of one muscle each: a draw of one kind alone has nothing of the other."""
    x = np.full((2, 50, 2), 0.0)
    x[0, :, 0] = x[1, :, 1] = 1 + PHASE[:50]
    found = sy.bootstrap(x, 1, resamples=60)
    assert found.weights.low.min() == pytest.approx(0, abs=1e-6)


ACTIONS = RNG.normal(size=(500, 6)) * [5, 4, 3, 2, 1, 0.5] @ np.linalg.qr(RNG.normal(size=(6, 6)))[0] + 2


def test_a_projector_keeps_what_it_is_told_to():
    space = sy.subspace(ACTIONS)
    np.testing.assert_allclose(space.project(ACTIONS, 6), ACTIONS)
    np.testing.assert_allclose(space.project(ACTIONS, 0), np.broadcast_to(ACTIONS.mean(axis=0), ACTIONS.shape))
    for k in range(1, 6):
        kept = space.project(ACTIONS, k)
        assert np.linalg.matrix_rank(kept - kept.mean(axis=0), tol=1e-6) == k
        assert sy.vaf(ACTIONS, kept, centre=True) == pytest.approx(space.variance[:k].sum())
        np.testing.assert_allclose(space.project(kept, k), kept)
    assert (np.diff(space.variance) < 0).all()


def test_a_band_and_its_complement_make_the_whole():
    space = sy.subspace(ACTIONS)
    band, rest = space.project(ACTIONS, [1, 4]), space.project(ACTIONS, [0, 2, 3, 5])
    np.testing.assert_allclose(band + rest - space.mean, ACTIONS)
    matrix, offset = space.keep([1, 4])
    np.testing.assert_allclose(matrix @ ACTIONS[7] + offset, band[7])
    np.testing.assert_allclose(space.project(ACTIONS[7], [1, 4]), band[7])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sy.nmf(FLAT - 1, 2), "below 0 for NMF"),
        (lambda: sy.nmf(FLAT, 9), "count is 9, expected a whole number from 1 to 8"),
        (lambda: sy.nmf(FLAT, 2, starts=0), "starts is 0"),
        (lambda: sy.nmf(0 * FLAT, 2), "zero throughout"),
        (lambda: sy.pca(FLAT * np.inf, 2), "not finite"),
        (lambda: sy.pca(FLAT[0], 2), "expected (n_samples, n_muscles)"),
        (lambda: sy.vaf(FLAT, FLAT[:5]), "activity and restored have shapes"),
        (lambda: sy.vaf(0 * FLAT, FLAT), "no variance"),
        (lambda: sy.vaf_curve(FLAT, "ica"), "expected one of nmf, pca"),
        (lambda: sy.count_for(FLAT, 90), "threshold is 90"),
        (lambda: sy.count_for(RNG.uniform(size=(9, 3)), 1.0, 1.0), "less than asked"),
        (lambda: sy.similarity(WEIGHTS, WEIGHTS[:, :3]), "8 and 3 muscles"),
        (lambda: sy.similarity(WEIGHTS, 0 * WEIGHTS), "all zero"),
        (lambda: sy.bootstrap(trials(1), 2), "one trial"),
        (lambda: sy.bootstrap(trials(2), 2, level=95), "between 0 and 1"),
        (lambda: sy.subspace(ACTIONS[:5]), "span no full subspace"),
        (lambda: sy.subspace(ACTIONS).project(ACTIONS, 7), "components is 7, expected a whole number from 0 to 6"),
        (lambda: sy.subspace(ACTIONS).project(ACTIONS, [6]), "a component is 6"),
        (lambda: sy.subspace(ACTIONS).project(ACTIONS, [1, 1]), "twice"),
        (lambda: sy.subspace(ACTIONS).project(ACTIONS[:, :4], 2), "expected (n_0, 6)"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(DataError) as error:
        call()
    assert says in str(error.value) and "\n" not in str(error.value)
