"""Modbus frames against the examples of the specification, and two hands against bytes worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.crc import crc16_modbus
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emulators.modbus import ModbusHandEmulator
from myoprosthesis.hands import data_sheets
from myoprosthesis.hands.modbus import READ, WRITE, ModbusHand, frame, write

INSPIRE, ROHAND = data_sheets.load("inspire_rh56_modbus"), data_sheets.load("rohand")


def test_the_sum_is_that_of_the_specification():
    """Modbus over Serial Line V1.02, 6.2.2: 02 07 gives 41 12."""
    assert frame(2, 7, b"").hex(" ") == "02 07 41 12"


# 1546 = 0x060A, 1486 = 0x05CE, 1000 = 0x03E8; sums by the division of the specification, on paper for the first
READ_ANGLES = "01 03 06 0a 00 06"
ALL_OPEN = "01 10 05 ce 00 06 0c" + 6 * " 03 e8"


def whole(body):
    data = bytes.fromhex(body)
    return data + crc16_modbus(data).to_bytes(2, "little")


def test_requests_are_these_bytes_one_at_a_time():
    codec = ModbusHand(INSPIRE)
    asked = [codec.query() for _ in range(6)]
    assert [bool(a) for a in asked] == [True, False, False, True, False, False]
    asked = {codec.query() for _ in range(60)} - {b""}
    blocks = {a[2:6].hex(" ") for a in asked}
    assert blocks == {"06 0a 00 06", "06 2e 00 07", "06 3a 00 08", "06 46 00 03", "06 52 00 04"}
    assert bytes.fromhex(READ_ANGLES + " e5 42") in asked
    assert codec.failsafe_frame(INSPIRE.column("open")) == whole(ALL_OPEN)
    assert codec.failsafe_frame(INSPIRE.column("closed"))[7:19] == bytes(12)
    assert write(1, 1486, np.array([-1.0]))[7:9].hex() == "ffff"  # leave the joint as it is


def test_every_third_request_is_a_target_and_settings_come_first():
    codec = ModbusHand(INSPIRE)
    assert codec.enable() == b""

    def reply(a):
        return frame(1, READ, bytes([2 * a[5]]) + bytes(2 * a[5])) if a[1] == READ else frame(1, WRITE, a[2:6])

    asked = []
    for _ in range(26):
        asked.append(codec.command(INSPIRE.column("open")))
        codec.parse(reply(asked[-1]))
    assert [a[2:4].hex() for a in asked[:2]] == ["05da", "05f2"]
    assert asked[0][7:9].hex() == "01fe" and asked[1][7:9].hex() == "03e8"
    kinds = [a[1] for a in asked[2:]]
    assert [WRITE] * 8 in [kinds[k::3] for k in range(3)] and kinds.count(WRITE) == 8
    read = [a[2:4].hex() for a in asked[2:] if a[1] == READ]
    assert read.count("060a") == 8 and read.count("0646") == 4  # angles; what is wrong


# angles 500 = 0x01F4; force −100 g = 0xFF9C on the first; bytes of status: pinky stalled, ring too hot
ANGLES = "01 03 0c" + 6 * " 01 f4"
FORCE = "01 03 0e ff 9c" + 12 * " 00"
STATUS = "01 03 06 02 01 00 00 00 00"
CELSIUS = "01 03 08 29 28 28 28 28 28 00 00"


def test_readings_are_told_apart_and_are_si():
    codec = ModbusHand(INSPIRE)
    assert codec.parse(whole(FORCE) + whole(STATUS) + whole(CELSIUS)) == []  # where it is, is not known yet
    (state,) = codec.parse(whole(ANGLES))
    np.testing.assert_allclose(state.position, INSPIRE.column("closed") / 2)
    np.testing.assert_allclose(state.force, [-0.980665, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(state.temperature, [40, 41, 40, 40, 40, 40])
    assert state.trouble == ("pinky is stalled", "ring is too hot")
    assert codec.release()[7:19].hex(" ") == " ".join(["01 f4"] * 6)


def test_rohand_speaks_hundredths_of_degrees():
    """The index is open at 178.37° and closed at 100.22°."""
    codec = ModbusHand(ROHAND)
    middle = (ROHAND.column("open") + ROHAND.column("closed")) / 2
    raw = np.frombuffer(codec.failsafe_frame(middle)[7:19], ">i2")
    np.testing.assert_allclose(raw, [(3676 + 226) / 2, (17837 + 10022) / 2, 13693.5, 13896, 13685, 4500], atol=0.5)
    words = np.array([3676, 17837, 17606, 17654, 17486, 0], ">i2").tobytes()
    (state,) = codec.parse(frame(2, READ, b"\x0c" + words))
    np.testing.assert_allclose(state.position, np.zeros(6), atol=1e-12)
    (state,) = codec.parse(frame(2, READ, b"\x0e" + np.array([0, 3, 5, 2, 1, 0, 0], ">i2").tobytes()))
    assert state.trouble == ("index stopped since it drew too much current",)


def test_damaged_foreign_and_refusing_replies_are_counted():
    codec = ModbusHand(INSPIRE)
    wrong = bytearray(whole(ANGLES))
    wrong[5] ^= 1
    assert codec.parse(bytes(wrong)) == [] and codec.counts["damaged"] == 1
    other = bytes.fromhex("02" + ANGLES[2:])
    assert codec.parse(other + crc16_modbus(other).to_bytes(2, "little")) == [] and codec.counts["foreign"] == 1
    assert codec.parse(frame(1, 0x83, b"\x02")) == [] and codec.counts["refused"] == 1
    assert len(codec.parse(b"\x01\x03" + whole(ANGLES))) == 1


def test_any_cut_gives_the_same_states():
    stream = whole(ANGLES) + whole(FORCE) + b"\x00" + frame(1, WRITE, bytes.fromhex("05ce0006")) + whole(STATUS)
    stream += whole(ANGLES)
    assert len(ModbusHand(INSPIRE).parse(stream)) == 4
    for cut in range(len(stream)):
        codec = ModbusHand(INSPIRE)
        assert len(codec.parse(stream[:cut]) + codec.parse(stream[cut:])) == 4
        assert codec.counts["frames"] == 5


def test_the_emulator_refuses_what_it_does_not_have():
    hand = ModbusHandEmulator(INSPIRE)
    for request, code in (("01 04 06 0a 00 06", 1), ("01 03 00 00 00 06", 2), ("01 03 06 0a 00 00", 3)):
        (reply,) = hand.receive(whole(request), 0.0)
        assert reply[:3] == bytes([1, int(request[3:5], 16) | 0x80, code])
    (reply,) = hand.receive(whole("01 06 05 ce 00 00"), 0.0)
    assert reply == whole("01 06 05 ce 00 00")
    hand.advance(1.0)
    np.testing.assert_allclose(hand.motors.position, [2.75, 0, 0, 0, 0, 0], atol=1e-3)


def test_tables_that_cannot_work_are_refused():
    table = INSPIRE.registers
    with pytest.raises(ConfigError, match="same number of words"):
        replace(table, readings=(table.readings[0], replace(table.readings[1], words=6)))
    with pytest.raises(ConfigError, match="one reading must hold the angles"):
        replace(table, readings=table.readings[1:])
    with pytest.raises(ConfigError, match="raw_open and a raw_closed"):
        ModbusHand(replace(INSPIRE, joints=tuple(replace(j, raw_closed=1000) for j in INSPIRE.joints)))
    with pytest.raises(ConfigError, match="needs `registers`"):
        ModbusHand(replace(INSPIRE, registers=None))
