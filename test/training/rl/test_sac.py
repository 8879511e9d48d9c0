"""Soft actor-critic: it learns, goes on bit for bit, and its parts are what their equations say."""

import numpy as np
import pytest
import torch
from point_runs import data, never_stop, start

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl import export
from myoprosthesis.training.rl.experience import Experience
from myoprosthesis.training.rl.network_options import NetworkOptions
from myoprosthesis.training.rl.ppo import Ppo
from myoprosthesis.training.rl.replay_buffer import ReplayBuffer, exchanged, padded
from myoprosthesis.training.rl.sac import Sac
from myoprosthesis.training.rl.sac_options import SacOptions
from myoprosthesis.training.rl.twin_critic import TwinCritic

NETWORK = {
    "actor": [32, 32], "critic": [32, 32], "smoothing": 0.3, "bounded": True, "observes_past": True,
    "exploration": "learned", "layer_norm": True, "log_sd_range": [-4.0, 0.5],
}  # fmt: skip


def off_policy(**changes):
    options = {
        "minibatch": 128, "updates": 40, "start": 500, "capacity": 20_000, "gamma": 0.9, "reward_scale": 1.0,
        "value_range": [-10.0, 12.0], "learning_rate": 1e-3,
    }  # fmt: skip
    stages = [{**stage, "batches": 100, "episodes": 48} for stage in data()["stages"]]
    own = {"simulations": 16, "steps": 8, "network": NETWORK, "sac": options, "ppo": {}, "stages": stages}
    return data(algorithm="sac", **{**own, **changes})


def test_a_point_learns_to_go_to_its_target_from_few_samples(tmp_path):
    run = start(tmp_path, off_policy())
    assert run.train(never_stop)
    rows = run.progress.history
    assert {row["stage"] for row in rows} == {"near", "far"} and not run.progress.unreached
    assert run.progress.best >= 0.6 and run.algorithm.samples < 16_000
    contract = run.algorithm.collector.contract("point")
    contract = type(contract)(**{**vars(contract), "hidden": export.hidden(run.algorithm.collector.map)})
    gap = export.export(run.algorithm.learner.policy, run.algorithm.collector.map, contract, tmp_path / "policy.onnx")
    assert gap <= 1e-5


@pytest.mark.parametrize("kept", [True, False])
def test_twelve_updates_are_six_and_six_after_a_resume_where_the_samples_are_kept(tmp_path, kept):
    written = off_policy()
    written["sac"] |= {"keep_samples": kept, "updates": 8, "average_rate": 0.1}
    whole = start(tmp_path / "whole", written)
    whole.train(lambda run, means, row: run.progress.total < 12)
    start(tmp_path / "cut", written).train(lambda run, means, row: run.progress.total < 6)
    again = start(tmp_path / "cut", written)
    again.resume()
    again.train(lambda run, means, row: run.progress.total < 12)
    assert len(whole.algorithm.learner.samples) == 12 * 128 and whole.algorithm.learner.updates > 0
    same = [
        torch.equal(value, again.algorithm.weights()[network][name])
        for network in ("actor", "critic", "policy")
        for name, value in whole.algorithm.weights()[network].items()
    ]
    assert all(same) == kept


def rollout(steps=3, simulations=2, n=2, m=1):
    rng = np.random.default_rng(0)
    ended = np.zeros((steps, simulations), bool)
    ended[1] = True
    terminated = ended.copy()
    terminated[1, 1] = False  # the second simulation ran out of time
    return Experience(
        rng.normal(size=(steps, simulations, n)).astype(np.float32),
        rng.normal(size=(steps, simulations, m)).astype(np.float32),
        rng.normal(size=(steps, simulations)).astype(np.float32),
        terminated, ended, np.full((simulations, n), 7.0, np.float32), np.array([[1, 1]]),
        np.full((1, n), 9.0, np.float32),
    )  # fmt: skip


def test_samples_say_what_followed():
    seen = rollout()
    buffer = ReplayBuffer(100, 2, 1, torch.device("cpu"))
    buffer.add(seen, 0.9, 2.0)
    parts = {name: part[:6].numpy().reshape(3, 2, -1) for name, part in buffer.parts.items()}
    np.testing.assert_array_equal(parts["following"][0], seen.observations[1])
    np.testing.assert_array_equal(parts["following"][1, 1], [9.0, 9.0])
    np.testing.assert_array_equal(parts["following"][2], np.full((2, 2), 7.0))
    np.testing.assert_allclose(parts["discount"][..., 0], [[0.9, 0.9], [0.0, 0.9], [0.9, 0.9]])
    np.testing.assert_allclose(parts["reward"][..., 0], 2.0 * seen.rewards)


def test_rewards_of_several_steps_end_with_their_episode_and_rollout():
    rng, shape = np.random.default_rng(1), (6, 3)
    ended = rng.random(shape) < 0.3
    terminated = ended & (rng.random(shape) < 0.5)
    cut = np.argwhere(ended & ~terminated)
    observations, final = rng.normal(size=(*shape, 2)).astype(np.float32), rng.normal(size=(len(cut), 2))
    rewards = rng.normal(size=shape).astype(np.float32)
    last = rng.normal(size=(3, 2)).astype(np.float32)
    seen = Experience(observations, np.zeros((*shape, 1), np.float32), rewards, terminated, ended, last, cut, final)
    buffer = ReplayBuffer(18, 2, 1, torch.device("cpu"))
    buffer.add(seen, 0.9, 2.0, 3)
    parts = {name: part.numpy().reshape(*shape, -1) for name, part in buffer.parts.items()}
    finals = {tuple(place): row for place, row in zip(cut.tolist(), final, strict=True)}
    assert ended.any() and terminated.any() and len(cut)
    for t, k in np.ndindex(shape):
        total, factor, at = 0.0, 1.0, t
        while True:
            total, factor = total + factor * 2.0 * rewards[at, k], 0.9 * factor
            if ended[at, k] or at == 5 or at == t + 2:
                break
            at += 1
        after = finals.get((at, k), last[k] if at == 5 else observations[min(at + 1, 5), k])
        assert parts["reward"][t, k, 0] == pytest.approx(total, rel=1e-5)
        assert parts["discount"][t, k, 0] == pytest.approx(0.0 if terminated[at, k] else factor)
        if not terminated[at, k]:
            np.testing.assert_allclose(parts["following"][t, k], after, rtol=1e-6)


def test_the_oldest_samples_go_first():
    buffer = ReplayBuffer(8, 2, 1, torch.device("cpu"))
    for k in range(3):
        one = rollout()
        one.rewards[:] = k
        buffer.add(one, 0.9, 1.0)
    assert len(buffer) == 8 and sorted(buffer.parts["reward"][:, 0].tolist()) == [1.0, 1.0, 2, 2, 2, 2, 2, 2]
    drawn = buffer.draw(torch.tensor([0.0, 0.999]))
    assert drawn["reward"].shape == (2, 1)


def test_a_projected_distribution_has_the_mean_that_bellman_wants():
    critic = TwinCritic(2, 1, (4,), (-5.0, 5.0), 21, torch.Generator().manual_seed(0))
    probability = torch.softmax(torch.randn(6, 21, generator=torch.Generator().manual_seed(1)), -1)
    shift, factor = torch.linspace(-1, 1, 6)[:, None], torch.tensor([0.0, 0.2, 0.4, 0.6, 0.5, 0.3])[:, None]
    out = critic.projected(probability, shift, factor)
    mean = shift[:, 0] + factor[:, 0] * (probability * critic.atoms).sum(1)
    torch.testing.assert_close((out * critic.atoms).sum(1), mean, atol=1e-5, rtol=0)
    torch.testing.assert_close(out.sum(1), torch.ones(6), atol=1e-5, rtol=0)
    high = critic.projected(probability, torch.full((6, 1), 50.0), factor)
    torch.testing.assert_close(high[:, -1], torch.ones(6), atol=1e-5, rtol=0)


def test_the_density_is_that_of_a_squashed_normal_distribution():
    network = NetworkOptions(actor=(8,), critic=(8,), exploration="learned", bounded=True, log_sd=-0.5)
    learner = Sac(3, 2, network, SacOptions(capacity=10, start=1), 0)
    x = torch.randn(400, 3, generator=torch.Generator().manual_seed(2))
    action, density = learner._explored(x)
    mean, log_sd = learner.actor.spread(x)
    wanted = torch.distributions.TransformedDistribution(
        torch.distributions.Normal(mean, log_sd.exp()), [torch.distributions.transforms.TanhTransform()]
    )
    torch.testing.assert_close(density, wanted.log_prob(action.clamp(-1 + 1e-6, 1 - 1e-6)).sum(1), atol=2e-3, rtol=0)


def test_products_of_half_the_digits_leave_losses_nearly_as_they_are():
    losses = {}
    for precision in ("float32", "bfloat16"):
        network = NetworkOptions(actor=(32,), critic=(32,), exploration="learned", bounded=True, layer_norm=True)
        options = SacOptions(capacity=100, start=1, minibatch=64, updates=2, precision=precision)
        learner = Sac(2, 1, network, options, 0)
        losses[precision] = learner.update(rollout(steps=40))
        assert {p.dtype for p in learner.actor.parameters()} == {torch.float32}
    exact, half = losses["float32"], losses["bfloat16"]
    assert exact["value_loss"] != half["value_loss"]
    assert half["value_loss"] == pytest.approx(exact["value_loss"], rel=0.01)
    assert half["value"] == pytest.approx(exact["value"], rel=0.02)


def test_the_policy_is_the_average_of_the_actor_over_its_updates():
    network = NetworkOptions(actor=(8,), critic=(8,), exploration="learned", bounded=True)
    options = SacOptions(capacity=100, start=1, minibatch=16, updates=2, average_rate=0.25, learning_rate=0.01)
    learner = Sac(2, 1, network, options, 0)
    wanted = {name: value.clone() for name, value in learner.policy.state_dict().items()}
    for _ in range(5):
        learner.update(rollout(steps=8))
        learner.measure(rollout(steps=8))
        for name, value in learner.actor.state_dict().items():
            rate = 1.0 if name in ("mean", "scale") else options.average_rate
            wanted[name].lerp_(value, rate)
    for name, value in learner.policy.state_dict().items():
        torch.testing.assert_close(value, wanted[name])
    assert not torch.equal(learner.policy.last_weight, learner.actor.last_weight)
    weights = learner.weights()
    other = Sac(2, 1, network, options, 1)
    other.load_weights(weights)
    assert torch.equal(other.policy.last_weight, learner.policy.last_weight)
    del weights["policy"]
    other.load_weights(weights)
    assert torch.equal(other.policy.last_weight, learner.actor.last_weight), "it begins at the actor"
    assert Sac(2, 1, network, SacOptions(), 0).weights().keys() == {"actor", "critic"}


def test_the_past_action_behind_an_observation_is_exchanged_as_actions_are():
    order, signs, actions = padded((np.array([1, 0, 2]), np.array([1.0, 1.0, -1.0], np.float32), np.array([1, 0])), 5)
    rows = torch.tensor([[1.0, 2, 3, 4, 5], [6.0, 7, 8, 9, 10]])
    swapped = exchanged(rows, torch.tensor([[True], [False]]), torch.from_numpy(order), torch.from_numpy(signs))
    assert swapped.tolist() == [[2.0, 1, -3, 5, 4], [6.0, 7, 8, 9, 10]] and actions.tolist() == [1, 0]


def test_what_does_not_go_together_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="SAC needs exploration: learned"):
        Sac(3, 2, NetworkOptions(), SacOptions(), 0)
    with pytest.raises(ConfigError, match="exploration learned is that of SAC"):
        Ppo(3, 2, NetworkOptions(exploration="learned"), 0)
    with pytest.raises(ConfigError, match="nothing would ever be learned"):
        SacOptions(capacity=10, start=20)
    written = off_policy()
    written["network"] = {**NETWORK, "bounded": False}
    with pytest.raises(ConfigError, match="SAC needs bounded"):
        start(tmp_path, written)


@pytest.mark.parametrize(
    "there, precision, said", [(False, "bfloat16", 1), (True, "bfloat16", 0), (False, "float32", 0)]
)
def test_a_processor_without_units_for_bfloat16_is_told_of(monkeypatch, recwarn, there, precision, said):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": there}, raising=False)
    Sac(3, 2, NetworkOptions(exploration="learned"), SacOptions(precision=precision), 0)
    assert len([w for w in recwarn if "no units for bfloat16" in str(w.message)]) == said
