"""The network around a band: what is convolved with what, and what it refuses."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.band_network import BandNetwork, BandNetworkOptions, by_electrode
from myoprosthesis.decoders.features import columns

ELECTRODES = ("e1", "e2", "e3", "e4", "e5")


def names(*features, electrodes=ELECTRODES):
    return tuple(n for f in features for n in columns(f, electrodes))


def test_each_electrode_has_its_own_columns_and_its_pairs_around_the_band():
    given = names("mav", "ar", "log_cov")
    rows = [[given[k] for k in row] for row in by_electrode(given)]
    assert rows[0] == [
        *("e1/mav", "e1/ar1", "e1/ar2", "e1/ar3", "e1/ar4"),
        *("e1/log_cov0", "e1/log_cov1", "e1/log_cov2", "e1/log_cov3", "e1/log_cov4"),
    ]
    # e4 with e4, e5, and around the band with e1, e2, e3
    assert rows[3][5:] == ["e4/log_cov0", "e4/log_cov1", "e1/log_cov3", "e2/log_cov2", "e3/log_cov1"]


def test_a_band_that_is_turned_turns_what_the_convolutions_say():
    """One electrode further, the same feature is one electrode further."""
    given = names("tdpsd", "log_cov")
    columns_of = by_electrode(given)
    turned = np.empty(len(given), int)
    turned[columns_of] = np.roll(columns_of, 1, axis=0)
    x, y = np.random.default_rng(0).normal(size=(200, len(given))), np.arange(200) % 3
    network = BandNetwork(BandNetworkOptions(units=4, steps=3), given).fit(x, y, "classification")

    def units(z):
        for weights, bias in network.layers[:-1]:
            z = np.maximum(z @ weights + bias, 0)
        return z.reshape(len(z), len(ELECTRODES), -1)

    assert np.allclose(units(x[:, turned]), np.roll(units(x), 1, axis=1))
    assert not np.allclose(units(x[:, turned]), units(x))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((), "a band of 3 electrodes or more, and the features are of none"),
        (names("mav", electrodes=ELECTRODES[:2]), "the features are of 2"),
        (names("mav", "ar")[:-1], "electrode 'e5' has not the features of the others: e5/ar4 is missing"),
        (("e1/hum", "e2/hum", "e3/hum"), "unknown feature 'hum'"),
    ],
)
def test_features_of_no_band_are_refused(given, sentence):
    pytest.importorskip("torch")
    with pytest.raises(ConfigError, match=sentence):
        BandNetwork(BandNetworkOptions()).for_features(given).fit(
            np.zeros((9, len(given))), np.arange(9) % 2, "classes"
        )
