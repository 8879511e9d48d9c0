"""`record` and `replay` as a person uses them."""

import contextlib
import json
import signal
import subprocess
import threading

import numpy as np
import pytest

from myoprosthesis.cli import record
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.joint_state import JointStateReader, JointStateWriter
from myoprosthesis.nodes import topics
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.bag_writer import BagWriter

JOINT_STATE, STRING = "sensor_msgs/msg/JointState", "std_msgs/msg/String"
DT = 10_000_000


def recording(folder, names, ticks=60):
    """`ticks` messages of JointState, 10 ms apart by their stamps and 1 ms by their receipt."""
    bag = BagWriter(folder)
    channels = [bag.topic(f"/left/{name}", JOINT_STATE) for name in names]
    pack = JointStateWriter(("a", "b"), ("effort",)).pack
    for k in range(ticks):
        for channel in channels:
            bag.add(channel, 10**18 + k * 1_000_000, pack(k * DT, np.array([k, 0.5])))
    bag.close()
    return folder


def test_what_a_recording_beside_a_stack_did_not_hear_yet_is_noted(tmp_path):
    """Discovery takes its time, and differs from topic to topic."""
    asked_ns = 10**18
    for late_ns, noted in ((90_000_000, []), (1_940_000_000, ["state", "emg/raw"])):
        folder = tmp_path / str(late_ns)
        bag = BagWriter(folder)
        begins = {"/left/state": late_ns, "/left/command": 0, "/left/emg/raw": late_ns, "/clock": 5 * 10**9}
        for name, ns in begins.items():
            data = JointStateWriter(("a",), ("effort",)).pack(0, np.array([0.5]))
            bag.add(bag.topic(name, JOINT_STATE), asked_ns + ns, data)
        bag.close()
        lines = record._missed(Bag(folder), asked_ns)
        said = "note: {} is in it from 1.9 s after this command on; what was sent before is not"
        assert lines == [said.format(name) for name in noted]


def test_a_recording_is_told_of(tmp_path, command):
    folder = recording(tmp_path / "r", ["state", "command"])
    done = command("replay", str(folder), "--info", "--json", str(tmp_path / "f.json"))
    assert done.returncode == 0 and "/left/command" in done.stdout and "sensor_msgs/JointState" in done.stdout
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["topics"]["/left/state"]["count"] == 60 and figures["faults"] == [] and figures["messages"] == 120
    file = folder / "recording_0.mcap"
    file.write_bytes(file.read_bytes()[:-30])
    done = command("replay", str(folder), "--info")
    assert "fault: recording_0.mcap ends without its index" in done.stdout and "record --repair" in done.stdout
    done = command("record", "--repair", str(folder), "--json", str(tmp_path / "f.json"))
    assert "recording_0.mcap: all 120 readable messages are kept, all that the file has was read" in done.stdout
    assert json.loads((tmp_path / "f.json").read_text())["mended"][0]["messages"] == 120
    assert "nothing to mend" in command("record", "--repair", str(folder)).stdout


def play(command, probe, heard, *words, count=0):
    """Run the command while the probe listens, and until so many messages were heard."""
    done = []
    thread = threading.Thread(target=lambda: done.append(command(*words)))
    thread.start()
    assert probe.until(lambda: done, 300)
    probe.until(lambda: len(heard) >= count)
    probe.spin(0.2)
    return done[0]


def test_commands_are_played_again_under_stamps_of_now_in_the_rhythm_of_their_own(tmp_path, command, probe):
    folder = recording(tmp_path / "r", ["state", "command"])
    heard = probe.hear(topics.COMMAND, topics.reliable(500), raw=True)
    states = probe.hear(topics.STATE, topics.reliable(500))
    before = probe.node.get_clock().now().nanoseconds
    done = play(command, probe, heard, "replay", str(folder), "--rate", "2", count=60)
    assert done.returncode == 0 and "60 messages were played" in done.stdout, done.stderr
    frames = [JointStateReader().read(data) for data in heard]
    assert [f.effort.tolist() for f in frames] == [[k, 0.5] for k in range(60)] and frames[0].names == ("a", "b")
    stamps = np.array([f.stamp_ns for f in frames])
    assert (np.diff(stamps) > 0).all() and before < stamps[0] < before + 60e9
    since = (stamps - stamps[0]) * 1e-9
    assert (since > np.arange(60) * 0.005 - 0.1).all() and since[-1] < 10.0  # 10 ms apart, twice as fast
    assert not states


def test_states_are_played_when_they_are_named_and_not_among_all(tmp_path, command, probe):
    folder = recording(tmp_path / "r", ["state", "emg/envelope"], ticks=5)
    states = probe.hear(topics.STATE, topics.reliable(500))
    envelopes = probe.hear(topics.Topic("left/emg/envelope", topics.EMG_ENVELOPE.type, topics.reliable(50)))
    assert play(command, probe, envelopes, "replay", str(folder), "--topics", "all", count=5).returncode == 0
    assert not states and len(envelopes) == 5
    assert play(command, probe, states, "replay", str(folder), "--topics", "state", count=5).returncode == 0
    assert len(states) == 5 and len(envelopes) == 5


def test_tables_are_not_written_among_those_of_another_recording(tmp_path, command_here):
    one, two = (recording(tmp_path / name, [name], 4) for name in ("state", "command"))
    assert command_here("record", "export", str(one), "--csv", str(tmp_path / "out")).returncode == 0
    before = {f: f.read_bytes() for f in (tmp_path / "out").iterdir()}
    done = command_here("record", "export", str(two), "--csv", str(tmp_path / "out"))
    assert done.returncode == 2 and "has tables already, such as left_state.csv, which are not" in done.stderr
    assert {f: f.read_bytes() for f in (tmp_path / "out").iterdir()} == before


REFUSED = {
    "nowhere": (("replay", "{nowhere}"), "does not exist"),
    "no such topic": (("replay", "{r}", "--topics", "commnd"), "unknown topic 'commnd': known are"),
    "nothing to play": (("replay", "{s}"), "has neither EMG nor commands"),
    "rate": (("replay", "{r}", "--rate", "0"), "--rate: '0' is outside 0.001 to 1000"),
    "repair nothing": (("record", "--repair"), "needs the folder"),
    "repair no recording": (("record", "--repair", "{empty}"), "there is no .mcap file in it"),
    "a folder that is a file": (("record", "/dev/null", "--seconds", "1"), "/dev/null cannot be a recording"),
}


@pytest.mark.parametrize("words, sentence", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_in_one_sentence(tmp_path, command, words, sentence):
    places = {"r": recording(tmp_path / "r", ["command"], 2), "s": recording(tmp_path / "s", ["state"], 2)}
    places |= {"nowhere": tmp_path / "nowhere", "empty": tmp_path / "empty"}
    places["empty"].mkdir()
    done = command(*(w.format(**places) for w in words))
    assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_topic_that_others_publish_is_not_played_into(tmp_path, command, probe):
    folder = recording(tmp_path / "r", ["command"], 2)
    probe.speak(topics.COMMAND)
    done = play(command, probe, [], "replay", str(folder))
    assert done.returncode == 2 and "command is published by another node" in done.stderr
    heard = probe.hear(topics.COMMAND, topics.reliable(500))
    assert play(command, probe, heard, "replay", str(folder), "--beside", count=2).returncode == 0 and len(heard) == 2


def test_a_running_graph_is_recorded(tmp_path, begin, probe):
    out = probe.speak(topics.TARGET)
    out.publish(topics.TARGET.type(data="{}"))
    process = begin("record", str(tmp_path / "r"), "--json", str(tmp_path / "f"), stdout=subprocess.PIPE)

    def recorded():
        with contextlib.suppress(MyoError):
            return list(Bag(tmp_path / "r").texts("target"))

    assert probe.until(recorded)
    process.send_signal(signal.SIGINT)
    words, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "/target" in words
    assert json.loads((tmp_path / "f").read_text())["topics"]["/target"]["count"] == 1
    assert list(Bag(tmp_path / "r").texts("target"))[0][1] == "{}"


def test_a_recording_ends_after_so_long(tmp_path, command):
    done = command("record", str(tmp_path / "r"), "--seconds", "1")
    assert done.returncode == 0 and (tmp_path / "r" / "metadata.yaml").is_file()
