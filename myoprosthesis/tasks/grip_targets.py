"""Bringing a hand into postures and keeping it there: the test of a decoder by what a person can do with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TASK_UNITS, TrialPlan
from myoprosthesis.core.trial_record import TrialRecord, TrialResult

Array = NDArray[np.float64]
NOWHERE = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class GripTargetsOptions:
    """Options of bringing a hand into postures."""

    grips: tuple[str, ...] = option(
        (), "what a person is asked for, and the pose that it stands for: flexion=pinch; empty: those of the decoder"
    )
    trial_s: float = option(6.0, "length of a trial, in which the posture is to be reached and kept", "s", 0.5, 3600.0)
    go_s: float = option(0.5, "go signal after the trial's start", "s", 0.0, 3600.0)
    dwell_s: float = option(1.0, "how long the posture must be kept", "s", 0.0, 60.0)
    tolerance: float = option(0.15, "as near as this each joint is in the posture", "rad", 1e-3, 3.0)
    seed: int = option(0, "seed of the order of the postures", "", 0)

    def __post_init__(self) -> None:
        if self.go_s + self.dwell_s >= self.trial_s:
            raise ConfigError(
                f"{self.go_s:g} s to go, {self.dwell_s:g} s to stay: nothing is left of {self.trial_s:g} s"
            )
        for pair in self.grips:
            if pair.count("=") != 1 or not all(pair.split("=")):
                raise ConfigError(f"grips takes pairs as close=power, got {pair!r}")


class GripTargets:
    """Bring the hand into a posture that is asked for, and keep it there for a while.

    This is the target achievement control test of Simon, Hargrove, Lock and Kuiken (J Rehabil Res Dev 48, 2011, 619),
    with grips as targets: the hand begins a trial where the one before has left it, and never the same posture is asked
    for twice in a row.
    """

    channels: ClassVar[Mapping[str, str]] = TASK_UNITS

    def __init__(
        self,
        options: GripTargetsOptions,
        joints: Sequence[str] = (),
        targets: Mapping[str, Sequence[float]] | None = None,
        reset: bool = False,
    ) -> None:
        """For an effector whose command moves `joints`.

        `targets` are the postures by what is asked for; `reset`: the hand is put to its start for the first trial.
        """
        self.options, self._joints, self._targets = options, tuple(joints), dict(targets or {})
        self._reset = reset

    def needs(self, spec: EffectorSpec) -> Sequence[str]:
        """See `Task.needs`."""
        self._postures(spec)
        return spec.command.names

    def for_effector(self, spec: EffectorSpec) -> GripTargets:
        """See `Task.for_effector`."""
        return GripTargets(self.options, spec.command.names, self._postures(spec), spec.resettable)

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`: each posture is as likely as any but the one before."""
        o, names = self.options, list(self._targets)
        steps = np.random.default_rng(o.seed).integers(1, len(names), size=trial + 1)
        steps[0] = np.random.default_rng((o.seed, 1)).integers(len(names))
        label = names[int(steps.sum()) % len(names)]
        times = (trial, from_ns, from_ns + ns(o.trial_s))
        return TrialPlan(*times, NOWHERE, NOWHERE, from_ns + ns(o.go_s), self._reset and trial == 0, label=label)

    def judge(self, record: TrialRecord) -> TrialResult:
        """See `Task.judge`.

        A trial is a success when all joints were within `tolerance` for `dwell_s` without a break. `time_s` is the time
        from the go signal until that began; `overshoots` how often the posture was left again before; `path_efficiency`
        the straight way through the space of joints over the way that was gone; `throughput` (bits/s) Fitts' index of
        difficulty, log2(D / 2W + 1) with the distance D of the joint with the longest way and the tolerance W, over
        `time_s`, which a trial that begins within the tolerance does not have. `error_deg` is the largest error of a
        joint at the end.
        """
        went = record.time_ns >= (record.plan.go_ns or record.plan.from_ns)
        angles, errors = record.columns(*self._joints)[went], self._errors(record)[went]
        if not len(errors):
            return TrialResult(False, {"time_s": None})
        inside = errors <= self.options.tolerance
        begin = self._kept_from(inside, record.dt)
        done = begin is not None
        last = begin if begin is not None else len(inside) - 1
        way = angles[: last + 1]
        gone = float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum())
        straight, seconds = float(np.linalg.norm(way[-1] - way[0])), last * record.dt
        bits = math.log2(float(errors[0]) / (2.0 * self.options.tolerance) + 1.0)
        moved = done and not inside[0] and seconds > 0
        return TrialResult(
            done,
            {
                "time_s": seconds if done else None,
                "overshoots": int((inside[:last] & ~inside[1 : last + 1]).sum()),
                "path_efficiency": straight / gone if moved and gone > 0 else None,
                "throughput": bits / seconds if moved else None,
                "error_deg": math.degrees(float(errors[-1])),
            },
        )

    def done(self, record: TrialRecord) -> bool:
        """See `Task.done`: the posture was kept long enough."""
        newest = record.newest
        if newest.time_ns[0] < (record.plan.go_ns or 0) or self._errors(newest)[0] > self.options.tolerance:
            return False
        went = record.time_ns >= (record.plan.go_ns or record.plan.from_ns)
        return self._kept_from(self._errors(record)[went] <= self.options.tolerance, record.dt) is not None

    def _kept_from(self, inside: NDArray[np.bool_], dt: float) -> int | None:
        """Where the first run of samples `inside` begins that lasts `dwell_s`."""
        needed = max(1, math.ceil(self.options.dwell_s / dt - 1e-9) + 1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - start >= needed:
                return int(start)
        return None

    def _errors(self, record: TrialRecord) -> Array:
        """(n_samples,) rad, of the joint that is farthest from the posture."""
        target = np.array(self._targets[record.plan.label])
        return np.asarray(np.abs(record.columns(*self._joints) - target).max(axis=1))

    def _postures(self, spec: EffectorSpec) -> dict[str, tuple[float, ...]]:
        """The postures of an effector by what is asked for; raises `Refused`."""
        pairs = [pair.split("=") for pair in self.options.grips] or [[pose, pose] for pose in spec.poses]
        if not spec.poses or any(name not in spec.channels for name in spec.command.names):
            raise Refused(f"it asks for postures of a hand, and effector {spec.name!r} has none")
        for asked, pose in pairs:
            if pose not in spec.poses:
                known = ", ".join(spec.poses)
                raise Refused(f"{asked!r} stands for {pose!r}, which is no pose of {spec.name!r}: it has {known}")
        targets = {asked: spec.poses[pose] for asked, pose in pairs}
        if len(targets) < 2:
            raise Refused(f"it goes from posture to posture, and is given {len(targets)}: give two grips or more")
        return targets
