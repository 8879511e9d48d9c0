"""A hand on the move, and something dies: the fail state within 100 ms, measured on the hand's wire, and no jump."""

import os
import signal
import time

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import ability_hand as codec
from myoprosthesis.hands import sheet
from myoprosthesis.nodes import topics

SHEET = sheet.load("ability_hand")
IDLE_S = 0.1
"""What is promised."""
COUNT = 1.01 / codec.PER_RAD
"""One step of the wire, rad."""
FASTEST, GENTLE = (rate * SHEET.dt + COUNT for rate in (SHEET.rate_limit, SHEET.approach_rate))
"""The largest step of a target in one period: ever, and after a fault."""
SLOW = {"emg": {"labels": ["close", "open"]}, "policy": {"speed": 0.6}}
"""Closing and opening by turns, so slowly that the hand is always on its way."""


class Wire:
    """What an emulated hand heard on its wire: times (s, monotonic) and targets (n, 6), rad."""

    def __init__(self, port):
        self.port = port

    def frames(self, since=0.0):
        """(time, header, target or None) of each frame."""
        cut, out = codec.Unstuffer(), []
        for then, data in list(self.port.heard):
            for frame in cut.feed(data):
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

    def last_change(self, since):
        """When the target changed last after `since`; `since` if it did not."""
        times, x = self.targets(since - 0.1)
        changed = times[1:][np.abs(np.diff(x, axis=0)).any(axis=1)]
        return max([since, *changed[changed > since]])

    def largest_step(self, since, silence_s=np.inf):
        """Between two frames after `since`, per period (frames are lost where a machine is busy), except those that
        were further apart than `silence_s`. A silence counts as one period: a hand goes on from where it is."""
        times, x = self.targets(since)
        steps, gaps = np.abs(np.diff(x, axis=0)).max(axis=1), np.diff(times)
        periods = np.where(gaps < IDLE_S, np.maximum(1.0, gaps / SHEET.dt), 1.0)
        return float((steps / periods)[gaps < silence_s].max())


@pytest.fixture(scope="module")
def mortal(start):
    """A stack whose hand is emulated here, where every byte is heard; it is moving all the time."""
    with EmulatedPort(registry.factory("emulators", "ability_hand")(SHEET)) as port:
        made = start(SLOW, stack="emg-hand", port=port.path, twin=False)
        made.wire, made.applied, made.states = Wire(port), [], []
        for topic, heard in (
            (topics.APPLIED, lambda m: made.applied.append((stamp(m), tuple(m.position)))),
            (topics.STATE, lambda m: made.states.append((time.time(), stamp(m)))),
        ):
            made.probe.node.create_subscription(topic.type, topic.name, heard, topics.reliable(5000))
        try:
            yield made.ready()
        finally:
            made.close()


def stamp(message):
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def following(stack):
    return stack.diagnostics and stack.diagnostics[-1]["idle"] == ""


def in_motion(stack):
    assert stack.until(lambda: following(stack) and stack.wire.moving(), 40.0), (
        stack.diagnostics[-1],
        stack.words[-3:],
    )


def late(stack, since):
    """What came late here because the machine is busy: a state bears the time of its publication."""
    return max([heard - told for heard, told in stack.states if heard > since], default=0.0)


def idle_for(stack, seconds):
    """Listen without starting anybody again."""
    stack.probe.until(lambda: False, seconds)


@pytest.mark.parametrize("name", ["emg", "policy", "perturbation"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_node_that_dies_leaves_the_hand_in_its_fail_state_and_nothing_jumps(mortal, name, how):
    """The fail state is to hold for 100 ms, then silence: so the last target that differs from the one before it comes
    within 100 ms, the last target at all within 200 ms, and the hand's own watchdog fires."""
    stack, wire = mortal, mortal.wire
    in_motion(stack)
    stack.states.clear(), stack.diagnostics.clear()
    pid, fired = stack.supervisor.pids()[name], wire.port.emulator.watchdog_events
    os.kill(pid, how)
    dead, wall = time.monotonic(), time.time()
    try:
        idle_for(stack, 1.2)
        allowed, written, held = late(stack, wall), wire.targets(dead)[0], wire.targets()[1][-1]
        stopped, over = wire.last_change(dead) - dead, time.monotonic()
    finally:
        if how == signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
    assert stopped <= IDLE_S + allowed, f"{stopped * 1e3:.0f} ms, {allowed * 1e3:.0f} of them under way"
    assert written.size and written[-1] - dead <= 2 * IDLE_S + allowed
    assert wire.port.emulator.watchdog_events == fired + 1
    reason = "the node perturbation is not alive" if name == "perturbation" else "older than 80 ms"
    assert any(reason in d["idle"] for d in stack.diagnostics), [d["idle"] for d in stack.diagnostics]
    if how == signal.SIGKILL:
        assert stack.until(lambda: stack.supervisor.pids()[name] != pid, 5.0)
    in_motion(stack)
    times, x = wire.targets(over)
    again = np.vstack([held, x])
    gentle = again[: 1 + np.count_nonzero(times < times[0] + 0.08)]
    assert np.abs(np.diff(gentle, axis=0)).max() <= GENTLE
    assert wire.largest_step(dead - 1.0) <= FASTEST


def test_the_effector_killed_leaves_a_last_will_and_comes_back(mortal):
    """The keeper of the port writes where the hand was sent last, again and again, and gives the hand back."""
    stack, wire = mortal, mortal.wire
    in_motion(stack)
    target = wire.port.emulator.fingers.target.copy()
    stack.kill("effector")
    dead = time.monotonic()
    idle_for(stack, 0.6)
    frames = wire.frames(dead)
    will = [then for then, header, _ in frames if header == codec.POSITION | 2]
    assert will and will[0] - dead <= IDLE_S
    assert frames[-1][1] == codec.LEAVE and frames[-1][0] - dead <= 3 * IDLE_S and not wire.port.emulator.api
    held = wire.targets(dead)[1]
    assert np.abs(held - target).max() <= FASTEST and np.abs(np.diff(held[1:], axis=0)).max(initial=0.0) <= COUNT
    before = stack.supervisor.restarts.get("effector", 0)
    stack.diagnostics.clear()
    assert stack.until(lambda: stack.supervisor.restarts.get("effector", 0) == before + 1, 5.0)
    in_motion(stack)
    assert wire.largest_step(dead - 1.0) <= FASTEST


def test_the_effector_held_up_is_stopped_by_the_keeper_and_goes_on(mortal):
    stack, wire = mortal, mortal.wire
    in_motion(stack)
    pid = stack.supervisor.pids()["effector"]
    os.kill(pid, signal.SIGSTOP)
    dead = time.monotonic()
    idle_for(stack, 0.8)
    will = [then for then, header, _ in wire.frames(dead) if header == codec.POSITION | 2]
    held = wire.targets()[1][-1]
    os.kill(pid, signal.SIGCONT)
    went_on = time.monotonic()
    assert will and will[0] - dead <= IDLE_S and will[-1] - dead <= 3 * IDLE_S
    in_motion(stack)
    assert np.abs(np.diff(np.vstack([held, wire.targets(went_on)[1]]), axis=0)).max() <= FASTEST
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
    stack.states.clear(), stack.diagnostics.clear(), stack.applied.clear()
    wire.port.fault(fault, 1.5)
    begun, wall = time.monotonic(), time.time()
    idle_for(stack, 1.3)
    allowed = late(stack, wall)
    changed = [then - wall for (_, a), (then, b) in zip(stack.applied, stack.applied[1:], strict=False) if a != b]
    assert max(changed, default=0.0) <= IDLE_S, f"{max(changed) * 1e3:.0f} ms after it began"
    assert wire.last_change(begun) - begun <= IDLE_S + allowed
    assert any(sentence in d["idle"] for d in stack.diagnostics), [d["idle"] for d in stack.diagnostics]
    here, over = wire.port.emulator.fingers.position.copy(), time.monotonic()
    in_motion(stack)
    assert np.abs(wire.targets(over)[1][0] - here).max() <= FASTEST  # from where it is, whatever it was told in vain
    assert wire.largest_step(begun - 1.0, silence_s=IDLE_S) <= FASTEST and not stack.report()["error"]


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
        assert not any("is gone" in d["idle"] or "no answer" in d["idle"] for d in stack.diagnostics)
        os.kill(emulator, signal.SIGKILL)
        assert stack.until(lambda: stack.diagnostics[-1]["idle"], 5.0)
        assert stack.until(lambda: stack.supervisor.pids()["emulator"] != emulator, 5.0)
        assert stack.until(lambda: following(stack), 30.0), (stack.diagnostics[-1], stack.words[-3:])
    finally:
        stack.close()
