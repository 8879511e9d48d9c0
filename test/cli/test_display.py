"""What is shown of a stack is in words that say what was counted, and what the hand does now."""

import io
import math
import re
from pathlib import Path

import pytest
from rich.console import Console

from myoprosthesis.cli.display import GUARD, status_table, summary_table
from myoprosthesis.core import command_guard
from myoprosthesis.nodes import command_input, realtime_effector_loop
from myoprosthesis.stack.status import StackStatus


def text_of(table):
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    return " ".join(console.file.getvalue().replace("│", " ").split())


@pytest.fixture
def deciding():
    """A stack of a decoder and a hand that has decided for the first time."""
    status = StackStatus()
    status.add_effector({"effector": "ability_hand", "ticks": 50, "seconds": 0.25, "dt": 0.005})
    status.add_node("emg", {"source": "recording"})
    status.add_node("policy", {"policy": "gestures", "events": {"decisions": 9}})
    return status


def test_each_count_of_the_guard_is_in_words(deciding):
    deciding.add_effector({
        "effector": "ability_hand", "ticks": 99, "seconds": 0.5, "dt": 0.005,
        "events": {"fault": 34, "idle": 2, "stale": 8, "rate_limited": 18, "estop": 2},
    })  # fmt: skip
    shown = text_of(summary_table({**deciding.summary(), "task": ""}))
    for words in (
        "34 ticks on which the hand did not answer or reported a fault",
        "2 ticks without command while a node was not ready or not alive",
        "8 ticks on which the newest command was too old",
        "18 commands slowed to the fastest change allowed",
        "2 emergency stops",
    ):
        assert words in shown


def test_a_missed_tick_is_one_that_was_late_or_had_no_command_in_time(deciding):
    deciding.add_effector(
        {"effector": "arm26", "ticks": 500, "missed_ticks": 9, "seconds": 5.0, "dt": 0.01, "rate": 100.0}
    )
    words = "9 of 500 ticks late or without a command in time"
    assert words in text_of(status_table(deciding, {}))
    assert "9 late or without a command in time" in text_of(summary_table({**deciding.summary(), "task": ""}))


def test_every_event_that_a_guard_counts_has_words():
    source = "".join(Path(m.__file__).read_text() for m in (command_guard, command_input, realtime_effector_loop))
    named = set(re.findall(r'events\["(\w+)"\]', source))
    assert named >= {"estop", "clipped", "rate_limited", "wrong_names", "stamped_ahead"} and named <= set(GUARD)


@pytest.mark.parametrize(
    ("decision", "shown"),
    [
        ({"confidence": 0.9149}, "decides now close, confidence 0.91"),
        ({"confidence": 0.3, "rejected": True}, "decides now close, confidence 0.30, rejected: the hand stays"),
        ({"confidence": 0.5, "drifting": True}, "confidence 0.50, the EMG is unlike that of the fit"),
        ({}, "decides now close"),
    ],
)
def test_the_live_table_says_what_is_decided_now_and_how_sure_it_is(deciding, decision, shown):
    assert "decides now" not in text_of(status_table(deciding, {}))
    deciding.add_decision("close", decision)
    assert shown in text_of(status_table(deciding, {}))


def test_the_live_table_has_each_finger_s_angle_and_torque(deciding):
    deciding.effector.joints.update({"index": [math.radians(42.0), 0.37], "thumb": [math.radians(-7.0), 0.0]})
    assert "joints index 42° 0.37 N·m thumb -7°" in text_of(status_table(deciding, {}))
