"""Features are normalised by mean and scale of the fit."""

import numpy as np

from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.onnx_graphs.graph_builder import CLIP


def test_the_features_of_the_fit_have_mean_0_and_deviation_1_and_a_constant_one_is_0():
    x = np.random.default_rng(1).normal([3.0, -2.0, 0.0], [0.5, 4.0, 0.0], (500, 3)) + [0.0, 0.0, 7.0]
    z = Normaliser.of(x)(x)
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0), [1.0, 1.0, 0.0], atol=1e-12)


def test_what_lies_far_off_is_clipped_as_in_the_graph():
    n = Normaliser(np.array([1.0]), np.array([2.0]))
    np.testing.assert_array_equal(n(np.array([[1.5], [1e9], [-1e9]])), [[1.0], [CLIP], [-CLIP]])
