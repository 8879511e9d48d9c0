"""Dynamixel packets against the examples of the maker's e-manual, and the LEAP Hand's codec against bytes by hand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.leap import LeapEmulator
from myoprosthesis.hands import data_sheets
from myoprosthesis.hands import dynamixel as dxl
from myoprosthesis.hands.leap import Leap

SHEET = data_sheets.load("leap")

# Examples of emanual.robotis.com/docs/en/dxl/protocol2
PING = "ff ff fd 00 01 03 00 01 19 4e"
PONG = "ff ff fd 00 01 07 00 55 00 06 04 26 65 5d"
SYNC_READ = "ff ff fd 00 fe 09 00 82 84 00 04 00 01 02 ce fa"
SYNC_WRITE = "ff ff fd 00 fe 11 00 83 74 00 04 00 01 96 00 00 00 02 aa 00 00 00 82 87"
STATUS_1 = "ff ff fd 00 01 08 00 55 00 a6 00 00 00 8c c0"
STATUS_2 = "ff ff fd 00 02 08 00 55 00 1f 08 00 00 ba be"


def test_packets_are_those_of_the_manual():
    assert dxl.packet(1, dxl.PING).hex(" ") == PING
    assert dxl.packet(1, dxl.STATUS, bytes([0, 0x06, 0x04, 0x26])).hex(" ") == PONG
    assert dxl.sync_read(132, [1, 2], 4).hex(" ") == SYNC_READ
    assert dxl.sync_write(116, [1, 2], [150, 170], 4).hex(" ") == SYNC_WRITE


def test_packets_of_the_manual_are_read_however_they_are_cut():
    stream = bytes.fromhex("ff ff" + STATUS_1 + "ff" + STATUS_2 + PONG)
    wanted = [
        dxl.Packet(1, 0x55, bytes([0, 0xA6, 0, 0, 0])),
        dxl.Packet(2, 0x55, bytes([0, 0x1F, 8, 0, 0])),
        dxl.Packet(1, 0x55, bytes([0, 6, 4, 0x26])),
    ]
    for cut in range(len(stream)):
        counts = Counter()
        cutter = dxl.PacketParser(counts)
        assert cutter.parse(stream[:cut]) + cutter.parse(stream[cut:]) == wanted and not counts


def test_a_header_inside_is_escaped():
    inside = bytes([0xFF, 0xFF, 0xFD, 0x00, 0x01, 0xFF, 0xFF, 0xFD])
    sent = dxl.packet(3, dxl.WRITE, inside)
    assert sent[8:-2].hex(" ") == "ff ff fd fd 00 01 ff ff fd fd" and sent[5] == 3 + len(inside) + 2
    assert dxl.PacketParser(Counter()).parse(sent) == [dxl.Packet(3, dxl.WRITE, inside)]


def test_one_wrong_bit_is_counted_and_the_next_packet_is_read():
    for bit in range(8 * 15):
        wrong = bytearray.fromhex(STATUS_1)
        wrong[bit // 8] ^= 1 << bit % 8
        counts = Counter()
        cutter = dxl.PacketParser(counts)
        found = cutter.parse(bytes(wrong) + 3 * bytes.fromhex(STATUS_2) + b"\x00" * dxl.LONGEST)
        assert found[-1:] == [dxl.Packet(2, 0x55, bytes([0, 0x1F, 8, 0, 0]))], bit
        assert all(p.id == 2 for p in found)


def answers(codec, raw, error=0, ids=range(16), current=250, velocity=-100, celsius=40):
    block = current.to_bytes(2, "little", signed=True) + velocity.to_bytes(4, "little", signed=True)
    block += raw.to_bytes(4, "little", signed=True) + bytes(10) + bytes([celsius])
    return b"".join(dxl.packet(i, dxl.STATUS, bytes([error]) + block) for i in ids)


def test_readings_are_radians_ampere_and_degrees():
    """π rad is the flat hand; 3072 is a quarter turn further."""
    codec = Leap(SHEET)
    (state,) = codec.parse(answers(codec, 3072))
    np.testing.assert_allclose(state.position, np.full(16, np.pi / 2))
    np.testing.assert_allclose(state.velocity, np.full(16, -100 * 0.229 * 2 * np.pi / 60))
    np.testing.assert_allclose(state.current, np.full(16, 0.25))
    np.testing.assert_allclose(state.temperature, np.full(16, 40.0))
    assert state.trouble == () and codec.counts == {"frames": 16}


def test_a_motor_that_turns_the_other_way():
    joints = (replace(SHEET.joints[0], direction=-1), *SHEET.joints[1:])
    codec = Leap(replace(SHEET, joints=joints))
    (state,) = codec.parse(answers(codec, 3072))
    np.testing.assert_allclose(state.position[:2], [-np.pi / 2, np.pi / 2])
    assert state.velocity[0] > 0 > state.velocity[1]
    goals = codec.failsafe_frame(np.full(16, 0.5))
    assert int.from_bytes(goals[13:17], "little") == round(2048 - 0.5 * 4096 / 2 / np.pi)
    with pytest.raises(ConfigError, match="1 or -1"):
        replace(SHEET.joints[0], direction=0)


def test_a_reading_without_one_motor_is_no_reading():
    codec = Leap(SHEET)
    assert codec.parse(answers(codec, 2048, ids=[*range(7), *range(8, 16)])) == []
    assert codec.parse(answers(codec, 2048, ids=range(7, 16))) == []  # not the end of the one before
    assert codec.parse(answers(codec, 2048, ids=range(20, 36))) == [] and codec.counts["foreign"] == 16
    assert len(codec.parse(answers(codec, 2048))) == 1


def test_a_motor_that_raises_the_alarm_is_asked_why():
    codec = Leap(SHEET)
    (state,) = codec.parse(answers(codec, 2048, error=dxl.ALERT, ids=range(16)))
    assert state.trouble[3] == "the motor of index_dip reports a hardware error"
    assert codec.query() == dxl.sync_read(70, range(16), 1)
    assert codec.query() == dxl.sync_read(126, range(16), 21)
    codec.parse(b"".join(dxl.packet(i, dxl.STATUS, bytes([dxl.ALERT, 0b100100])) for i in range(16)))
    (state,) = codec.parse(answers(codec, 2048, error=dxl.ALERT))
    assert state.trouble[3] == "the motor of index_dip is too hot and is overloaded"


def test_waking_switches_the_motors_on_where_they_are():
    codec = Leap(SHEET)
    assert codec.enable() == b""  # where they are is not known yet
    codec.parse(answers(codec, 2100))
    told = dxl.PacketParser(Counter()).parse(codec.enable())
    written = [(p.parameters[0], int.from_bytes(p.parameters[5 : 5 + p.parameters[2]], "little")) for p in told]
    expected = [(98, 0), (64, 0), (11, 5), (80, 200), (82, 0), (84, 600), (102, 350), (116, 2100), (64, 1), (98, 10)]
    assert written == expected
    again = dxl.PacketParser(Counter()).parse(codec.enable())
    assert (64, 0) not in [(p.parameters[0], p.parameters[5]) for p in again]  # does not go limp a second time


def test_the_bus_watchdog_stops_the_motors_and_refuses_goals_until_it_is_reset():
    hand, codec = LeapEmulator(SHEET), Leap(SHEET)
    for reply in hand.receive(codec.query(), 0.0):
        codec.parse(reply)
    hand.receive(codec.enable() + codec.command(np.full(16, 0.8)), 0.01)
    hand.advance(0.06)
    where = hand.motors.position.copy()
    assert 0.1 < where[1] < 0.6
    hand.advance(0.20)
    hand.advance(0.23)
    assert hand.watchdog_events == 1
    stopped = hand.motors.position.copy()
    hand.receive(codec.failsafe_frame(np.full(16, 0.2)), 0.24)
    hand.advance(0.6)
    np.testing.assert_allclose(hand.motors.position, stopped, atol=0.02)
    assert hand.refused == 16
    hand.receive(codec.enable() + codec.failsafe_frame(np.full(16, 0.2)), 0.61)
    hand.advance(0.75)
    np.testing.assert_allclose(hand.motors.position, np.full(16, 0.2), atol=0.02)


def test_a_hand_without_servos_is_refused():
    with pytest.raises(ConfigError, match="needs `servos`"):
        Leap(replace(SHEET, servos=None))
