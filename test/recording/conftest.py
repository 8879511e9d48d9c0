"""Recordings for tests: written by us and by the mcap library, read by us and by rosbags."""

import numpy as np
import pytest
from mcap.writer import CompressionType
from mcap.writer import Writer as LibraryWriter
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.recording.bag_writer import BagWriter

JOINT_STATE, STRING = "sensor_msgs/msg/JointState", "std_msgs/msg/String"
STORE = get_typestore(Stores.ROS2_JAZZY)
QOS = {
    "history": "keep_last", "depth": 1, "reliability": "reliable", "durability": "volatile",
    "deadline": {"sec": 9223372036, "nsec": 854775807}, "lifespan": {"sec": 9223372036, "nsec": 854775807},
    "liveliness": "automatic", "liveliness_lease_duration": {"sec": 9223372036, "nsec": 854775807},
    "avoid_ros_namespace_conventions": False,
}  # fmt: skip
START = 1_700_000_000_000_000_000
DT = 10_000_000


def text(words):
    raw = words.encode() + b"\0"
    return b"\0\1\0\0" + len(raw).to_bytes(4, "little") + raw


def write(folder, ticks=100, per_chunk=10, first=0, attachments=None, close=True):
    """`ticks` states of a body of two, a text now and then; the writer and the messages (topic, log, stamp, data)."""
    bag = BagWriter(folder, attachments)
    pack = JointStateWriter(("elbow", "biceps"), frame="world").pack
    state = bag.topic("/state", JOINT_STATE, [QOS])
    plan = bag.topic("/left/target", STRING, [QOS])
    said = []
    for tick in range(first, first + ticks):
        log = START + tick * DT
        data = pack(tick * DT, *(np.array([tick, -tick]) + k for k in range(3)))
        bag.add(state, log, data, 7 + tick)
        said.append(("/state", log, tick * DT, data))
        if tick % 25 == 0:
            data = text(f'{{"trial": {tick // 25}}}')
            bag.add(plan, log + 1, data)
            said.append(("/left/target", log + 1, log + 1, data))
        if tick % per_chunk == per_chunk - 1:
            bag.flush()
    if close:
        bag.close()
    return bag, said


def told(bag, **more):
    return [(m.topic, m.log_ns, m.publish_ns, m.data) for m in bag.messages(**more)]


def by_rosbags(folder):
    with AnyReader([folder], default_typestore=STORE) as reader:
        return [(c.topic, log, raw) for c, log, raw in reader.messages()]


def library_file(path, compression=CompressionType.ZSTD, chunked=True, profile="ros2", encoding="cdr"):
    """Log times go to and fro, across chunks too."""
    said = []
    with open(path, "wb") as file:
        out = LibraryWriter(file, 2000, compression, use_chunking=chunked)
        out.start(profile)
        schema = out.register_schema(JOINT_STATE, "ros2msg", b"x")
        channel = out.register_channel("/state", encoding, schema)
        for k in range(200):
            log = 1000 + k + (7 if k % 20 == 19 else 0)
            said.append(("/state", log, k, b"%05d" % k * 10))
            out.add_message(channel, log, said[-1][3], k)
        out.finish()
    return sorted(said, key=lambda m: m[1])


@pytest.fixture(scope="session", name="write")
def _write():
    return write


@pytest.fixture(scope="session", name="told")
def _told():
    return told


@pytest.fixture(scope="session", name="by_rosbags")
def _by_rosbags():
    return by_rosbags


@pytest.fixture(scope="session", name="library_file")
def _library_file():
    return library_file


@pytest.fixture(scope="session", name="text")
def _text():
    return text
