"""Trials drawn from a stage: where from, where to, when to go, in which field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.torch_twin import LAW_ROWS, Twin


@dataclass(frozen=True)
class TrialBatch:
    """A batch of trials, batch last; `steps` control periods each."""

    steps: int
    start: Tensor
    """(2, batch) endpoint at the start, m."""
    start_q: Tensor
    """(2, batch) joints at the start."""
    target: Tensor
    """(2, batch) m."""
    go: Tensor
    """(batch,) step at which the go signal comes; `steps` or later in catch trials."""
    law: Tensor
    """(10, batch) rows of the field's law."""

    def cues(self) -> Tensor:
        """(steps, 3, batch) what the task shows: target x, y from the beginning, and the go signal, 0 or 1."""
        gone = torch.arange(self.steps)[:, None, None] >= self.go
        return torch.cat([self.target.expand(self.steps, -1, -1), gone.to(self.target.dtype)], dim=1)

    def goal(self) -> Tensor:
        """(steps, 2, batch) where the endpoint should be at the end of each step: the start until go."""
        gone = torch.arange(self.steps)[:, None, None] >= self.go
        return torch.where(gone, self.target, self.start)


def curl(gain: Tensor) -> Tensor:
    """Law rows (10, batch) of F = b [v_y, −v_x] with b = `gain` (batch,), N·s/m."""
    law = gain.new_zeros(LAW_ROWS, gain.numel())
    law[7], law[8] = gain, -gain
    return law


def draw(twin: Twin, curriculum: Curriculum, stage: Stage, batch: int, generator: torch.Generator) -> TrialBatch:
    """`batch` random trials of `stage`."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=generator)

    home = _home(twin)
    away = (torch.rand(batch, generator=generator) >= stage.home_share).float()
    radius, angle = stage.start_radius * uniform(0, 1).sqrt() * away, uniform(0, 2 * math.pi)
    start = home[:, None] + radius * torch.stack([angle.cos(), angle.sin()])
    heading = uniform(0, 1)
    if stage.directions:
        heading = (heading * stage.directions).floor() / stage.directions
    target = start + uniform(*stage.distance) * _unit(2 * math.pi * heading)
    steps = round(curriculum.trial / curriculum.dt)
    go = (uniform(*stage.go) / curriculum.dt).round().long()
    go = torch.where(torch.rand(batch, generator=generator) < stage.catch_rate, steps, go)
    law = curl(curriculum.field * uniform(*stage.field))
    return TrialBatch(steps, start, twin.joints_at(start), target, go, law)


def centre_out(
    twin: Twin, curriculum: Curriculum, batch: int, distance: float, gain: float, directions: int = 8, go: float = 0.2
) -> TrialBatch:
    """The test: from home to `directions` targets at `distance` (m) in a curl field of `gain`, repeated to `batch`."""
    home = _home(twin)
    start = home[:, None].repeat(1, batch)
    heading = (torch.arange(batch) % directions) / directions
    steps = round(curriculum.trial / curriculum.dt)
    return TrialBatch(
        steps,
        start,
        torch.tensor(twin.home, dtype=torch.float32)[:, None].repeat(1, batch),
        start + distance * _unit(2 * math.pi * heading),
        torch.full((batch,), round(go / curriculum.dt)),
        curl(torch.full((batch,), float(gain))),
    )


def _home(twin: Twin) -> Tensor:
    q = torch.tensor(twin.home)[:, None]
    return torch.cat(twin.skeleton.endpoint(q.unbind(0))).float()


def _unit(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()])
