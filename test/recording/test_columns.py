"""A recording as CSV files and data frames: the numbers that were recorded, under their names and times."""

import csv
import json

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from myoprosthesis.core.errors import RecordingError
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.nodes.emg_block_codec import EmgSampleWriter
from myoprosthesis.recording import columns
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.bag_writer import BagWriter

START = 1_700_000_000_000_000_000
JOINT_STATE, STRING = "sensor_msgs/msg/JointState", "std_msgs/msg/String"
STATUS = "diagnostic_msgs/msg/DiagnosticStatus"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, text):
    """States whose names change once, texts, statuses with further keys later, samples, a pose, and a damaged one."""
    from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
    from geometry_msgs.msg import PoseStamped

    out = tmp_path_factory.mktemp("r")
    bag = BagWriter(out)
    state, target = bag.topic("/left/state", JOINT_STATE), bag.topic("/left/target", STRING)
    trial, emg = bag.topic("/left/trial", STATUS), bag.topic("/left/emg/raw", "sensor_msgs/msg/PointCloud2")
    pose = bag.topic("/left/target/pose", "geometry_msgs/msg/PoseStamped")
    for k in range(6):
        names = ("a", "b/c") if k < 4 else ("a", "d")
        pack = JointStateWriter(names, ("position", "effort")).pack
        stamp = START + k * 10_000_000
        bag.add(state, stamp + 500, pack(stamp, np.array([k, np.nan]), np.array([0.5, -k])))
    bag.add(state, START + 70_000_000, b"\0\1\0\0damaged")
    bag.add(target, START + 5, text('{"trial": 0}'))
    for k in range(2):
        values = [KeyValue(key=key, value=json.dumps(v)) for key, v in (("error_mm", 1.5), ("note", "a,b"))[: k + 1]]
        message = DiagnosticStatus(level=b"\0", name="task", message="end", values=values)
        bag.add(trial, START + 10 + k, serialize_message(message))
    samples = EmgSampleWriter(["emg one", "emg 2"])
    block = np.arange(6, dtype=float).reshape(3, 2)
    bag.add(emg, START + 20_000_000, samples.pack(START, np.array([0.0, 0.005, 0.010]), block))
    bag.add(emg, START + 21_000_000, b"\0\1\0\0damaged")
    p = PoseStamped()
    p.header.stamp.sec, p.header.stamp.nanosec = divmod(START + 1_000_000, 10**9)
    p.pose.position.x = 0.25
    bag.add(pose, START + 2_000_000, serialize_message(p))
    bag.close()
    return out


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_states_have_a_column_per_row_and_name(folder):
    frame = columns.to_pandas(folder, "state")
    assert list(frame) == [
        *("time_s", "stamp_ns", "received_ns", "position.a", "position.b/c", "effort.a", "effort.b/c"),
        *("position.d", "effort.d"),
    ]
    assert frame["stamp_ns"].tolist() == [START + k * 10_000_000 for k in range(6)]
    assert frame["received_ns"].tolist() == [START + k * 10_000_000 + 500 for k in range(6)]
    np.testing.assert_allclose(frame["time_s"], [k * 0.01 - 5e-9 for k in range(6)], atol=1e-9)
    assert frame["position.a"].tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(frame["effort.b/c"], [0, -1, -2, -3, np.nan, np.nan])
    np.testing.assert_array_equal(frame["effort.d"], [np.nan] * 4 + [-4, -5])


def test_an_event_of_a_trial_has_the_time_at_which_it_was(tmp_path):
    """It may be told of later, as simulated time runs on meanwhile."""
    from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

    bag = BagWriter(tmp_path)
    trial = bag.topic("/trial/events", STATUS)
    for k in range(3):
        values = [KeyValue(key="time_ns", value=str(START + k * 10))] if k < 2 else []
        message = DiagnosticStatus(level=b"\0", name="trial", message="go", values=values)
        bag.add(trial, START + 1000 * k + 7, serialize_message(message))
    bag.close()
    frame = columns.to_pandas(tmp_path, "trial/events")
    assert frame["stamp_ns"].tolist() == [START, START + 10, START + 2007]
    assert frame["received_ns"].tolist() == [START + 7, START + 1007, START + 2007]


def test_of_several_runs_in_a_folder_each_row_has_its_file(tmp_path, text, command):
    names = []
    for run in range(2):
        bag = BagWriter(tmp_path / "two")
        state, target = bag.topic("/state", JOINT_STATE), bag.topic("/target", STRING)
        pack = JointStateWriter(("a",), ("position",)).pack
        for k in range(3):
            bag.add(state, START + 10**9 * run + k * 10_000_000, pack(START + k * 10_000_000, np.array([run + k])))
        bag.add(target, START + 10**9 * run + 5, text("{}"))
        bag.close()
        names = sorted(f.name for f in (tmp_path / "two").glob("*.mcap"))
    frame = columns.to_pandas(tmp_path / "two", "state")
    assert len(names) == 2 and frame["file"].tolist() == [names[0]] * 3 + [names[1]] * 3
    assert columns.to_pandas(tmp_path / "two", "target")["file"].tolist() == names
    done = command("record", "export", str(tmp_path / "two"), "--csv", str(tmp_path / "o"))
    assert "the folder has 2 files, of a run each: the column 'file' says which a row is from" in done.stdout
    assert [row["file"] for row in rows(tmp_path / "o" / "target.csv")] == names


def test_each_topic_becomes_a_file(folder, command, tmp_path):
    done = command("record", "export", str(folder), "--csv", str(tmp_path / "o"), "--json", str(tmp_path / "f.json"))
    assert done.returncode == 0, done.stderr
    files = {p.name for p in (tmp_path / "o").iterdir()}
    assert files == {f"left_{n}.csv" for n in ("state", "target", "trial", "emg_raw", "target_pose")}
    state = rows(tmp_path / "o" / "left_state.csv")
    assert len(state) == 6 and state[5]["position.d"] == "" and state[5]["effort.b/c"] == ""
    assert float(state[3]["position.a"]) == 3 and int(state[3]["stamp_ns"]) == START + 30_000_000
    (target,) = rows(tmp_path / "o" / "left_target.csv")
    assert target["data"] == '{"trial": 0}'
    trial = rows(tmp_path / "o" / "left_trial.csv")
    assert [(t["message"], t["values.error_mm"], t["values.note"]) for t in trial] == [
        ("end", "1.5", ""), ("end", "1.5", "a,b"),
    ]  # fmt: skip
    emg = rows(tmp_path / "o" / "left_emg_raw.csv")
    assert [(float(r["emg one"]), float(r["emg 2"])) for r in emg] == [(0, 1), (2, 3), (4, 5)]
    assert [int(r["stamp_ns"]) - START for r in emg] == [0, 5_000_000, 10_000_000]
    (pose,) = rows(tmp_path / "o" / "left_target_pose.csv")
    assert float(pose["pose.position.x"]) == 0.25 and float(pose["pose.orientation.w"]) == 1.0
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["exported"]["/left/state"]["rows"] == 6
    assert sorted(figures["faults"]) == [f"1 messages of /left/{t} are damaged" for t in ("emg/raw", "state")]
    assert "fault: 1 messages of /left/state are damaged" in done.stdout


def test_only_what_is_asked_for(folder, command, tmp_path):
    done = command("record", "export", str(folder), "--csv", str(tmp_path / "o"), "--topics", "state")
    assert done.returncode == 0 and [p.name for p in (tmp_path / "o").iterdir()] == ["left_state.csv"]
    for words, fault in (
        (["export", str(folder)], "give one recording and the format"),
        (["export", str(folder), "--csv", str(tmp_path / "o"), "--topics", "nothing"], "unknown topic 'nothing'"),
        (["export", str(tmp_path / "none"), "--csv"], "does not exist"),
        ([str(folder), "two"], "one folder is needed"),
        ([str(folder), "--topics", "state"], "belong to: record export"),
    ):
        done = command("record", *words)
        assert done.returncode == 2 and fault in done.stderr and "Traceback" not in done.stderr, words


def test_a_message_whose_values_are_not_those_of_its_names_is_damaged(tmp_path):
    bag = BagWriter(tmp_path)
    topic, names = bag.topic("/command", JOINT_STATE), tuple("abcdef")
    for k, n in enumerate((6, 5, 6)):
        message = JointState(name=names, effort=[float(k)] * n)
        bag.add(topic, START + k, serialize_message(message))
    bag.close()
    opened = Bag(tmp_path)
    assert columns.to_pandas(opened, "command")["effort.f"].tolist() == [0.0, 2.0]
    assert opened.faults == ["1 messages of /command are damaged"]


def test_what_is_not_there_is_refused(folder):
    with pytest.raises(RecordingError, match="unknown topic"):
        columns.to_pandas(Bag(folder), "command")
