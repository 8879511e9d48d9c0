"""A policy moves the twin for one trial: the closed loop that is differentiated."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.observation_term import ticks
from myoprosthesis.training.adaptation.options import COMPILE
from myoprosthesis.training.gradient.curriculum import Curriculum
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.torch_twin import Twin, TwinState
from myoprosthesis.training.gradient.trial_sampler import TrialBatch


class Trace(NamedTuple):
    """What happened in a batch of trials, at the end of each step; batch last."""

    position: Tensor
    """(steps, 2, batch) endpoint, m."""
    velocity: Tensor
    """(steps, 2, batch) m/s."""
    effort: Tensor
    """(steps, batch) mean square of the activations."""
    activity: Tensor
    """(steps, batch) mean square of the hidden state."""
    change: Tensor
    """(steps, batch) mean square of its change in that step."""


class Rollout:
    """The loop policy → twin → sensors → policy, one control period per step."""

    def __init__(self, twin: Twin, policy: ReachPolicy, curriculum: Curriculum, compiled: bool = False) -> None:
        self.twin, self.policy = twin, policy
        self.vision = ticks(curriculum.vision_delay, curriculum.dt)
        self.proprioception = ticks(curriculum.proprioception_delay, curriculum.dt)
        self._advance: Callable[..., tuple[Tensor, ...]] = self._period
        if compiled:
            self._advance = _compiled(self._period)

    def __call__(self, trials: TrialBatch, noise: Tensor | None = None) -> Trace:
        """Run the trials; `noise` (steps, n_obs, batch) is added to the observations."""
        state = self.twin.start(trials.start_q)
        sense = self.twin.sense(state)
        start = (
            trials.start.new_zeros(self.policy.n_hidden, trials.start.shape[1]),
            *state,
            sense.endpoint,
            torch.cat([sense.muscle_length, sense.muscle_velocity]),
        )
        # A compiler makes one graph for inputs that need a gradient and another for those that need none: let all
        # inputs of the first step need one too, and one graph does for every step.
        hidden, q, v, act, endpoint, muscle = (x.detach().requires_grad_(torch.is_grad_enabled()) for x in start)
        seen, felt = [endpoint], [muscle]
        if noise is None:
            noise = trials.start.new_zeros(trials.steps, self.policy.n_obs, trials.start.shape[1])
        cues, noises = trials.cues().unbind(0), noise.unbind(0)
        rows: list[tuple[Tensor, ...]] = []
        for k in range(trials.steps):
            # Before a delay has passed the senses report the start, as of a body that has long been at rest.
            past, near = seen[max(0, k - self.vision)], felt[max(0, k - self.proprioception)]
            hidden, q, v, act, endpoint, muscle, *row = self._advance(
                hidden, q, v, act, past, near, cues[k], noises[k], trials.law
            )
            seen.append(endpoint)
            felt.append(muscle)
            rows.append((endpoint, *row))
        return Trace(*(torch.stack(column) for column in zip(*rows, strict=True)))

    def _period(
        self,
        hidden: Tensor,
        q: Tensor,
        v: Tensor,
        act: Tensor,
        seen: Tensor,
        felt: Tensor,
        cue: Tensor,
        noise: Tensor,
        law: Tensor,
    ) -> tuple[Tensor, ...]:
        """One control period; everything that costs is reduced here, where a compiler fuses it."""
        before = hidden
        excitation, hidden = self.policy(torch.cat([cue, seen, felt]) + noise, hidden)
        q, v, act = self.twin.step(TwinState(q, v, act), excitation, law)
        sense = self.twin.sense(TwinState(q, v, act))
        muscle = torch.cat([sense.muscle_length, sense.muscle_velocity])
        return (
            hidden,
            q,
            v,
            act,
            sense.endpoint,
            muscle,
            sense.endpoint_velocity,
            act.square().mean(0),
            hidden.square().mean(0),
            (hidden - before).square().mean(0),
        )


def _compiled(period: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """`period` as one compiled graph, from which backward computes again what is elementwise.

    That is cheaper than to keep it: 35 batches of 32 per second instead of 25, and half the time to compile.
    """
    from torch._functorch import config

    if hasattr(config, "aggressive_recomputation"):  # not a public name, so do without where it is gone
        config.aggressive_recomputation = True
    return torch.compile(period, fullgraph=True, dynamic=False, options={"size_asserts": False})


def wants_compilation(choice: str) -> bool:
    """Whether to compile: `on`, `off`, or `auto`, which is where it works and otherwise warns.

    It needs a C++ compiler and Python's headers; whether both are there is found by compiling one line.
    """
    if choice not in COMPILE:
        raise ConfigError(f"compile is one of {', '.join(COMPILE)}; got {choice!r}")
    if choice == "off":
        return False
    try:
        _check_compiler()
    except Refused as error:
        if choice == "on":
            raise ConfigError(
                f"nothing can be compiled here ({error}): install g++ and Python's headers (python3-dev), or "
                "train with --compile off, some thirty times slower"
            ) from error
        warnings.warn(
            f"training continues without compilation, some thirty times slower: {error}. It needs g++ and "
            "Python's headers (python3-dev)",
            stacklevel=2,
        )
        return False
    return True


def _check_compiler() -> None:
    """Raise `Refused` where torch.compile does not work."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "c++", "g++", "clang++")):
        raise Refused("no C++ compiler on the PATH")
    x = torch.ones(4, requires_grad=True)
    try:
        torch.compile(lambda x: (x.sin() * x).sum(), fullgraph=True, dynamic=False)(x).backward()
    except Exception as error:  # torch wraps whatever the compiler says in kinds of its own
        raise Refused(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__) from error
