"""Blocks of EMG as messages: to the bit there and back, and damaged ones."""

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import PointCloud2

from myoprosthesis.core.errors import CommandError
from myoprosthesis.nodes.emg_block_codec import EmgSampleReader, EmgSampleWriter

STAMP = 1_700_000_000_123_456_789
CHANNELS = ("ch1", "ch2", "biceps brachii")


def block(n=7, seed=0):
    values = np.random.default_rng(seed).normal(0, 1e-4, (n, 3)).astype(np.float32).astype(float)
    return np.arange(n) / 2000 + 1e-9, values


def as_others_read_it(data):
    return deserialize_message(data, PointCloud2)


def message(n=7, **changes):
    made = as_others_read_it(EmgSampleWriter(CHANNELS).pack(STAMP, *block(n)))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def read(data):
    return EmgSampleReader().read(data)


@pytest.mark.parametrize("n", [1, 7, 400])
def test_what_comes_is_what_was_sent_to_the_bit(n):
    times, values = block(n)
    values[0, 1] = np.nan
    told = read(EmgSampleWriter(CHANNELS, "forearm").pack(STAMP, times, values))
    assert told.channels == CHANNELS and told.stamp_ns == STAMP
    np.testing.assert_array_equal(told.times, times)
    np.testing.assert_array_equal(told.values, values)
    assert told.newest_ns == STAMP + round(times[-1] * 1e9)


def test_a_message_stands_on_its_own_as_others_read_it():
    """One float32 field per channel after the time: 8 + 3·4 bytes a sample, little endian."""
    times, values = block(2)
    data = EmgSampleWriter(CHANNELS, "forearm").pack(STAMP, times, values)
    made = as_others_read_it(data)
    assert len(serialize_message(made)) == len(data)  # the same but for what pads it
    assert (made.height, made.width, made.point_step, made.row_step) == (1, 2, 20, 40) and not made.is_bigendian
    assert [(f.name, f.offset, f.datatype, f.count) for f in made.fields] == [
        ("t", 0, 8, 1), ("ch1", 8, 7, 1), ("ch2", 12, 7, 1), ("biceps brachii", 16, 7, 1)
    ]  # fmt: skip
    assert made.header.frame_id == "forearm"
    rows = bytes(made.data)
    assert np.frombuffer(rows[20:28], "<f8")[0] == times[1]
    assert np.frombuffer(rows[28:40], "<f4").tolist() == values[1].tolist()


def test_blocks_follow_each_other_with_other_channels_and_lengths():
    """A reader keeps what it knows of a layout for as long as it is the same."""
    reader, names = EmgSampleReader(), (CHANNELS, CHANNELS, CHANNELS[::-1], ("ch1", "ch2", "triceps brachii"))
    writers = {n: EmgSampleWriter(n) for n in names}
    made = [(n, writers[n].pack(STAMP + k, *block(5 + k, seed=k))) for k, n in enumerate(names)]
    for k, (channels, data) in enumerate(made):
        told = reader.read(data)
        assert told.channels == channels and told.stamp_ns == STAMP + k
        np.testing.assert_array_equal(told.values, block(5 + k, seed=k)[1])


def test_fields_may_come_in_any_order_and_width():
    made = message(2)
    made.fields = [made.fields[k] for k in (2, 0, 1, 3)]
    told = read(serialize_message(made))
    assert told.channels == ("ch2", "ch1", "biceps brachii")
    np.testing.assert_array_equal(told.values, block(2)[1][:, [1, 0, 2]])


def without(made, *names):
    made.fields = [f for f in made.fields if f.name not in names]
    return made


def field(made, k, **changes):
    for name, value in changes.items():
        setattr(made.fields[k], name, value)
    return made


def with_times(times):
    return as_others_read_it(EmgSampleWriter(CHANNELS).pack(STAMP, np.array(times, float), np.zeros((len(times), 3))))


DAMAGED = {
    "cut": message(data=bytes(30)),
    "empty": message(data=b""),
    "wider than its bytes": message(width=8),
    "far wider": message(width=2**31, height=2),
    "no samples": message(width=0),
    "no time": without(message(), "t"),
    "no channels": without(message(), *CHANNELS),
    "no fields": without(message(), "t", *CHANNELS),
    "a channel twice": field(message(), 2, name="ch1"),
    "a field beyond the sample": field(message(), 3, offset=18),
    "a field far beyond it": field(message(), 3, offset=2**31),
    "fields of whole numbers": field(message(), 1, datatype=5),
    "an unknown type": field(message(), 1, datatype=0),
    "several numbers in a field": field(message(), 1, count=2),
    "no step": message(point_step=0),
    "a short step": message(point_step=12),
    "big endian": message(is_bigendian=True),
    "a time that is none": with_times([0.0, np.nan]),
    "a time without end": with_times([0.0, np.inf]),
    "a time out of this world": with_times([0.0, 1e300]),
}


@pytest.mark.parametrize("made", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_message_is_refused(made):
    with pytest.raises(CommandError, match="block of EMG"):
        _ = read(serialize_message(made)).newest_ns


def refused_or_sound(reader, data):
    try:
        told = reader.read(data)
    except CommandError:
        return
    assert told.values.shape == (len(told.times), len(told.channels)) and isinstance(told.newest_ns, int)


def test_random_bytes_are_read_or_refused():
    rng, reader = np.random.default_rng(0), EmgSampleReader()
    for _ in range(2000):
        made = message(3)
        for name in rng.choice(["width", "height", "point_step"], rng.integers(0, 3)):
            setattr(made, str(name), int(rng.integers(0, 50)))
        for f in made.fields:
            if rng.random() < 0.3:
                f.offset, f.datatype = int(rng.integers(0, 40)), int(rng.integers(0, 10))
        made.data = rng.bytes(int(rng.integers(0, 200)))
        refused_or_sound(reader, serialize_message(made))
    whole = bytearray(EmgSampleWriter(CHANNELS).pack(STAMP, *block(3)))
    for _ in range(5000):
        data = bytearray(whole[: rng.integers(0, len(whole) + 1)])
        for _ in range(rng.integers(0, 4)):
            if data:
                data[rng.integers(len(data))] = rng.integers(256)
        refused_or_sound(reader, bytes(data))
