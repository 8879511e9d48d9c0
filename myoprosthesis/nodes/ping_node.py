"""A plain ping-pong of two messages between two plain nodes, built and read as Python messages: the floor of a loop.

Run as a program it is the echo; `measure` is the other side.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState

from myoprosthesis.core.errors import MyoError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.node_main import die_with_parent, join_graph
from myoprosthesis.nodes.time_codec import time_message


def echo(state_names: Sequence[str], command_names: Sequence[str]) -> None:
    """Answer every state, once read, with a command that is built each time."""
    node = rclpy.create_node("ping_echo")
    publisher = node.create_publisher(JointState, "ping/command", topics.COMMAND.qos)
    effort = np.full(len(command_names), 0.1)

    def answer(state: JointState) -> None:
        np.array((state.position, state.velocity, state.effort))
        command = JointState(name=list(command_names), effort=effort.tolist())
        command.header.stamp = state.header.stamp
        publisher.publish(command)

    node.create_subscription(JointState, "ping/state", answer, topics.STATE.qos)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while rclpy.ok():
        executor.spin_once(timeout_sec=0.1)


def measure(state_names: Sequence[str], command_names: Sequence[str], rounds: int) -> list[float]:
    """Durations (s) of `rounds` round trips with an echo in another process."""
    join_graph()
    node = rclpy.create_node("ping")
    publisher = node.create_publisher(JointState, "ping/state", topics.STATE.qos)
    table = np.random.default_rng(0).normal(size=(3, len(state_names)))
    came: list[float] = []

    def say(tick: int) -> None:
        rows = [row.tolist() for row in table]
        state = JointState(name=list(state_names), position=rows[0], velocity=rows[1], effort=rows[2])
        state.header.stamp = time_message(tick)
        publisher.publish(state)

    def hear(command: JointState) -> None:
        np.array(command.effort)
        came.append(time.perf_counter())
        if len(came) <= rounds:
            say(len(came))

    node.create_subscription(JointState, "ping/command", hear, topics.COMMAND.qos)
    other = subprocess.Popen(
        [sys.executable, "-m", "myoprosthesis.nodes.ping_node", json.dumps([list(state_names), list(command_names)])]
    )
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        until = time.monotonic() + 20.0
        while len(came) <= rounds:
            if not came:
                say(0)
                if time.monotonic() > until:
                    raise MyoError("the echo of the ping-pong did not answer within 20 s")
            executor.spin_once(timeout_sec=0.1)
    finally:
        other.kill()
        other.wait()
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return np.diff(came).tolist()


if __name__ == "__main__":
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    join_graph()
    echo(*json.loads(sys.argv[1]))
