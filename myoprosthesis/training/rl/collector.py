"""Collection of rollouts, in this process; the same simulations give the same rollouts however they are grouped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.experience import Episode, Experience
from myoprosthesis.training.rl.network import actor
from myoprosthesis.training.rl.network_options import NetworkOptions
from myoprosthesis.training.rl.reached_states import ReachedStates
from myoprosthesis.training.rl.replay_buffer import Symmetry, padded
from myoprosthesis.training.rl.trainable_env import TrainableEnv

BLOCK = 32
"""Simulations that go through the actor at once. A product of matrices of another shape is rounded otherwise, so that
collectors with other numbers of simulations agree only where each has a multiple of this, or fewer in all."""

NOISE, EPISODE, CAPTURE = 0, 1, 2
"""What a stream of random numbers is for."""


class Collector(Protocol):
    """Where rollouts come from: the only thing that a learner depends on."""

    size: int
    """Of an observation."""
    map: ActionMap
    """From the actor's actions to the effector's."""

    @property
    def symmetry(self) -> Symmetry | None:
        """Orders and signs with which what networks see, and do, has equal things exchanged; None: there are none."""
        ...

    def collect(self, weights: Mapping[str, NDArray[np.float32]], stage: int, batch: int) -> Experience:
        """Play `steps` steps of every simulation with one policy.

        Args:
            weights: Of the actor, see `Ppo.acting_weights`.
            stage: Index of the current stage, from which most new episodes are drawn.
            batch: Number of the rollout in the run, which decides the exploration's noise.

        Returns:
            The rollout of all simulations.

        Raises:
            ConfigError: No simulation can be had any more.
        """
        ...

    def contract(self, name: str) -> Contract:
        """The contract of a policy for the environment, see `TrainableEnv.contract`."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything from which the next rollout is the same, bit for bit."""
        ...

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        ...

    def close(self) -> None:
        """Release simulations and machines."""
        ...


class LocalCollector:
    """Collects from one vector environment in this process."""

    def __init__(
        self,
        env: TrainableEnv,
        network: NetworkOptions,
        stages: Sequence[Mapping[str, Any]],
        steps: int,
        seed: int,
        current_share: float = 1.0,
        reached_share: float = 0.0,
        first: int = 0,
        explore: bool = True,
    ) -> None:
        """Prepare the collection; the environment is reset with the first rollout.

        Args:
            env: The environment; it is closed with the collector.
            network: Size of the actor.
            stages: Values of each stage by `component.option`.
            steps: Length of a rollout.
            seed: Of environment, episodes and noise.
            current_share: Share of episodes in the current stage; the others are in one of those before it.
            reached_share: Share of episodes that begin in a state which the policy reached in the same stage.
            first: Number of the first simulation, where the environment is a part of all simulations.
            explore: Whether noise is added to the actor's mean.
        """
        self.env, self.stages, self.steps, self.seed, self.first = env, tuple(stages), steps, seed, first
        self.current_share, self.reached_share, self.explore = current_share, reached_share, explore
        if reached_share and not (hasattr(env, "states") and hasattr(env, "start_from")):
            raise ConfigError("reached_share: the environment cannot begin in a state; leave it out")
        self.reached = ReachedStates(env.num_envs, len(self.stages))
        env.first = first
        n = env.num_envs
        self.map = ActionMap.of(env, network.smoothing, network.gain, network.bounded)
        own = int(np.prod(env.single_observation_space.shape))
        self._past_seen = network.observes_past
        self.size = own + self.map.low.size * self._past_seen
        self.actor = actor(self.size, self.map.low.size, network, torch.Generator())
        self.observation = np.zeros((n, own), np.float32)
        self.past = np.zeros((n, self.map.low.size), np.float32)
        self.stage, self.next_stage = np.zeros(n, np.intp), np.zeros(n, np.intp)
        self.episode = np.zeros(n, np.intp)
        """Number of the episode for which options were drawn last, for each simulation."""
        self.started = False

    def collect(self, weights: Mapping[str, NDArray[np.float32]], stage: int, batch: int) -> Experience:
        """See `Collector.collect`."""
        self.actor.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        if not self.started:
            self._start(stage)
        n, steps = self.env.num_envs, self.steps
        noise = self._noise(batch)
        observations = np.empty((steps, n, self.size), np.float32)
        actions = np.empty((steps, n, self.map.low.size), np.float32)
        rewards = np.empty((steps, n), np.float32)
        terminated, ended = np.empty((steps, n), bool), np.empty((steps, n), bool)
        cut, final, episodes, diverged = [], [], [], 0
        captured = _Captured(self._capture_steps(batch), self.stage.copy())
        for t in range(steps):
            self._capture(captured, t)
            observations[t] = self._seen(self.observation, self.past)
            actions[t] = self._action(observations[t], noise[t])
            self.past = self.map.smoothed(self.past, actions[t])
            command = np.concatenate(
                [
                    self.map.squashed(self.past[k : k + BLOCK], self.observation[k : k + BLOCK])
                    for k in range(0, n, BLOCK)
                ]
            )
            observation, rewards[t], terminated[t], truncated, infos = self.env.step(command)
            observation, broken = self._repaired(observation, rewards[t])
            terminated[t] |= broken
            ended[t] = terminated[t] | truncated
            over = np.flatnonzero(ended[t])
            if over.size:
                for i in np.flatnonzero(truncated & ~terminated[t]):
                    cut.append((t, i))
                    last = np.asarray(infos["final_obs"][i], np.float32).reshape(1, -1)
                    final.append(self._seen(last, self.past[i : i + 1])[0])
                episodes += self._episodes(t, infos)
                diverged += int((broken | infos.get("diverged", False)).sum())
                captured.states.update(dict.fromkeys(np.flatnonzero(terminated[t]).tolist()))
                self.past[over] = 0.0
                self.stage[over] = self.next_stage[over]
                self._draw(over, stage)
            self.observation = observation
        self._keep(captured)
        return Experience(
            observations,
            actions,
            rewards,
            terminated,
            ended,
            self._seen(self.observation, self.past).copy(),
            np.array(cut, np.intp).reshape(-1, 2),
            np.array(final, np.float32).reshape(-1, self.size),
            tuple(episodes),
            diverged,
        )

    @property
    def symmetry(self) -> Symmetry | None:
        """See `Collector.symmetry`."""
        return padded(getattr(self.env, "symmetry", None), self.size)

    def _seen(self, observation: NDArray[np.float32], past: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the networks see."""
        return np.concatenate([observation, past], axis=1) if self._past_seen else observation

    def _start(self, stage: int) -> None:
        every = np.arange(self.env.num_envs)
        self._draw(every, stage)
        observation, _ = self.env.reset(seed=self.seed)
        self.observation = _rows(observation)
        self.stage = self.next_stage.copy()
        self._draw(every, stage)
        self.started = True

    def _stream(self, simulation: int, purpose: int, number: int) -> np.random.Generator:
        """Random numbers that depend on these numbers and the seed alone, not on what was drawn before."""
        key = np.array([self.seed, self.first + simulation], np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, purpose, number]))

    def _noise(self, batch: int) -> NDArray[np.float32]:
        """Standard normal (steps, simulations, m)."""
        shape = (self.steps, self.map.low.size)
        if not self.explore:
            return np.zeros((self.steps, self.env.num_envs, self.map.low.size), np.float32)
        streams = (self._stream(i, NOISE, batch) for i in range(self.env.num_envs))
        return np.stack([stream.standard_normal(shape, np.float32) for stream in streams], axis=1)

    def _draw(self, ids: NDArray[np.intp], stage: int) -> None:
        """Draw the stage of the next episode of each of these simulations."""
        for i in ids:
            self.episode[i] += 1
            rng = self._stream(int(i), EPISODE, int(self.episode[i]))
            current = stage == 0 or rng.random() < self.current_share
            self.next_stage[i] = stage if current else rng.integers(stage)
            if self.reached_share and rng.random() < self.reached_share:
                start = self.reached.draw(int(i), int(self.next_stage[i]), rng.random())
                if start is not None:
                    self.env.start_from(np.array([i]), start[None])  # type: ignore[attr-defined]
        for index in np.unique(self.next_stage[ids]):
            self.env.set_options(ids[self.next_stage[ids] == index], self.stages[index], int(index))

    def _capture_steps(self, batch: int) -> NDArray[np.intp]:
        """Of each simulation the step, in the first half of the rollout, in which its state is captured."""
        n = self.env.num_envs
        if not self.reached_share:
            return np.full(n, -1)
        return np.array([self._stream(i, CAPTURE, batch).integers(max(1, self.steps // 2)) for i in range(n)])

    def _capture(self, captured: _Captured, step: int) -> None:
        ids = np.flatnonzero(captured.steps == step)
        if ids.size:
            captured.stage[ids] = self.stage[ids]
            captured.states.update(zip(ids.tolist(), self.env.states(ids), strict=True))  # type: ignore[attr-defined]

    def _keep(self, captured: _Captured) -> None:
        """Keep those after which the task did not fail until the end of the rollout."""
        states = {i: state for i, state in captured.states.items() if state is not None}
        if states:
            ids = np.array(sorted(states), np.intp)
            self.reached.keep(ids, captured.stage[ids], np.stack([states[i] for i in ids.tolist()]))

    def _action(self, observation: NDArray[np.float32], noise: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            blocks = [
                self.actor.act(block, eps)
                for block, eps in zip(
                    torch.from_numpy(observation).split(BLOCK), torch.from_numpy(noise).split(BLOCK), strict=True
                )
            ]
            out: NDArray[np.float32] = torch.cat(blocks).numpy()
        return out

    def _repaired(
        self, observation: NDArray[np.floating], reward: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Simulations that returned what is no number are reset, their reward is 0; returns which they are, too."""
        rows = _rows(observation)
        broken = ~(np.isfinite(rows).all(axis=1) & np.isfinite(reward))
        if broken.any():
            reward[broken] = 0.0
            fresh, _ = self.env.reset(options={"reset_mask": broken})
            rows[broken] = _rows(fresh)[broken]
            if not np.isfinite(rows).all():
                raise ConfigError(
                    f"the environment's observation is not finite after a reset, in simulation "
                    f"{self.first + int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])}"
                )
        return rows, broken

    def _episodes(self, step: int, infos: Mapping[str, Any]) -> list[Episode]:
        figures, mask = infos.get("episode"), infos.get("_episode")
        if figures is None or mask is None:
            return []
        return [
            Episode(
                step,
                self.first + int(i),
                int(self.stage[i]),
                {
                    name: float(column[i])
                    for name, column in figures.items()
                    if not name.startswith("_") and name != "stage"
                },
            )
            for i in np.flatnonzero(mask)
        ]

    def contract(self, name: str) -> Contract:
        """See `Collector.contract`."""
        return self.env.contract(name)

    def state(self) -> dict[str, Any]:
        """See `Collector.state`."""
        own = ("observation", "past", "stage", "next_stage", "episode")
        return {
            "started": self.started,
            "reached": self.reached.state(),
            "env": self.env.get_state() if self.started else {},
            **{name: getattr(self, name).copy() for name in own},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Collector.load_state`."""
        self.started = state["started"]
        if self.started:
            self.env.set_state(state["env"])
        self.reached.load_state(state["reached"])
        for name in ("observation", "past", "stage", "next_stage", "episode"):
            setattr(self, name, state[name].copy())

    def close(self) -> None:
        """See `Collector.close`."""
        self.env.close()


@dataclass
class _Captured:
    """States of a rollout that are candidates for later starts."""

    steps: NDArray[np.intp]
    """(N,), −1: none."""
    stage: NDArray[np.intp]
    states: dict[int, NDArray[np.floating] | None] = field(default_factory=dict)
    """By simulation; None where the task failed afterwards."""


def _rows(observation: NDArray[np.floating]) -> NDArray[np.float32]:
    """A copy in single precision, one row for each simulation."""
    return np.array(observation, np.float32).reshape(len(observation), -1)
