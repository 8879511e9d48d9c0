"""What every effector must do when it stops, as physics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.effector import Effector
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.fail import HOLD, RELAX
from myoprosthesis.testing.demand import demand

Array = NDArray[np.float64]
SETTLED = 0.01
"""Share of its range by which a channel that is held may move beside its braking distance."""
WATCHED_S, TURN_S, TURNS = 1.0, 0.4, 3


def check_stop(make: Callable[[], Effector]) -> None:
    """Check that nothing moves before the first command, except under gravity and by muscles, and how it stops.

    From full speed, a channel that holds comes to a stop within v²/2a of the effector's stated braking, wherever it was
    commanded to go: after an emergency stop, a command that is not finite, one that is too old, none, and when a
    participant dies. It is held where it was, once; what relaxes is relaxed at once, or as fast as its rate limit lets
    it. Raises AssertionError with a sentence.
    """
    effector = make()
    guard = GuardedEffector(effector)
    spec = guard.spec
    hold = np.array([entry == HOLD for entry in spec.fail_each])
    _check_start(guard, spec, hold)
    target, ticks = _fastest(guard, spec, hold)
    for name, stop in _stops(spec).items():
        for tick in ticks:
            _check_one(guard, spec, hold, target, tick, name, stop)
    guard.close()


def _stops(spec: EffectorSpec) -> dict[str, Callable[[GuardedEffector, Array], EffectorState]]:
    """One tick of each kind of stop."""

    def estop(guard: GuardedEffector, command: Array) -> EffectorState:
        if not guard.stopped:
            guard.estop()
        return guard.step(command)

    return {
        "an emergency stop": estop,
        "a command that is not finite": lambda guard, command: guard.step(np.full_like(command, np.nan)),
        "a command that is too old": lambda guard, command: guard.step(command, age_s=spec.timeout_s + 1.0),
        "no command": lambda guard, command: guard.step(None),
        "the death of a participant": lambda guard, command: guard.step(command, idle="task is not alive"),
    }


def _check_start(guard: GuardedEffector, spec: EffectorSpec, hold: NDArray[np.bool_]) -> None:
    low, high = spec.command.bounds()
    begin = guard.reset(0)
    known = hold & np.isfinite(begin.measured)
    for _ in range(max(1, round(WATCHED_S / spec.dt))):
        state = guard.step(None)
        moved = np.where(known, np.abs(state.measured - begin.measured), 0.0)
        outside = np.where(known, np.maximum(low - begin.measured, begin.measured - high), 0.0)
        k = int(np.argmax(moved - outside - SETTLED * (high - low)))
        demand(
            bool((moved <= np.maximum(outside, 0.0) + SETTLED * (high - low)).all()),
            f"{spec.command.names[k]} moves by {moved[k]:.3g} before the first command",
        )


def _fastest(guard: GuardedEffector, spec: EffectorSpec, hold: NDArray[np.bool_]) -> tuple[Array, list[int]]:
    """Commands of a run between the ends of all ranges, and the ticks at which a channel that holds is fastest.

    Shape (n_ticks, n_command); the last tick where no channel holds."""
    rng, (low, high) = np.random.default_rng(7), spec.command.bounds()
    each = max(2, round(TURN_S / spec.dt))
    commands = np.repeat(np.where(rng.random((TURNS, low.size)) < 0.5, low, high), each, axis=0)
    guard.reset(0)
    speed = np.array([guard.step(command).measured_velocity for command in commands])
    ticks = np.abs(speed[:, hold]).argmax(axis=0).tolist() if hold.any() else []
    return commands, sorted({*ticks[:8], len(commands) - 1})


def _check_one(
    guard: GuardedEffector, spec: EffectorSpec, hold: NDArray[np.bool_], commands: Array, tick: int, name: str,
    stop: Callable[[GuardedEffector, Array], EffectorState],
) -> None:  # fmt: skip
    low, high = spec.command.bounds()
    guard.resume()
    state = guard.reset(0)
    speed = np.zeros(low.size)
    for command in commands[: tick + 1]:
        state = guard.step(command)
        speed = np.maximum(speed, np.abs(np.nan_to_num(state.measured_velocity)))
    place, velocity = state.measured, np.nan_to_num(state.measured_velocity)
    known = hold & np.isfinite(place)
    braking = np.array(spec.braking or [0.0] * low.size)
    full = known & (braking > 0) & (np.abs(velocity) >= 0.999 * speed)
    allowed = velocity**2 / (2 * np.where(full, braking, np.inf)) + SETTLED * (high - low)
    held, relaxed = np.clip(place, low, high), spec.relaxed_command
    relax = np.array([entry == RELAX for entry in spec.fail_each])
    for _ in range(max(1, round(WATCHED_S / spec.dt))):
        state = stop(guard, commands[-1])
        demand(guard.reason != "", f"{name} does not stop it")
        demand(
            bool((np.abs(state.applied - held) <= SETTLED * (high - low))[known].all()),
            f"after {name}, {_first(spec, known, state.applied, held)} is held at other than where it was",
        )
        if spec.rate_limit is None:
            demand(bool(np.allclose(state.applied[relax], relaxed[relax])), f"after {name}, not all relaxes")
        way = np.where(full, (state.measured - place) * np.sign(velocity), 0.0)
        j = int(np.argmax(way - np.where(full, allowed, np.inf)))
        demand(
            not full.any() or bool(way[j] <= allowed[j]),
            f"after {name}, {spec.command.names[j]} goes on by {way[j]:.3g} from {velocity[j]:.3g} per s; its braking "
            f"of {braking[j]:.3g} per s² allows {allowed[j]:.3g}",
        )


def _first(spec: EffectorSpec, known: NDArray[np.bool_], applied: Array, held: Array) -> str:
    return spec.command.names[int(np.argmax(np.where(known, np.abs(applied - held), 0.0)))]
