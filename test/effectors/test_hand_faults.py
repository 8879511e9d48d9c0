"""Faults that a hand keeps to, motors that are missing, and a hand on a network."""

import time

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.errors import ConfigError, EffectorError
from myoprosthesis.core.options import build
from myoprosthesis.effectors.serial_hand.prosthetic_hand import HandOptions, ProstheticHand
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import data_sheets
from myoprosthesis.hands.ability_hand import AbilityHand
from myoprosthesis.hands.address import address
from myoprosthesis.testing import check_hand_owner

NETWORK = "127.0.0.1:0"


def served(name, path="", **changes):
    return EmulatedPort(registry.factory("emulators", name)(data_sheets.load(name, **changes)), path=path)


def made(name, path, **options):
    return registry.factory("effectors", name)(build(registry.options("effectors", name), {"port": path, **options}))


def until(done, seconds=30.0):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.005)
    return done()


def steps(guard, target, done, seconds=30.0):
    """Command `target` until `done`."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        guard.step(target)
        time.sleep(guard.spec.dt)
    return done()


def sound(hand):
    """The hand can be reset, which fails while it complains; a busy machine may hold the program up in between."""
    for left in (4, 3, 2, 1, 0):
        try:
            hand.reset(0)
            break
        except EffectorError as error:
            assert "held up" in str(error) and left, error
    hand.close()


@pytest.mark.parametrize("name", ["leap", "inspire_rh56", "inspire_rh56_modbus"])
def test_a_fault_that_stays_is_cleared_with_the_hand_limp(name):
    with served(name) as port:
        guard, fingers, k = GuardedEffector(made(name, port.path)), port.emulator.motors, port.index_joint
        guard.reset(0)
        goal = 0.5 * (port.emulator.spec.column("open") + port.emulator.spec.column("closed"))
        assert steps(guard, goal, lambda: abs(fingers.position[k] - goal[k]) < 0.5 * abs(goal[k]))
        port.fault("overload")
        assert steps(guard, goal, lambda: port.emulator.spec.names[k] in guard.reason), guard.reason
        port.heal()
        time.sleep(0.1)
        guard.step(goal)
        assert port.emulator.spec.names[k] in guard.reason  # its cause is gone, and the hand says it still
        guard.close()
        assert until(lambda: np.abs(fingers.velocity).max() < 1e-3)
        here = fingers.position.copy()
        before, after = made(name, port.path).reboot()
        assert len(before) == 1 and port.emulator.spec.names[k] in before[0] and after == ()
        np.testing.assert_allclose(fingers.position, here, atol=0.02)
        assert made(name, port.path).reboot() == ((), ())
        sound(made(name, port.path))


@pytest.mark.parametrize("name", ["ability_hand", "rohand"])
def test_a_hand_without_such_a_command_is_left_alone(name, tmp_path):
    with pytest.raises(EffectorError, match="has no command that clears a fault: switch it off and on"):
        made(name, str(tmp_path / "none")).reboot()
    with served(name) as port, pytest.raises(ConfigError, match="fault 'overload' is none of the"):
        port.fault("overload")


def test_a_motor_that_is_missing_is_named():
    with served("leap") as port:
        port.fault("absent")
        assert until(lambda: port.events)
        with pytest.raises(EffectorError, match=r"answers, but for the motor of index_mcp \(id 1\): look at the cable"):
            made("leap", port.path).reset(0)
        port.heal()
        assert until(lambda: len(port.events) == 2)
        guard = GuardedEffector(made("leap", port.path))
        guard.reset(0)
        port.fault("absent")
        open_ = port.emulator.spec.column("open")
        assert steps(guard, open_, lambda: "index_mcp (id 1)" in guard.reason), guard.reason
        guard.close()


def test_where_a_hand_is():
    assert address("192.168.11.210:6000") == ("192.168.11.210", 6000) and address("[::1]:502") == ("::1", 502)
    assert address("hand.local:6000") == ("hand.local", 6000)
    by_path = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:3:1.0"
    for path in ("/dev/ttyUSB0", by_path, "", "COM3:", ":6000", "hand:70000"):
        assert address(path) is None, path


def test_a_hand_on_a_network_follows_is_unplugged_and_comes_back():
    with served("inspire_rh56_modbus", NETWORK, framing="tcp") as port:
        guard = GuardedEffector(made("inspire_rh56_modbus", port.path))
        guard.reset(0)
        goal = 0.3 * port.emulator.spec.column("closed")
        assert steps(guard, goal, lambda: np.abs(port.emulator.motors.position - goal).max() < 0.01)
        port.fault("unplug")
        assert steps(guard, goal, lambda: "is gone" in guard.reason), guard.reason
        port.heal()
        assert steps(guard, 0.5 * goal, lambda: np.abs(port.emulator.motors.position - 0.5 * goal).max() < 0.01)
        guard.close()
        assert until(lambda: port._port.master < 0)  # let go


def test_the_last_will_is_done_over_a_network_too():
    check_hand_owner("inspire_rh56_modbus", NETWORK)


def test_what_is_not_on_a_network_is_refused():
    with pytest.raises(ConfigError, match="LEAP Hand is on a serial port; on a network can be: inspire_rh56_modbus"):
        made("leap", "10.0.0.1:6000")
    with served("inspire_rh56_modbus", NETWORK, framing="tcp") as port:
        path = port.path
    with pytest.raises(EffectorError, match=rf"{path} cannot be reached \(Connection refused\): is the hand on"):
        made("inspire_rh56_modbus", path).reset(0)


def test_an_emulated_hand_stays_until_nobody_speaks_to_it():
    with served("ability_hand") as port:
        begin = time.monotonic()
        port.settle(60.0, 60.0)
        assert time.monotonic() - begin < 30.0  # nobody ever spoke
        port.received.append((time.monotonic(), b""))
        port.settle(0.3)
        assert time.monotonic() - port.received[-1][0] >= 0.3


@pytest.mark.parametrize("lasting, ends", [(9, "follows"), (1000, "held up")])
def test_a_fault_that_passes_while_the_hand_opens_is_no_reason_not_to_begin(lasting, ends):
    """A clock that goes on by 0.1 s a period; the fault comes just before the end of the time that opening takes."""
    now = iter(np.arange(0.0, 1e3, 0.1))
    hand = ProstheticHand(
        AbilityHand(data_sheets.load("ability_hand")), HandOptions(port="none"), lambda: float(next(now))
    )
    periods = 0

    def tick(target, following):
        nonlocal periods
        periods += 1
        hand.fault = "held up" if 20 <= periods < 20 + lasting else ""
        return hand._state()

    hand._open, hand._tick = True, tick
    if ends == "follows":
        hand.reset(0)
        assert 20 + lasting <= periods < 60
    else:
        with pytest.raises(EffectorError, match="held up"):
            hand.reset(0)
        assert periods < 60
