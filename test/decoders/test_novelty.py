"""Distance of features from those of the fit."""

import numpy as np
import pytest

from myoprosthesis.decoders.novelty import NoveltyDetector


@pytest.fixture(scope="module")
def fit():
    """Two classes far apart, of correlated features, and the detector of them."""
    rng = np.random.default_rng(2)
    mix = rng.normal(size=(6, 6))
    groups = np.repeat([0, 1], 2000)
    z = rng.normal(size=(4000, 6)) @ mix + 30.0 * groups[:, None]
    return z, groups, mix, NoveltyDetector.of(z, groups)


def test_features_of_the_fit_lie_at_about_1(fit):
    z, _, _, detector = fit
    assert np.sqrt((detector(z) ** 2).mean()) == pytest.approx(1.0, abs=0.02)


def test_it_is_the_distance_to_the_nearest_class_in_its_deviations(fit):
    """k deviations from a centre, in the direction of any mixed feature, are k / √n."""
    z, groups, mix, detector = fit
    centres = np.array([z[groups == k].mean(axis=0) for k in (0, 1)])
    for centre in centres:
        far = detector(centre + 5.0 * mix)
        np.testing.assert_allclose(far, 5.0 / np.sqrt(6), rtol=0.1)
    assert (detector(centres) < 1e-9).all() and detector(centres.mean(axis=0)[None])[0] > 3.0
