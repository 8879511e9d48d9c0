"""Two critics side by side, each with a distribution of the return instead of its mean."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Twin(nn.Module):
    """Two linear layers at once: (2, k, n) to (2, k, m), with units normalised and activated unless it is the last."""

    def __init__(self, n_in: int, n_out: int, last: bool, generator: torch.Generator) -> None:
        super().__init__()
        bound = n_in**-0.5
        draw = torch.rand((2, n_in, n_out), generator=generator)
        self.weight = nn.Parameter(bound * (2.0 * draw - 1.0))
        self.bias = nn.Parameter(torch.zeros(2, 1, n_out))
        self.scale = nn.Parameter(torch.ones(2, 1, n_out)) if not last else None
        self.shift = nn.Parameter(torch.zeros(2, 1, n_out)) if not last else None

    def forward(self, x: Tensor) -> Tensor:
        y = torch.baddbmm(self.bias, x, self.weight)
        if self.scale is None or self.shift is None:
            return y
        return functional.silu(functional.layer_norm(y, y.shape[-1:]) * self.scale + self.shift)


class TwinCritic(nn.Module):
    """Logits of the return's distribution over `atoms` (Bellemare et al. 2017, arXiv 1707.06887), from two networks."""

    atoms: Tensor

    def __init__(
        self, n_obs: int, n_act: int, units: tuple[int, ...], value_range: tuple[float, float], atoms: int,
        generator: torch.Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        sizes = (n_obs + n_act, *units, atoms)
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        self.layers = nn.Sequential(*(_Twin(a, b, k == len(pairs) - 1, generator) for k, (a, b) in enumerate(pairs)))
        self.register_buffer("atoms", torch.linspace(*value_range, atoms))

    def forward(self, observation: Tensor, action: Tensor) -> Tensor:
        """(2, k, n_atoms) logits, for normalised observations (k, n_obs) and actions (k, n_act)."""
        x = torch.cat([observation, action], dim=1)
        out: Tensor = self.layers(x.expand(2, *x.shape))
        return out.float()

    def mean(self, probability: Tensor) -> Tensor:
        """Mean return (…) of distributions (…, n_atoms)."""
        return (probability * self.atoms).sum(-1)

    def projected(self, probability: Tensor, shift: Tensor, factor: Tensor) -> Tensor:
        """The distribution (k, n_atoms) of shift + factor · return on the atoms; `shift` and `factor` are (k, 1)."""
        low, high = self.atoms[0], self.atoms[-1]
        step = (high - low) / (len(self.atoms) - 1)
        place = ((shift + factor * self.atoms).clamp(low, high) - low) / step
        below = place.floor().clamp(max=len(self.atoms) - 1)
        above = (below + 1).clamp(max=len(self.atoms) - 1)
        share = place - below
        out = torch.zeros_like(probability)
        out.scatter_add_(1, below.long(), probability * (1 - share))
        out.scatter_add_(1, above.long(), probability * share)
        return out
