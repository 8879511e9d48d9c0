"""What one collection returns: every step of every simulation under one policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Episode:
    """An episode that ended."""

    step: int
    """Of the rollout."""
    simulation: int
    stage: int
    """Index of the stage whose options it had."""
    figures: dict[str, float]


@dataclass(frozen=True, eq=False)
class Experience:
    """Arrays of T steps of N simulations, time first."""

    observations: NDArray[np.float32]
    """(T, N, n), before each step."""
    actions: NDArray[np.float32]
    """(T, N, m), the network's, before the action map."""
    rewards: NDArray[np.float32]
    """(T, N)."""
    terminated: NDArray[np.bool_]
    """(T, N): the task ended."""
    ended: NDArray[np.bool_]
    """(T, N): the episode ended, by the task or by its time limit."""
    last: NDArray[np.float32]
    """(N, n), after the last step."""
    cut: NDArray[np.intp]
    """(K, 2): step and simulation of each episode that ended by its time limit alone."""
    final: NDArray[np.float32]
    """(K, n): the final observations of these."""
    episodes: tuple[Episode, ...] = ()
    diverged: int = 0
    """Simulations that were reset because their physics were not finite."""

    @property
    def samples(self) -> int:
        """Number of steps of all simulations."""
        return self.rewards.size


def joined(parts: Sequence[Experience]) -> Experience:
    """The rollout of all simulations, from those of collectors in the order of their simulations."""
    if len(parts) == 1:
        return parts[0]
    first = np.cumsum([0, *(part.rewards.shape[1] for part in parts)])
    cut = np.concatenate([part.cut + [0, k] for part, k in zip(parts, first, strict=False)])
    order = np.lexsort((cut[:, 1], cut[:, 0]))
    names = ("observations", "actions", "rewards", "terminated", "ended")
    return Experience(
        **{name: np.concatenate([getattr(part, name) for part in parts], axis=1) for name in names},
        last=np.concatenate([part.last for part in parts]),
        cut=cut[order],
        final=np.concatenate([part.final for part in parts])[order],
        episodes=tuple(sorted((e for part in parts for e in part.episodes), key=lambda e: (e.step, e.simulation))),
        diverged=sum(part.diverged for part in parts),
    )
