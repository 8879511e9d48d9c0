"""The encoding of ROS messages, against bytes worked out by hand."""

import struct

import pytest

from myoprosthesis.core.cdr import LITTLE_ENDIAN, CdrCursor, align, put_string

# uint8 7, padding to 4, string "ab", padding to 8, uint64 9
LITTLE = bytes.fromhex("00010000 07 000000 03000000 616200 00 00000000 0900000000000000".replace(" ", ""))
BIG = bytes.fromhex("00000000 07 000000 00000003 616200 00 00000000 0000000000000009".replace(" ", ""))


@pytest.mark.parametrize("data", [LITTLE, BIG])
def test_numbers_and_strings_are_aligned_to_their_size(data):
    cursor = CdrCursor(data)
    assert (cursor.number("B"), cursor.string(), cursor.number("Q")) == (7, "ab", 9)
    assert cursor.place == len(data)


def test_what_is_written_is_read():
    out = bytearray(LITTLE_ENDIAN + b"\x07")
    put_string(out, "ab")
    align(out, 8)
    assert bytes(out) + struct.pack("<Q", 9) == LITTLE


@pytest.mark.parametrize("damaged", [LITTLE[:13], b"\x00\x03" + LITTLE[2:], LITTLE[:8] + b"\xff" * 4 + LITTLE[12:]])
def test_damaged_data_are_refused(damaged):
    with pytest.raises((ValueError, struct.error)):
        cursor = CdrCursor(damaged)
        (cursor.number("B"), cursor.string(), cursor.number("Q"))
