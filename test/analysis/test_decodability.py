"""A decoder tells what is in a band of components, and nothing from noise."""

import numpy as np
import pytest

from myoprosthesis.analysis.decodability import bands, decodability
from myoprosthesis.core.errors import DataError

BANDS = [(1, 1), (2, 2), (3, 4)]


def trials(at, n=40, seed=0):
    """Movements of four channels of falling size, of which channel `at` has the sign of the label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    x = rng.normal(0, 1, (n, 10, 4)) * [8.0, 4.0, 1.0, 0.9]
    if at is not None:
        x[:, :, at] = np.abs(x[:, :, at]) * np.where(labels, 1, -1)[:, None]
    return x, labels


@pytest.mark.parametrize(("at", "band"), [(0, 0), (1, 1), (2, 2)])
def test_the_band_with_the_label_is_found(at, band):
    shares = decodability(*trials(at), BANDS)
    assert shares[band] > 0.9
    assert all(share < 0.8 for k, share in enumerate(shares) if k != band)


def test_nothing_is_told_from_noise():
    """Held-out trials are not in the fit: 20 numbers of 40 trials could be told apart by heart."""
    shares = [decodability(*trials(None, seed=s), BANDS, seed=s) for s in range(5)]
    assert np.abs(np.mean(shares, axis=0) - 0.5).max() < 0.15


def test_bands_are_all_components_once():
    assert bands(23, 5) == [(1, 5), (6, 10), (11, 15), (16, 20), (21, 23)]
    assert bands(3, 5) == [(1, 3)]


def test_what_cannot_be_tested_is_refused():
    x, labels = trials(0)
    with pytest.raises(DataError, match="5 parts need two labels of 5 trials each, got 40 of 0"):
        decodability(x, 0 * labels, BANDS)
    with pytest.raises(DataError, match="all trials of a label are the same"):
        decodability(np.where(labels[:, None, None] == 0, x[0], x), labels, BANDS)
