"""What every managed node does when configuring fails: nothing of the attempt is left, and it may be tried again."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.nodes.lifecycle import LoopNode, ManagedNode
from myoprosthesis.nodes.parameters import declare
from myoprosthesis.nodes.publisher_lock import is_locked


class Publishing(ControlLoop):
    """Publishes as fast as it can."""

    def __init__(self, publisher):
        super().__init__(lockstep=False)
        self.publisher, self.published = publisher, threading.Event()

    def _run(self):
        while not self._stop.is_set():
            self.publisher.publish(topics.EMG_PROMPT.type(data="on"))
            self.published.set()


class Node(LoopNode):
    """Raises `error` when its loop is running already."""

    def __init__(self, error):
        super().__init__("failing")
        self.error, self.loops = error, []

    def _configure(self):
        t = topics.EMG_PROMPT
        self.loop = Publishing(self.create_publisher(t.type, t.name, t.qos))
        self.loops.append(self.loop)
        self.loop.start(self.thread)
        assert self.loop.published.wait(60)
        if self.error is not None:
            raise self.error


@pytest.fixture
def node(request, domain):
    rclpy.init(args=[])
    made = Node(request.param)
    yield made
    made.close()
    made.destroy_node()
    rclpy.try_shutdown()


FAILURES = {
    "a refusal": (ConfigError("no"), TransitionCallbackReturn.FAILURE),
    "a mistake": (ZeroDivisionError("no"), TransitionCallbackReturn.ERROR),
}


@pytest.mark.parametrize(("node", "outcome"), FAILURES.values(), ids=FAILURES, indirect=["node"])
def test_a_loop_that_ran_already_has_ended_before_its_publishers_are_taken_off(node, outcome):
    before = [p.topic_name for p in node.publishers]
    assert node.trigger_configure() == outcome
    time.sleep(0.2)
    assert node.loop is None and node.crashed is (None if outcome == TransitionCallbackReturn.FAILURE else node.error)
    assert [p.topic_name for p in node.publishers] == before
    node.error = None
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.configured and node.loop is node.loops[-1] and len(node.loops) == 2


@dataclass(frozen=True)
class Options:
    gain: float = option(1.0, "gain", "1", 0.0, 2.0)
    released: int = option(0, "changes at any time")


class Quiet(ManagedNode):
    """Locks a topic, publishes on it, and is refused when `why` is set."""

    def __init__(self):
        super().__init__("quiet")
        declare(self, ("", Options))
        self.check_parameters(Options, free=("released",))
        self.why = ""

    def on_configure(self, state):
        return self.attempt(self._configure)

    def _configure(self):
        self.lock_topic(topics.EMG_PROMPT, "prompter")
        t = topics.EMG_PROMPT
        self.create_publisher(t.type, t.name, t.qos)
        if self.why:
            raise ConfigError(self.why)


@pytest.fixture
def quiet(domain):
    rclpy.init(args=[])
    made = Quiet()
    yield made
    made.release()
    made.destroy_node()
    rclpy.try_shutdown()


def set_parameter(node, name, value):
    (result,) = node.set_parameters([Parameter(name, value=value)])
    return result.reason if not result.successful else ""


def test_a_topic_is_locked_while_its_node_is_configured(quiet):
    name = quiet.resolve_topic_name(topics.EMG_PROMPT.name)
    assert not is_locked(name)
    quiet.trigger_configure()
    assert is_locked(name) and quiet.configured and name in {p.topic_name for p in quiet.publishers}
    with pytest.raises(ConfigError, match="another prompter publishes"):
        quiet.lock_topic(topics.EMG_PROMPT, "prompter")
    quiet.trigger_cleanup()
    assert not is_locked(name) and not quiet.configured and name not in {p.topic_name for p in quiet.publishers}


def test_a_refusal_leaves_neither_lock_nor_publisher_and_ends_a_node_that_brings_itself_up(quiet):
    quiet.why = "no such hand"
    quiet.autostart()
    assert quiet.refused == "no such hand" and not quiet.was_up and not quiet.configured
    assert not is_locked(quiet.resolve_topic_name(topics.EMG_PROMPT.name))


def test_parameters_are_checked_when_they_are_set_and_stay_while_it_is_configured(quiet):
    assert "outside 0 to 2" in set_parameter(quiet, "gain", 3.0) and set_parameter(quiet, "gain", 2.0) == ""
    quiet.trigger_configure()
    assert "gain cannot be changed while the node is configured" in set_parameter(quiet, "gain", 1.0)
    assert set_parameter(quiet, "released", 4) == "" and quiet.get_parameter("gain").value == 2.0
    quiet.trigger_cleanup()
    assert set_parameter(quiet, "gain", 1.0) == ""


def test_reconfigured_it_is_active_again_only_if_it_was_and_waits_where_it_is_refused(quiet):
    def state():
        return quiet._state_machine.current_state[1]

    quiet.reconfigure()
    assert state() == "unconfigured"  # a node that a person took down stays down
    quiet.autostart()
    quiet.reconfigure()
    assert state() == "active"
    quiet.why = "it does not fit"
    quiet.reconfigure()
    assert state() == "unconfigured" and not quiet.refused
    quiet.why = ""
    quiet.reconfigure()
    assert state() == "active"
    quiet.trigger_deactivate()
    quiet.reconfigure()
    assert state() == "inactive"


def test_a_mistake_in_a_transition_is_kept_for_the_end_of_the_process(quiet, monkeypatch):
    monkeypatch.setattr(quiet, "attempt", lambda action: 1 / 0)
    assert quiet.trigger_configure() == TransitionCallbackReturn.ERROR
    assert isinstance(quiet.crashed, ZeroDivisionError)


def test_nodes_use_no_shared_memory(start):
    """What a killed process leaves in it can make the next one deaf, see config/dds.xml, and stays behind."""
    stack = start(effector="point_mass")
    try:
        stack.ready()
        mapped = {name: Path(f"/proc/{pid}/maps").read_text() for name, pid in stack.supervisor.pids().items()}
    finally:
        stack.close()
    assert len(mapped) == 4 and [name for name, maps in mapped.items() if "/dev/shm/fastdds" in maps] == []
