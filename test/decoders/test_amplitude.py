"""Amplitude is read from whichever features tell it."""

import numpy as np
import pytest

from myoprosthesis.decoders.amplitude import Amplitude
from myoprosthesis.decoders.features import FeatureStream


def read(features, window):
    stream = FeatureStream(features, ("x", "y"), 1000.0, 0.2, 0.2)
    reader = Amplitude.of(stream.names)
    return None if reader is None else float(reader(stream.compute(window)[None])[0])


def test_the_mean_absolute_value_or_the_root_of_the_sum_of_squares():
    window = np.random.default_rng(0).normal(0, [[2.0], [6.0]], (2, 200))
    assert read(("zc", "mav", "tdpsd"), window) == pytest.approx(np.abs(window).mean())
    assert read(("tdpsd", "log_cov"), window) == pytest.approx(np.sqrt((window**2).sum(axis=1)).mean(), rel=1e-6)
    assert read(("log_cov",), window) is None
