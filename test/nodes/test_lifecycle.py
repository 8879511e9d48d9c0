"""What every managed node does when configuring fails: nothing of the attempt is left, and it may be tried again."""

import os
import threading
import time
from pathlib import Path

import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.nodes.lifecycle import LoopNode


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


def segments(pid):
    """Shared memory of this process's own: it holds a lock on each."""
    names = {os.path.realpath(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    return {n for n in names if n.startswith("/dev/shm/fastdds_") and n.endswith("_el") and "port" not in n}


def test_nodes_that_end_leave_no_shared_memory_behind(start):
    stack = start(effector="point_mass")
    try:
        stack.ready()
        held = {name: segments(pid) for name, pid in stack.supervisor.pids().items()}
    finally:
        stack.close()
    assert len(held) == 4 and all(held.values())
    assert [s for names in held.values() for s in names if os.path.exists(s)] == []
