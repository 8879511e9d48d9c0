"""Bytes against those of rclpy's own serialisation, and bytes that must be refused."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from myoprosthesis.core.errors import CommandError
from myoprosthesis.core.joint_state import JointStateReader, JointStateWriter

ROWS = ("position", "velocity", "effort")
STAMP = 1_700_000_000_123_456_789
NAMES = [
    (),
    ("a",),
    ("ab", "c"),
    ("abc", "", "x" * 5),
    ("Ellenbogen – Beugung", "肘", "é" * 7),
    tuple(f"muscle_{i}" + "y" * (i % 9) for i in range(104)),
    ("z" * 3000, "q"),
]


def message(names, rows=ROWS, frame="", stamp=STAMP, seed=0):
    header = Header(stamp=Time(sec=stamp // 10**9, nanosec=stamp % 10**9), frame_id=frame)
    values = {r: np.random.default_rng((seed, k)).normal(size=len(names)).tolist() for k, r in enumerate(rows)}
    return JointState(header=header, name=list(names), **values)


@pytest.mark.parametrize("frame", ["", "w", "world", "f" * 254, "f" * 255, "f" * 65534])
@pytest.mark.parametrize("names", NAMES, ids=len)
@pytest.mark.parametrize("rows", [ROWS, ("position",), ("effort",), ("velocity", "effort"), ()], ids=str)
def test_both_ways_against_rclpy(names, rows, frame):
    told = message(names, rows, frame)
    values = [np.array(getattr(told, r)) for r in rows] if names else []
    data = JointStateWriter(names, rows, frame).pack(STAMP, *values)
    assert deserialize_message(data, JointState) == told
    for source in (data, serialize_message(told)):  # rclpy leaves what it likes in the padding
        frame_read = JointStateReader().read(source)
        assert frame_read.names == tuple(names) and frame_read.stamp_ns == STAMP
        for row in ROWS:
            assert getattr(frame_read, row).tolist() == list(getattr(told, row))


def test_a_writer_is_used_again_and_what_it_gave_stays():
    writer = JointStateWriter(("a", "b"), ("effort",))
    first = writer.pack(1, np.array([1.0, 2.0]))
    second = writer.pack(-2, np.array([3.0, np.nan]))
    assert JointStateReader().read(first).effort.tolist() == [1.0, 2.0]
    read = JointStateReader().read(second)
    assert read.stamp_ns == -2 and read.effort[0] == 3.0 and np.isnan(read.effort[1])
    with pytest.raises(ValueError):
        writer.pack(0, np.zeros(3))
    with pytest.raises(ValueError):
        writer.pack(0, np.zeros(2), np.zeros(2))


def test_names_are_one_tuple_until_they_change():
    reader = JointStateReader()
    first = reader.read(serialize_message(message(("a", "b"), seed=1)))
    again = reader.read(serialize_message(message(("a", "b"), seed=2)))
    assert again.names is first.names and again.position.tolist() != first.position.tolist()
    moved = reader.read(serialize_message(message(("b", "a"))))
    assert moved.names == ("b", "a") and first.names == ("a", "b")
    framed = reader.read(serialize_message(message(("b", "a"), frame="elsewhere")))
    assert framed.names is moved.names


def test_what_lies_in_the_padding_does_not_matter():
    told = message(("a", "bcde", "f"), frame="xy")
    data = JointStateWriter(told.name, ROWS, "xy").pack(STAMP, *(np.array(getattr(told, r)) for r in ROWS))
    garbled = bytearray(data)
    padding = [k for k in range(12, len(data)) if carries_nothing(data, k)]
    assert padding
    for k in padding:
        garbled[k] = 0xAB
    read = JointStateReader().read(bytes(garbled))
    assert read.names == ("a", "bcde", "f") and read.effort.tolist() == list(told.effort)


def carries_nothing(data, k):
    """Whether byte `k` carries nothing, by rclpy's own reading."""
    changed = bytearray(data)
    changed[k] ^= 0x5A
    try:
        return deserialize_message(bytes(changed), JointState) == deserialize_message(data, JointState)
    except Exception:
        return False


@pytest.mark.parametrize("order", [b"\x00\x00", b"\x00\x02", b"\x00\x03", b"\x00\x07", b"\x01\x00", b""])
def test_other_encodings_are_refused(order):
    with pytest.raises(CommandError, match="only little-endian CDR"):
        JointStateReader().read(order + serialize_message(message(("a",)))[2:] if order else b"")


def test_every_truncation_is_refused():
    full = JointStateWriter(("abc", "de"), ROWS, "world").pack(STAMP, *np.ones((3, 2)))
    for warm in (False, True):
        for n in range(len(full)):
            reader = JointStateReader()
            if warm:
                reader.read(full)
            with pytest.raises(CommandError):
                reader.read(full[:n])
            assert reader.read(full).names == ("abc", "de")


def test_a_state_whose_rows_do_not_fit_its_names_has_no_table():
    read = JointStateReader().read(serialize_message(message(("a", "b"), ("position",))))
    with pytest.raises(CommandError, match="2 names with 2 positions, 0 velocities"):
        read.rows()


def test_no_bytes_whatever_break_the_reader():
    """Flips, cuts and insertions: either a message or one sentence, and the reader is as good as before."""
    rng = np.random.default_rng(0)
    whole = JointStateWriter(("abc", "", "muscle/activation"), ROWS, "world").pack(STAMP, *rng.normal(size=(3, 3)))
    reader, read = JointStateReader(), 0
    for _ in range(20000):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 6)):
            at = int(rng.integers(4, len(data)))
            deed = rng.integers(4)
            if deed == 0:
                data[at] = rng.integers(256)
            elif deed == 1:
                del data[at : at + int(rng.integers(1, 9))]
            elif deed == 2:
                data[at:at] = rng.bytes(int(rng.integers(1, 9)))
            else:
                data[at : at + 4] = b"\xff\xff\xff\xff"
            if len(data) < 8:
                break
        try:
            reader.read(bytes(data))
            read += 1
        except CommandError:
            pass
    assert 0 < read < 20000
    assert reader.read(whole).names == ("abc", "", "muscle/activation")
