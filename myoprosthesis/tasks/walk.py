"""Walking as a recorded person: the legs follow a clip, in the direction and at the speed that are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import level_frame, motion_clip
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.goal import ClipGoal, CommandGoal, Goal
from myoprosthesis.core.leg_names import COMPARED, PLACES
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.observation_terms import rotation
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.tasks import walk_clips, walk_course
from myoprosthesis.tasks.commandable_task import CommandedTrial
from myoprosthesis.tasks.episodic import Moments
from myoprosthesis.tasks.walk_channels import (
    BESIDE,
    CONTACTS,
    FORWARD,
    JOINTS,
    KNEE,
    PELVIS,
    PELVIS_IN_ROOT,
    ROOT,
    ROOT_POSE,
    TRACKED,
    of_reference,
)  # fmt: skip

Array = NDArray[np.float64]
Range = tuple[float, float]
PERIOD_S, TIME_STEP_S = 0.03125, 0.00625
"""32 commands a second, five steps of the physics each: whole nanoseconds, and about the 30 Hz of KINESIS
(arXiv 2503.14637)."""
STAND_S = (1.0, 4.0)
MOST_TURN = math.pi / 2.0
"""How long it stands, and by how much it turns, where something else is asked for on the way."""
BEARING_N = 100.0
"""A foot with much more than this on it bears."""


@dataclass(frozen=True)
class WalkOptions:
    """Options of walking; a pair of numbers is a range out of which each trial draws."""

    clips: tuple[str, ...] = option(("walk",), "clips that are followed, by their names or how these begin")
    others: tuple[str, ...] = option((), "clips of other people, followed in a part of the trials in their place")
    others_share: float = option(0.6, "that part, where there are any", "1", 0.0, 1.0)
    speed: Range = option(
        (1.25, 1.25), "forward; of the clips, one that is nearest is played faster or slower", "m/s", 0.1, 6.0
    )
    heading_deg: Range = option((0.0, 0.0), "direction at the start, counter-clockwise from x", "deg", -360.0, 360.0)
    turn_deg_s: Range = option((0.0, 0.0), "rate at which the direction turns to the left", "deg/s", -90.0, 90.0)
    straight: float = option(0.5, "share of trials in which it does not turn", "1", 0.0, 1.0)
    phase: Range = option(
        (0.0, 1.0), "where in the cycle a trial begins, from right heel strike to the next", "1", 0.0, 1.0
    )
    noise: float = option(
        0.0, "standard deviation of each joint at the start; of its velocity 10 times as much", "rad", 0.0, 1.0
    )
    trial_s: float = option(20.0, "length of a trial", "s", 0.1, 3600.0)
    most_apart: float = option(
        0.3, "mean distance of knees, ankles and toes from the reference at which it has failed", "m", 0.01, 10.0
    )
    most_astray: float = option(1.0, "distance from the way at which it has failed", "m", 0.01, 1e6)
    asked_speed: Range = option((0.8, 1.8), "limits of a speed that is asked for while it walks", "m/s", 0.1, 6.0)
    asked_turn_deg_s: float = option(30.0, "rate of turning to a heading that is asked for", "deg/s", 1.0, 90.0)
    stands: bool = option(
        False, "whether it may be asked to stop, of a policy that has learned to stand with both feet on the floor"
    )
    changes: float = option(
        0.0, "share of trials in which something else is asked for on the way: a speed and a turn, or a stop", "1",
        0.0, 1.0,
    )  # fmt: skip
    stops: float = option(0.0, "share of these in which it is asked to stand for a while", "1", 0.0, 1.0)
    tolerance: float = option(0.1, "mean distance within which the reference is followed", "m", 1e-3, 1.0)
    seed: int = option(0, "seed of what is drawn", "", 0)

    def __post_init__(self) -> None:
        if not self.clips:
            raise ConfigError("clips is empty: name one at least, such as clips=[walk]")
        for name in ("speed", "heading_deg", "turn_deg_s", "phase", "asked_speed"):
            ends = getattr(self, name)
            if len(ends) != 2:
                raise ConfigError(f"{name} has {len(ends)} numbers; a range has two, such as {name}=[0.8, 1.2]")
            if ends[0] > ends[1]:
                raise ConfigError(f"{name} goes from {ends[0]:g} to {ends[1]:g}: the lower end comes first")


class Walk:
    """Follow the reference of a clip on a way: uniform motion in a direction, which may turn.

    Postures are compared where the legs are: knees, ankles and toes as seen from the pelvis, along its own heading."""

    channels: ClassVar[Mapping[str, str]] = {
        **TASK_UNITS,
        **dict.fromkeys(of_reference(JOINTS), "rad"),
        **dict.fromkeys(of_reference(BESIDE), "m"),
        **dict.fromkeys(of_reference(PELVIS), "rad"),
        **dict.fromkeys(of_reference(TRACKED), "m"),
        **{f"reference/{name}": "m" if "translation" in name else "rad" for name in KNEE},
        "reference/foot_r": "1", "reference/foot_l": "1", "reference/speed": "m/s", "reference/phase": "rad",
        "command/speed": "m/s", "command/heading": "rad", "command/x": "m", "command/y": "m",
    }  # fmt: skip
    skills: ClassVar[Sequence[str]] = ("clips", "speed", "asked_speed", "stands")
    observed_sites: ClassVar[tuple[str, ...]] = PLACES
    effector_options: ClassVar[Mapping[str, Any]] = {
        "time_step": TIME_STEP_S, "keyframe": "standing", "contacts": CONTACTS,
    }  # fmt: skip
    length_options: ClassVar[Mapping[str, Any]] = {"muscle_command": "length", "reflex_kp": 5.0, "reflex_kd": 0.5}
    """The effector's, of a policy that commands muscles by length: the reflex of KINESIS."""
    weights: ClassVar[Mapping[str, float]] = {
        "posture": 0.3, "places": 0.3, "velocity": 0.1, "motion": 0.15, "upright": 0.15, "way": 0.1, "floor": 0.0,
        "effort": -0.1,
    }  # fmt: skip

    def __init__(
        self,
        options: WalkOptions,
        dt: float = 0.0,
        spec: EffectorSpec | None = None,
        asked: tuple[float, float] | None = None,
    ) -> None:
        """`dt` (s) is the period of the effector, `spec` what it is.

        `asked` are the speed (m/s) and the heading (rad) of all trials, in the place of those that are drawn."""
        self.options, self._dt, self._spec, self._asked = options, dt, spec, asked
        self._activations = tuple(f"{m}/activation" for m in spec.muscles) if spec is not None else ()
        self._joints = spec.joints if spec is not None else JOINTS

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        missing = [name for name in (*ROOT_POSE, *JOINTS, *TRACKED) if name not in spec.channels]
        if missing:
            raise Refused(
                f"it walks on two legs, and effector {spec.name!r} does not have {', '.join(missing[:3])}"
                f"{' …' if len(missing) > 3 else ''}: myolegs has them, with the option "
                f"observed_sites=[{','.join(PLACES)}]"
            )
        return (*ROOT_POSE, *JOINTS, *TRACKED, *(f"{m}/activation" for m in spec.muscles))

    def for_effector(self, spec: EffectorSpec) -> Walk:
        """See `Task.for_effector`."""
        return type(self)(self.options, spec.dt, spec, self._asked)

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        o = self.options
        rng = np.random.default_rng((o.seed, trial))
        speed, heading = float(rng.uniform(*o.speed)), math.radians(rng.uniform(*o.heading_deg))
        turn, straight = math.radians(rng.uniform(*o.turn_deg_s)), rng.random() < o.straight
        phase, which = float(rng.uniform(*o.phase)), rng.random()
        clips = o.others if o.others and rng.random() < o.others_share else o.clips
        if self._asked is not None:
            (speed, heading), straight = self._asked, True
        movement = walk_clips.nearest(clips, speed or o.asked_speed[0], which)
        if not speed:
            phase = walk_course.standing_phase(movement, phase)
        clip = ClipGoal(movement.name, movement.sha256, phase, speed / walk_clips.speed_of(movement))
        begin = clip.at(0.0)
        reference = {name: begin[f"reference/{name}"] for name in movement.units}
        initial, velocity = self._start(reference, speed, heading, rng)
        x, y = level_frame.along(np.array(-heading), *(np.array(reference[name][0]) for name in BESIDE[:2]))
        place = (initial[ROOT_POSE[0]] - float(x), initial[ROOT_POSE[1]] - float(y))
        way = CommandGoal(speed, heading, 0.0 if straight else turn, place)
        goals: tuple[Goal, ...] = (clip, way)
        times = (trial, from_ns, from_ns + ns(o.trial_s) + ns(self._dt))  # the start, and the end of each period
        start = (initial[ROOT_POSE[0]], initial[ROOT_POSE[1]], 0.0)
        plan = TrialPlan(
            *times, start, start, from_ns, label=f"{movement.name} at {speed:.2f} m/s", goals=goals, initial=initial,
            initial_velocity=velocity,
        )  # fmt: skip
        if not o.changes or rng.random() >= o.changes:
            return plan
        person = clips if clips == o.clips else (movement.name.rpartition("_")[0],)  # at other speeds
        course = self._course(plan, from_ns + ns(rng.uniform(0.05, 0.5) * o.trial_s), person, o.stops > 0.0)
        for step in self._changed(rng):
            course.add(step, False)
        return replace(plan, goals=course.goals)

    def _changed(self, rng: np.random.Generator) -> Sequence[WayStep]:
        """What is asked for on the way."""
        o = self.options
        stand = WayStep(gait="stop", for_s=rng.uniform(*STAND_S))
        go_on = WayStep(speed=rng.uniform(*o.speed), turn=rng.uniform(-1.0, 1.0) * MOST_TURN)
        straight, last = rng.random() < o.straight, rng.random() < 0.5
        steps = (replace(go_on, turn=0.0) if straight else go_on,)
        return (stand, *steps[:last]) if rng.random() < o.stops else steps

    def commanded(self, plan: TrialPlan, now_ns: int, steps: Sequence[WayStep]) -> CommandedTrial:
        """See `CommandableTask.commanded`: the reference and the way go on from where they are."""
        course = self._course(plan, now_ns)
        for step in steps:
            if step.clip:
                walk_clips.check_columns(motion_clip.load(step.clip, step.sha256))
            course.add(step, step is steps[-1])
        until_s = (plan.until_ns - plan.from_ns) / NS
        if course.at_s > until_s:
            course.notes.append(f"the trial ends {course.at_s - until_s:.1f} s before all of it is done")
        label = f"{plan.label.partition(' → ')[0]} → {course.speed:.2f} m/s, {math.degrees(course.heading):.0f}°"
        asked = (course.speed, math.remainder(course.heading, 2.0 * math.pi))
        task = Walk(self.options, self._dt, self._spec, asked)
        return CommandedTrial(replace(plan, goals=course.goals, label=label), task, *asked, tuple(course.notes))

    def redirected(self, plan: TrialPlan, now_ns: int) -> TrialPlan:
        """See `SteerableTask.redirected`: on the same way, after this task's clips, at the nearest of its speeds."""
        course, (low, high) = self._course(plan, now_ns), self.options.speed
        course.add(WayStep(speed=min(max(course.speed, low), high)), True)
        return replace(plan, goals=course.goals, label=f"{plan.label.partition(' → ')[0]} → {course.speed:.2f} m/s")

    def _course(
        self, plan: TrialPlan, now_ns: int, clips: tuple[str, ...] = (), stops: bool = False
    ) -> walk_course.WalkCourse:
        """The course of a trial that runs, to be changed from now on; after these clips, by default the task's.

        `stops`: it may be asked to stand, whether its policy has learned to or not."""
        o = self.options
        clips = clips or o.clips
        gaits = tuple(dict.fromkeys(walk_course.gait_of(clip.name) for clip in walk_clips.candidates(clips)))
        limits = walk_course.CourseLimits(o.asked_speed, math.radians(o.asked_turn_deg_s), o.stands or stops, gaits)
        return walk_course.WalkCourse(
            plan.goals, (now_ns - plan.from_ns) / NS, limits, lambda speed: walk_clips.nearest(clips, speed, 0.0)
        )

    def _start(
        self, reference: Mapping[str, tuple[float, float]], speed: float, heading: float, rng: np.random.Generator
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Positions and velocities of the reference, by channel of the effector."""
        noise = rng.standard_normal((2, len(JOINTS))) * self.options.noise
        away = dict(zip(JOINTS, zip(noise[0], 10.0 * noise[1], strict=True), strict=True))
        joints = {
            name: tuple(value + more for value, more in zip(pair, away.get(name, (0.0, 0.0)), strict=True))
            for name, pair in reference.items()
            if name in self._joints and name not in BESIDE
        }
        now, soon = (
            np.array([reference[name][0] + late * reference[name][1] for name in PELVIS]) for late in (0.0, _SOON_S)
        )
        turn, later = (
            level_frame.about_vertical(heading) @ level_frame.pelvis_rotation(*angles) @ PELVIS_IN_ROOT.T
            for angles in (now, soon)
        )
        rates = turn.T @ (later - turn) / _SOON_S
        spin = level_frame.small_rotation(rates)
        (_, ahead), (_, left), (height, up) = (reference[name] for name in BESIDE)
        x, y = level_frame.along(np.array(-heading), np.array(speed + ahead), np.array(left))
        pose = (0.0, 0.0, height, *level_frame.quaternion(turn))
        moving = (float(x), float(y), up, 0.0, *spin)
        place = dict(zip(ROOT_POSE, map(float, pose), strict=True)) | {n: float(v[0]) for n, v in joints.items()}
        velocity = dict(zip(ROOT_POSE, map(float, moving), strict=True)) | {n: float(v[1]) for n, v in joints.items()}
        del velocity[f"{ROOT}/qw"]
        return place, velocity

    def rewards(self, now: Moments) -> Mapping[str, Array]:
        """See `EpisodicTask.rewards`.

        All but the last two are exp(−(error / scale)²): `posture` of hips, knees, ankles (root mean square; 0.25 rad),
        `places` of knees, ankles and toes (mean distance; 0.1 m), `velocity` of the joints (5 rad/s), `motion` of the
        pelvis (0.5 m/s), `upright` of its attitude (0.25 rad, heading included), and `way` of how far it is from it
        (0.3 m). `floor` is how far each foot bears on the floor (tanh of load / 100 N) when that of the reference does,
        and only then. `effort` is the mean square of activations."""
        angles = now.columns(*COMPARED) - now.goal(*of_reference(COMPARED))
        rates = now.columns(*COMPARED, field="velocity") - now.goal(*of_reference(COMPARED), field="velocity")
        attitude = self._attitude(now)
        activation = now.columns(*self._activations) if self._activations else np.zeros((len(angles), 1))
        return {
            "posture": np.exp(-np.square(angles).mean(axis=1) / 0.25**2),
            "places": np.exp(-np.square(self._apart(now) / 0.1)),
            "velocity": np.exp(-np.square(rates).mean(axis=1) / 5.0**2),
            "motion": np.exp(-np.square(self._motion(now)).sum(axis=1) / 0.5**2),
            "upright": np.exp(-np.square(attitude).sum(axis=1) / 0.25**2),
            "way": np.exp(-np.square(self._astray(now) / 0.3)),
            "floor": 1.0 - np.abs(self._bearing(now) - now.goal("reference/foot_r", "reference/foot_l")).mean(axis=1),
            "effort": np.square(activation).mean(axis=1),
        }

    def _bearing(self, now: Moments) -> Array:
        """How far the right and the left foot bear on the floor, (n, 2): 0 in the air, 1 with a load of a person."""
        load = now.columns(*CONTACTS, field="effort")
        return np.asarray(np.tanh(load.reshape(len(load), 2, 2).sum(axis=2) / BEARING_N))

    def solved(self, now: Moments) -> Array:
        """See `EpisodicTask.solved`: the reference is followed within the tolerance."""
        return np.asarray((self._apart(now) <= self.options.tolerance) & ~self.failed(now), float)

    def failed(self, now: Moments) -> NDArray[np.bool_]:
        """See `EpisodicTask.failed`: too far from the reference, or from the way."""
        o = self.options
        return np.asarray((self._apart(now) > o.most_apart) | (self._astray(now) > o.most_astray))

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`.

        `completed` is whether the trial came to its end, `held` the share of it before it failed, and `score` the share
        in which the reference was followed within the tolerance. The errors are those until then: `joint_rmse_deg` of
        hips, knees and ankles, `position_error_mm` of knees, ankles and toes as seen from the pelvis, `way_error_mm` of
        the pelvis from where it should be on the floor, and `speed_error` (m/s) over all of it."""
        after = np.arange(len(record.time_ns)) > 0  # the first state is the start
        held = ~np.logical_or.accumulate(self.failed(record))
        steps = max(1, round((record.plan.until_ns - record.plan.from_ns) / ns(record.dt)) - 1)
        judged = after & held
        angles = (record.columns(*COMPARED) - record.goal(*of_reference(COMPARED)))[judged]
        completed = bool(held.all() and record.plan.over(int(record.time_ns[-1]), ns(record.dt)))
        figures: dict[str, float | int | str | bool | None] = {
            "completed": completed,
            "score": float((self.solved(record) * held)[after].sum() / steps),
            "held": float(judged.sum() / steps),
            "joint_rmse_deg": None, "position_error_mm": None, "way_error_mm": None, "speed_error": None,
        }  # fmt: skip
        if judged.any():
            places = record.columns(*BESIDE[:2])[judged | ~after]
            seconds = judged.sum() * record.dt
            gone = np.linalg.norm(np.diff(places, axis=0), axis=1).sum() / seconds
            figures |= {
                "joint_rmse_deg": float(np.degrees(np.sqrt(np.square(angles).mean()))),
                "position_error_mm": float(1e3 * self._apart(record)[judged].mean()),
                "way_error_mm": float(1e3 * self._astray(record)[judged].mean()),
                "speed_error": float(gone - record.goal("command/speed")[judged].mean()),
            }
        return TrialResult(completed, figures)

    def progress(self, record: TrialRecord) -> Mapping[str, float]:
        """See `LiveTask.progress`."""
        held = ~np.logical_or.accumulate(self.failed(record))
        return {
            "held": float(held.mean()),
            "position_error_mm": float(1e3 * self._apart(record.newest)[0]),
            "way_error_mm": float(1e3 * self._astray(record.newest)[0]),
        }

    def done(self, record: TrialRecord) -> bool:
        """See `Task.done`: it has failed."""
        return bool(self.failed(record.newest)[0])

    def _heading(self, now: Moments) -> Array:
        """(n_moments,) rad, of the way that a walk with the pelvis' attitude would be on: without its own rotation."""
        own = level_frame.heading(rotation(now.columns(*ROOT_POSE[3:])), FORWARD)
        return np.asarray(own - now.goal(*of_reference(PELVIS[2:]))[:, 0])

    def _apart(self, now: Moments) -> Array:
        """(n_moments,) m, mean distance of the tracked places from those of the reference."""
        x, y, _ = now.columns(*BESIDE).T
        places = now.columns(*TRACKED).reshape(len(x), -1, 3)
        heading = self._heading(now)[:, None]
        ahead, left = level_frame.along(heading, places[..., 0] - x[:, None], places[..., 1] - y[:, None])
        wanted = now.goal(*of_reference(TRACKED)).reshape(len(x), -1, 3)
        apart = np.stack([ahead, left, places[..., 2]], -1) - wanted
        return np.asarray(np.linalg.norm(apart, axis=2).mean(axis=1))

    def _astray(self, now: Moments) -> Array:
        """(n_moments,) m, of the pelvis from where it should be on the floor."""
        return np.asarray(np.linalg.norm(now.columns(*BESIDE[:2]) - self._wanted(now), axis=1))

    def _wanted(self, now: Moments) -> Array:
        """(n_moments, 2) m, where the pelvis should be on the floor."""
        heading, x, y = now.goal("command/heading", "command/x", "command/y").T
        ahead, left = now.goal(*of_reference(BESIDE[:2])).T
        more = level_frame.along(-heading, ahead, left)
        return np.stack([x + more[0], y + more[1]], -1)

    def _motion(self, now: Moments) -> Array:
        """(n_moments, 3) m/s, how much faster the pelvis is than the reference: ahead, to the left, and up."""
        vx, vy, vz = now.columns(*BESIDE, field="velocity").T
        ahead, left = level_frame.along(self._heading(now), vx, vy)
        wanted = now.goal(*of_reference(BESIDE), field="velocity")
        speed = now.goal("command/speed")[:, 0]
        return np.stack([ahead - speed - wanted[:, 0], left - wanted[:, 1], vz - wanted[:, 2]], -1)

    def _attitude(self, now: Moments) -> Array:
        """(n_moments, 3) rad, small rotation from the reference's attitude on the way to that of the pelvis."""
        turn = rotation(now.columns(*ROOT_POSE[3:])) @ PELVIS_IN_ROOT
        tilt, lean, spin = now.goal(*of_reference(PELVIS)).T
        heading = now.goal("command/heading")[:, 0]
        wanted = level_frame.about_vertical(heading) @ level_frame.pelvis_rotation(tilt, lean, spin)
        return level_frame.small_rotation(np.swapaxes(wanted, -1, -2) @ turn)


_SOON_S = 1e-6
"""s, over which the angular velocity of the pelvis is taken."""
