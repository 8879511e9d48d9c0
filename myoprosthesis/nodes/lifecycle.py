"""What every managed node is: brought up and taken down in the states of a lifecycle."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.process_tuning import freeze_gc
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.parameters import read
from myoprosthesis.nodes.publisher_lock import PublisherLock
from myoprosthesis.nodes.timers import every

TRANSITIONS = ("on_configure", "on_activate", "on_deactivate", "on_cleanup", "on_shutdown", "on_error")


class ManagedNode(LifecycleNode):
    """A lifecycle node that brings itself up when its parameter `autostart` is true.

    Subclasses give `on_configure` and so on. What is refused while it brings itself up ends the process with
    one sentence.
    """

    def __init__(self, name: str) -> None:
        for transition in TRANSITIONS:  # before rclpy registers them
            setattr(self, transition, self._watched(getattr(self, transition)))
        super().__init__(name)
        self.refused = ""
        self.was_up = False
        """Whether it has been configured once: from then on a refusal does not end its process."""
        self._waiting: bool | None = None
        """After a refused `reconfigure`: whether it is to be active once it fits again; None: nothing of the kind."""
        self.failed = ""
        """Why the node, which worked, cannot go on; its process then ends."""
        self._why = ""
        self._lasting: list[Any] = []
        self._locks: list[PublisherLock] = []
        self._groups: tuple[type, ...] = ()
        self.crashed: BaseException | None = None
        """The mistake that ends its process: half a node is worse than none."""

    def thread(self, work: Callable[[], None]) -> threading.Thread:
        """Run `work` in a thread; `node_main.run` ends the process when it fails."""
        thread = threading.Thread(target=work, name=f"{self.get_name()} loop", daemon=True)
        thread.start()
        return thread

    def _watched(
        self, transition: Callable[[LifecycleState], TransitionCallbackReturn]
    ) -> Callable[[LifecycleState], TransitionCallbackReturn]:
        """The transition, whose mistakes end the process: rclpy would swallow them."""

        def watched(state: LifecycleState) -> TransitionCallbackReturn:
            try:
                return transition(state)
            except Exception as error:
                self.crashed = self.crashed or error
                return TransitionCallbackReturn.ERROR

        return watched

    def autostart(self) -> None:
        """Configure and activate, as the launcher wishes."""
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != TransitionCallbackReturn.SUCCESS:
                if self.crashed is not None:
                    return
                if not self._why:
                    self.get_logger().fatal(f"{self.get_name()} could not be brought up")
                self.refused = self._why or "not brought up"
                return
        freeze_gc()

    def reconfigure(self) -> None:
        """Clean up and come back, because what it was configured for has become another; active again if it was.

        What is refused then is tried again with the next change. A node that a person took down stays down.
        """
        active = self._waiting
        if self.configured:
            active = self.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
            self.trigger_cleanup()
        if active is None:
            return
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            self._waiting = active
        elif active:
            self.trigger_activate()

    @property
    def configured(self) -> bool:
        """Whether what configuring puts on the graph is there."""
        return bool(self._lasting)

    def refuse(self, sentence: str) -> None:
        """Say why this process cannot go on; it then ends."""
        self.refused = sentence
        self.get_logger().fatal(sentence)

    def attempt(self, action: Callable[[], None]) -> TransitionCallbackReturn:
        """Run the work of the configure transition.

        A refusal is logged and fails the transition, which may be tried again; work begun by then is ended, and its
        entities are removed from the graph. So it is after a mistake, which is raised.
        """
        self._why, self._lasting = "", self._entities()
        try:
            action()
        except MyoError as error:
            self._why = str(error)
            self.get_logger().error(self._why)
            self._undo()
            return TransitionCallbackReturn.FAILURE
        except BaseException:
            self._undo()
            raise
        self.was_up, self._waiting = True, None
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Return to the state before configuring."""
        self._undo()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Return to the state before configuring, for good."""
        return self.on_cleanup(state)

    def _undo(self) -> None:
        """End the work of configuring, then remove its entities from the graph.

        In that order: a loop that still runs would publish on destroyed publishers.
        """
        self.close()
        self.release()

    def lock_topic(self, topic: topics.Topic, who: str) -> None:
        """Reserve `topic` for this node on this machine until it is cleaned up; call it while configuring.

        Raises `ConfigError` when another process publishes it.
        """
        self._locks.append(PublisherLock(self.resolve_topic_name(topic.name), who))

    def send_heartbeats(self) -> None:
        """Publish a heartbeat under the node's name from now on.

        An effector does not move when a participant is silent. The executor sends it, so that a node which hangs is
        silent too; in wall time, whatever the clock of the graph.
        """
        pulse = self.create_publisher(topics.HEARTBEAT.type, topics.HEARTBEAT.name, topics.HEARTBEAT.qos)
        message = topics.HEARTBEAT.type(frame_id=self.get_name())
        wall = Clock()

        def publish() -> None:
            message.stamp = wall.now().to_msg()
            pulse.publish(message)

        every(self, topics.HEARTBEAT_S, publish)

    def close(self) -> None:
        """End what configuring began; safe to call twice."""

    def check_parameters(self, *groups: type, free: tuple[str, ...] = ()) -> None:
        """Check parameters of these options dataclasses when they are set, and refuse them once the node is configured.

        A configured node would not use them any more, except for those that are `free`. A second call replaces the
        dataclasses.
        """

        first, self._groups = not self._groups, groups

        def check(parameters: list[Parameter[Any]]) -> SetParametersResult:
            own = {f.name: group for group in self._groups for f in fields(group)}
            try:
                for p in parameters:
                    if p.name in own and p.name not in free and self.configured:
                        raise ConfigError(f"{p.name} cannot be changed while the node is configured: clean it up first")
                for group in self._groups:
                    read(self, group, changes=[p for p in parameters if own.get(p.name) is group])
            except MyoError as error:
                return SetParametersResult(successful=False, reason=str(error))
            return SetParametersResult(successful=True)

        if first:
            self.add_on_set_parameters_callback(check)

    def release(self) -> None:
        """Take off the graph what configuring put there."""
        while self._locks:
            self._locks.pop().close()
        lasting = {id(e) for e in self._lasting}
        destroy = {Publisher: self.destroy_publisher, Subscription: self.destroy_subscription}
        for entity in self._entities() if self._lasting else []:
            if id(entity) not in lasting:
                next(d for kind, d in destroy.items() if isinstance(entity, kind))(entity)  # type: ignore[operator]
        self._lasting = []

    def _entities(self) -> list[Any]:
        return [*self.publishers, *self.subscriptions]


class LoopNode(ManagedNode):
    """A managed node around a control loop, which its `_configure` makes and starts."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.loop: Any = None
        """A `ControlLoop` while the node is configured."""

    @abstractmethod
    def _configure(self) -> None:
        """Make the loop and start it; a refusal is raised."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """The loop runs; it commands nothing yet."""
        return self.attempt(self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """The loop commands."""
        self.loop.active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """The loop goes on without commanding."""
        self.loop.active = False
        return super().on_deactivate(state)

    def close(self) -> None:
        """End the loop; safe to call twice."""
        if self.loop is not None:
            self.loop.stop()
            self.loop = None
