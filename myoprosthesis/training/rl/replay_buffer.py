"""The newest samples of a run, for a learner that uses each of them many times."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl.experience import Experience

Symmetry = tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]
"""Order and signs of the numbers of an observation, and order of those of an action."""


class ReplayBuffer:
    """Up to `capacity` samples on a device: what was observed and done, the rewards after it, and what followed.

    `reward` is the discounted sum of the rewards of n steps, or of as many as there are before the end of the episode
    or rollout; `discount` is that of what follows, 0 where the task ended. After a time limit the final observation of
    the episode follows."""

    def __init__(self, capacity: int, n_obs: int, n_act: int, device: torch.device) -> None:
        widths = {"observation": n_obs, "action": n_act, "reward": 1, "following": n_obs, "discount": 1}
        self.parts = {name: torch.zeros(capacity, width, device=device) for name, width in widths.items()}
        self.capacity, self._next = capacity, 0
        self.size = torch.zeros((), device=device)
        """Number of samples, on the device."""
        self._filled = 0

    def __len__(self) -> int:
        return self._filled

    def add(self, rollout: Experience, gamma: float, reward_scale: float, n_step: int = 1) -> None:
        """Take in every step of a rollout, each with the rewards of `n_step` steps."""
        following = np.concatenate([rollout.observations[1:], rollout.last[None]])
        following[rollout.cut[:, 0], rollout.cut[:, 1]] = rollout.final
        first = rollout.rewards[..., None] * np.float32(reward_scale)
        discount = np.float32(gamma) * ~rollout.terminated[..., None]
        reward, goes_on = first, ~rollout.ended[:-1, :, None]
        for _ in range(n_step - 1):
            reward = np.concatenate([first[:-1] + np.float32(gamma) * goes_on * reward[1:], first[-1:]])
            discount, following = (
                np.concatenate([np.where(goes_on, factor * rows[1:], rows[:-1]), rows[-1:]])
                for factor, rows in ((np.float32(gamma), discount), (np.float32(1.0), following))
            )
        rows = {
            "observation": rollout.observations,
            "action": rollout.actions,
            "reward": reward,
            "following": following,
            "discount": discount,
        }
        count = min(rollout.samples, self.capacity)
        device = self.size.device
        places = (torch.arange(count, device=device) + self._next) % self.capacity
        for name, values in rows.items():
            flat = np.ascontiguousarray(values, np.float32).reshape(-1, values.shape[-1])[-count:]
            self.parts[name][places] = torch.from_numpy(flat).to(device)
        self._next = (self._next + count) % self.capacity
        self._filled = min(self.capacity, self._filled + count)
        self.size.fill_(float(self._filled))

    def draw(self, chance: Tensor) -> dict[str, Tensor]:
        """The samples at `chance` (k,), uniform in 0 … 1."""
        rows = (chance * self.size).long()
        return {name: part[rows] for name, part in self.parts.items()}

    def state(self, samples: bool) -> dict[str, Any]:
        """Where the buffer is, with its samples or without."""
        kept = {name: part[: self._filled].cpu().clone() for name, part in self.parts.items()} if samples else {}
        return {"next": self._next, "filled": self._filled, "parts": kept}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from `state`; without its samples the buffer is empty, and fills again."""
        if not state["parts"]:
            return
        self._next, self._filled = state["next"], state["filled"]
        for name, part in state["parts"].items():
            if part.shape[1] != self.parts[name].shape[1] or len(part) > self.capacity:
                raise ConfigError("the samples of the checkpoint are of another environment or capacity")
            self.parts[name][: len(part)] = part.to(self.size.device)
        self.size.fill_(float(self._filled))


def exchanged(rows: Tensor, swap: Tensor, order: Tensor, signs: Tensor) -> Tensor:
    """Observations (k, n), those of `swap` (k, 1) with what is equal exchanged; see `BatchEnv.symmetry`."""
    return torch.where(swap, rows[:, order] * signs, rows)


def padded(symmetry: Symmetry | None, size: int) -> Symmetry | None:
    """A symmetry of an observation as one of `size` numbers; if these are more, those of an action stand behind it."""
    if symmetry is None:
        return None
    order, signs, actions = symmetry
    n = len(order)
    if size not in (n, n + len(actions)):
        raise ConfigError(f"a symmetry of {n} numbers and {len(actions)} actions is none of {size} numbers")
    more = n + actions[: size - n]
    return np.concatenate([order, more]), np.concatenate([signs, np.ones(len(more), np.float32)]), actions
