"""What a perturbation does to movements: perturbed ones against unperturbed ones to the same targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.analysis import hidden as trajectories
from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.array_checks import Array, finite, positive
from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.core import kinematics
from myoprosthesis.core.errors import DataError


@dataclass(frozen=True, eq=False)
class Movements:
    """Movements of one condition, aligned in time; `label` says which belong to one target."""

    position: Array
    """(n_movements, n_samples, n_dimensions) endpoint, m."""
    start: Array
    """(n_movements, n_dimensions) m."""
    target: Array
    """(n_movements, n_dimensions) m."""
    label: NDArray[np.int64]
    """(n_movements,) number of the target."""
    hidden: Array
    """(n_movements, n_samples, n_units) state of the network; n_units may be that of coordinates along axes."""
    dt: float


@dataclass(frozen=True, eq=False)
class Effect:
    """Perturbed minus unperturbed, target by target; of several movements to one target the mean."""

    label: NDArray[np.int64]
    """(n_targets,) those of both conditions."""
    lateral_deviation: Array
    """(n_targets,) change of the signed lateral deviation, m, right of the motion positive."""
    endpoint_error: Array
    """(n_targets,) change of the endpoint error, m."""
    distance: Array
    """(n_targets, n_samples) distance of the mean hidden trajectories."""
    return_s: Array
    """(n_targets,) s until they are together again; see `return_time`."""
    lateral_interval: Interval
    """Mean change of the lateral deviation over targets, m."""
    error_interval: Interval
    """Mean change of the endpoint error over targets, m."""


def compare(
    plain: Movements, perturbed: Movements, share: float = 0.1, from_s: float = 0.0, seed: int = 0, level: float = 0.95
) -> Effect:
    """The effect of a perturbation that begins at `from_s`, on the targets that both conditions have (two or more).

    `share` is that of the largest distance within which the hidden trajectories count as together again. Raises
    `DataError` for conditions that do not fit: other lengths, other units, no common targets.
    """
    parts = []
    for name, m in (("plain", plain), ("perturbed", perturbed)):
        x = finite(m.position, f"position of {name}", "n_movements", "n_samples", "n_dimensions")
        h = finite(m.hidden, f"hidden of {name}", len(x), x.shape[1], "n_units")
        a = finite(m.start, f"start of {name}", len(x), x.shape[2])
        b = finite(m.target, f"target of {name}", len(x), x.shape[2])
        aside = np.array([kinematics.lateral_deviation(p, s, t) for p, s, t in zip(x, a, b, strict=True)])
        error = np.array([kinematics.endpoint_error(p, t, positive(m.dt, "dt")) for p, t in zip(x, b, strict=True)])
        parts.append((np.asarray(m.label), aside, error, h))
    if parts[0][3].shape[1:] != parts[1][3].shape[1:] or plain.dt != perturbed.dt:
        raise DataError(
            f"hidden states have shapes {parts[0][3].shape} every {plain.dt:g} s and {parts[1][3].shape} every "
            f"{perturbed.dt:g} s, expected as many samples and units at one interval"
        )
    common = np.intersect1d(parts[0][0], parts[1][0])
    if len(common) < 2:
        raise DataError(f"both conditions have {len(common)} targets in common, expected at least 2")
    means = [[np.array([x[label == k].mean(axis=0) for k in common]) for x in rest] for label, *rest in parts]
    (aside_0, error_0, hidden_0), (aside_1, error_1, hidden_1) = means
    distance = np.array([trajectories.distance(a, b) for a, b in zip(hidden_1, hidden_0, strict=True)])
    return Effect(
        common, aside_1 - aside_0, error_1 - error_0, distance,
        np.array([return_time(d, plain.dt, share, from_s) for d in distance]),
        intervals.paired_difference(aside_1, aside_0, seed, level=level),
        intervals.paired_difference(error_1, error_0, seed, level=level),
    )  # fmt: skip


def return_time(distance: ArrayLike, dt: float, share: float = 0.1, from_s: float = 0.0) -> float:
    """Seconds from `from_s` to where a `distance` (n_samples,) is at most `share` of its peak, and stays so.

    The peak is that from `from_s` on. 0 where the distance is zero throughout, NaN where it does not come back before
    the end.
    """
    d = finite(distance, "distance", "n_samples")
    if not 0 < share < 1:
        raise DataError(f"share is {share!r}, expected a number between 0 and 1, such as 0.1")
    first = round(from_s / positive(dt, "dt"))
    if not 0 <= first < len(d):
        raise DataError(f"from_s is {from_s!r}, expected a time within the {len(d) * dt:g} s of the movement")
    d = d[first:]
    above = np.flatnonzero(d > share * d.max())
    if not len(above):
        return 0.0
    return float(above[-1] + 1) * dt if above[-1] + 1 < len(d) else float("nan")
