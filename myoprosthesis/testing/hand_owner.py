"""What happens to a hand when the process that commands it dies, is held up, or loses the server of its port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.options import build
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.testing.demand import demand

SOON_S = 0.1
"""When the fail state must be commanded."""
HELD_UP_S = 0.1
"""The fail state comes sooner than this."""
MOVING_S = 0.6
"""How long the hand moves before something happens to its owner."""
TRIES = 3
"""A busy machine holds up one try or another; a fault is there in each."""
LOOK_S, PATIENCE_S = 0.1, 60.0
RESUMED_S = 0.12
"""How long the first steps after a resumption are watched: so long they must be slow."""
STANDS_S = 0.4
"""After which a hand whose owner was killed stands."""
SETTLED = 0.02
"""rad by which a hand may miss the place at which it is held."""
SWING = 3.0
"""rad/s of the phase with which it opens and closes."""


def check_hand_owner(name: str, place: str = "") -> dict[str, float]:
    """Check what a moving hand does when the process that commands it is killed or stopped.

    Against its emulator it is in its fail state 100 ms later, stands within its braking distance, nothing is written
    after that, and an owner that goes on moves the hand from where it is. `place` is where the emulator is served,
    `host:port` for a hand on a network; empty: a serial port. Returns times (s) from the event to the first and the
    last bytes of the fail state, the largest steps of the target and the way to the stand (rad)."""
    spec = registry.factory("effectors", name)(registry.options("effectors", name)()).spec
    allowed = float((np.asarray(spec.rate_limit) ** 2 / (2 * np.array(spec.braking))).max()) + SETTLED
    for tries in range(TRIES, 0, -1):
        figures = _killed(name, place) | _held_up(name, place)
        way = figures["owner_killed_way"]
        delays = {event: figures[f"owner_{event}_found"] for event in ("killed", "stopped")}
        if way <= allowed and max(delays.values()) <= SOON_S:
            break
        demand(
            tries > 1 or way <= allowed,
            f"the owner was killed, and the hand went on by {way:.3f} rad; {allowed:.3f} is its braking",
        )
        for event, delay in delays.items():
            demand(
                tries > 1 or delay <= SOON_S,
                f"the owner was {event}, and the fail state came {delay * 1e3:.0f} ms later",
            )
    return figures


def _killed(name: str, place: str) -> dict[str, float]:
    with _moving(name, place) as (port, owner, server):
        motors, way = port.emulator.motors, 0.0
        target, begin = motors.target.copy(), motors.position.copy()
        asked = time.monotonic()
        owner.kill()
        killed = time.monotonic()
        _wait_for_end(server)
        target = np.abs(motors.target - target)
        while time.monotonic() < killed + STANDS_S:
            time.sleep(0.005)
            way = max(way, float(np.abs(motors.position - begin).max()))
        first, last = _spoken(port, killed, asked)
        return {
            "owner_killed_found": first, "owner_killed_silent": last, "owner_killed_step": float(target.max()),
            "owner_killed_way": way,
        }  # fmt: skip


def _held_up(name: str, place: str) -> dict[str, float]:
    with _moving(name, place) as (port, owner, _):
        motors, asked = port.emulator.motors, time.monotonic()
        os.kill(owner.pid, signal.SIGSTOP)
        time.sleep(0.03)  # what was written before has been heard
        stopped = time.monotonic()
        time.sleep(0.7)
        first, last = _spoken(port, stopped, asked)
        os.kill(owner.pid, signal.SIGCONT)
        step, before, until = 0.0, motors.position.copy(), time.monotonic() + RESUMED_S
        while time.monotonic() < until:
            time.sleep(0.001)
            now = motors.target.copy()
            step, before = max(step, float(np.abs(now - before).max())), now
        return {"owner_stopped_found": first + 0.03, "owner_stopped_silent": last + 0.03, "owner_stopped_step": step}


def _spoken(port: EmulatedPort, silent: float, asked: float) -> tuple[float, float]:
    """When the first and the last bytes came after the owner fell silent, in s from there.

    A busy machine may hold this process up between asking for that (`asked`) and looking at the clock (`silent`), so
    long that all is written meanwhile: then at once.
    """
    after = [then - silent for then, _ in list(port.received) if then > silent]
    held_up = silent - asked > HELD_UP_S and any(then > asked for then, _ in list(port.received))
    demand(bool(after) or held_up, "nothing was written when the owner fell silent")
    return (after[0], after[-1]) if after else (0.0, 0.0)


@contextmanager
def _moving(name: str, place: str) -> Iterator[tuple[EmulatedPort, subprocess.Popen[str], int]]:
    """An emulated hand in motion, the process that moves it, and the number of the port server's process."""
    options: Any = build(registry.options("effectors", name), {"port": place})
    spec = registry.factory("effectors", name)(options).protocol.spec
    with EmulatedPort(registry.factory("emulators", name)(spec), path=place) as port:
        words = [sys.executable, "-c", f"import {__name__} as here; here.move({name!r}, {port.path!r})"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as owner:
            try:
                server = owner.stdout.readline() if owner.stdout is not None else ""
                demand(bool(server), "the process that was to move the hand did not start")
                _wait_for_motion(port)
                yield port, owner, int(server)
            finally:
                owner.kill()
        _wait_for_end(int(server))


def _wait_for_motion(port: EmulatedPort) -> None:
    """Until the target has been changing for `MOVING_S`: a busy machine may hold its owner up, and stop the hand."""
    began = time.monotonic()
    since, before = began, port.emulator.motors.target.copy()
    while time.monotonic() - since < MOVING_S:
        time.sleep(LOOK_S)
        now = port.emulator.motors.target.copy()
        if np.array_equal(now, before):
            since = time.monotonic()
        before = now
        demand(time.monotonic() - began < PATIENCE_S, f"the hand did not move within {PATIENCE_S:g} s")


def _wait_for_end(pid: int) -> None:
    until = time.monotonic() + 10.0
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.005)
    demand(not lives(pid), "the server of the port outlives its owner")


def lives(pid: int) -> bool:
    """True while the process runs; one that has ended and that nobody has asked for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def move(name: str, port: str) -> None:
    """Open and close the hand at `port` for ever; prints the port server's process first."""
    hand = registry.factory("effectors", name)(build(registry.options("effectors", name), {"port": port}))
    guard = GuardedEffector(hand)
    guard.reset(0)
    print(hand.server_pid, flush=True)
    start, end = hand.protocol.spec.column("open"), hand.protocol.spec.column("closed")
    begin = due = time.monotonic()
    while True:
        guard.step(start + (0.5 - 0.5 * np.cos(SWING * (time.monotonic() - begin))) * (end - start))
        due = max(due + guard.spec.dt, time.monotonic() - guard.spec.dt)
        time.sleep(max(0.0, due - time.monotonic()))
