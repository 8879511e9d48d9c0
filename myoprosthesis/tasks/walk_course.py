"""The course of a walk that a person changes while it goes on: its reference and its way from then on."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import level_frame, motion_clip
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.goal import ClipGoal, CommandGoal, Goal, in_turn, pieces
from myoprosthesis.core.motion_clip import MotionClip
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.tasks.walk_approach import approach
from myoprosthesis.tasks.walk_clips import speed_of

G = TypeVar("G", bound=Goal)
RAMP_M_S, RAMP_S = 0.1, 0.2
"""The speed changes by 0.1 m/s every 0.2 s: about half of what people do at ease (Orendurff et al. 2008)."""
SLOWING = 4
"""Steps in which the walk comes to stand within a double support, evenly slower."""
STOPPED = 0.9
"""Of a double support, after which it stands."""
EARLIER_S = 0.05
"""Between two times that are tried to begin a stop at."""
MOST_PIECES = 100
"""Changes of one trial: its plan stays within what a message may have."""
USUAL = {"walk": 1.25, "run": 2.8}
"""m/s, where a gait is asked for without a speed."""


@dataclass(frozen=True)
class CourseLimits:
    """What may be asked for: speeds (m/s), the rate of turning (rad/s), whether it may stand, and gaits."""

    speed: tuple[float, float]
    turn_rate: float
    stands: bool
    gaits: tuple[str, ...]


class WalkCourse:
    """Pieces of a reference (goals of kind `clip`) and a way (kind `command`), one after the other without a jump.

    `speed` (m/s) and `heading` (rad; turns add up) are those asked for so far, whether reached or not."""

    def __init__(
        self, goals: Sequence[Goal], from_s: float, limits: CourseLimits, nearest: Callable[[float], MotionClip]
    ) -> None:
        """Goes on from the reference and the way of a trial at `from_s` (s) after its start.

        `nearest` is the clip for a speed."""
        self.at_s, self.limits, self._nearest = from_s, limits, nearest
        reference, way = (pieces(goal) for goal in goals[:2])
        self._references = [(t, goal) for t, goal in reference if t < from_s and isinstance(goal, ClipGoal)]
        ways = [(t, goal) for t, goal in way if isinstance(goal, CommandGoal)]
        self._ways = [(t, goal) for t, goal in ways if t < from_s]
        self.notes: list[str] = []
        self.speed, self.heading, self._rate = self._way.speed, self._way_now["command/heading"][0], 0.0
        self._begun([(t, goal) for t, goal in ways if t >= from_s])

    def _begun(self, later: Sequence[tuple[float, CommandGoal]]) -> None:
        """Ask for what a change that goes on now comes to; the rest of what was to follow is dropped."""
        if self._way.turn_rate:
            ends = [piece.at(t)["command/heading"][0] for t, piece in later if not piece.turn_rate]
            self.heading, self._rate = (ends[0], 0.0) if ends else (self.heading, self._way.turn_rate)
        before = self.at_s
        for t, piece in later:
            if t - before > RAMP_S + 1e-9:
                break
            self.speed, before = piece.speed, t

    @property
    def goals(self) -> tuple[Goal, Goal]:
        """The reference and the way of the whole trial; raises `Refused` where it has been changed too often."""
        if max(len(self._references), len(self._ways)) > MOST_PIECES:
            raise Refused(
                f"a trial's speed and direction change {MOST_PIECES} times at most, steps of a change of speed "
                "included: ask again in the next trial"
            )
        return in_turn(self._references), in_turn(self._ways)

    def add(self, step: WayStep, last: bool) -> None:
        """Go on with a step; the time goes on to its end unless it is the `last`."""
        if step.to is not None:
            begin = self.at_s
            low, high = self.limits.speed
            self._come_to(step.to, step.speed or min(max(USUAL["walk"], low), high))
            self._wait(step, begin, last)
            return
        if step.gait == "stop" or step.speed == 0.0:
            if step.turn or step.heading is not None:
                self.add(replace(step, gait="", speed=None, for_s=None), False)
            begin = self.at_s
            self._stop()
            self._wait(step, begin, last)
            return
        clip = motion_clip.load(step.clip, step.sha256) if step.clip else None
        begin, self.speed = self.at_s, self._speed(step, clip)
        if step.turn or step.heading is not None:
            self.heading, self._rate = self._heading(step), 0.0
        angle = 0.0 if self._rate else self.heading - self._way_now["command/heading"][0]
        turning_s = abs(angle) / self.limits.turn_rate if abs(angle) > 1e-9 else 0.0
        if turning_s and not self.speed:
            raise Refused("it stands, and turns while it walks only: such as 'walk at 0.8 m/s and turn left 90°'")
        levels = self._levels(self.speed)
        for offset in sorted({0.0, turning_s, *(RAMP_S * k for k in range(len(levels)))}):
            self.at_s = begin + offset
            level = levels[min(int(offset / RAMP_S + 1e-9), len(levels) - 1)]
            self._go(level, math.copysign(self.limits.turn_rate, angle) if offset < turning_s else self._rate, clip)
        if turning_s:
            self._face(self.heading)
        if self._rate:
            self.heading = self._way_now["command/heading"][0]
        self._wait(step, begin, last)

    def _come_to(self, place: tuple[float, float], speed: float) -> None:
        """Change the speed straight on, turn, and go straight through the place; stand there where that can be."""
        begin = self.at_s
        self.add(WayStep(speed=speed), False)
        if self._rate:  # it turned without an end
            self._rate = 0.0
            self._go(self.speed, 0.0)
        heading, own, rate = self._way_now["command/heading"][0], self._way.speed, self.limits.turn_rate
        ahead, left = level_frame.along(np.array(heading), *map(np.array, self._from_here(place)))
        to = approach(float(ahead), float(left), own / rate)
        self.at_s += to.before_m / own
        self.heading = heading + to.turn
        if to.turn:
            self._go(own, math.copysign(rate, to.turn))
            self.at_s += abs(to.turn) / rate
            self._go(own, 0.0)
            self._face(self.heading)
        self.at_s += to.after_m / own
        if self.limits.stands:
            self._stop_at(place)
        then = "walks on: its policy has not learned to stand"
        if self.limits.stands:
            then = f"stands {math.hypot(*self._from_here(place)):.2f} m from there"
        self.notes.append(f"it comes to ({place[0]:g}, {place[1]:g}) m after {self.at_s - begin:.1f} s, and {then}")

    def _from_here(self, place: tuple[float, float]) -> tuple[float, float]:
        """m, along x and y of the world."""
        now = self._way_now
        return place[0] - now["command/x"][0], place[1] - now["command/y"][0]

    def _stop_at(self, place: tuple[float, float]) -> None:
        """Begin to slow down before a place on the present way, so that it stands as near to it as its steps allow."""
        best, arrives = (math.inf, self.at_s), self.at_s
        for early in np.arange(0.0, arrives - self._ways[-1][0], EARLIER_S):
            other = copy.copy(self)
            other._references, other._ways, other.at_s = [*self._references], [*self._ways], arrives - float(early)
            other._stop()
            best = min(best, (math.hypot(*other._from_here(place)), arrives - float(early)))
        self.at_s = best[1]
        self._stop()

    def _wait(self, step: WayStep, begin: float, last: bool) -> None:
        """Let the time of a step go by."""
        end = begin + (step.for_s or 0.0)
        if step.for_s is not None and self.at_s > end + 1e-9:
            self.notes.append(f"what is asked for {step.for_s:g} s takes {self.at_s - begin:.1f} s")
        if step.for_s is not None and last:
            self.notes.append(f"it goes on after {step.for_s:g} s, since nothing follows")
        self.at_s = max(self.at_s, end) if not last else self.at_s

    @property
    def _way(self) -> CommandGoal:
        return self._ways[-1][1]

    @property
    def _way_now(self) -> dict[str, tuple[float, float]]:
        return dict(self._way.at(self.at_s))

    @property
    def _clip(self) -> ClipGoal:
        return self._references[-1][1]

    def _speed(self, step: WayStep, clip: MotionClip | None) -> float:
        """m/s, within the limits; says what is limited."""
        low, high = self.limits.speed
        if step.gait and step.gait not in self.limits.gaits:
            raise Refused(
                f"this task cannot {step.gait}: its clips {' and '.join(self.limits.gaits) or 'do neither'}; a policy "
                f"that can is for a task with --set task.clips=[{step.gait}]"
            )
        speed = self.speed + step.faster
        if step.speed is not None:
            speed = step.speed
        elif step.gait and not step.faster and not (self.speed and step.gait == gait_of(self._clip.name)):
            speed = min(max(USUAL[step.gait], low), high)
        elif clip is not None and not step.faster:
            speed = speed_of(clip)
        elif not speed:
            return 0.0
        limited = min(max(speed, low), high)
        if abs(limited - speed) > 1e-9:
            self.notes.append(f"the speed is limited to {limited:g} m/s (asked for: {speed:g})")
        return limited

    def _heading(self, step: WayStep) -> float:
        """rad, to turn to; says what is limited."""
        if step.heading is None:
            return self.heading + step.turn
        wanted = min(max(step.heading, -2.0 * math.pi), 2.0 * math.pi)
        if wanted != step.heading:
            self.notes.append(
                f"the heading is limited to {math.degrees(wanted):g} deg (asked for: {math.degrees(step.heading):g})"
            )
        now = self._way_now["command/heading"][0]
        return now + math.remainder(wanted - now, 2.0 * math.pi)

    def _levels(self, speed: float) -> list[float]:
        """Speeds on the way to one, each for `RAMP_S`."""
        before = self._way.speed or min(self.limits.speed[0], speed)
        n = max(1, math.ceil(abs(speed - before) / RAMP_M_S - 1e-9))
        return [before + (k + 1) / n * (speed - before) for k in range(n)]

    def _go(self, speed: float, rate: float, clip: MotionClip | None = None) -> None:
        """From now on at this speed and rate of turning."""
        t, way = self.at_s, self._way
        if (way.speed, way.turn_rate) != (speed, rate):
            self._put(CommandGoal(speed, self._way_now["command/heading"][0], rate))
        movement = clip or self._movement(speed)
        relative = speed / speed_of(movement) if speed else 0.0
        if (self._clip.name, self._clip.speed) != (movement.name, relative):
            phase = self._phase - relative * t / movement.duration_s
            self._append(self._references, ClipGoal(movement.name, movement.sha256, phase % 1.0, relative))

    def _put(self, way: CommandGoal) -> None:
        """A way that has its heading now, and goes on from where the one before has come to."""
        t, now = self.at_s, self._way_now
        begun = replace(way, heading=way.heading - way.turn_rate * t, place=(0.0, 0.0))
        gone = begun.at(t)
        place = tuple(now[f"command/{axis}"][0] - gone[f"command/{axis}"][0] for axis in "xy")
        self._append(self._ways, replace(begun, place=place))

    def _face(self, heading: float) -> None:
        """The heading that was turned to, without what rounding has added to it."""
        self._put(replace(self._way, heading=heading))

    def _append(self, kept: list[tuple[float, G]], goal: G) -> None:
        if kept and kept[-1][0] == self.at_s:
            kept.pop()
        kept.append((self.at_s, goal))

    def _movement(self, speed: float) -> MotionClip:
        """The clip for a speed: the present one where it stands or none is nearer."""
        now = motion_clip.load(self._clip.name, self._clip.sha256)
        return self._nearest(speed) if speed else now

    @property
    def _phase(self) -> float:
        """Share of the cycle, 0 to 1."""
        return self._clip.at(self.at_s)["reference/phase"][0] / (2.0 * math.pi)

    def _stop(self) -> None:
        """Slow down, then come to stand while both feet are on the floor: nobody who walks stands at once.

        A pelvis that goes on at 0.8 m/s comes 0.24 m further (Hof et al. 2005, J Biomech 38:1, extrapolated centre of
        mass); that is as far as the front foot reaches."""
        self.speed = 0.0
        if not self._way.speed:
            return
        slowest = self.limits.speed[0]
        if not self.limits.stands:
            raise Refused(
                f"it cannot stop: its policy has not learned to stand, and walks at {slowest:g} m/s at least ('slower' "
                "works); of one that has, the contract says so, or --set task.stands=true"
            )
        for speed in self._levels(slowest):
            self._go(speed, 0.0)
            self.at_s += RAMP_S
        movement = motion_clip.load(self._clip.name, self._clip.sha256)
        cycle_s, speed = movement.duration_s / self._clip.speed, self._way.speed
        begin, share = _next(movement, self._phase)
        self.at_s += (begin - self._phase) % 1.0 * cycle_s
        for k in range(SLOWING):
            self._go(speed * (1.0 - (k + 0.5) / SLOWING), 0.0, movement)
            self.at_s += 2.0 * share * cycle_s / SLOWING
        self._go(0.0, 0.0)
        self.heading = self._way_now["command/heading"][0]


def gait_of(clip: str) -> str:
    """The gait of a clip of this name."""
    return "run" if clip.startswith("run") else "walk"


def standing_phase(movement: MotionClip, phase: float) -> float:
    """Where it comes to stand in the next time with both feet on the floor; raises `Refused` where a clip has none."""
    begin, share = _next(movement, phase)
    return (begin + share) % 1.0


def _next(movement: MotionClip, phase: float) -> tuple[float, float]:
    """The phase at which the next time with both feet on the floor begins, and the share of the cycle to stop in."""
    begins, shares = _double_supports(movement)
    if not begins.size:
        raise Refused(f"the clip {movement.name} never has both feet on the floor: ask for a walk before a stop")
    k = int(np.argmin((begins - phase) % 1.0))
    return float(begins[k]), float(shares[k])


@lru_cache(maxsize=1024)
def _double_supports(movement: MotionClip) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Begin of each time with both feet on the floor, and that part of it in which one stops, as shares of the cycle.

    Of a clip that always has both there are none."""
    columns = [list(movement.units).index(name) for name in ("foot_r", "foot_l")]
    grid = np.arange(1000) / 1000
    both = (movement.sampled(grid * movement.duration_s)[0][:, columns] > 0.5).all(axis=1)
    if both.all():
        return np.zeros(0), np.zeros(0)
    begins = np.flatnonzero(both & ~np.roll(both, 1))
    ends = np.array([np.flatnonzero(~np.roll(both, -b))[0] for b in begins])
    return grid[begins], STOPPED * ends / 1000
