"""Advantages against their definition as a sum, episode by episode."""

import numpy as np
import pytest

from myoprosthesis.training.rl.advantages import advantages


def by_definition(rewards, values, next_values, terminated, ended, gamma, decay):
    """A_t = Σ_k (γλ)^k δ_{t+k}, over what is left of the episode."""
    steps, simulations = rewards.shape
    out = np.zeros_like(rewards)
    for i in range(simulations):
        for t in range(steps):
            for k in range(t, steps):
                follows = 0.0 if terminated[k, i] else next_values[k, i]
                delta = rewards[k, i] + gamma * follows - values[k, i]
                out[t, i] += (gamma * decay) ** (k - t) * delta
                if ended[k, i]:
                    break
    return out


@pytest.mark.parametrize("decay", [0.0, 0.95, 1.0])
def test_advantages_are_the_sum_of_what_follows_in_the_episode(decay):
    rng = np.random.default_rng(0)
    rewards, values, next_values = rng.normal(size=(3, 20, 5))
    terminated = rng.random((20, 5)) < 0.1
    ended = terminated | (rng.random((20, 5)) < 0.1)
    assert (ended & ~terminated).any() and terminated.any()
    parts = (rewards, values, next_values, terminated, ended, 0.9, decay)
    assert np.allclose(advantages(*parts), by_definition(*parts))


def test_a_value_that_is_right_has_no_advantage_across_a_time_limit():
    gamma, steps = 0.9, 6
    value = 1 / (1 - gamma)  # of a reward of 1 for ever
    ended = np.zeros((steps, 1), bool)
    ended[2] = True  # by its time limit
    ones = np.ones((steps, 1))
    none = np.zeros((steps, 1), bool)
    assert np.allclose(advantages(ones, value * ones, value * ones, none, ended, gamma, 0.95), 0)
    assert advantages(ones, value * ones, value * ones, ended, ended, gamma, 0.95)[2] == pytest.approx(1 - value)
