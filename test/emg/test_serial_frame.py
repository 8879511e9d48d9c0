"""The framed mode: bytes worked out by hand, any cut of the stream, one frame for one damaged byte."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import serial_frame
from myoprosthesis.emg.serial_frame import BoardDescription, EmgFrame, FrameDecoder

# two channels, one sample: 1 and −2, number 0x0102; the CRC worked out bit by bit below
BY_HAND = bytes.fromhex("a55a 02 0201 01 0100 feff")


def crc_by_hand(body):
    crc = 0xFFFF
    for byte in body:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def stream(frames=60, n=5, channels=4, kind=serial_frame.INT16):
    rng = np.random.default_rng(3)
    top = 1 << (8 * serial_frame.WIDTH[kind] - 1)
    out, sent = b"", []
    for k in range(frames):
        samples = rng.integers(-top, top, (n, channels)).astype(np.int32)
        if k == 7:
            samples[0, :2] = 0x5AA5  # sync inside
        sent.append(EmgFrame((65_500 + k * n) % serial_frame.MODULO, samples))
        out += serial_frame.encode(sent[-1], kind)
    return out, sent


def same(a, b):
    return len(a) == len(b) and all(
        x.counter == y.counter and np.array_equal(x.samples, y.samples) for x, y in zip(a, b, strict=True)
    )


def test_bytes_worked_out_by_hand():
    whole = BY_HAND + crc_by_hand(BY_HAND[2:]).to_bytes(2, "little")
    assert serial_frame.encode(EmgFrame(0x0102, np.array([[1, -2]], np.int32))) == whole
    (frame,) = FrameDecoder().parse(whole)
    assert frame.counter == 0x0102 and frame.samples.tolist() == [[1, -2]]
    wide = bytes.fromhex("a55a 41 0000 02 ffff7f 000080")
    wide += crc_by_hand(wide[2:]).to_bytes(2, "little")
    (frame,) = FrameDecoder().parse(wide)
    assert frame.samples.tolist() == [[8_388_607], [-8_388_608]]
    told = bytes.fromhex("a55a c8 1027 00 40420f00 0000803a 00080000")
    told += crc_by_hand(told[2:]).to_bytes(2, "little")
    assert FrameDecoder().parse(told) == [BoardDescription(8, 1000.0, 2.0**-10, 2048)]
    assert serial_frame.describe(BoardDescription(8, 1000.0, 2.0**-10, 2048), 10_000) == told


@pytest.mark.parametrize("kind", [serial_frame.INT16, serial_frame.INT24])
def test_any_cut_gives_the_same_frames(kind):
    data, sent = stream(kind=kind)
    rng = np.random.default_rng(0)
    for cuts in (range(1, len(data)), np.sort(rng.integers(0, len(data), 40)), ()):
        decoder, places = FrameDecoder(), [0, *cuts, len(data)]
        got = [f for a, b in zip(places[:-1], places[1:], strict=True) for f in decoder.parse(data[a:b])]
        assert same(got, sent)
        assert decoder.counts["damaged"] == 0


@pytest.mark.parametrize("kind", [serial_frame.INT16, serial_frame.INT24])
@pytest.mark.parametrize("how", ["lost", "turned", "added"])
def test_a_damaged_byte_costs_one_frame(kind, how):
    data, sent = stream(frames=12, kind=kind)
    size = len(data) // 12
    for at in range(3 * size, 5 * size):
        if how == "lost":
            spoilt = data[:at] + data[at + 1 :]
        elif how == "added":
            spoilt = data[: at + 1] + b"\xa5" + data[at + 1 :]
        else:
            spoilt = data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]
        decoder = FrameDecoder()
        got = decoder.parse(spoilt) + decoder.parse(b"\x00" * 600)  # a length that became too long is over by then
        hit = at // size
        whole = [f for k, f in enumerate(sent) if k != hit]
        if how == "added" and at % size in (0, size - 1):  # an 0xA5 before or between frames costs none
            whole = sent
        assert same(got, whole), (at, len(got))
        assert decoder.counts["damaged"] <= 2  # the frame, and the zeros at the end


def test_noise_gives_no_frames_and_the_next_one_is_understood():
    decoder, rng = FrameDecoder(), np.random.default_rng(1)
    for _ in range(100):
        assert decoder.parse(rng.integers(0, 256, 10_000, np.uint8).tobytes()) == []
    data, sent = stream()
    got = decoder.parse(data)
    assert len(got) >= len(sent) - 20 and got[-1].counter == sent[-1].counter
    assert len(decoder._rest) < serial_frame.MOST + 10


def test_joining_in_the_middle_is_no_damage():
    data, sent = stream()
    decoder = FrameDecoder()
    assert same(decoder.parse(data[13:]), sent[1:])
    assert decoder.counts["damaged"] == 0


def test_what_does_not_fit_is_refused():
    for samples in (np.full((1, 1), 40_000), np.zeros((0, 3)), np.zeros((1, 33)), np.zeros((200, 8))):
        with pytest.raises(ConfigError, match="fit"):
            serial_frame.encode(EmgFrame(0, samples.astype(np.int32)))
