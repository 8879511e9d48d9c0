"""Baoding balls: two balls that a hand turns about each other, as in MyoChallenge 2022."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import POSE, EffectorSpec
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.goal import ConstantGoal, Goal, OrbitGoal, SwitchedGoal
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.observation_terms import carried
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.core.trial_target import TrialTarget
from myoprosthesis.tasks.episodic import Moments

Array = NDArray[np.float64]
BALLS, TARGETS, PALM = ("ball1", "ball2"), ("target1", "target2"), "trapezium"
OF_BALLS = tuple(TrialTarget(ball, target, PALM) for ball, target in zip(BALLS, TARGETS, strict=True))
CENTRE = (-0.0125, -0.07, -0.02)
"""m, of the ellipse in the frame of the palm."""
PALM_AT_START = (
    -0.2411773069, -0.4608332281, 1.4184287025, 0.0040369674, -0.0508363409, -0.9963545219, 0.0683888588,
)  # fmt: skip
"""Pose of the palm where all joints are at the start."""
AXES = tuple(f"{{}}/{axis}" for axis in "xyz")
PALM_JOINTS, THUMB_JOINTS = ("deviation", "flexion"), ("cmc_abduction", "cmc_flexion", "mp_flexion", "ip_flexion")
FINGERS = (2, 3, 4, 5)
PRONATION = -1.57
Range = tuple[float, float]


@dataclass(frozen=True)
class BaodingOptions:
    """Options of turning two balls; a pair of numbers is a range out of which each trial draws."""

    direction: str = option("ccw", "counter-clockwise, clockwise, held, or drawn", choices=("ccw", "cw", "hold", "any"))
    period_s: Range = option((5.0, 5.0), "time for one turn", "s", 0.5, 3600.0)
    start_deg: Range = option((135.0, 135.0), "where the target of the first ball begins", "deg", -360.0, 360.0)
    radius_x: Range = option((0.025, 0.025), "half axis of the ellipse across the palm", "m", 0.0, 0.1)
    radius_y: Range = option((0.028, 0.028), "half axis of the ellipse along the palm", "m", 0.0, 0.1)
    trial_s: float = option(5.0, "length of a trial", "s", 0.1, 3600.0)
    tolerance: float = option(0.015, "each ball within this of its target: solved", "m", 1e-3, 0.1)
    drop_height: float = option(1.25, "a ball below this is dropped", "m", 0.0, 2.0)
    ball_radius: tuple[float, ...] = option((), "radius of each ball; empty: the effector's own", "m", 0.005, 0.05)
    ball_mass: tuple[float, ...] = option((), "mass of each ball; empty: the effector's own", "kg", 1e-3, 1.0)
    ball_friction: tuple[float, ...] = option(
        (),
        "friction of each ball, each of 1, 0.005 and 0.0001 m times this; empty: the effector's own",
        "1",
        0.0,
        5.0,
    )
    phase: int = option(
        1, "2: every option that is as by default is that of phase 2 of the contest, in which all is drawn", "", 1, 2
    )
    noise: float = option(
        0.0, "of the hand at the start: 1 is up to 10 deg at wrist and thumb, 30 at fingers", "", 0, 1
    )
    ball_noise: float = option(0.0, "of the balls at the start, along each axis, to either side", "m", 0.0, 0.05)
    on_targets: float = option(0.0, "share of trials in which the balls begin above their targets", "1", 0.0, 1.0)
    seed: int = option(0, "seed of what is drawn", "", 0)

    def __post_init__(self) -> None:
        for name in ("period_s", "start_deg", "radius_x", "radius_y", "ball_radius", "ball_mass", "ball_friction"):
            ends = getattr(self, name)
            if not ends and name.startswith("ball_"):
                continue
            if len(ends) != 2:
                raise ConfigError(f"{name} has {len(ends)} numbers; a range has two, such as {name}=[0.02, 0.03]")
            low, high = ends
            if low > high:
                raise ConfigError(f"{name} goes from {low:g} to {high:g}: the lower end comes first")


PHASE_2: Mapping[str, Any] = {
    "direction": "any",
    "period_s": (4.0, 6.0),
    "start_deg": (0.0, 360.0),
    "radius_x": (0.020, 0.030),
    "radius_y": (0.022, 0.032),
    "ball_radius": (0.018, 0.024),
    "ball_mass": (0.030, 0.300),
    "ball_friction": (0.8, 1.2),
}
"""Options of phase 2 of the contest (MyoSuite, `myoChallengeBaodingP2-v1`)."""
FRICTION = {"friction": 1.0, "torsional_friction": 0.005, "rolling_friction": 0.0001}
"""The usual friction of a ball: sliding, torsional (m) and rolling (m)."""


def _of_phase(options: BaodingOptions) -> BaodingOptions:
    """Options with those of phase 2 in the place of defaults, where that is the phase."""
    if options.phase == 1:
        return options
    usual = {f.name: f.default for f in fields(BaodingOptions)}
    return replace(options, **{k: v for k, v in PHASE_2.items() if getattr(options, k) == usual[k]})


class Baoding:
    """Keep two balls on two targets that go round an ellipse in the frame of the palm, one opposite the other.

    Score, targets, starts and what counts as dropped are those of MyoChallenge 2022 (Caggiano et al., 2023). A target
    is told one period after it was there, as in the contest: the goal of the first period is that of its start.
    """

    channels: ClassVar[Mapping[str, str]] = {
        **TASK_UNITS,
        **{f"{target}/{axis}": "m" for target in TARGETS for axis in "xyz"},
        **{f"{target}/phase": "rad" for target in TARGETS},
    }
    weights: ClassVar[Mapping[str, float]] = {
        "solved": 5.0, "near": 1.0, "alive": 1.0, "distance": -5.0, "activation": -0.01,
    }  # fmt: skip

    skills: ClassVar[Sequence[str]] = ("direction", "phase")

    def __init__(self, options: BaodingOptions, dt: float = 0.0, muscles: tuple[str, ...] = ()) -> None:
        """`dt` (s) is the effector's period, `muscles` its muscles."""
        self.options, self._dt = _of_phase(options), dt
        self._activations = tuple(f"{m}/activation" for m in muscles)

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        if PALM not in spec.frames or not set(BALLS) <= set(spec.objects):
            raise Refused(
                f"it turns {' and '.join(BALLS)} in the frame of the palm ({PALM}), which effector {spec.name!r} does "
                "not have: baoding_hand has them"
            )
        return (*self._of(BALLS), *(f"{PALM}/{part}" for part in POSE), *(f"{m}/activation" for m in spec.muscles))

    def for_effector(self, spec: EffectorSpec) -> Baoding:
        """See `Task.for_effector`."""
        return Baoding(self.options, spec.dt, spec.muscles)

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        o = self.options
        rng = np.random.default_rng((o.seed, trial))
        period, start = rng.uniform(*o.period_s), math.radians(rng.uniform(*o.start_deg))
        radii = (float(rng.uniform(*o.radius_x)), float(rng.uniform(*o.radius_y)))
        drawn = ("ccw", "cw", "hold")[int(rng.integers(3))]
        direction = drawn if o.direction == "any" else o.direction
        sign = {"ccw": 1, "cw": -1, "hold": 0}[direction]
        phases = (start, start - math.pi)
        goals: list[Goal] = []
        for place, phase in zip(TARGETS, phases, strict=True):
            orbit = OrbitGoal(CENTRE, radii, float((sign or 1) * period), phase, place)
            if sign:  # the first state after the start is judged by the target of the start
                late = phase - 2.0 * math.pi / orbit.period_s * self._dt
                goals.append(OrbitGoal(CENTRE, radii, orbit.period_s, late, place))
            else:
                goals.append(ConstantGoal({channel: value for channel, (value, _) in orbit.at(0.0).items()}))
        first = np.array(
            [goal.at(0.0)[axis.format(place)][0] for goal, place in zip(goals, TARGETS, strict=True) for axis in AXES]
        )
        begin = carried(first, np.array(PALM_AT_START))
        initial = self._hand(rng)
        initial |= self._balls(rng, begin)
        initial |= self._properties(rng)
        target = tuple(float(x) for x in begin[:3])
        times = (trial, from_ns, from_ns + ns(o.trial_s) + ns(self._dt))  # the start, and the end of each period
        return TrialPlan(
            *times, target, target, from_ns, label=direction, goals=tuple(goals), initial=initial, targets=OF_BALLS
        )  # fmt: skip

    def redirected(self, plan: TrialPlan, now_ns: int) -> TrialPlan:
        """See `SteerableTask.redirected`: the targets go on from where they are, in this task's direction."""
        fresh = self.plan(plan.trial, plan.from_ns)
        if fresh.label == plan.label.rpartition(" → ")[2]:
            return plan
        seconds = (now_ns - plan.from_ns) / NS
        goals = []
        for place, before, after in zip(TARGETS, plan.goals, fresh.goals, strict=True):
            here = {channel: position for channel, (position, _) in before.at(seconds).items()}
            on: Goal = ConstantGoal(here)
            if isinstance(after, OrbitGoal):
                turned = 2.0 * math.pi / after.period_s * seconds
                on = replace(after, phase=here[f"{place}/phase"] - turned)
            goals.append(SwitchedGoal(before, on, seconds))
        return replace(plan, label=f"{plan.label} → {fresh.label}", goals=tuple(goals))

    def rewards(self, now: Moments) -> Mapping[str, Array]:
        """See `EpisodicTask.rewards`.

        `near` is exp(−(d / 20 mm)²) of each ball, `activation` the sum of squares."""
        distance = self._distance(now)
        activation = now.columns(*self._activations) if self._activations else np.zeros((len(distance), 1))
        return {
            "solved": self.solved(now),
            "near": np.exp(-np.square(distance / 0.02)).sum(axis=1),
            "alive": 1.0 - self.failed(now),
            "distance": distance.sum(axis=1),
            "activation": np.square(activation).sum(axis=1),
        }

    def solved(self, now: Moments) -> Array:
        """See `EpisodicTask.solved`: both balls within the tolerance, and none dropped."""
        near = (self._distance(now) < self.options.tolerance).all(axis=1)
        return np.asarray(near & ~self.failed(now), float)

    def failed(self, now: Moments) -> NDArray[np.bool_]:
        """See `EpisodicTask.failed`: a ball is dropped."""
        heights = now.columns(*(f"{ball}/z" for ball in BALLS))
        return np.asarray((heights < self.options.drop_height).any(axis=1))

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`.

        `score` is the share of the trial's periods in which it was solved, `held` that in which no ball was dropped,
        `median_error_deg` how far the first ball is from its target about the middle of the ellipse, while held.
        """
        after = np.arange(len(record.time_ns)) > 0  # the first state is the start, in real time some time after it
        held = ~np.logical_or.accumulate(self.failed(record))
        steps = max(1, round(self.options.trial_s / record.dt))
        error = np.degrees(np.abs(self._phase_error(record)))[after & held]
        figures: dict[str, float | int | str | bool | None] = {
            "score": float((self.solved(record) * held)[after].sum() / steps),
            "held": float(held[after].sum() / steps),
            "median_error_deg": float(np.median(error)) if error.size else None,
        }
        whole = record.plan.over(int(record.time_ns[-1]), ns(record.dt))
        return TrialResult(bool(held.all() and whole), figures)

    def progress(self, record: TrialRecord) -> Mapping[str, float]:
        """See `LiveTask.progress`: the shares of the time so far, and where the first ball is now.

        `phase_error_deg` is positive where the ball is further counter-clockwise than its target."""
        held = ~np.logical_or.accumulate(self.failed(record))
        return {
            "score": float((self.solved(record) * held).mean()),
            "held": float(held.mean()),
            "phase_error_deg": math.degrees(self._phase_error(record.newest)[0]),
        }

    def done(self, record: TrialRecord) -> bool:
        """See `Task.done`: a ball is dropped."""
        return bool(self.failed(record.newest)[0])

    def _distance(self, now: Moments) -> Array:
        """(n_moments, 2) m, of each ball from its target."""
        places = carried(now.goal(*self._of(TARGETS)), now.columns(*(f"{PALM}/{part}" for part in POSE)))
        apart = places - now.columns(*self._of(BALLS))
        return np.asarray(np.linalg.norm(apart.reshape(len(apart), -1, 3), axis=2))

    def _phase_error(self, now: Moments) -> Array:
        """(n_moments,) rad, of the first ball from its target, about the middle of the ellipse."""
        palm = now.columns(*(f"{PALM}/{part}" for part in POSE))
        middle = carried(np.broadcast_to(CENTRE, (len(palm), 3)), palm)
        sides = carried(now.goal(*self._of(TARGETS[:1])), palm) - middle, now.columns(*self._of(BALLS[:1])) - middle
        axes = [carried(np.broadcast_to(np.add(CENTRE, step), (len(palm), 3)), palm) - middle for step in np.eye(3)[:2]]
        angles = [np.arctan2((s * axes[1]).sum(1), (s * axes[0]).sum(1)) for s in sides]
        return np.asarray((angles[1] - angles[0] + np.pi) % (2 * np.pi) - np.pi)

    def _hand(self, rng: np.random.Generator) -> dict[str, float]:
        """The joints at the start: fully open, palm up, and as far from it as the noise says."""
        noise, ten = self.options.noise, math.pi / 18
        if not noise:
            return {}
        joints = {"pro_sup": rng.uniform(-math.pi / 2, -math.pi / 2 + ten * noise)}
        joints |= {name: rng.uniform(-ten * noise, ten * noise) for name in PALM_JOINTS}
        thumb = rng.uniform(-ten * noise, ten * noise)
        joints |= dict.fromkeys(THUMB_JOINTS, thumb)
        bent, apart = rng.uniform(0, 3 * ten * noise), rng.uniform(-ten * noise / 2, ten * noise / 2)
        for finger in FINGERS:
            joints |= dict.fromkeys((f"mcp{finger}_flexion", f"pm{finger}_flexion", f"md{finger}_flexion"), bent)
            joints[f"mcp{finger}_abduction"] = apart
        return {name: float(angle) for name, angle in joints.items()}

    def _balls(self, rng: np.random.Generator, targets: Array) -> dict[str, float]:
        """Where the balls begin, by channel; nothing where that is the effector's own start."""
        above = rng.random() < self.options.on_targets
        moves = rng.uniform(-1.0, 1.0, 6) * self.options.ball_noise
        out: dict[str, float] = {}
        for k, channel in enumerate(self._of(BALLS)):
            place = targets[k] if above and k % 3 < 2 else START[k]
            if above or self.options.ball_noise:
                out[channel] = float(place + moves[k])
        return out

    def _properties(self, rng: np.random.Generator) -> dict[str, float]:
        """Size, mass and friction of each ball, by property of the object; nothing where they are the effector's."""
        o = self.options
        out: dict[str, float] = {}
        for ball in BALLS:
            if o.ball_radius:
                out[f"{ball}/radius"] = _drawn(rng, o.ball_radius)
            if o.ball_mass:
                out[f"{ball}/mass"] = _drawn(rng, o.ball_mass)
            if o.ball_friction:
                out |= {f"{ball}/{kind}": usual * _drawn(rng, o.ball_friction) for kind, usual in FRICTION.items()}
        return out

    @staticmethod
    def _of(places: Sequence[str]) -> tuple[str, ...]:
        return tuple(axis.format(place) for place in places for axis in AXES)


START = (-0.227, -0.511, 1.452, -0.256, -0.552, 1.442)
"""m, x, y, z of both balls at the effector's own start."""


def _drawn(rng: np.random.Generator, ends: Sequence[float]) -> float:
    """A number from a range."""
    low, high = ends
    return float(rng.uniform(low, high))
