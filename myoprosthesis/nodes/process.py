"""How every node process begins and ends."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import fields
from importlib import metadata
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.loop import quicken, settle
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.parameters import read

CRASHED, REFUSED = 1, 2
"""Exit status of a process that failed, and of one that cannot use what it was given and need not be started again."""

def stay_local() -> None:
    """Settings of the middleware, for the time before `rclpy.init`; the environment's own come first.

    Discovery is kept on this machine, so that nobody on the network can move a hand by accident
    (`ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET` opens it), and made quick (`config/dds.xml`).
    """
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    # Jazzy's Fast DDS 2 knows the older name only, and later ones complain of it.
    old = os.environ.get("ROS_DISTRO", "jazzy" if metadata.version("rclpy").startswith("7.") else "") == "jazzy"
    name = "FASTRTPS_DEFAULT_PROFILES_FILE" if old else "FASTDDS_DEFAULT_PROFILES_FILE"
    os.environ.setdefault(name, str(share.root() / "config" / "dds.xml"))


def namespace_of(text: str) -> str:
    """A namespace as rclpy takes it, from what a person types: `left`, `/left`, `lab/left/`."""
    name = text.strip("/")
    if name and not re.fullmatch(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", name, re.ASCII):
        raise ConfigError(f"{text!r} is no namespace: letters, digits and _, in parts divided by /, as in lab/left")
    return name


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
        self._why = ""
        self._lasting: list[Any] = []
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
            if trigger() != TransitionCallbackReturn.SUCCESS:
                if not self._why:
                    self.get_logger().fatal(f"{self.get_name()} could not be brought up")
                self.refused = self._why or "not brought up"
                return
            settle()

    def refuse(self, sentence: str) -> None:
        """Say why this process cannot go on; it then ends."""
        self.refused = sentence
        self.get_logger().fatal(sentence)

    def attempt(self, action: Callable[[], None]) -> TransitionCallbackReturn:
        """Configure: run this transition's work. A refusal is logged and fails the transition, which may be tried
        again; what the work had put on the graph by then is taken off."""
        self._why, self._lasting = "", self._entities()
        try:
            action()
        except MyoError as error:
            self._why = str(error)
            self.get_logger().error(self._why)
            self.release()
            return TransitionCallbackReturn.FAILURE
        except Exception:  # rclpy would swallow it
            self.get_logger().fatal(traceback.format_exc())
            self.release()
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As before configuring."""
        self.close()
        self.release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As before configuring, for good."""
        return self.on_cleanup(state)

    def beat(self) -> None:
        """Be heard from now on as a party by the node's name: an effector does not move when one is silent. The
        executor does it, so that a node which hangs is silent too; wall time, whatever the clock of the graph."""
        pulse = self.create_publisher(topics.BEAT.type, topics.BEAT.name, topics.BEAT.qos)
        message = topics.BEAT.type(frame_id=self.get_name())
        self.create_timer(topics.BEAT_S, lambda: pulse.publish(message), clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self) -> None:
        """End what configuring began; safe to call twice."""

    def settled(self, *groups: type) -> None:
        """Parameters of these options dataclasses are checked when set, and refused once the node is configured,
        since it would not heed them any more."""

        def check(parameters: list[Parameter[Any]]) -> SetParametersResult:
            own = {f.name: group for group in groups for f in fields(group)}
            try:
                for p in parameters:
                    if p.name in own and self._lasting:
                        raise ConfigError(f"{p.name} cannot be changed while the node is configured: clean it up first")
                for group in groups:
                    read(self, group, changes=[p for p in parameters if own.get(p.name) is group])
            except MyoError as error:
                return SetParametersResult(successful=False, reason=str(error))
            return SetParametersResult(successful=True)

        self.add_on_set_parameters_callback(check)

    def release(self) -> None:
        """Take off the graph what configuring put there."""
        lasting = {id(e) for e in self._lasting}
        destroy = {Publisher: self.destroy_publisher, Subscription: self.destroy_subscription}
        for entity in self._entities() if self._lasting else []:
            if id(entity) not in lasting:
                next(d for kind, d in destroy.items() if isinstance(entity, kind))(entity)  # type: ignore[operator]
        self._lasting = []

    def _entities(self) -> list[Any]:
        return [*self.publishers, *self.subscriptions]
