"""The Ability Hand's codec against bytes worked out by hand from the ICD."""

import numpy as np
import pytest

from myoprosthesis.hands import data_sheets
from myoprosthesis.hands.ability_hand import PER_RAD, AbilityHand, Deframer, stuff

DEG = np.pi / 180


def hand():
    return AbilityHand(data_sheets.load("ability_hand"))


# 30° · 32767/150 = 6553.4 → 6553 = 0x1999, −6553 = 0xE667; 0x50 + 0x12 + 5·(0x99 + 0x19) + 0x67 + 0xE6 = 0x529 → 0xD7
THIRTY = "7e 50 12 99 19 99 19 99 19 99 19 99 19 67 e6 d7 7e"
# raw 0x007E and 0x007D are escaped; 0x50 + 0x12 + 0x7E + 0x7D = 0x15D → 0xA3
ESCAPED = "7e 50 12 7d 5e 00 7d 5d 00 00 00 00 00 00 00 00 00 a3 7e"


@pytest.mark.parametrize(
    ("degrees", "golden"),
    [
        ([30, 30, 30, 30, 30, -30], THIRTY),
        ([126 / PER_RAD / DEG, 125 / PER_RAD / DEG, 0, 0, 0, 0], ESCAPED),
        ([151, 0, 0, 0, 0, -151], "7e 50 12 ff 7f 00 00 00 00 00 00 00 00 01 80 9f 7e"),
    ],
)
def test_commands_are_these_bytes(degrees, golden):
    assert hand().command(np.array(degrees) * DEG) == bytes.fromhex(golden)


def test_queries_take_turns_and_leaving_is_three_bytes():
    codec = hand()
    assert [codec.query().hex(" ") for _ in range(3)] == ["7e 50 a2 0e 7e", "7e 50 a0 10 7e", "7e 50 a2 0e 7e"]
    assert codec.release().hex(" ") == "7e 50 7c 34 7e"
    assert codec.limp()[:3].hex(" ") == "7e 50 40"
    assert codec.enable() == b""


# index: 30°, 310 = 0.4995 A, rotor 649·4 = 2596 = 0x0A24 → 1 rad/s; index limited; the sum is 0x12A → 0xD6
VARIANT_3 = "7e 12 99 19 36 01" + 20 * " 00" + " 24 0a" + 10 * " 00" + " 01 d6 7e"
# thumb rotator −30°; touch sites 0xABC, 0x123 as BC 3A 12; the sum is 0x265 → 0x9B
VARIANT_1 = "7e 10" + 20 * " 00" + " 67 e6 00 00 bc 3a 12" + 42 * " 00" + " 00 9b 7e"
# as variant 1, without touch, with rotor −162.45·4 ≈ −650 = 0xFD76; 0x11 + 0x67 + 0xE6 + 0x76 + 0xFD = 0x2D1 → 0x2F
VARIANT_2 = "7e 11" + 20 * " 00" + " 67 e6 76 fd" + 45 * " 00" + " 00 2f 7e"


def test_reply_variant_3_is_position_current_velocity():
    (state,) = hand().parse(bytes.fromhex(VARIANT_3))
    np.testing.assert_allclose(state.position, [30 * DEG, 0, 0, 0, 0, 0], atol=5e-5)
    np.testing.assert_allclose(state.current, [0.5, 0, 0, 0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(state.velocity, [1, 0, 0, 0, 0, 0], atol=1e-12)
    assert state.touch is None
    assert state.trouble == ("the hand limits its index (hot, or stalled)",)


def test_reply_variants_1_and_2_have_touch():
    codec = hand()
    (first,) = codec.parse(bytes.fromhex(VARIANT_1))
    np.testing.assert_allclose(first.position, [0, 0, 0, 0, 0, -30 * DEG], atol=5e-5)
    volt = np.array([0xABC, 0x123]) * 3.3 / 4096
    np.testing.assert_allclose(first.touch[:2], 121591 / (33000 / volt + 10000) + 0.878894)
    assert not first.touch[2:].any() and first.touch.size == 30
    assert first.velocity is None and first.trouble == ()
    (second,) = codec.parse(bytes.fromhex(VARIANT_2))
    np.testing.assert_allclose(second.velocity, [0, 0, 0, 0, 0, -1], atol=1e-3)
    assert second.current is None


WRONG = {
    "checksum": VARIANT_3[:-5] + "d7 7e",
    "too short": "7e" + VARIANT_3[5:],
    "unknown header": VARIANT_3.replace("7e 12", "7e 52").replace("d6 7e", "96 7e"),
    "length of another variant": VARIANT_3.replace("7e 12", "7e 10").replace("d6 7e", "d8 7e"),
    "ends within an escape": VARIANT_3[:-5] + "7d 7e",
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_counted_and_the_next_frame_is_read(what):
    codec = hand()
    assert codec.parse(bytes.fromhex(WRONG[what])) == []
    assert (codec.counts["damaged"], codec.counts["frames"]) == (1, 0)
    assert len(codec.parse(bytes.fromhex(VARIANT_3))) == 1


def test_any_cut_gives_the_same_states():
    stream = bytes.fromhex("00 00" + VARIANT_3 + VARIANT_1 + "00" + VARIANT_2 + "7e 7e" + VARIANT_3)
    whole = [s.position.tobytes() for s in hand().parse(stream)]
    assert len(whole) == 4
    for cut in range(len(stream)):
        codec = hand()
        assert [s.position.tobytes() for part in (stream[:cut], stream[cut:]) for s in codec.parse(part)] == whole


def test_of_random_payloads_exactly_those_with_the_right_sum_are_accepted():
    rng, codec, right = np.random.default_rng(0), hand(), 0
    for _ in range(20_000):
        frame = bytes([0x12]) + rng.integers(0, 256, 38, np.uint8).tobytes()
        right += sum(frame) % 256 == 0
        codec.parse(stuff(frame))
    assert codec.counts["frames"] == right > 40
    assert codec.counts["damaged"] == 20_000 - right


def test_a_stream_without_flags_takes_no_memory():
    frames = Deframer()
    for _ in range(1000):
        assert frames.parse(b"\x01" * 1000) == []
    assert len(frames._partial) < 200
    assert len(hand().parse(b"\x01" * 100_000 + bytes.fromhex(VARIANT_3))) == 1
