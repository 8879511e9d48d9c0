"""Measures of adaptation to a field: channel force, catch trials, learning curves, after-effect, generalisation.

Lateral means right of the motion positive (`core.kinematics.lateral`), for deviations and for forces alike. Trials are
numbered as they were made, so that a curve may leave out the trials that it does not concern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.analysis import intervals
from myoprosthesis.analysis.array_checks import Array, alike, finite, whole
from myoprosthesis.analysis.intervals import Band, Interval
from myoprosthesis.core import kinematics
from myoprosthesis.core.errors import DataError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.perturbation_plan import PerturbationEntry

LEAST_LATERAL = 0.05
"""Share of a field's force that is lateral, below which a channel trial has no adaptation index."""


@dataclass(frozen=True)
class LearningCurve:
    """y(n) = asymptote + (start − asymptote) · exp(−n / tau), with n counted from the first trial."""

    start: float
    asymptote: float
    tau: float
    """Trials in which the distance from the asymptote falls to 1/e."""

    @property
    def rate(self) -> float:
        """Share of the remaining distance that one trial removes, 1 − exp(−1/tau)."""
        return -float(np.expm1(-1 / self.tau))

    def __call__(self, trials: ArrayLike) -> Array:
        """The curve at `trials`, counted from the first."""
        return self.asymptote + (self.start - self.asymptote) * np.exp(-np.asarray(trials, float) / self.tau)


@dataclass(frozen=True)
class LearningCurveFit:
    """A curve, the bounds of its parameters and what it explains."""

    curve: LearningCurve
    start: Interval
    asymptote: Interval
    tau: Interval
    rate: Interval
    r2: float
    """Share of the variance of the data that the curve accounts for."""


@dataclass(frozen=True)
class Course:
    """The course of a baseline, adaptation, washout session in lateral deviation, m; baseline's mean taken off."""

    baseline: float
    """Mean of the last baseline trials as they are."""
    initial: float
    """First adaptation trials."""
    final: float
    """Last adaptation trials."""
    after_effect: float
    """First washout trials; opposite in sign to `initial` when something was learned."""
    washed_out: float
    """Last washout trials."""

    @property
    def reduction(self) -> float:
        """Share of the initial error that adaptation removed; 1 is all."""
        return 1 - self.final / self.initial

    @property
    def after_effect_share(self) -> float:
        """The after-effect over the initial error, positive when it is of opposite sign."""
        return -self.after_effect / self.initial


@dataclass(frozen=True)
class Tuning:
    """y(θ) = floor + height · exp(−θ² / 2 width²), θ from the trained direction, rad."""

    height: float
    width: float
    floor: float


def lateral_component(vectors: ArrayLike, start: ArrayLike, target: ArrayLike) -> Array:
    """(n_samples,) part of forces or velocities (n_samples, n_dimensions) that points right of start → target."""
    v = finite(vectors, "vectors", "n_samples", "n_dimensions")
    a, b = finite(start, "start", "n_dimensions"), finite(target, "target", "n_dimensions")
    alike(a, b, "start and target")
    if min(len(a), v.shape[1]) < 2 or np.array_equal(a[:2], b[:2]):
        raise DataError(
            f"start {a.tolist()} and target {b.tolist()} make no line in the x-y plane, so there is no left or right"
        )
    return kinematics.lateral(v, np.zeros(2), b[:2] - a[:2])


def ideal_force(
    position: ArrayLike, velocity: ArrayLike, start: ArrayLike, target: ArrayLike, field: ForceField
) -> Array:
    """(n_samples,) lateral force (N) of the hand on the channel's wall that would cancel `field` along this movement.

    Minus the field's own lateral force at the measured `position` and `velocity` (n_samples, n_dimensions), as on the
    error-clamp trials of Scheidt et al. 2000 (doi 10.1152/jn.2000.84.2.853). The wall pushes back with the opposite
    force: of a channel's load on the hand, take minus its lateral component as the measured force.
    """
    return -lateral_component(_force(position, velocity, field), start, target)


def _force(position: ArrayLike, velocity: ArrayLike, field: ForceField) -> Array:
    """(n_samples, n_dimensions) N, what a field exerts."""
    x = finite(position, "position", "n_samples", "n_dimensions")
    v = finite(velocity, "velocity", "n_samples", "n_dimensions")
    alike(x, v, "position and velocity")
    if x.shape[1] > field.n:
        raise DataError(f"position has {x.shape[1]} dimensions, the field {field.n}")
    n = x.shape[1]
    return np.asarray(field.f[:n] + x @ field.K[:n, :n].T + v @ field.B[:n, :n].T)


@dataclass(frozen=True, eq=False)
class FieldForce:
    """What several laws at the endpoint exert along one movement, each in its own window and on its ramp."""

    ideal: Array
    """(n_samples,) N, lateral: the force of the hand on the channel's wall that would cancel it, see `ideal_force`."""
    size: Array
    """(n_samples,) N, of the whole force."""

    @classmethod
    def of(
        cls,
        time_ns: NDArray[np.int64],
        position: ArrayLike,
        velocity: ArrayLike,
        start: ArrayLike,
        target: ArrayLike,
        fields: Sequence[PerturbationEntry],
    ) -> FieldForce:
        """Of `fields` at the `time_ns` (n_samples,), `position` (m) and `velocity` (m/s) (n_samples, n_dimensions)."""
        period = int(np.median(np.diff(time_ns))) if len(time_ns) > 1 else 0  # the load of a state acted before it
        force = np.zeros_like(finite(position, "position", "n_samples", "n_dimensions"))
        for entry in fields:
            gain = np.array([entry.gain(int(t) - period, period) for t in time_ns])[:, None]
            force += gain * _force(position, velocity, ForceField.from_dict(dict(entry.values)))
        return cls(-lateral_component(force, start, target), np.linalg.norm(force, axis=1))

    def index(self, wall: Array, chosen: NDArray[np.bool_]) -> float:
        """The adaptation index of the force on the `wall` (n_samples,) N, over the `chosen` samples.

        Raises `DataError` for fields that act along the channel: of less than `LEAST_LATERAL` of their force, by its
        root mean square, no share is learned by pushing aside.
        """
        ideal, size = self.ideal[chosen], self.size[chosen]
        if float(ideal @ ideal) < LEAST_LATERAL**2 * float(size @ size):
            raise DataError("a field that acts along the channel has no lateral force that could be cancelled")
        return adaptation_index(wall[chosen], ideal, intercept=False)


def adaptation_index(
    force: ArrayLike, ideal: ArrayLike, baseline: ArrayLike | None = None, intercept: bool = True
) -> float:
    """Slope of the regression of the measured channel force on the ideal one: 0 nothing learned, 1 all of the field.

    `force`, `ideal` and `baseline`, the mean force on channel trials before the field, which is taken off, have shape
    (n_samples,), in N. Error-clamp trials: Scheidt et al. 2000 (doi 10.1152/jn.2000.84.2.853); the slope as measure of
    adaptation: Smith et al. 2006 (doi 10.1371/journal.pbio.0040179), Joiner & Smith 2008 (doi 10.1152/jn.90706.2008).
    Without `intercept` the line goes through 0. A velocity-dependent field has no ideal force at rest, so cut trials
    to the movement or keep the intercept.
    """
    f, wanted = finite(force, "force", "n_samples"), finite(ideal, "ideal", "n_samples")
    alike(f, wanted, "force and ideal")
    if baseline is not None:
        rest = finite(baseline, "baseline", "n_samples")
        alike(f, rest, "force and baseline")
        f = f - rest
    if intercept:
        wanted = wanted - wanted.mean()
    power = float(wanted @ wanted)
    if power <= 1e-20 * len(wanted):
        raise DataError("an ideal force that does not vary has no regression, give the field and a moving trial")
    return float(f @ wanted) / power


def learning_index(field: ArrayLike, catch: ArrayLike) -> float:
    """Mean lateral deviation on catch trials over itself minus that on field trials: 0 nothing learned, 1 all.

    `field` and `catch` (n,), m. With nothing learned catch trials are straight, and with all learned they are bent as
    much to the other side as the field would bend, while field trials are straight. After the catch-trial measures of
    Criscimagna-Hemminger et al. 2003 (doi 10.1152/jn.00622.2002) and Donchin et al. 2003
    (doi 10.1523/JNEUROSCI.23-27-09032.2003). Not defined where the two means are the same.
    """
    on, off = finite(field, "field", "n").mean(), finite(catch, "catch", "n").mean()
    if on == off:
        raise DataError("catch and field trials have the same mean deviation, so there is no field to have learned")
    return float(off / (off - on))


def learning_index_interval(
    field: ArrayLike, catch: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = 2000
) -> Interval:
    """`learning_index` with its percentile bootstrap interval, field and catch trials drawn independently."""
    value = learning_index(field, catch)

    def ratio(on: Array, off: Array, axis: int) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            off_mean = off.mean(axis=axis)
            return np.asarray(off_mean / (off_mean - on.mean(axis=axis)))

    data = (finite(field, "field", "n"), finite(catch, "catch", "n"))
    interval = intervals.of(data, ratio, seed, level, resamples, "percentile")
    return Interval(value, float(interval.low), float(interval.high), level)


def fit_learning_curve(
    trials: ArrayLike, values: ArrayLike, seed: int = 0, *, level: float = 0.95, resamples: int = 500
) -> LearningCurveFit:
    """The exponential nearest to `values` (n,) at `trials` (n,) in the sense of least squares, with intervals.

    For a given tau the other two follow linearly (variable projection, Golub & Pereyra 1973, doi 10.1137/0710036), so
    no first guess is needed; tau is sought from a fifth of the smallest step between trials to five times their span.
    Intervals are percentiles over refits to curve + resampled residuals (Efron & Tibshirani 1993, chapter 9). Raises
    `DataError` for fewer than 5 trials and for values that do not vary. A tau at either end of its range, as an
    interval from end to end, says that the data are no exponential.
    """
    n, y = finite(trials, "trials", "n"), finite(values, "values", "n")
    alike(n, y, "trials and values")
    if len(n) < 5 or (np.diff(n) <= 0).any():
        raise DataError(f"a learning curve needs at least 5 trials in rising order, got {len(n)} numbers")
    if np.ptp(y) <= 1e-12 * max(1e-300, np.abs(y).max()):
        raise DataError("values that do not vary have no learning curve")
    whole(resamples, "resamples", 1, 1_000_000)
    since = n - n[0]
    taus = np.geomspace(np.diff(n).min() / 5, 5 * since[-1], 120)
    curve = _exponential(since, y, taus)
    fitted = curve(since)
    rest = y - fitted
    rng = np.random.default_rng(seed)
    refits = [_exponential(since, fitted + rng.choice(rest - rest.mean(), len(n)), taus) for _ in range(resamples)]

    def interval(of: Callable[[LearningCurve], float]) -> Interval:
        low, high = np.quantile([of(c) for c in refits], [(1 - level) / 2, (1 + level) / 2])
        return Interval(of(curve), float(low), float(high), level)

    r2 = 1 - float(rest @ rest) / float(((y - y.mean()) ** 2).sum())
    return LearningCurveFit(
        curve, interval(lambda c: c.start), interval(lambda c: c.asymptote), interval(lambda c: c.tau),
        interval(lambda c: c.rate), r2,
    )  # fmt: skip


def course(baseline: ArrayLike, adaptation: ArrayLike, washout: ArrayLike, first: int = 3, last: int = 20) -> Course:
    """What `first` and `last` trials of the three blocks (n_trials,) of lateral deviation say, in the order made.

    The pattern is that of Shadmehr & Mussa-Ivaldi 1994 (doi 10.1523/JNEUROSCI.14-05-03208.1994): error when the field
    is switched on, less deviation with practice, an after-effect to the other side without it, and washout.
    """
    blocks = {"baseline": baseline, "adaptation": adaptation, "washout": washout}
    b, a, w = (finite(x, name, "n_trials") for name, x in blocks.items())
    for name, block in zip(blocks, (b, a, w), strict=True):
        if len(block) < max(whole(first, "first", 1, 10**6), whole(last, "last", 1, 10**6)):
            raise DataError(f"{name} has {len(block)} trials, expected at least first = {first} and last = {last}")
    level = b[-last:].mean()
    parts = (a[:first], a[-last:], w[:first], w[-last:])
    return Course(float(level), *(float(x.mean() - level) for x in parts))


def generalisation(
    angles: ArrayLike, values: ArrayLike, trained: float, seed: int = 0, *, level: float = 0.95, resamples: int = 2000
) -> tuple[Array, Band]:
    """Mean of `values` (n,), as adaptation indices, by angle from the `trained` direction, with bootstrap bounds.

    `angles` (n,) are directions of movement in rad. Returns the angles (n_directions,) from −π (excluded) to π, rising,
    counter-clockwise positive, and a band over them; a direction with one trial has that value for bounds.
    """
    a, y = finite(angles, "angles", "n"), finite(values, "values", "n")
    alike(a, y, "angles and values")
    apart = np.round(np.pi - (np.pi - (a - trained)) % (2 * np.pi), 9)
    apart = np.where(apart <= -np.round(np.pi, 9), np.round(np.pi, 9), apart)
    directions = np.unique(apart)
    rows = []
    for angle in directions:
        of = y[apart == angle]
        single = Interval(of[0], of[0], of[0], level)
        one = intervals.mean(of, seed, level=level, resamples=resamples) if len(of) > 1 else single
        rows.append((one.value, one.low, one.high))
    value, low, high = np.array(rows).T
    return directions, Band(value, low, high, level)


def fit_tuning(angles: ArrayLike, values: ArrayLike) -> Tuning:
    """The Gaussian over a floor nearest to `values` (n,) at `angles` (n,) from the trained direction, rad.

    Narrow Gaussians describe how adaptation to a field generalises over directions (Thoroughman & Shadmehr 2000,
    doi 10.1038/35037588; Donchin et al. 2003, doi 10.1523/JNEUROSCI.23-27-09032.2003). The width is sought between
    0.05 and π rad.
    """
    a, y = finite(angles, "angles", "n"), finite(values, "values", "n")
    alike(a, y, "angles and values")
    if len(np.unique(np.abs(a))) < 4:
        raise DataError(
            f"a tuning curve needs at least 4 distances from the trained direction, got {len(np.unique(np.abs(a)))}"
        )
    width, floor, height = _projected(y, np.geomspace(0.05, np.pi, 80), lambda w: np.exp(-(a**2) / (2 * w**2)))
    return Tuning(height, width, floor)


def _exponential(since: Array, y: Array, taus: Array) -> LearningCurve:
    tau, asymptote, amplitude = _projected(y, taus, lambda tau: np.exp(-since / tau))
    return LearningCurve(asymptote + amplitude, asymptote, tau)


def _projected(y: Array, grid: Array, shape: Callable[[Array], Array]) -> tuple[float, float, float]:
    """The p, a and b for which a + b · shape(p) is nearest to `y`, p from the range of `grid`."""
    from scipy.optimize import minimize_scalar

    centred = y - y.mean()

    def explained(p: Array) -> Array:
        """Minus the sum of squares that the best a and b explain, for p (m, 1) or ()."""
        s = shape(p)
        s = s - s.mean(axis=-1, keepdims=True)
        return -((s @ centred) ** 2) / np.maximum((s**2).sum(axis=-1), 1e-300)

    best = int(explained(grid[:, None]).argmin())
    low, high = np.log(grid[max(0, best - 1)]), np.log(grid[min(len(grid) - 1, best + 1)])
    minimum = minimize_scalar(lambda x: float(explained(np.exp(x))), bounds=(low, high), method="bounded",
                            options={"xatol": 1e-6})  # fmt: skip
    p = np.exp(minimum.x)
    s = shape(p)
    b = float((s - s.mean()) @ centred / np.maximum(((s - s.mean()) ** 2).sum(), 1e-300))
    return float(p), float(y.mean() - b * s.mean()), b
