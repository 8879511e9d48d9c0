"""What is written is read again: by our reader, by the mcap library and by rosbags; and what others write, by ours."""

import json
import os
import resource
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import yaml
from mcap.reader import make_reader
from mcap.writer import CompressionType
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as RosbagsWriter
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.core.joint_state import JointStateReader, JointStateWriter
from myoprosthesis.recording import message_decoding
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.bag_writer import BagWriter
from myoprosthesis.recording.definitions import definition, stamped, type_hash
from myoprosthesis.recording.repair import repair

JOINT_STATE, STRING = "sensor_msgs/msg/JointState", "std_msgs/msg/String"
STORE = get_typestore(Stores.ROS2_JAZZY)
START, DT = 1_700_000_000_000_000_000, 10_000_000


def test_what_was_written_is_read(tmp_path, write, told):
    _, said = write(tmp_path, attachments={"session.yaml": b"name: mine\n", "empty": b""})
    bag = Bag(tmp_path)
    assert told(bag) == said and bag.faults == []
    assert {t.name: (t.type, t.count) for t in bag.topics.values()} == {
        "/state": (JOINT_STATE, 100), "/left/target": (STRING, 4),
    }  # fmt: skip
    assert bag.attachments() == {"session.yaml": b"name: mine\n", "empty": b""}
    assert (bag.first_ns, bag.last_ns) == (START, START + 99 * DT)
    assert told(Bag(tmp_path / "recording_0.mcap")) == said


def test_rosbags_and_the_mcap_library_read_the_same(tmp_path, write, by_rosbags):
    _, said = write(tmp_path, attachments={"a": b"1"})
    assert by_rosbags(tmp_path) == [(topic, log, data) for topic, log, _, data in said]
    with AnyReader([tmp_path], default_typestore=STORE) as reader:
        state = next(c for c in reader.connections if c.topic == "/state")
        assert state.msgcount == 100 and state.ext.offered_qos_profiles[0].depth == 1
        assert state.msgdef.data == definition(JOINT_STATE)
        message = reader.deserialize(next(reader.messages([state]))[2], JOINT_STATE)
        assert message.name == ["elbow", "biceps"] and message.effort.tolist() == [2.0, 2.0]
    with open(tmp_path / "recording_0.mcap", "rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "ros2"
        heard = [(c.topic, m.log_time, m.publish_time, m.data, m.sequence) for _, c, m in reader.iter_messages()]
        assert [m[:4] for m in heard] == said
        assert [m[4] for m in heard if m[0] == "/state"] == list(range(7, 107))
        assert [a.data for a in reader.iter_attachments()] == [b"1"]


def test_the_metadata_say_what_rosbag2_wants(tmp_path, write):
    write(tmp_path)
    meta = yaml.safe_load((tmp_path / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert meta["version"] == 9 and meta["storage_identifier"] == "mcap" and meta["message_count"] == 104
    assert meta["ros_distro"] in ("jazzy", "kilted", "rolling") or meta["ros_distro"] == os.environ.get("ROS_DISTRO")
    assert meta["starting_time"] == {"nanoseconds_since_epoch": START}
    assert meta["duration"] == {"nanoseconds": 99 * DT} and meta["relative_file_paths"] == ["recording_0.mcap"]
    state = meta["topics_with_message_count"][0]
    assert state["message_count"] == 100 and state["topic_metadata"]["offered_qos_profiles"][0]["depth"] == 1
    assert state["topic_metadata"]["type_description_hash"] == STORE.hash_rihs01(JOINT_STATE)


def test_a_recording_taken_up_again_goes_on_in_the_next_file(tmp_path, write, told, by_rosbags):
    _, first = write(tmp_path, ticks=30)
    _, second = write(tmp_path, ticks=30, first=30)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["metadata.yaml", "recording_0.mcap", "recording_1.mcap"]
    bag = Bag(tmp_path)
    assert told(bag) == first + second and {m.file for m in bag.messages()} == {0, 1}
    assert [m.file for m in bag.messages()] == sorted(m.file for m in bag.messages())
    assert by_rosbags(tmp_path) == [(topic, log, data) for topic, log, _, data in first + second]


def test_the_tenth_file_comes_after_the_ninth(tmp_path, write, told):
    said = [m for k in range(11) for m in write(tmp_path, ticks=2, first=2 * k)[1]]
    (tmp_path / "metadata.yaml").unlink()
    assert told(Bag(tmp_path)) == said


def test_only_what_is_asked_for(tmp_path, write, told):
    _, said = write(tmp_path)
    bag = Bag(tmp_path)
    start, end = START + 20 * DT, START + 40 * DT
    assert told(bag, topics=["target"]) == [m for m in said if m[0] == "/left/target"]
    assert told(bag, start_ns=start, end_ns=end) == [m for m in said if start <= m[1] < end]
    assert told(bag, topics=["/state"], start_ns=start + 1, end_ns=end) == [
        m for m in said if m[0] == "/state" and start < m[1] < end
    ]
    assert told(bag, topics=[]) == []


def test_topics_by_the_end_of_their_names(tmp_path, text):
    bag = BagWriter(tmp_path)
    for name in ("/twin/state", "/state", "/left/applied", "/right/applied"):
        bag.add(bag.topic(name, STRING), 1, text(name))
    bag.close()
    bag = Bag(tmp_path)
    assert bag.topic("state").name == "/state" and bag.topic("twin/state").name == "/twin/state"
    with pytest.raises(RecordingError, match="'applied' may be any of /left/applied, /right/applied"):
        bag.topic("applied")
    with pytest.raises(RecordingError, match="unknown topic 'stat': known are .*did you mean"):
        bag.topic("stat")
    assert bag.has("state") and not bag.has("command")


def test_tables_are_the_messages_decoded_at_once(tmp_path, write):
    _, said = write(tmp_path)
    tables = list(Bag(tmp_path).tables("state", rows=32))
    assert [len(t.stamp_ns) for t in tables] == [32, 32, 32, 4]
    frames = [JointStateReader().read(m[3]) for m in said if m[0] == "/state"]
    for row in ("position", "velocity", "effort"):
        assert np.array_equal(np.concatenate([getattr(t, row) for t in tables]), [getattr(f, row) for f in frames])
    assert np.concatenate([t.stamp_ns for t in tables]).tolist() == [f.stamp_ns for f in frames]
    assert np.concatenate([t.log_ns for t in tables]).tolist() == [START + k * DT for k in range(100)]
    assert {(t.topic, t.names, t.file) for t in tables} == {("/state", ("elbow", "biceps"), 0)}
    one = list(Bag(tmp_path).joint_states("state"))
    assert [(f.stamp_ns, f.names, f.effort.tolist()) for f in one] == [
        (f.stamp_ns, f.names, f.effort.tolist()) for f in frames
    ]


def test_tables_when_names_change_and_messages_are_damaged(tmp_path, write):
    bag = BagWriter(tmp_path)
    number = bag.topic("/command", JOINT_STATE)
    ab, ba, hidden = (
        JointStateWriter(("a", "b"), ("effort",)),
        JointStateWriter(("b", "a"), ("effort",)),
        JointStateWriter((), ("position",)),
    )
    sent = [ab.pack(-5, np.ones(2)), ab.pack(1, np.ones(2)), ba.pack(2, np.ones(2)), b"\0\1\0\0short", hidden.pack(3)]
    for k, data in enumerate([*sent, ab.pack(4, np.array([np.nan, 2.0]))]):
        bag.add(number, 100 + k, data)
    bag.close()
    bag = Bag(tmp_path)
    frames = list(bag.joint_states("command"))
    assert [(f.stamp_ns, f.names) for f in frames] == [
        (-5, ("a", "b")), (1, ("a", "b")), (2, ("b", "a")), (3, ()), (4, ("a", "b")),
    ]  # fmt: skip
    assert frames[0].position.size == 0 and frames[4].effort.tolist()[1] == 2.0
    assert bag.faults == ["1 messages of /command are damaged"]
    assert [m.publish_ns for m in bag.messages()] == [100, 1, 2, 103, 3, 4]  # a file has no time before 1970
    with pytest.raises(RecordingError, match="JointState; std_msgs/msg/String is needed"):
        list(bag.texts("command"))
    with pytest.raises(RecordingError, match="String; sensor_msgs/msg/JointState is needed"):
        write(tmp_path)
        list(Bag(tmp_path).tables("target"))


def test_texts_and_statuses_as_ros_says_them(tmp_path):
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    from rclpy.serialization import serialize_message
    from std_msgs.msg import String

    values = [KeyValue(key="trial", value="3"), KeyValue(key="why", value="né"), KeyValue(key="xyz", value="[1, 2]")]
    one = DiagnosticStatus(level=b"\2", name="task", message="end", hardware_id="h", values=values)
    bag = BagWriter(tmp_path)
    a, b = bag.topic("/target", STRING), bag.topic("/trial", "diagnostic_msgs/msg/DiagnosticStatus")
    bag.add(a, 1, serialize_message(String(data="Ellenbogen – é")))
    bag.add(a, 2, b"\0\1\0\0\xff\xff\xff\x0fcut")
    bag.add(b, 3, serialize_message(one))
    bag.close()
    bag = Bag(tmp_path)
    assert list(bag.texts("target")) == [(1, "Ellenbogen – é")] and bag.faults == ["1 messages of /target are damaged"]
    status = message_decoding.Status(2, "task", "end", "h", {"trial": 3, "why": "né", "xyz": [1, 2]})
    assert list(bag.statuses("trial")) == [(3, status)]
    assert message_decoding.statuses(serialize_message(DiagnosticArray(status=[one, one]))) == [status, status]


KINDS = [
    *("std_msgs/msg/String", "std_msgs/msg/Header", "sensor_msgs/msg/JointState", "sensor_msgs/msg/PointCloud2"),
    *("diagnostic_msgs/msg/DiagnosticArray", "diagnostic_msgs/msg/DiagnosticStatus", "rosgraph_msgs/msg/Clock"),
    *("geometry_msgs/msg/PoseStamped", "geometry_msgs/msg/TwistStamped", "geometry_msgs/msg/WrenchStamped"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_definitions_mean_what_rosbags_knows(kind):
    made = get_types_from_msg(definition(kind), kind)
    assert kind in made
    for name, fields in made.items():
        assert fields == STORE.fielddefs[name], name
    assert type_hash(kind) == STORE.hash_rihs01(kind)


def test_which_messages_have_a_stamp():
    assert {k for k in KINDS if stamped(k)} == {
        *("sensor_msgs/msg/JointState", "sensor_msgs/msg/PointCloud2", "diagnostic_msgs/msg/DiagnosticArray"),
        *("geometry_msgs/msg/PoseStamped", "geometry_msgs/msg/TwistStamped", "geometry_msgs/msg/WrenchStamped"),
    }
    assert definition("nobody_msgs/msg/Nothing") == "" and not stamped("nobody_msgs/msg/Nothing")
    assert definition("nonsense") == type_hash("nonsense") == type_hash("nobody_msgs/msg/Nothing") == ""


@pytest.mark.parametrize("compression", list(CompressionType), ids=lambda c: c.name)
@pytest.mark.parametrize("chunked", [True, False], ids=["chunks", "bare"])
def test_what_the_mcap_library_writes(tmp_path, compression, chunked, told, library_file):
    said = library_file(tmp_path / "other.mcap", compression, chunked)
    bag = Bag(tmp_path / "other.mcap")
    assert told(bag) == said and bag.faults == ([] if chunked else bag.faults)
    assert bag.topic("state").count == 200 and told(Bag(tmp_path)) == said


def test_what_rosbags_writes(tmp_path, text):
    with RosbagsWriter(tmp_path / "b", version=9, storage_plugin=StoragePlugin.MCAP) as out:
        connection = out.add_connection("/emg/raw", STRING, typestore=STORE)
        for k in range(50):
            out.write(connection, 1000 + k, text(str(k)))
    assert list(Bag(tmp_path / "b").texts("emg/raw")) == [(1000 + k, str(k)) for k in range(50)]


FOREIGN = {
    "no MCAP": (lambda p, f: p.write_bytes(b"time,emg\n0,1\n"), "is no MCAP file"),
    "ROS 1": (lambda p, f: f(p, profile="ros1"), "is no recording of ROS 2: its profile is 'ros1'"),
    "ROS 1, bare": (lambda p, f: f(p, chunked=False, profile="ros1"), "its profile is 'ros1'"),
    "JSON": (lambda p, f: f(p, encoding="json"), "topic /state has messages encoded as 'json'"),
}


@pytest.mark.parametrize("make, sentence", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path, make, sentence, library_file):
    make(tmp_path / "a.mcap", library_file)
    with pytest.raises(RecordingError, match=sentence) as caught:
        Bag(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_recording(tmp_path):
    with pytest.raises(RecordingError, match="there is no .mcap file in it"):
        Bag(tmp_path)
    with pytest.raises(RecordingError, match="does not exist"):
        Bag(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    (tmp_path / "a.db3").write_bytes(b"SQLite format 3")
    for place in (tmp_path, tmp_path / "a.db3"):
        with pytest.raises(RecordingError, match=r"holds SQLite \(a.db3\).*emg info .*a.db3.*ros2 bag convert"):
            Bag(place)
    with pytest.raises(RecordingError, match="holds SQLite"):
        repair(tmp_path)
    with pytest.raises(RecordingError, match="cannot be a recording"):
        BagWriter(tmp_path / "file")


def test_a_reader_holds_a_chunk_and_no_more(tmp_path):
    bag = BagWriter(tmp_path)
    number = bag.topic("/emg/raw", STRING)
    block = np.random.default_rng(0).bytes(100_000)
    for k in range(400):
        bag.add(number, k, b"\0\1\0\0" + block)
    bag.close()
    bag = Bag(tmp_path)
    tracemalloc.start()
    try:
        assert sum(len(m.data) for m in bag.messages()) == 400 * 100_004
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()


FULL = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
from myoprosthesis.core.errors import RecordingError
from myoprosthesis.recording.bag_writer import BagWriter
import random
bag = BagWriter(Path(sys.argv[1]))
number, good, errors = bag.topic("/a", "std_msgs/msg/String"), [], []
draw = random.Random(0)
def put(k):
    bag.add(number, k, draw.randbytes(1000))
    try:
        bag.flush()
        good.append(k)
    except RecordingError as error:
        errors.append(str(error))
for k in range(100):
    put(k)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if sys.argv[2] == "freed":
    put(100)
    bag.close()
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
    try:
        bag.close()
    except RecordingError as error:
        errors.append(str(error))
print(json.dumps([good, errors[-1], len(errors), bag.lost]))
"""


@pytest.mark.parametrize("end", ["freed", "full"])
def test_a_full_disk_costs_what_comes_after_and_nothing_before(tmp_path, end):
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path), end], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    good, error, errors, lost = json.loads(done.stdout)
    assert 20 < len(good) < 80 and "cannot be written: File too large; what was recorded before can be read" in error
    assert lost == 101 - len(good) - (end == "full") and errors == lost + (end == "full")
    bag = Bag(tmp_path)
    assert [m.log_ns for m in bag.messages()] == good
    assert bool(bag.faults) == (end == "full")
