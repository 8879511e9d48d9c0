"""From the action of a network to the command of an effector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.floating]
LOGISTIC = "logistic"


@dataclass(frozen=True, eq=False)
class CommandMap:
    """u = offset + scale·a, with the action a within its bounds first.

    Squashed, u = low + (high − low)·σ(offset + scale·a) between the bounds of the command.

    `least` and `most` are the bounds of a, (m,) or nothing; `scale` and `offset` numbers or (m,). Where nothing is
    given the action is the command."""

    least: Array | None = None
    most: Array | None = None
    scale: ArrayLike = 1.0
    offset: ArrayLike = 0.0
    squash: str = ""

    def __post_init__(self) -> None:
        if self.squash not in ("", LOGISTIC):
            raise ConfigError(f"squash is {self.squash!r}; {LOGISTIC!r} is known, or leave it out")
        for name in ("least", "most", "scale", "offset"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(np.asarray(value, float)).all():
                raise ConfigError(f"the map from action to command has a {name} that is not finite")

    @property
    def plain(self) -> bool:
        """Whether an action within its bounds is the command."""
        same = bool(np.all(np.asarray(self.scale) == 1.0) and np.all(np.asarray(self.offset) == 0.0))
        return same and not self.squash

    def __call__(self, action: ArrayLike, low: Array, high: Array) -> NDArray[np.float64]:
        """The command (…, m) of an action (…, m); `low` and `high` (m,) are the bounds of the command."""
        a = np.asarray(action, float)
        if self.least is not None and self.most is not None:
            a = np.clip(a, self.least, self.most)
        u = np.asarray(self.offset, float) + np.asarray(self.scale, float) * a
        if not self.squash:
            return np.asarray(u)
        with np.errstate(over="ignore"):  # far below, where it is `low`
            return np.asarray(low + (high - low) / (1.0 + np.exp(-u)))
