"""The policy network."""

import pytest
import torch

from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.training.gradient import reach_observation
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.torch_twin import Twin


@pytest.fixture
def policy():
    """A policy for the arm whose biases are drawn, too."""
    twin = Twin(bodies.arm26(BodyOptions()).model).float()
    policy = ReachPolicy(*reach_observation.normaliser(twin), 10, 6, torch.Generator().manual_seed(1))
    with torch.no_grad():
        for bias in (policy.b_in, policy.b_rec, policy.b_out):
            bias.normal_(generator=torch.Generator().manual_seed(2))
    return policy


def test_the_network_is_the_gated_recurrent_unit_of_torch(policy):
    """The equations written again: torch.nn.GRU with the same weights."""
    gru = torch.nn.GRU(policy.n_obs, policy.n_hidden)
    with torch.no_grad():
        for name, value in (
            ("weight_ih_l0", policy.w_in),
            ("weight_hh_l0", policy.w_rec),
            ("bias_ih_l0", policy.b_in[:, 0]),
            ("bias_hh_l0", policy.b_rec[:, 0]),
        ):
            getattr(gru, name).copy_(value)
        x, hidden = torch.randn(5, policy.n_obs, 3), torch.zeros(policy.n_hidden, 3)
        wanted, _ = gru(x.transpose(1, 2))
        for k in range(5):
            _, hidden = policy(policy.mean + x[k] / policy.scale, hidden)
            torch.testing.assert_close(hidden, wanted[k].T, atol=1e-6, rtol=1e-5)


def test_an_action_is_an_excitation_and_an_untrained_policy_is_nearly_relaxed():
    twin = Twin(bodies.arm26(BodyOptions()).model).float()
    policy = ReachPolicy(*reach_observation.normaliser(twin), 10, 6, torch.Generator().manual_seed(1))
    action, _ = policy(policy.mean + torch.zeros(policy.n_obs, 1), torch.zeros(policy.n_hidden, 1))
    assert action.shape == (6, 1) and (action > 0).all() and (action < 0.05).all()
