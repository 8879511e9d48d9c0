"""A policy moves the twin for one trial: the closed loop that is differentiated."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation import ticks
from myoprosthesis.training.curriculum import Curriculum
from myoprosthesis.training.network import ReachPolicy
from myoprosthesis.training.torch_twin import Twin, TwinState
from myoprosthesis.training.trials import Trials

COMPILE = ("auto", "on", "off")


class Trace(NamedTuple):
    """What happened in a batch of trials; shape (steps, rows, batch), at the end of each step."""

    position: Tensor
    velocity: Tensor
    act: Tensor
    hidden: Tensor
    excitation: Tensor


class Rollout:
    """The loop policy → twin → senses → policy, one control period per step."""

    def __init__(self, twin: Twin, policy: ReachPolicy, curriculum: Curriculum, compiled: bool = False) -> None:
        self.twin, self.policy = twin, policy
        self.vision = ticks(curriculum.vision_delay, curriculum.dt)
        self.proprioception = ticks(curriculum.proprioception_delay, curriculum.dt)
        self._advance: Callable[..., tuple[Tensor, ...]] = self._period
        if compiled:
            self._advance = torch.compile(self._period, fullgraph=True, dynamic=False)

    def __call__(self, trials: Trials, noise: Tensor | None = None) -> Trace:
        """Run the trials; `noise` (steps, n_obs, batch) is added to the observations."""
        twin = self.twin
        state = twin.start(trials.start_q)
        sense = twin.sense(state)
        seen, felt = [sense.endpoint], [torch.cat([sense.muscle_length, sense.muscle_velocity])]
        hidden = trials.start.new_zeros(self.policy.n_hidden, trials.start.shape[1])
        if noise is None:
            noise = trials.start.new_zeros(trials.steps, self.policy.n_obs, trials.start.shape[1])
        rows: list[tuple[Tensor, ...]] = []
        for k in range(trials.steps):
            # Before a delay has passed the senses report the start, as of a body that has long been at rest.
            past, near = seen[max(0, k - self.vision)], felt[max(0, k - self.proprioception)]
            out = self._advance(hidden, *state, trials.cue(k), past, near, noise[k], trials.law)
            hidden, state = out[0], TwinState(*out[1:4])
            excitation, endpoint, velocity, muscle = out[4:]
            seen.append(endpoint)
            felt.append(muscle)
            rows.append((endpoint, velocity, state.act, hidden, excitation))
        return Trace(*(torch.stack(column) for column in zip(*rows, strict=True)))

    def _period(
        self, hidden: Tensor, q: Tensor, v: Tensor, act: Tensor, cue: Tensor, seen: Tensor, felt: Tensor, noise: Tensor,
        law: Tensor,
    ) -> tuple[Tensor, ...]:
        excitation, hidden = self.policy(torch.cat([cue, seen, felt]) + noise, hidden)
        state = self.twin.step(TwinState(q, v, act), excitation, law)
        sense = self.twin.sense(state)
        muscle = torch.cat([sense.muscle_length, sense.muscle_velocity])
        return hidden, *state, excitation, sense.endpoint, sense.endpoint_velocity, muscle


def wants_compilation(choice: str) -> bool:
    """Whether to compile: `on`, `off`, or `auto`, which is where there is a C++ compiler."""
    if choice not in COMPILE:
        raise ConfigError(f"compile is one of {', '.join(COMPILE)}; got {choice!r}")
    there = any(shutil.which(name) for name in ("c++", "g++", "clang++"))
    if choice == "on" and not there:
        raise ConfigError("compilation needs a C++ compiler (g++ or clang++), which is not on the PATH; "
                          "install one, or train with --compile off, several times slower")
    return choice == "on" or (choice == "auto" and there)
