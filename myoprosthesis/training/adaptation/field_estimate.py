"""Estimate of the field by a learner: a planar viscous matrix, corrected from trial to trial."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
KINDS = ("normal", "catch", "channel")


@dataclass(frozen=True, eq=False)
class PractisedMovement:
    """One trial as the effector really moved; `start` and `target` are where it was asked to move, m."""

    trial: int
    start: Array
    """(2 or 3,)"""
    target: Array
    """(2 or 3,)"""
    go_s: float
    """Go signal after the trial's start; infinity where it never came."""
    time: Array
    """(n,) s since the trial's start, at the end of each period."""
    position: Array
    """(n, 2 or 3) endpoint, m."""
    velocity: Array
    """(n, 2 or 3) m/s."""
    load: Array
    """(n, 2 or 3) N: the force that the field exerted on the endpoint."""
    kind: str = "normal"
    """`normal`, `catch` (field off by surprise) or `channel` (error clamp)."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"trial {self.trial} is of kind {self.kind!r}, known are {', '.join(KINDS)}")
        n = len(self.time)
        if n < 2:
            raise ConfigError(f"trial {self.trial} has {n} samples, a movement needs at least 2")
        for name in ("position", "velocity", "load"):
            values = getattr(self, name)
            if values.ndim != 2 or len(values) != n or values.shape[1] not in (2, 3):
                raise ConfigError(f"trial {self.trial}: {name} has shape {values.shape}, expected ({n}, 2) or ({n}, 3)")
            if not np.isfinite(values).all():
                raise ConfigError(f"trial {self.trial}: {name} holds values that are not finite")


@dataclass(frozen=True, eq=False)
class FieldEstimate:
    """F = B v in the plane, with B (2, 2) in N·s/m."""

    rate: float
    """Share of the difference between the measured and the estimated field that a trial adds."""
    retention: float
    """Share of the estimate that is kept from trial to trial."""
    ridge: float
    """m/s; a movement that is slower than this along some direction tells little of the field there."""
    B: Array = field(default_factory=lambda: np.zeros((2, 2)))

    @property
    def gain(self) -> float:
        """b of the curl field F = b [v_y, −v_x] in it, N·s/m, above 0 to the right of the motion."""
        return float(self.B[0, 1] - self.B[1, 0]) / 2

    def measured(self, movement: PractisedMovement) -> Array:
        """The B (2, 2) that explains the load on this movement and is else nearest to the estimate.

        Least squares over the samples with a ridge on the change: a straight movement tells only of the forces that
        moving along its line makes, and nothing is concluded about those across.
        """
        v, load = movement.velocity[:, :2], movement.load[:, :2]
        surprise = load - v @ self.B.T
        power = v.T @ v + len(v) * self.ridge**2 * np.eye(2)
        return self.B + np.linalg.solve(power, v.T @ surprise).T

    def after(self, movement: PractisedMovement) -> FieldEstimate:
        """The estimate after a trial: retention · B + rate · (measured − B).

        The state-space model of trial-by-trial adaptation (Thoroughman & Shadmehr 2000, doi 10.1038/35037588; retention
        and rate as in Smith et al. 2006, doi 10.1371/journal.pbio.0040179). The load in a channel is the wall's: such
        a trial teaches nothing, and only retention acts.
        """
        kept = self.retention * self.B
        if movement.kind == "channel":
            return replace(self, B=kept)
        return replace(self, B=kept + self.rate * (self.measured(movement) - self.B))
