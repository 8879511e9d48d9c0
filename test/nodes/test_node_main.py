"""How node processes end: with their last messages delivered, and by a mistake in any of their threads with status 1,
its traceback and one sentence."""

import os
import signal
import subprocess
import sys
import time

import pytest

NODE = """
import sys, threading
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import node_main, topics
from myoprosthesis.nodes.control_loop import ControlLoop
from myoprosthesis.nodes.lifecycle import LoopNode
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every

PLACE = sys.argv.pop()

def broken(*_):
    return nowhere

class Loop(ControlLoop):
    def _run(self):
        if PLACE == "loop":
            broken()
        self._stop.wait()

class Node(LoopNode):
    def __init__(self):
        super().__init__("broken")
        if PLACE == "constructor":
            broken()
        if PLACE == "timer":
            every(self, 0.01, broken)
        if PLACE == "message":
            t = topics.EMG_PROMPT
            subscribe(self, t, lambda m: m.data, broken)
            publisher = self.create_publisher(t.type, t.name, t.qos)
            every(self, 0.05, lambda: publisher.publish(t.type(data="on")))
        if PLACE == "worker":
            threading.Thread(target=broken).start()
        self.autostart()

    def _configure(self):
        self.loop = Loop(lockstep=False)
        self.loop.start(self.thread)
        if PLACE == "configure":
            broken()
        if PLACE == "refusal":
            raise ConfigError("no such hand")

    def on_activate(self, state):
        if PLACE == "activate":
            broken()
        return super().on_activate(state)

sys.exit(node_main.run(Node, sys.argv))
"""


def end(place, domain):
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    return subprocess.run(
        [sys.executable, "-c", NODE, place], env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("place", ["constructor", "configure", "activate", "loop", "worker", "timer", "message"])
def test_a_mistake_ends_the_process_with_a_sentence_and_its_traceback(place, domain):
    done = end(place, domain)
    assert done.returncode == 1 and "Traceback" in done.stderr and ", in broken" in done.stderr, done
    last = done.stderr.strip().splitlines()[-1]
    assert last == "error: the node broke down: NameError: name 'nowhere' is not defined (<string>, line 13)"


def test_a_refusal_ends_it_with_another_status_and_no_traceback(domain):
    done = end("refusal", domain)
    assert done.returncode == 2 and "no such hand" in done.stderr and "Traceback" not in done.stderr


WRITER = """
import sys
from rclpy.node import Node
from std_msgs.msg import String
from myoprosthesis.nodes import node_main, topics

node_main.DELIVERY_S = 60.0

class Writer(Node):
    def __init__(self):
        super().__init__("writer")
        self.publisher = self.create_publisher(String, "words", topics.reliable(50))
        self.create_timer(0.05, lambda: self.publisher.publish(String(data="one of many")))

    def close(self):
        self.publisher.publish(String(data="the last"))
        print("closed", flush=True)

sys.exit(node_main.run(Writer))
"""
READER = """
from std_msgs.msg import String
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.graph_connection import GraphConnection

with GraphConnection("", "reader") as graph:
    graph.node.create_subscription(String, "words", lambda m: print(m.data, flush=True), topics.reliable(50))
    graph.spin(120.0)
"""


@pytest.fixture
def run(domain):
    processes = []

    def begin(code):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def test_what_a_node_publishes_last_is_received_by_a_subscriber_that_is_held_up(run):
    reader, writer = run(READER), run(WRITER)
    assert reader.stdout.readline() == "one of many\n"
    reader.send_signal(signal.SIGSTOP)
    writer.terminate()
    assert writer.stdout.readline() == "closed\n"
    time.sleep(0.3)
    assert writer.poll() is None  # it waits
    reader.send_signal(signal.SIGCONT)
    assert "the last\n" in iter(reader.stdout.readline, "")
    assert writer.wait(60.0) == 0


def test_a_node_that_is_held_up_at_its_end_is_killed_by_the_system():
    """Its own threads may not come to run: here a library that holds Python's lock."""
    code = (
        "import ctypes\n"
        "from myoprosthesis.nodes.node_main import killed_after\n"
        "with killed_after(0.3):\n"
        "    ctypes.PyDLL(None).sleep(30)\n"
    )
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60.0)
    assert done.returncode == -signal.SIGALRM and time.monotonic() - begin < 25.0
    code = "from myoprosthesis.nodes.node_main import killed_after\nwith killed_after(9.0):\n    pass\n"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60.0).returncode == 0
