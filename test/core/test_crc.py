"""Checksums against the check values of the catalogue of CRC algorithms, and against division bit by bit."""

import numpy as np
import pytest

from myoprosthesis.core.crc import crc16_ibm_3740, crc16_modbus, crc16_umts


def reversed_bits(value, width):
    return int(f"{value:0{width}b}"[::-1], 2)


def divided(data, polynomial, start, reflected):
    value = start
    for byte in data:
        value ^= (reversed_bits(byte, 8) if reflected else byte) << 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & 0x8000 else value << 1) & 0xFFFF
    return reversed_bits(value, 16) if reflected else value


@pytest.mark.parametrize(
    ("crc", "check", "polynomial", "start", "reflected"),
    [
        (crc16_ibm_3740, 0x29B1, 0x1021, 0xFFFF, False),
        (crc16_modbus, 0x4B37, 0x8005, 0xFFFF, True),
        (crc16_umts, 0xFEE8, 0x8005, 0, False),
    ],
)
def test_the_remainder_is_that_of_the_division(crc, check, polynomial, start, reflected):
    assert crc(b"123456789") == crc(bytearray(b"123456789")) == check
    data = np.random.default_rng(0).bytes(500)
    assert [crc(data[:k]) for k in range(300)] == [divided(data[:k], polynomial, start, reflected) for k in range(300)]
