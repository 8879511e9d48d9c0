"""What the recorder files messages under: simulated time in lockstep, else the time of their receipt."""

import time

import numpy as np
import pytest

from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.nodes.recorder_loop import AUTO, SIMULATED, WALL, Line, RecorderLoop
from myoprosthesis.recording.bag import Bag
from myoprosthesis.recording.bag_writer import BagWriter
from myoprosthesis.recording.repair import repair

NOW, LONG_AGO = time.time_ns() + 10**13, 1_700_000_000_000_000_000  # NOW is never long ago
JOINT_STATE, STRING = "sensor_msgs/msg/JointState", "std_msgs/msg/String"


def recorded(folder, messages, clock=AUTO):
    """Messages (topic, received, stamp or None) one take each; the loop's recording."""
    loop = RecorderLoop(BagWriter(folder), 1.0, lambda *_: None, clock, "/left/state")
    queue = []
    for name in ("/left/state", "/left/command", "/left/target"):

        def take(name=name):
            mine = [(d, {"received_timestamp": at}) for n, at, d in queue if n == name]
            queue[:] = [m for m in queue if m[0] != name]
            return mine

        loop.lines.append(Line(name, STRING if name.endswith("target") else JOINT_STATE, [], take))
    pack = JointStateWriter(("a",), frame="").pack
    for name, at, stamp in messages:
        text = b"\0\1\0\0\2\0\0\0x\0"
        queue.append((name, at, text if stamp is None else pack(stamp, *np.zeros((3, 1)))))
        loop._take()
    loop.stop()
    return Bag(folder)


LOCKSTEP = [
    ("/left/target", NOW, None),
    ("/left/state", NOW + 1, 2_000_000),
    ("/left/command", NOW + 2, 2_000_000),
    ("/left/target", NOW + 3, None),
    ("/left/state", NOW + 4, 4_000_000),
    ("/left/command", NOW + 5, NOW),
    ("/left/target", NOW + 6, None),
]


@pytest.mark.parametrize("clock", [AUTO, SIMULATED])
def test_in_lockstep_all_is_filed_under_simulated_time(tmp_path, clock):
    bag = recorded(tmp_path, LOCKSTEP, clock)
    told = [(m.topic, m.log_ns, m.stamp_ns, m.received_ns) for m in bag.messages()]
    times = [2, 2, 2, 2, 4, 4, 4]  # ms; a stamp of another clock is none
    assert told == [(n, t * 10**6, t * 10**6, at) for (n, at, _), t in zip(LOCKSTEP, times, strict=True)]
    assert bag.last_ns - bag.first_ns == 2_000_000
    (states,) = bag.tables("state")
    assert states.received_ns.tolist() == [NOW + 1, NOW + 4] and states.stamp_ns.tolist() == [2_000_000, 4_000_000]
    assert repair(tmp_path) == []


@pytest.mark.parametrize("clock", [AUTO, WALL])
def test_in_real_time_messages_are_filed_under_their_receipt(tmp_path, clock):
    messages = [("/left/target", NOW, None), ("/left/state", NOW + 5, NOW + 2), ("/left/target", NOW + 6, None)]
    bag = recorded(tmp_path, messages, clock)
    assert [(m.log_ns, m.stamp_ns, m.received_ns) for m in bag.messages()] == [
        (NOW, NOW, NOW), (NOW + 5, NOW + 2, NOW + 5), (NOW + 6, NOW + 6, NOW + 6),
    ]  # fmt: skip


def test_without_states_nothing_is_held_for_long(tmp_path):
    bag = recorded(tmp_path / "old", [("/left/target", LONG_AGO, None), ("/left/state", NOW, 7)])
    assert (bag.first_ns, bag.last_ns) == (LONG_AGO, NOW)
    loop_ended_first = recorded(tmp_path / "simulated", [("/left/target", NOW, None)], SIMULATED)
    assert loop_ended_first.first_ns == NOW  # no state ever came: at least it is kept
