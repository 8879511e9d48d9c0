"""Commands as the numbers that a network gave before they were squashed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.analysis.array_checks import Array, finite
from myoprosthesis.core.errors import DataError

LEAST = 1e-7
"""Share of the range within which a squashed command is kept off its bounds: single precision tells no less."""
AT_BOUNDS = 0.05
"""Where more of the commands than this are at their bounds, they were clipped there, not squashed."""


@dataclass(frozen=True, eq=False)
class ActionSpace:
    """Logits of the share of the range where commands are squashed by a sigmoid; else the commands themselves.

    Actions that an affine map of every channel alike makes of one another have the same principal components, so that
    these are those of the network's own action.
    """

    low: Array
    """(n_channels,) bounds of the command."""
    high: Array
    squashed: bool
    least: float
    """Of all actions that were seen; others are clipped to this, as an environment clips them."""
    most: float

    def action(self, command: ArrayLike) -> Array:
        """Actions (…, n_channels) of commands."""
        u = np.asarray(command, float)
        if not self.squashed:
            return u
        share = np.clip((u - self.low) / (self.high - self.low), LEAST, 1 - LEAST)
        return np.asarray(np.log(share / (1 - share)))

    def command(self, action: ArrayLike) -> Array:
        """Commands (…, n_channels) of actions, clipped to what was seen: inverse of `action`."""
        a = np.clip(np.asarray(action, float), self.least, self.most)
        return np.asarray(self.low + (self.high - self.low) / (1 + np.exp(-a)) if self.squashed else a)


def action_space(commands: ArrayLike, low: ArrayLike, high: ArrayLike) -> ActionSpace:
    """The space of commands (n_samples, n_channels) between bounds (n_channels,)."""
    u = finite(commands, "commands", "n_samples", "n_channels")
    bottom, top = finite(low, "low", u.shape[1]), finite(high, "high", u.shape[1])
    if not (bottom < top).all():
        raise DataError("a lower bound is not below the upper one")
    squashed = bool(((u <= bottom) | (u >= top)).mean() < AT_BOUNDS)
    space = ActionSpace(bottom, top, squashed, -np.inf, np.inf)
    actions = space.action(u)
    return ActionSpace(bottom, top, squashed, float(actions.min()), float(actions.max()))
