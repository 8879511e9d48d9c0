"""What a batch of trials costs."""

from __future__ import annotations

import torch
from torch import Tensor

from myoprosthesis.training.gradient.curriculum import LossWeights
from myoprosthesis.training.gradient.rollout import Trace
from myoprosthesis.training.gradient.trial_sampler import TrialBatch

SMOOTH = 5e-4
"""Distances are rounded off below this (m), so that their gradient is defined at 0."""


def terms(trials: TrialBatch, trace: Trace, dt: float) -> dict[str, Tensor]:
    """Each term of the loss by the name of its weight, not yet weighted; see `LossWeights`."""
    error = trace.position - trials.goal()
    early = trace.position - trials.start
    waits = torch.arange(trials.steps)[:, None] < trials.go
    line = trials.target - trials.start
    right = torch.stack([line[1], -line[0]]) / line.norm(dim=0).clamp(min=1e-6)
    lateral = ((trace.position - trials.start) * right).sum(1)
    jerk = trace.velocity.diff(n=2, dim=0) / dt**2
    return {
        "distance": _rounded(error.square().sum(1)),
        # Go is likely within 0.3 s: without this term the best policy leaves before it, 30 mm by 0.2 s.
        "waiting": _rounded(early.square().sum(1) * waits),
        "lateral": _rounded(lateral.square()),
        "jerk": jerk.square().sum(1).mean(),
        "effort": trace.effort.mean(),
        "hidden": trace.activity.mean(),
        "hidden_rate": trace.change.mean(),
    }


def total(parts: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum."""
    return torch.stack([getattr(weights, name) * value for name, value in parts.items()]).sum()


def _rounded(square: Tensor) -> Tensor:
    """Mean of √(x² + ε²) − ε."""
    return (square + SMOOTH**2).sqrt().mean() - SMOOTH
