"""Exploration against torch's own distributions, and against samples."""

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from myoprosthesis.training.rl.exploration import divergence, entropy, exploration, explored, log_density

M, UNITS = 5, 8


def parts(kind, seed):
    generator = torch.Generator().manual_seed(seed)
    noise = exploration(kind, M, -1.0, (-3.0, 0.5))
    with torch.no_grad():
        noise.log_sd.add_(0.3 * torch.randn(M, generator=generator))
    factor = noise.factor(torch.randn(M, UNITS, generator=generator)).detach()
    mean = torch.randn(4, M, generator=generator)
    tril = torch.diag(factor) if factor.ndim == 1 else factor
    return mean, factor, MultivariateNormal(mean, scale_tril=tril)


@pytest.mark.parametrize("kind", ["independent", "lattice"])
def test_density_entropy_and_divergence_are_those_of_a_normal_distribution(kind):
    (mean, factor, own), (other_mean, other_factor, other) = parts(kind, 0), parts(kind, 1)
    action = torch.randn(4, M)
    assert torch.allclose(log_density(mean, factor, action), own.log_prob(action), atol=1e-4)
    assert torch.allclose(entropy(factor), own.entropy()[0], atol=1e-5)
    assert torch.allclose(divergence(mean, factor, other_mean, other_factor), kl_divergence(own, other), rtol=1e-4)
    assert torch.allclose(divergence(mean, factor, mean, factor), torch.zeros(4), atol=1e-5)


def test_lattice_noise_goes_along_the_last_layer():
    weight = torch.zeros(M, UNITS)
    weight[:2, 0] = 0.01  # a small layer, in which the first two actions are driven by one unit
    factor = exploration("lattice", M, -1.0, (-3.0, 0.5)).factor(weight).detach()
    noise = torch.randn(20000, M, generator=torch.Generator().manual_seed(0))
    actions = explored(torch.zeros(20000, M), factor, noise)
    correlation = torch.corrcoef(actions.T)
    assert correlation[0, 1] > 0.6 and correlation[2:, :2].abs().max() < 0.05
    assert torch.allclose(torch.cov(actions.T), factor @ factor.T, atol=0.02)


def test_the_noise_stays_within_its_bounds():
    noise = exploration("lattice", M, -1.0, (-3.0, 0.5))
    with torch.no_grad():
        noise.log_sd.fill_(9.0)
        noise.log_latent_sd.fill_(-9.0)
    noise.bound()
    assert noise.log_sd.max() == 0.5 and noise.log_latent_sd == -3.0
