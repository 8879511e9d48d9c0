"""The emulated port behaves as a wire: paced, spoilt on demand, deaf at another speed."""

import os
import time

import numpy as np
import pytest
import serial

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.ability_hand import AbilityHandEmulator
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.emulators.fault import KINDS, Fault
from myoprosthesis.hands import data_sheets
from myoprosthesis.hands.ability_hand import AbilityHand


@pytest.fixture
def port():
    with EmulatedPort(AbilityHandEmulator(data_sheets.load("ability_hand"))) as made:
        yield made


def collect(line, n, seconds=30.0):
    out, end = b"", time.monotonic() + seconds
    while len(out) < n and time.monotonic() < end:
        out += line.read(4096)
    return out


def test_replies_come_at_the_pace_of_the_baud_rate(port):
    codec = AbilityHand(data_sheets.load("ability_hand"))
    paces = []
    with serial.Serial(port.path, 460800, timeout=0.01) as line:
        while not paces or paces[-1] >= 1.5 and len(paces) < 50:  # a machine that is busy now and then holds them up
            begin = time.monotonic()
            line.write(b"".join(codec.query() for _ in range(100)))
            states = codec.parse(collect(line, 50 * (41 + 74)))
            paces.append((time.monotonic() - begin) / (50 * (41 + 74) * 10 / 460800))
            assert len(states) == 100
    assert min(paces) >= 1.0 and paces[-1] < 1.5, paces


def test_another_baud_rate_hears_garbage(port):
    codec = AbilityHand(data_sheets.load("ability_hand"))
    with serial.Serial(port.path, 115200, timeout=0.01) as line:
        line.write(sent := codec.query() * 10)
        end = time.monotonic() + 30.0
        while port.counts["bytes_in"] < len(sent) and time.monotonic() < end:  # all are read at this rate
            time.sleep(0.01)
        assert codec.parse(collect(line, 100, 0.2)) == []
        line.baudrate = 460800
        line.write(b"\x7e" + codec.query())
        assert len(codec.parse(collect(line, 41))) == 1


def test_the_hand_stops_by_itself_after_300_ms():
    data = data_sheets.load("ability_hand")
    hand, codec = AbilityHandEmulator(data), AbilityHand(data)
    goal = np.array([1.7] * 5 + [-1.7])
    hand.receive(codec.command(goal), 0.0)
    hand.advance(0.1)
    moving = hand.motors.position[0]
    assert 0.3 < moving < 0.1 * 8.07
    hand.receive(codec.query(), 0.15)  # keeps API mode, and the target, alive
    hand.advance(0.4)
    assert hand.api
    hand.advance(0.46)
    assert not hand.api and hand.watchdog_events == 1
    hand.receive(codec.command(goal * 0), 0.5)
    hand.receive(codec.release(), 0.51)
    assert not hand.api and hand.watchdog_events == 1


def test_no_joint_is_faster_or_further_than_its_sheet_says():
    data = data_sheets.load("ability_hand")
    hand, codec = AbilityHandEmulator(data), AbilityHand(data)
    before = hand.motors.position.copy()
    for k in range(1, 200):
        hand.receive(codec.command(np.array([2.5] * 5 + [-2.5])), k * 0.005)
        assert (np.abs(hand.motors.position - before) <= 8.07 * 0.0061).all()
        before = hand.motors.position.copy()
    np.testing.assert_allclose(before, [1.74] * 5 + [-1.74])


def test_unplugged_the_port_is_gone_and_comes_back_under_its_name(port):
    line = serial.Serial(port.path, 460800, timeout=0.05)
    port.fault("unplug", 0.2)
    with pytest.raises((serial.SerialException, OSError)):
        for _ in range(100):
            line.read(1)
    assert not os.path.exists(port.path)
    line.close()
    end = time.monotonic() + 2.0
    while not os.path.exists(port.path) and time.monotonic() < end:
        time.sleep(0.01)
    codec = AbilityHand(data_sheets.load("ability_hand"))
    with serial.Serial(port.path, 460800, timeout=0.05) as again:
        again.write(codec.query())
        assert len(codec.parse(collect(again, 41, 0.5))) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("stuck", Fault("stuck")),
        ("silence", Fault("silence", 0.0, 0.3)),
        ("unplug@5:1", Fault("unplug", 5.0, 1.0)),
        ("half:2", Fault("half", 0.0, 2.0)),
    ],
)
def test_faults_are_read_from_words(text, fault):
    assert Fault.parse(text) == fault and fault.kind in KINDS


@pytest.mark.parametrize("text", ["", "explode", "half@x", "half:-1", "half@nan"])
def test_what_is_no_fault_is_refused(text):
    with pytest.raises(ConfigError):
        Fault.parse(text)
