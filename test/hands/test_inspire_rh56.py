"""The Inspire RH56's codec against bytes worked out by hand from the manual's frame and registers."""

import numpy as np
import pytest

from myoprosthesis.emulators.inspire_rh56 import InspireRh56Emulator
from myoprosthesis.hands import data_sheets
from myoprosthesis.hands.inspire_rh56 import InspireRh56

SHEET = data_sheets.load("inspire_rh56")
OPEN, CLOSED = SHEET.column("open"), SHEET.column("closed")

# 1486 = 0x05CE, 1546 = 0x060A, 1582 = 0x062E; 1000 = 0x03E8
READ_ANGLES = "eb 90 01 04 11 0a 06 0c 32"  # 01+04+11+0A+06+0C = 0x32
READ_REST = "eb 90 01 04 11 2e 06 2a 74"  # 01+04+11+2E+06+2A = 0x74
# 01+0F+12+CE+05 = 0xF5; + 6·(E8+03) = 6·0xEB = 0x582 → 0x677
ALL_OPEN = "eb 90 01 0f 12 ce 05" + 6 * " e8 03" + " 77"
ALL_CLOSED = "eb 90 01 0f 12 ce 05" + 12 * " 00" + " f5"
ACK = "90 eb 01 04 12 ce 05 01 eb"  # 01+04+12+CE+05+01 = 0xEB
# angles 500 = 0x01F4 on all: 01+0F+11+0A+06 = 0x31; + 6·(F4+01) = 0x5BE → 0x5EF
ANGLES = "90 eb 01 0f 11 0a 06" + 6 * " f4 01" + " ef"
# force 100 g on the first, current 250 mA = 0x00FA on the second, error 2 (too hot) on the third, status 0,
# 40 °C = 0x28: 01+2D+11+2E+06 = 0x73; + 64 + FA + 02 + 6·28 = 0x73+0x64+0xFA+0x02+0xF0 = 0x2C3
REST = (
    "90 eb 01 2d 11 2e 06 64 00"
    + (10 * " 00" + " 00 00 fa 00" + 8 * " 00" + " 00 00 02 00 00 00" + 6 * " 00" + 6 * " 28")
    + " c3"
)


def test_requests_are_these_bytes_one_at_a_time():
    codec = InspireRh56(SHEET)
    assert codec.query().hex(" ") == READ_REST
    assert codec.query() == codec.query() == b""  # a reply is awaited
    assert codec.query().hex(" ") == READ_ANGLES  # it was given up


@pytest.mark.parametrize(("pose", "golden"), [(OPEN, ALL_OPEN), (CLOSED, ALL_CLOSED), (CLOSED + 1, ALL_CLOSED)])
def test_targets_are_these_bytes_in_every_second_turn(pose, golden):
    codec, sent = InspireRh56(SHEET), []
    for _ in range(8):
        sent.append(codec.command(pose).hex(" "))
        codec.parse(bytes.fromhex(ACK))
    assert sent[1::2] == [golden] * 4 and sorted(sent[0::2]) == sorted([READ_ANGLES, READ_REST] * 2)


def test_waking_sets_the_hands_own_force_and_speed():
    codec = InspireRh56(SHEET)
    assert codec.enable() == b""
    first = codec.command(OPEN)
    codec.parse(bytes.fromhex("90 eb 01 04 12 da 05 01 f7"))
    second = codec.command(OPEN)
    grams = 510  # 5 N = 509.9 g = 0x01FE
    assert first[5:7].hex() == "da05" and first[7:19] == grams.to_bytes(2, "little") * 6
    assert second[5:7].hex() == "f205" and second[7:19].hex(" ") == "e8 03 " * 5 + "e8 03"


def test_readings_are_radians_newton_ampere_and_degrees():
    codec = InspireRh56(SHEET)
    assert codec.parse(bytes.fromhex(REST)) == []  # where it is, is not known yet
    (state,) = codec.parse(bytes.fromhex(ANGLES))
    np.testing.assert_allclose(state.position, (OPEN + CLOSED) / 2)
    np.testing.assert_allclose(state.force, [0.980665, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(state.current, [0, 0.25, 0, 0, 0, 0])
    np.testing.assert_allclose(state.temperature, [40] * 6)
    assert state.trouble == ("middle is too hot",)
    np.testing.assert_array_equal(
        np.frombuffer(codec.release()[7:19], "<i2"), [500] * 6
    )  # stays where it is when nobody speaks any more


def test_damaged_and_foreign_frames_are_counted():
    codec = InspireRh56(SHEET)
    assert codec.parse(bytes.fromhex(ANGLES[:-2] + "ee")) == []
    assert codec.parse(bytes.fromhex("90 eb 02 0f 11 0a 06" + 6 * " f4 01" + " f0")) == []
    assert dict(codec.counts) == {"damaged": 1, "foreign": 1}
    assert len(codec.parse(b"\x90\xeb\x90" + bytes.fromhex(ANGLES))) == 1


def test_any_cut_gives_the_same_states():
    stream = bytes.fromhex("90 00" + ANGLES + REST + ACK + "eb 90 eb" + ANGLES)
    assert len(InspireRh56(SHEET).parse(stream)) == 3
    for cut in range(len(stream)):
        codec = InspireRh56(SHEET)
        assert len(codec.parse(stream[:cut]) + codec.parse(stream[cut:])) == 3
        assert codec.counts["frames"] == 4


def test_the_emulator_answers_these_bytes_and_keeps_its_last_target():
    hand = InspireRh56Emulator(SHEET)
    assert [r.hex(" ") for r in hand.receive(bytes.fromhex(ALL_CLOSED), 0.0)] == [ACK]
    hand.advance(0.9)
    hand.advance(60.0)
    np.testing.assert_allclose(hand.motors.position, CLOSED, atol=1e-3)
    (reply,) = hand.receive(bytes.fromhex(READ_ANGLES), 60.0)
    assert reply[:7].hex(" ") == "90 eb 01 0f 11 0a 06" and not any(reply[7:19])
    assert hand.receive(bytes.fromhex("eb 90 02 04 11 0a 06 0c 33"), 60.0) == [] and hand.refused == 1
