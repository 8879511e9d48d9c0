"""Sums of samples: however they are cut, mean and deviation are those of all of them."""

import numpy as np

from myoprosthesis.training.rl.normaliser import RunningNormaliser


def test_parts_add_up_to_the_whole():
    samples = np.random.default_rng(0).normal([1.2, -3.0, 0.0], [0.02, 5.0, 1.0], (1000, 3))
    whole, first, second = (RunningNormaliser(3) for _ in range(3))
    whole.add(samples)
    first.add(samples[:300].reshape(30, 10, 3))
    second.add(samples[300:])
    first.merge(second)
    for normaliser in (whole, first):
        assert np.allclose(normaliser.mean, samples.mean(0)) and np.allclose(normaliser.variance, samples.var(0))
    assert first.count == 1000


def test_it_goes_on_from_its_state_and_from_what_is_assumed():
    rng = np.random.default_rng(1)
    one, two, three = RunningNormaliser(2), RunningNormaliser(2), RunningNormaliser(2)
    one.add(rng.normal(3, 0.5, (50, 2)))
    two.load_state(one.state())
    three.assume(one.mean, one.scale, 50)
    assert np.allclose(three.scale, one.scale)
    more = rng.normal(2, 1, (50, 2))
    for normaliser in (one, two, three):
        normaliser.add(more)
    assert (one.mean == two.mean).all() and (one.scale == two.scale).all()
    assert np.allclose(three.mean, one.mean) and np.allclose(three.scale, one.scale)


def test_before_the_first_sample_nothing_is_changed_and_a_constant_is_not_blown_up():
    normaliser = RunningNormaliser(1)
    assert normaliser.mean == 0 and np.allclose(normaliser.scale, 1, atol=1e-5)
    normaliser.add(np.full((100, 1), 7.0))
    assert normaliser.mean == 7 and normaliser.scale <= 1001
