"""How quickly a simulated body can be stopped, measured on the body itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.errors import EffectorError

if TYPE_CHECKING:
    from myoprosthesis.effectors.mujoco_body import MujocoBody

Array = NDArray[np.float64]
RUNS, TURNS, TURN_S, STOP_S = 3, 3, 0.4, 0.3
"""Turns of every channel to one or the other end of its range in each run, and time for which a stop is watched."""
STOPS = 6
"""Stops at most in each turn."""
FAST = 0.25
"""Share of the highest speed of all turns from which on the highest speed of a turn counts: an arm that is stretched
out is slower, and comes further, than one that is not."""
MARGIN = 0.5
"""Share of the smallest braking seen that is stated."""


def measured_braking(body: MujocoBody, stiff: NDArray[np.intp]) -> tuple[float, ...]:
    """Braking of each command channel (unit/s²), such that from its highest speed it stops within v²/2a.

    0 for channels that cannot hold a place, or did not move; empty where none can.

    The body runs between the ends of its ranges, as fast as it is allowed to, and is held where it is when its channels
    are fastest in a turn. With d, how far a channel then comes, v²/2d is the braking that it shows.
    """
    if not stiff.size:
        return ()
    speed, way = np.zeros((0, stiff.size)), np.zeros((0, stiff.size))
    rng = np.random.default_rng(0)
    try:
        for _ in range(RUNS):
            stops = _run(body, stiff, rng)
            speed, way = (np.vstack(both) for both in zip((speed, way), stops, strict=True))
    except EffectorError:  # it diverges: nothing can be said
        speed, way = np.zeros((1, stiff.size)), np.zeros((1, stiff.size))
    body.reset(0)
    counts = (speed >= FAST * speed.max(axis=0)) & (speed > 0) & (way > 0)
    shown = np.where(counts, speed**2 / (2 * np.where(counts, way, 1.0)), np.inf).min(axis=0)
    braking = np.zeros(body.spec.command.size)
    braking[stiff] = np.where(np.isfinite(shown), MARGIN * shown, 0.0)
    return tuple(float(a) for a in braking)


def _run(body: MujocoBody, stiff: NDArray[np.intp], rng: np.random.Generator) -> tuple[Array, Array]:
    """Speed at each stop of one run, 0 for channels that were not fastest then, and how far each then came.

    Shape (n_stops, n_stiff) both."""
    spec = body.spec
    low, high = spec.command.bounds()
    state = body.reset(0)
    most = np.asarray(np.inf if spec.rate_limit is None else spec.rate_limit) * spec.dt
    goal = np.clip(np.where(np.isfinite(state.measured), state.measured, spec.relaxed_command), low, high)
    command, speeds, ways = goal.copy(), [], []
    for _ in range(TURNS):
        goal[stiff] = np.where(rng.random(stiff.size) < 0.5, low[stiff], high[stiff])
        moments = []
        for _ in range(max(2, round(TURN_S / spec.dt))):
            command = np.clip(goal, command - most, command + most)
            state = body.step(command, NO_DISTURBANCE)
            moments.append((body.get_state(), state.measured, state.measured_velocity[stiff], command))
        speed = np.abs([velocity for _, _, velocity, _ in moments])
        ticks = np.unique(speed.argmax(axis=0))
        for tick in ticks[:: -(-ticks.size // STOPS)]:
            speeds.append(np.where(speed[tick] >= 0.9 * speed.max(axis=0), speed[tick], 0.0))
            ways.append(_stopped(body, stiff, *moments[tick]))
        body.set_state(moments[-1][0])
    return np.array(speeds), np.array(ways)


def _stopped(
    body: MujocoBody, stiff: NDArray[np.intp], start: Array, place: Array, velocity: Array, command: Array
) -> Array:
    """How far each channel goes on when it is held where it is, shape (n_stiff,)."""
    body.set_state(start)
    held = np.where(np.isfinite(place), np.clip(place, *body.spec.command.bounds()), command)
    way = np.zeros(stiff.size)
    for _ in range(max(1, round(STOP_S / body.spec.dt))):
        state = body.step(held, NO_DISTURBANCE)
        way = np.maximum(way, np.sign(velocity) * (state.measured - place)[stiff])
    return way
