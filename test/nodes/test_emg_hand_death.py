"""A hand on the move, and something dies: the fail state after as many periods as there are in 100 ms, counted on the
hand's wire, and no jump. A machine that is busy has fewer periods in a second; how many there are is what is judged."""

import os
import signal
import time

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import ability_hand as codec
from myoprosthesis.hands import data_sheets
from myoprosthesis.nodes import topics

pytestmark = pytest.mark.realtime

SHEET = data_sheets.load("ability_hand")
IDLE_S = 0.1
"""What is promised."""
PERIODS = round(IDLE_S / SHEET.dt) + 4
"""Periods in it, what was under way, and the one in which the hand is held where it is."""
BUSY = 3
"""Where the machine is busy, a death is heard of late by so much, and as many frames are heard at once."""
COUNT = 1.01 / codec.PER_RAD
"""One step of the wire, rad."""
FASTEST, GENTLE = (rate * SHEET.dt + COUNT for rate in (SHEET.rate_limit, SHEET.approach_rate))
"""The largest step of a target in one period: ever, and after a fault."""
SLOW = {"emg": {"labels": ["close", "open"]}, "policy": {"speed": 0.6}}
"""Closing and opening by turns, so slowly that the hand is always on its way."""


class Wire:
    """What an emulated hand heard on its wire: times (s, monotonic) and targets (n, 6), rad."""

    def __init__(self, port):
        self.port, self.positions = port, {}
        receive = port.emulator.receive

        def heard(data, now):
            self.positions[port.received[-1][0]] = port.emulator.motors.position.copy()
            return receive(data, now)

        port.emulator.receive = heard

    def frames(self, since=0.0):
        """(time, header, target or None) of each frame."""
        cut, out = codec.Deframer(), []
        heard = [(t, d) for t, d in list(self.port.received) if t > since - 0.1 and t in self.positions]
        for then, data in heard:
            for frame in cut.parse(data):
                if then > since and len(frame) > 2:
                    aim = frame[1] & 0xF0 == codec.POSITION and len(frame) == 15
                    target = np.frombuffer(frame[2:14], "<i2") / codec.PER_RAD if aim else None
                    out.append((then, frame[1], target))
        return out

    def targets(self, since=0.0):
        pairs = [(then, target) for then, _, target in self.frames(since) if target is not None]
        return np.array([t for t, _ in pairs]), np.array([x for _, x in pairs]).reshape(-1, 6)

    def moving(self):
        """The target has changed with most frames of the last fifth of a second."""
        _, x = self.targets(time.monotonic() - 0.2)
        return len(x) > 20 and np.count_nonzero(np.abs(np.diff(x, axis=0)).any(axis=1)) > len(x) / 2

    def changes(self, since):
        """How often the target changed after `since`."""
        times, x = self.targets(since - 0.1)
        return int((np.abs(np.diff(x, axis=0)).any(axis=1) & (times[1:] > since)).sum())

    def largest_step(self, since, until=np.inf):
        """Away from where the hand was, between two frames, per period (frames are lost where a machine is busy, and
        are read late: a frame may have waited since the read before it). After a silence a hand goes on from where it
        is; and it may be held there at any time."""
        times, x = self.targets(since)
        here = np.array([self.positions[t] for t in times])
        reads = np.unique(times)
        late = dict(zip(reads, np.maximum(0.0, np.diff(reads, prepend=reads[:1]) - SHEET.dt), strict=True))
        times, x, here = times[times <= until], x[times <= until], here[times <= until]
        gaps = np.diff(times)
        elapsed = gaps + [late[t] for t in times[:-1]]
        before = np.where((gaps < IDLE_S)[:, None], x[:-1], here[1:])
        nearer = np.abs(x[1:] - here[1:]) <= np.abs(before - here[1:])
        steps = np.where(nearer, 0.0, np.abs(x[1:] - before)).max(axis=1)
        return float((steps / np.where(gaps < IDLE_S, np.maximum(1.0, elapsed / SHEET.dt), 1.0)).max(initial=0.0))


def following(stack):
    return stack.diagnostics and stack.diagnostics[-1]["idle"] == ""


def test_a_model_beside_the_hand_may_die_and_an_emulated_hand_comes_back(start):
    """The whole stack, on its own emulator: the death of the model is nothing to the hand; that of the hand is a lost
    device, which is found again."""
    stack = start(SLOW, stack="emg-hand", namespace="beside")
    try:
        stack.ready()
        assert stack.until(lambda: following(stack), 20.0), stack.words[-3:]
        twin, emulator = stack.supervisor.pids()["twin"], stack.supervisor.pids()["emulator"]
        stack.diagnostics.clear()
        os.kill(twin, signal.SIGKILL)
        assert stack.until(lambda: stack.supervisor.pids()["twin"] != twin, 5.0)
        stack.spin(1.0)
        assert stack.until(lambda: following(stack), 10.0), stack.diagnostics[-1]
        assert not any("is gone" in d["idle"] for d in stack.diagnostics)
        told = len(stack.words)
        os.kill(emulator, signal.SIGKILL)
        assert stack.until(lambda: any("is gone" in w for w in stack.words[told:]), 5.0)
        assert stack.until(lambda: stack.supervisor.pids()["emulator"] != emulator, 5.0)
        assert stack.until(lambda: following(stack), 30.0), (stack.diagnostics[-1], stack.words[-3:])
        told = len(stack.words)
    finally:
        stack.close()
    assert not [w for w in stack.words[told:] if "is gone" in w]  # nobody unplugged it: the stack ended


@pytest.fixture(scope="module")
def mortal(start):
    """A stack whose hand is emulated here, where every byte is heard; it is moving all the time."""
    with EmulatedPort(registry.factory("emulators", "ability_hand")(SHEET)) as port:
        made = start(SLOW, stack="emg-hand", port=port.path, twin=False)
        made.wire, made.applied = Wire(port), []
        made.probe.node.create_subscription(
            topics.APPLIED.type, topics.APPLIED.name, lambda m: made.applied.append((stamp(m), tuple(m.position))),
            topics.reliable(5000),
        )  # fmt: skip
        try:
            yield made.ready()
        finally:
            made.close()


def stamp(message):
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def in_motion(stack):
    assert stack.until(lambda: following(stack) and stack.wire.moving(), 40.0), (
        stack.diagnostics[-1],
        stack.words[-3:],
    )


@pytest.mark.parametrize("name", ["emg", "policy", "perturbation"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_node_that_dies_leaves_the_hand_in_its_fail_state_and_nothing_jumps(mortal, name, how):
    """The fail state is to hold for 100 ms, then silence: so the target changes in the periods of 100 ms at most, is
    written in those of 200 ms, and the hand's own watchdog fires."""
    stack, wire = mortal, mortal.wire
    in_motion(stack)
    stack.diagnostics.clear()
    pid, fired = stack.supervisor.pids()[name], wire.port.emulator.watchdog_events
    os.kill(pid, how)
    dead = time.monotonic()
    try:
        assert stack.probe.until(lambda: wire.port.emulator.watchdog_events > fired, 20.0)
        reason = "the node perturbation is not alive" if name == "perturbation" else "older than 80 ms"
        told = stack.probe.until(lambda: any(reason in d["idle"] for d in stack.diagnostics), 20.0)
        assert told, [d["idle"] for d in stack.diagnostics]
        over = time.monotonic()
        changes, written = wire.changes(dead), len(wire.targets(dead)[0])
    finally:
        if how == signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
    assert changes <= BUSY * PERIODS, f"the target changed {changes} times after {name} was {how.name}"
    assert written <= 2 * BUSY * PERIODS
    if how == signal.SIGKILL:
        assert stack.until(lambda: stack.supervisor.pids()[name] != pid, 5.0)
    in_motion(stack)
    assert wire.largest_step(over, wire.targets(over)[0][0] + 0.08) <= BUSY * GENTLE < FASTEST
    assert wire.largest_step(dead - 1.0) <= FASTEST


def last_will(frames):
    """Targets of the server: it asks for the shortest reply each time, the effector every second time."""
    targets: list[np.ndarray] = []
    for _, header, target in reversed(frames):
        if header != codec.POSITION | 2:
            break
        targets.insert(0, target)
    return targets[1:] if len(frames) > len(targets) else targets  # the first may be the effector's last one


def test_the_effector_killed_leaves_a_last_will_and_comes_back(mortal):
    """The server of the port holds the hand where it is, again and again, and gives the hand back."""
    stack, wire = mortal, mortal.wire
    in_motion(stack)
    stack.kill("effector")
    dead = time.monotonic()
    assert stack.probe.until(lambda: any(header == codec.EXIT_API for _, header, _ in wire.frames(dead)), 20.0)
    frames = wire.frames(dead)
    held = last_will(frames[: [header for _, header, _ in frames].index(codec.EXIT_API)])
    assert 0 < len(held) <= 6  # 100 ms, every 20 ms
    assert np.abs(np.diff(held[1:], axis=0)).max(initial=0.0) <= COUNT  # the first may be the last command
    before = stack.supervisor.restarts.get("effector", 0)
    stack.diagnostics.clear()
    assert stack.until(lambda: stack.supervisor.restarts.get("effector", 0) == before + 1, 5.0)
    in_motion(stack)
    assert wire.largest_step(dead - 1.0) <= FASTEST


def test_the_effector_held_up_is_stopped_by_the_port_server_and_goes_on(mortal):
    stack, wire = mortal, mortal.wire
    in_motion(stack)
    pid = stack.supervisor.pids()["effector"]
    os.kill(pid, signal.SIGSTOP)
    dead = time.monotonic()

    def silent():
        frames = wire.frames(dead)
        return len(frames) > 1 and time.monotonic() - frames[-1][0] > 3 * IDLE_S

    try:
        assert stack.probe.until(silent, 20.0)
        assert 0 < len(last_will(wire.frames(dead))) <= 6  # 100 ms, every 20 ms
    finally:
        os.kill(pid, signal.SIGCONT)
    in_motion(stack)
    assert wire.largest_step(dead - 1.0) <= FASTEST
    assert stack.report()["device"]["stalls"] >= 1 and stack.supervisor.pids()["effector"] == pid


FAULTS = {
    "unplug": "is gone",
    "silence": "no answer for",
    "half": "damaged or foreign frames",
    "checksum": "damaged or foreign frames",
    "foreign": "no answer for",
}


@pytest.mark.parametrize("fault, sentence", FAULTS.items())
def test_a_faulty_hand_is_idle_at_once_and_recovers_by_itself(mortal, fault, sentence):
    """No new target after 100 ms, though commands go on; what was asked for is told by the effector itself."""
    stack, wire = mortal, mortal.wire
    in_motion(stack)
    stack.diagnostics.clear(), stack.applied.clear(), wire.port.events.clear()
    wire.port.fault(fault)
    try:
        assert stack.until(lambda: any(sentence in d["idle"] for d in stack.diagnostics), 20.0), stack.diagnostics[-1]
        begun = wire.port.events[0][0]
        stack.spin(0.3)
        changes, applied = wire.changes(begun), list(stack.applied)
    finally:
        wire.port.heal()
        over = time.monotonic()
    since = begun + time.time() - time.monotonic()
    followed = [then for (_, a), (then, b) in zip(applied, applied[1:], strict=False) if a != b and then > since]
    assert len(followed) <= BUSY * PERIODS and changes <= BUSY * PERIODS
    in_motion(stack)
    assert wire.largest_step(over) <= FASTEST  # from where it is, whatever it was told in vain
    assert not stack.report()["error"]
