"""What a batch of trials costs, by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.training.gradient import trial_sampler
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.loss import SMOOTH, terms, total
from myoprosthesis.training.gradient.rollout import Rollout, Trace
from myoprosthesis.training.gradient.torch_twin import Twin

CURRICULUM = Curriculum("c", (Stage("s"),), hidden=12)


def test_every_weight_gets_a_gradient(lively):
    twin = Twin(bodies.arm26(BodyOptions()).model).float()
    policy = lively(twin)
    drawn = trial_sampler.draw(twin, CURRICULUM, CURRICULUM.stages[0], 8, torch.Generator().manual_seed(0))
    drawn = replace(drawn, steps=30, go=torch.full((8,), 5))
    parts = terms(drawn, Rollout(twin, policy, CURRICULUM)(drawn), CURRICULUM.dt)
    total(parts, CURRICULUM.stages[0].weights).backward()
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_loss_is_what_it_says():
    """Trials to 0° and 45° that stand 3 mm to the right of their start and 4 mm on, by hand."""
    twin = Twin(bodies.point_mass(BodyOptions()).model).float()
    test = trial_sampler.centre_out(twin, CURRICULUM, 2, 0.1, 0.0)
    c = np.sqrt(0.5)
    on, right = torch.tensor([[1, c], [0, c]]), torch.tensor([[0, c], [-1, -c]])
    position = (test.start + 0.004 * on + 0.003 * right).float().expand(test.steps, 2, 2)
    flat = torch.zeros(test.steps, 2)
    trace = Trace(position, torch.zeros_like(position), flat + 0.25, flat + 0.04, flat)
    parts = {k: float(v) for k, v in terms(test, trace, 0.01).items()}

    def rounded(x: float) -> float:
        return float(np.hypot(x, SMOOTH)) - SMOOTH

    before, after = rounded(0.005), rounded(float(np.hypot(0.1 - 0.004, 0.003)))
    assert parts["distance"] == pytest.approx(0.2 * before + 0.8 * after, abs=1e-6)
    assert parts["waiting"] == pytest.approx(0.2 * before, abs=1e-6), "only before the go signal at 0.2 s"
    assert parts["lateral"] == pytest.approx(rounded(0.003), abs=1e-6)
    assert parts["effort"] == pytest.approx(0.25) and parts["hidden"] == pytest.approx(0.04)
    assert parts["jerk"] == 0 and parts["hidden_rate"] == 0
