"""From the network's unbounded action to the effector's: low-pass, resting point, sigmoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ActionMap:
    """y' = c·y + (1 − c)·a, then u = low + (high − low)·σ(centre + guide·observation + gain·y').

    Where it is bounded, tanh a stands for a. The memory y is a recurrent state of the exported policy, zero at
    the start of an episode.
    """

    low: Array
    """(m,) bounds of the effector's action."""
    high: Array
    centre: Array
    """(m,) resting point, in logits of the range."""
    guide: Array | None
    """(m, n) or None."""
    smoothing: float
    """c."""
    gain: float
    bounded: bool = False
    """Whether actions are squashed to −1 … 1 before they are smoothed."""

    @classmethod
    def of(cls, env: Any, smoothing: float, gain: float, bounded: bool = False) -> ActionMap:
        """The map for an environment's action space; the middle of the range is its resting point unless it says so."""
        space = env.single_action_space
        low, high = (np.asarray(bound, np.float32).reshape(-1) for bound in (space.low, space.high))
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise ConfigError("the environment's action has no bounds; a policy needs finite ones to explore within")
        centre = getattr(env, "action_centre", None)
        share = np.full(low.shape, 0.5) if centre is None else (np.asarray(centre, float) - low) / (high - low)
        if share.shape != low.shape or not ((share > 0) & (share < 1)).all():
            raise ConfigError(f"action_centre: {low.size} values inside the bounds of the action are needed")
        guide = getattr(env, "action_guide", None)
        return cls(
            low,
            high,
            np.log(share / (1 - share)).astype(np.float32),
            None if guide is None else np.asarray(guide, np.float32),
            smoothing,
            gain,
            bounded,
        )

    def smoothed(self, past: Array, action: Array) -> Array:
        """The new memory y' of y (…, m) and the network's action (…, m)."""
        new = np.tanh(action) if self.bounded else action
        return np.float32(self.smoothing) * past + np.float32(1 - self.smoothing) * new

    def squashed(self, smoothed: Array, observation: Array) -> Array:
        """The effector's action (…, m)."""
        logit = self.centre + np.float32(self.gain) * smoothed
        if self.guide is not None:
            logit = logit + observation @ self.guide.T
        # Logits beyond ±80 would overflow in single precision; the sigmoid is 0 or 1 there.
        return self.low + (self.high - self.low) / (1 + np.exp(-np.clip(logit, -80, 80)))
