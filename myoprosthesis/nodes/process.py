"""How every node process begins and ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.loop import quicken

CRASHED, REFUSED = 1, 2
"""Exit status of a process that failed, and of one that cannot use what it was given and need not be started again."""


def stay_local() -> None:
    """Keep discovery on this machine unless the environment says otherwise, so that nobody on the network can
    move a hand by accident. `ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET` opens it."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


def die_with_parent() -> None:
    """End when the process that started this one is gone, however it went (Linux: prctl PR_SET_PDEATHSIG)."""
    parent = os.environ.get("MYOPROSTHESIS_PARENT")
    if not parent:
        return
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if str(os.getppid()) != parent:
        sys.exit(0)


def run(make: Callable[[], Any], argv: list[str] | None = None) -> int:
    """Make a node, spin it until Ctrl-C or SIGTERM, close it; the exit status."""
    stay_local()
    die_with_parent()
    quicken()
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    node: Node | None = None
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        while (
            not stop.is_set()
            and rclpy.ok()
            and not getattr(node, "refused", "")
            and not getattr(node, "crashed", False)
        ):
            executor.spin_once(timeout_sec=0.1)
        return REFUSED if getattr(node, "refused", "") else CRASHED if getattr(node, "crashed", False) else 0
    except MyoError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return REFUSED
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    finally:
        if node is not None:
            close = getattr(node, "close", None)
            if close is not None:
                close()
            node.destroy_node()
        rclpy.try_shutdown()


def say(node: Node, level: str, text: str) -> None:
    """Log at a level given by name. rclpy refuses a line of code that logs at two levels, hence one line for each."""
    log = node.get_logger()
    if level == "info":
        log.info(text)
    elif level == "warning":
        log.warning(text)
    elif level == "error":
        log.error(text)
    else:
        log.fatal(text)


class ManagedNode(LifecycleNode):
    """A lifecycle node that brings itself up when its parameter `autostart` is true.

    Subclasses give `on_configure` and so on. What is refused while it brings itself up ends the process with
    one sentence.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.refused = ""
        self.crashed = False

    def thread(self, work: Callable[[], None]) -> threading.Thread:
        """Run `work` in a thread; if it fails the whole process ends, since half a node is worse than none."""

        def watched() -> None:
            try:
                work()
            except Exception:
                self.get_logger().fatal(traceback.format_exc())
                self.crashed = True

        thread = threading.Thread(target=watched, name=f"{self.get_name()} loop", daemon=True)
        thread.start()
        return thread

    def autostart(self) -> None:
        """Configure and activate, as the launcher wishes."""
        for trigger in (self.trigger_configure, self.trigger_activate):
            if self.refused or trigger() != TransitionCallbackReturn.SUCCESS:
                self.refuse(self.refused or f"{self.get_name()} could not be brought up")
                return

    def refuse(self, sentence: str) -> None:
        """Say why this process cannot go on; it then ends."""
        self.refused = sentence
        self.get_logger().fatal(sentence)

    def attempt(self, action: Callable[[], None]) -> TransitionCallbackReturn:
        """Run a transition's work; a refusal is logged and fails the transition."""
        try:
            action()
        except MyoError as error:
            self.refused = str(error)
            return TransitionCallbackReturn.FAILURE
        except Exception:  # rclpy would swallow it
            self.get_logger().fatal(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS
