"""What an effector takes for its command, without a graph."""

from types import SimpleNamespace

import numpy as np
import pytest

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.one_writer import HANDOVER_S
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.nodes import command_input
from myoprosthesis.nodes.command_input import CommandInput

EMPTY = np.zeros(0)
POLICY, TELEOP = b"policy", b"teleop"


@pytest.fixture
def made():
    """A command input of a mirror, whose commands are positions of joint1 and joint2."""
    port = SimpleNamespace(inbox=[], arrivals={}, writers={POLICY, TELEOP}, said=[])
    port.commands = lambda: [port.inbox.pop(0) for _ in list(port.inbox)]
    port.arrival_ns = port.arrivals.get
    port.present = lambda writer: writer in port.writers
    port.name_of = lambda writer: f"/{writer.decode()}"
    port.say = lambda level, text: port.said.append(text)
    guard = GuardedEffector(Mirror(MirrorOptions()))
    return CommandInput(guard, port, port.say), port, guard.events


def frame(stamp, values, names=("joint1", "joint2"), writer=POLICY):
    return JointStateFrame(stamp, names, np.array(values, float), EMPTY, EMPTY), writer


def test_the_newest_command_is_kept_with_the_arrival_of_its_emg(made):
    commands, port, events = made
    port.arrivals[7] = 9
    port.inbox += [frame(6, [0.1, 0.2]), frame(7, [0.3, 0.4])]
    commands.take()
    assert (commands.newest.stamp_ns, commands.newest.arrival_ns) == (7, 9)
    np.testing.assert_array_equal(commands.newest.values, [0.3, 0.4])
    assert commands.received_ns > 0 and not port.said and not sum(events.values())


def test_values_are_brought_into_the_order_of_the_effector_by_name(made):
    commands, port, _ = made
    port.inbox.append(frame(1, [0.1, 0.2], ("joint2", "joint1")))
    commands.take()
    np.testing.assert_array_equal(commands.newest.values, [0.2, 0.1])
    port.inbox.append(frame(2, [0.1, 0.2]))
    commands.take()
    np.testing.assert_array_equal(commands.newest.values, [0.1, 0.2])


def test_in_lockstep_only_the_answer_to_this_state_counts(made):
    commands, port, _ = made
    port.inbox += [frame(5, [0.5, 0.5]), frame(4, [0.4, 0.4])]
    commands.take(5)
    assert commands.newest.stamp_ns == 5


@pytest.mark.parametrize(
    "message, event, sentence",
    [
        (frame(1, [0.1]), "wrong_size", "a command of 1 values for 2 names is ignored"),
        (frame(1, [0.1, 0.2], ("joint1", "elbow")), "wrong_names", "a command is refused: "),
    ],
    ids=["size", "names"],
)
def test_what_does_not_fit_is_counted_and_named(made, message, event, sentence):
    commands, port, events = made
    port.inbox.append(message)
    commands.take()
    assert commands.newest is None and events[event] == 1 and port.said[0].startswith(sentence)


def test_a_second_publisher_is_named_once_and_obeyed_when_the_first_is_gone(made):
    commands, port, events = made
    port.inbox += [frame(1, [0.1, 0.1]), frame(2, [0.9, 0.9], writer=TELEOP), frame(3, [0.9, 0.9], writer=TELEOP)]
    commands.take()
    assert commands.newest.stamp_ns == 1 and events["second_writer"] == 2
    assert port.said == ["/teleop publishes commands too and is not obeyed, since /policy does: stop one of them"]
    port.writers.discard(POLICY)
    port.inbox.append(frame(4, [0.9, 0.9], writer=TELEOP))
    commands.take()
    assert commands.newest.stamp_ns == 4 and port.said[-1] == "commands come from /teleop now"


def test_one_of_the_same_name_is_most_often_the_node_started_again_and_is_named_when_it_goes_on(made, monkeypatch):
    commands, port, events = made
    now = [10.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], monotonic_ns=lambda: int(now[0] * 1e9))
    monkeypatch.setattr(command_input, "time", clock)
    port.name_of = lambda writer: "/policy"
    for k in range(30):
        port.inbox += [frame(k, [0.1, 0.1]), frame(k, [0.9, 0.9], writer=TELEOP)]
        commands.take()
        now[0] += 0.1
        assert bool(port.said) is (0.1 * k > HANDOVER_S)
    assert port.said == ["/policy publishes commands too and is not obeyed, since /policy does: stop one of them"]
    assert events["second_writer"] == 30
