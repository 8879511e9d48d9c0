"""Gaussian exploration around a policy's mean action: independent, or along what the last layer can express."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Exploration(nn.Module):
    """Noise L·ε around the mean action, with ε standard normal and the same L in every state.

    `independent`: L = diag(σ). `lattice`: L Lᵀ = diag(σ²) + s² W Wᵀ, with the weights W of the actor's last layer,
    scaled to rows of unit length on average, so that muscles which the policy drives together are also tried together
    (Chiappa et al. 2023, Lattice, in its state-independent form; the gradient does not pass through W there). Muscles
    filter white noise away: the smoothing of the action map colours both kinds in time, which is what gSDE and
    repeated noise are for.
    """

    def __init__(self, size: int, log_sd: float, log_sd_range: tuple[float, float]) -> None:
        super().__init__()
        self.low, self.high = log_sd_range
        self.log_sd = nn.Parameter(torch.full((size,), log_sd))

    def factor(self, last_weight: Tensor) -> Tensor:
        """σ (m,) for independent noise, else L (m, m), lower triangular."""
        return self.log_sd.clamp(self.low, self.high).exp()

    @torch.no_grad()
    def bound(self) -> None:
        """Bring the parameters back into their range, so that none is stuck outside where it has no gradient."""
        self.log_sd.clamp_(self.low, self.high)


class Lattice(Exploration):
    """Noise of the actor's last hidden layer on top of that of each action."""

    def __init__(self, size: int, log_sd: float, log_sd_range: tuple[float, float]) -> None:
        super().__init__(size, log_sd, log_sd_range)
        self.log_latent_sd = nn.Parameter(torch.tensor(log_sd))

    def factor(self, last_weight: Tensor) -> Tensor:
        """L (m, m)."""
        own = super().factor(last_weight)
        # Rows of unit length on average: at first the last layer is small, and so would be the noise along it.
        weight = last_weight.detach()
        weight = weight / weight.square().sum(1).mean().sqrt().clamp_min(1e-8)
        latent = self.log_latent_sd.clamp(self.low, self.high).exp()
        return torch.linalg.cholesky(torch.diag(own**2) + latent**2 * weight @ weight.T)

    @torch.no_grad()
    def bound(self) -> None:
        """See `Exploration.bound`."""
        super().bound()
        self.log_latent_sd.clamp_(self.low, self.high)


def exploration(kind: str, size: int, log_sd: float, log_sd_range: tuple[float, float]) -> Exploration:
    """The exploration of a kind of `network_options.EXPLORATIONS`."""
    return (Lattice if kind == "lattice" else Exploration)(size, log_sd, log_sd_range)


def explored(mean: Tensor, factor: Tensor, noise: Tensor) -> Tensor:
    """Actions around `mean` (…, m), for standard normal `noise` of that shape."""
    return mean + (noise * factor if factor.ndim == 1 else noise @ factor.T)


def log_density(mean: Tensor, factor: Tensor, action: Tensor) -> Tensor:
    """Log of the density of `action` (k, m), shape (k,)."""
    z = _whitened(action - mean, factor)
    return -0.5 * z.square().sum(-1) - _log_determinant(factor) - 0.5 * mean.shape[-1] * math.log(2 * math.pi)


def entropy(factor: Tensor) -> Tensor:
    """Of the noise, in nats."""
    return _log_determinant(factor) + 0.5 * len(factor) * (1 + math.log(2 * math.pi))


def divergence(old_mean: Tensor, old_factor: Tensor, mean: Tensor, factor: Tensor) -> Tensor:
    """Kullback–Leibler divergence of the old policy from the new one for each sample (k,), in nats."""
    spread = _whitened(torch.diag(old_factor) if old_factor.ndim == 1 else old_factor.T, factor).square().sum()
    shift = _whitened(mean - old_mean, factor).square().sum(-1)
    return 0.5 * (spread + shift - len(factor)) + _log_determinant(factor) - _log_determinant(old_factor)


def _whitened(rows: Tensor, factor: Tensor) -> Tensor:
    """L⁻¹ times each row."""
    if factor.ndim == 1:
        return rows / factor
    return torch.linalg.solve_triangular(factor, rows.T, upper=False).T


def _log_determinant(factor: Tensor) -> Tensor:
    return (factor if factor.ndim == 1 else factor.diagonal()).log().sum()
