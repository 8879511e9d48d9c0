"""Imitation: the actor comes to do what a teacher would, as the exported policy will act."""

import numpy as np
import pytest
import torch

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training import checkpoint
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.experience import Experience
from myoprosthesis.training.rl.imitation import Imitation
from myoprosthesis.training.rl.imitation_options import ImitationOptions
from myoprosthesis.training.rl.network_options import NetworkOptions

N, M = 4, 2
NETWORK = NetworkOptions(actor=(32,), smoothing=0.0, gain=2.0)


def action_map(smoothing=0.0):
    low, high, centre = np.zeros(M, np.float32), np.full(M, 2.0, np.float32), np.full(M, -3.0, np.float32)
    return ActionMap(low, high, centre, np.full((M, N), 0.1, np.float32), smoothing, 2.0)


def teacher(observation):
    return 2.0 / (1.0 + np.exp(-observation[:, :M].astype(float)))


def learner():
    return Imitation(N, action_map(), NETWORK, ImitationOptions(200, 60, 64, 5e-3), teacher, 3)


def rollout(seed):
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(10, 30, N)).astype(np.float32)
    none, flags = np.zeros((10, 30), np.float32), np.zeros((10, 30), bool)
    return Experience(
        seen, np.zeros((10, 30, M), np.float32), none, flags, flags, seen[0], np.zeros((0, 2), np.intp), seen[0, :0]
    )


def test_the_policy_does_what_the_teacher_would():
    imitation = learner()
    imitation.measure(rollout(0))
    losses = [imitation.update(rollout(k))["policy_loss"] for k in range(6)]
    seen = rollout(9).observations[0]
    with torch.inference_mode():
        raw = imitation.actor(torch.from_numpy(seen)).numpy()
        np.testing.assert_allclose(
            imitation._share(torch.from_numpy(seen)) * 2.0, action_map().squashed(raw, seen), atol=1e-6
        )
    error = np.abs(action_map().squashed(raw, seen) - teacher(seen)).mean()
    assert losses[-1] < 0.05 * losses[0] and error < 0.1


def test_it_goes_on_where_it_was(tmp_path):
    imitation, other = learner(), learner()
    for k in range(2):
        imitation.measure(rollout(k))
        imitation.update(rollout(k))
    checkpoint.save(tmp_path / "run.pt", imitation.state())
    other.load_state(checkpoint.load(tmp_path / "run.pt"))
    assert imitation.update(rollout(5)) == other.update(rollout(5))
    for name, value in imitation.acting_weights().items():
        np.testing.assert_array_equal(value, other.acting_weights()[name])


def test_what_cannot_be_taught_is_refused():
    with pytest.raises(ConfigError, match="smoothing: 0"):
        Imitation(N, action_map(0.5), NETWORK, ImitationOptions(), teacher, 0)
    with pytest.raises(ConfigError, match="another network"):
        learner().load_weights({"actor": {}})
