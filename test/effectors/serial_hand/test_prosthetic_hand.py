"""A hand on an emulated port: what it says when it cannot be had, and what it does when nobody commands it."""

import contextlib
import resource
import time

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.effectors.serial_hand.hands import ability_hand
from myoprosthesis.effectors.serial_hand.prosthetic_hand import HandOptions
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import data_sheets, grips
from myoprosthesis.testing import check_effector, check_hand_protocol

PATIENCE_S = 10.0
HANDS = registry.names("hand_protocols")


def served(name, **changes):
    return EmulatedPort(registry.factory("emulators", name)(data_sheets.load(name, **changes)))


def made(name, port, **options):
    kind = registry.options("effectors", name)
    return registry.factory("effectors", name)(build(kind, {"port": port.path, **options}))


def run(guard, seconds, target, until=lambda: False):
    begin = time.monotonic()
    while time.monotonic() - begin < seconds and not until():
        state = guard.step(target)
        time.sleep(guard.spec.dt)
    return state, time.monotonic() - begin


@pytest.mark.parametrize("name", HANDS)
def test_every_hand_passes_the_check_of_hands(name, fuzz_bytes):
    make = [registry.factory(kind, name) for kind in ("hand_protocols", "emulators")]
    check_hand_protocol(data_sheets.load(name), *make, fuzz_bytes)


@pytest.mark.parametrize("name", HANDS)
def test_every_hand_passes_the_check_of_effectors(name):
    with served(name) as port:
        check_effector(lambda: made(name, port))


@pytest.mark.parametrize("name", HANDS)
def test_a_reset_moves_slowly_to_the_safe_pose(name):
    with served(name) as port:
        fingers = port.emulator.motors
        closed = port.emulator.spec.column("closed")
        fingers.position, fingers.target = 0.5 * closed, 0.5 * closed
        hand = made(name, port)
        begin = time.monotonic()
        state = hand.reset(0)
        took = time.monotonic() - begin
        data = port.emulator.spec
        far = float(np.abs(0.5 * closed - grips.pose(data, data.safe)).max())
        assert took >= 0.95 * far / data.approach_rate
        np.testing.assert_allclose(state.joint_position, grips.pose(data, data.safe), atol=0.1)
        hand.close()


def test_idle_it_is_silent_until_the_hand_has_stopped_by_itself_and_then_only_asks():
    with served("ability_hand") as port:
        hand = ability_hand(HandOptions(port=port.path))
        guard = GuardedEffector(hand)
        guard.reset(0)
        goal = grips.pose(data_sheets.load("ability_hand"), "power")
        run(guard, 0.3, goal)
        guard.estop()
        run(guard, 0.15, goal)
        target, quiet = port.emulator.motors.target.copy(), hand.events["frames_sent"]
        run(guard, 0.4, goal)
        assert hand.events["frames_sent"] == quiet and not port.emulator.api
        assert port.emulator.watchdog_events == 1
        np.testing.assert_allclose(port.emulator.motors.position, target, atol=0.02)
        run(guard, 0.5, goal)
        assert hand.events["frames_sent"] > quiet and not port.emulator.api
        guard.resume()
        before = port.emulator.motors.position.copy()
        run(guard, 0.2, goal)
        assert np.abs(port.emulator.motors.position - before).max() < 0.25  # 1 rad/s, not 6
        guard.close()
        time.sleep(0.05)
        assert not port.emulator.api and port.emulator.watchdog_events == 1  # left, not timed out


@contextlib.contextmanager
def stopped(fail):
    """A hand on its way to a grip when it was stopped: its port, its guard, and the grip."""
    with served("ability_hand") as port:
        guard = GuardedEffector(ability_hand(HandOptions(port=port.path, fail=fail)))
        power = grips.pose(data_sheets.load("ability_hand"), "power")
        guard.reset(0)
        with contextlib.closing(guard):
            run(guard, 0.4, power)
            guard.estop()
            yield port, guard, power


@pytest.mark.parametrize("fail", ["relax", "point"])
def test_relaxing_and_a_grip_are_fail_states_too(fail):
    with stopped(fail) as (port, guard, power):
        motors = port.emulator.motors
        if fail == "relax":
            run(guard, PATIENCE_S, power, lambda: motors.drive is not None and not motors.drive.any())
            np.testing.assert_array_equal(motors.drive, np.zeros(6))
        else:
            run(guard, PATIENCE_S, power, lambda: np.allclose(motors.target, guard.spec.fail, atol=1e-3))
            np.testing.assert_allclose(motors.target, guard.spec.fail, atol=1e-3)


@pytest.mark.parametrize("fail", ["hold", "point"])
def test_held_up_in_its_fail_state_it_begins_it_again_where_the_hand_is(fail):
    """A program that was held up must ask where the hand is; what it asks must not keep the hand from stopping itself,
    and a pose that is the fail state is reached nevertheless."""
    with stopped(fail) as (port, guard, power):
        motors = port.emulator.motors
        run(guard, 0.03, power)
        time.sleep(0.25)
        assert not port.emulator.watchdog_events
        targets = []
        run(guard, PATIENCE_S, power, lambda: targets.append(motors.target.copy()) or port.emulator.watchdog_events)
        assert guard.device_events["stalls"] == 1 and port.emulator.watchdog_events == 1
        if fail == "point":
            np.testing.assert_allclose(targets[-2], guard.spec.fail, atol=1e-3)
        else:
            assert np.ptp(targets, axis=0).max() < 0.02


def waited():
    """How often this thread gave up the processor by itself."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def test_a_step_neither_waits_nor_sleeps():
    with served("ability_hand") as port:
        hand = ability_hand(HandOptions(port=port.path))
        guard = GuardedEffector(hand)
        guard.reset(0)
        computed, waits = np.zeros((2, 100)), np.zeros((2, 100))
        with contextlib.closing(guard):
            for k in range(200):
                if k == 100:
                    port.fault("unplug")
                computing, waiting = time.thread_time(), waited()
                guard.step(np.zeros(6))
                computed.flat[k], waits.flat[k] = time.thread_time() - computing, waited() - waiting
                time.sleep(0.005)
            assert guard.reason
        # other threads of this process, the emulated hand's among them, hold up many a step, but not all of them
        assert not np.quantile(waits, 0.1, axis=1).any() and (np.median(computed, axis=1) < 5e-3).all()


def test_options_are_checked():
    with pytest.raises(ConfigError, match="fail 'faint': hold, relax, or a grip"):
        ability_hand(HandOptions(fail="faint"))
    with pytest.raises(ConfigError, match="is outside"):
        build(HandOptions, {"dt": 1.0})


class Clock:
    """Time that the test makes."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Line:
    """A port whose other side is the test: what the hand tells, and what was written."""

    path, error, server_pid, reopened = "here", "", 0, 0

    def __init__(self):
        self.written, self.wills, self.state = [], [], b""

    def open(self):
        pass

    def write(self, data, will=None):
        self.written.append(data)
        self.wills.append(will)

    def read(self):
        out, self.state = self.state, b""
        return out

    def take_stall(self):
        return 0.0

    def close(self, data=b""):
        self.written.append(data)


class Bytes:
    """A protocol that is easy to read: a state or a target is its numbers."""

    def __init__(self, data):
        from collections import Counter

        self.spec, self.counts = data, Counter()

    def enable(self):
        return b""

    query = release = limp = enable

    def command(self, position):
        return np.array(position, float).tobytes()

    failsafe_frame = command

    def parse(self, data):
        from myoprosthesis.hands.protocol import HandState

        return [HandState(np.frombuffer(data))] if data else []


@pytest.fixture
def hand():
    """A hand on a line of the test, its clock, and a function that runs one period of it."""
    from myoprosthesis.effectors.serial_hand.prosthetic_hand import ProstheticHand

    clock, line = Clock(), Line()
    made = ProstheticHand(Bytes(data_sheets.load("ability_hand")), HandOptions(port="here"), clock)
    made._port, made._open = line, True

    def period(target, told=None, idle=False):
        clock.now += made.spec.dt
        line.state = b"" if told is None else np.array(told, float).tobytes()
        (made.idle if idle else made.step)(np.asarray(target, float), NO_DISTURBANCE)
        return np.frombuffer(line.written[-1]) if line.written[-1] else None

    return made, line, period


WAY = np.array([1.0, 1.0, 1.0, 1.0, 1.0, -1.0])
"""Which way the joints of an Ability Hand close."""
SPEED = 0.5
"""rad/s of a hand that lags behind its targets, which go ahead at 1 rad/s."""


STOP = 6
"""Periods of motion, 30 ms, within which it is to stand: one on the way there and back, and the lag of the motors."""


def moving(period, made):
    """For 0.3 s the hand goes after a far target; its last place."""
    place = np.zeros(6)
    for _ in range(60):
        period(1.5 * WAY, place)
        place = place + SPEED * made.spec.dt * WAY
    return place - SPEED * made.spec.dt * WAY


def ahead(made, position, place):
    """How far a target is ahead of a place, in periods of the motion."""
    return (position - place) * WAY / (SPEED * made.spec.dt)


def test_a_stop_sends_a_hand_to_where_it_is_and_neither_back_nor_to_its_last_target(hand):
    made, line, period = hand
    place = moving(period, made)
    assert (ahead(made, np.frombuffer(line.written[-1]), place) > 40).all()
    sent = period(1.5 * WAY, place + SPEED * made.spec.dt * WAY, idle=True)
    assert (ahead(made, sent, place) >= 0).all() and (ahead(made, sent, place) <= STOP).all()
    for k in range(5):  # once: what it does afterwards changes nothing
        again = period(1.5 * WAY, place - 0.01 * k * WAY, idle=True)
        np.testing.assert_array_equal(again, sent)
        np.testing.assert_array_equal(np.frombuffer(line.wills[-1].frames[0]), sent)


def test_a_hand_that_is_not_heard_any_more_is_held_near_where_it_told_last(hand):
    """At most as far beyond as it came until it counts as lost."""
    made, line, period = hand
    place = moving(period, made)
    for _ in range(100):
        period(1.5 * WAY)
        if made.fault:
            break
    assert "no answer" in made.fault
    sent = ahead(made, np.frombuffer(next(data for data in reversed(line.written) if data)), place)
    assert (sent >= 0).all() and (sent <= 0.05 / made.spec.dt + STOP).all()


def test_the_last_will_and_the_end_of_a_moving_hand_are_where_it_is(hand):
    made, line, period = hand
    place = moving(period, made)
    assert (np.abs(ahead(made, np.frombuffer(line.wills[-1].frames[0]), place)) <= STOP).all()
    made.close()
    assert (np.abs(ahead(made, np.frombuffer(line.written[-2]), place)) <= STOP).all()


def test_a_target_that_is_not_finite_is_a_stop(hand):
    made, line, period = hand
    place = moving(period, made)
    assert (np.abs(ahead(made, period(np.full(6, np.inf), place), place)) <= STOP).all()
