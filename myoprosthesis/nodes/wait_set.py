"""Subscriptions that a control thread waits for itself, past the executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile

from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.message import reading
from myoprosthesis.nodes.subscription import Refusals, decode
from myoprosthesis.nodes.topics import Topic

T = TypeVar("T")


class _Polled(CallbackGroup):
    """A group that the executor leaves alone."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        return None


class PolledSubscriptions:
    """Waits for any of several subscriptions and takes raw bytes (JointState) or messages (others).

    An executor wakes, dispatches and re-arms in 50–100 µs a message; a wait set of its own does so in about 10.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._group = _Polled()
        self._subscriptions: list[Any] = []
        self._aside: set[Any] = set()
        self._wake = node.create_guard_condition(lambda: None, callback_group=self._group)
        self._set: Any = None
        self._ready: set[int] = set()
        self._decoded: dict[Any, Any] = {}
        self._refusals = Refusals(node.get_logger().error)

    def subscribe(
        self,
        topic: Topic,
        qos: QoSProfile | None = None,
        raw: bool = False,
        wakes: bool = True,
    ) -> Any:
        """A subscription to be given to `take`; `qos` other than the topic's keeps more messages, say.

        What comes for one that does not wake is there when something else has ended the wait. It has no event handlers:
        they would wake the executor at every message.
        """
        subscription = self._node.create_subscription(
            topic.type,
            topic.name,
            lambda _: None,
            qos or topic.qos,
            callback_group=self._group,
            raw=True,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )
        if not raw:
            self._decoded[subscription] = topic.type
        if wakes:
            self._subscriptions.append(subscription)
        else:
            self._aside.add(subscription)
        self._set = None
        return subscription

    def wake(self) -> None:
        """Let a waiting thread return at once."""
        self._wake.trigger()

    def wait(self, timeout_s: float) -> None:
        """Until something can be taken, `wake` was called, or the time is over."""
        if self._set is None:
            context = self._node.context.handle
            if context is None:
                raise MyoError("the context of the node was shut down")
            self._set = _rclpy.WaitSet(len(self._subscriptions), 1, 0, 0, 0, 0, context)
        self._set.clear_entities()
        for subscription in self._subscriptions:
            self._set.add_subscription(subscription.handle)
        self._set.add_guard_condition(self._wake.handle)
        self._set.wait(max(0, int(timeout_s * 1e9)))
        self._ready = set(self._set.get_ready_entities("subscription"))

    def take(self, subscription: Any, single: bool = False) -> Iterator[Any]:
        """All that had come for `subscription` when `wait` returned, oldest first; `single`: it keeps one at most."""
        for message, _ in self._take(subscription, single):
            yield message

    def _take(self, subscription: Any, single: bool) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The same, each with what rclpy knows of it."""
        handle = subscription.handle
        if subscription not in self._aside:
            if handle.pointer not in self._ready:
                return
            self._ready.discard(handle.pointer)
        kind = self._decoded.get(subscription)
        while (got := handle.take_message(subscription.msg_type, True)) is not None:
            try:
                message = got[0] if kind is None else decode(got[0], kind, subscription.topic_name)
                yield message, got[1]
            except MyoError as error:
                self._refusals.add(str(error))
            if single:
                return

    def read(self, subscription: Any, parse: Callable[[Any], T], single: bool = False) -> Iterator[T]:
        """What `parse` makes of all that `take` gives; what it cannot read is refused, and that is said."""
        for value, _ in self._read(subscription, parse, single):
            yield value

    def read_with_writer(self, subscription: Any, parse: Callable[[Any], T]) -> Iterator[tuple[T, bytes]]:
        """The same, each with its publisher's identifier (b"" where rclpy does not know it)."""
        for value, known in self._read(subscription, parse, False):
            yield value, known.get("publisher_gid", {}).get("data", b"")

    def read_with_time(self, subscription: Any, parse: Callable[[Any], T]) -> Iterator[tuple[T, int]]:
        """The same, each with when it was published, ns of the publisher's clock (0 where rclpy does not know it)."""
        for value, known in self._read(subscription, parse, False):
            yield value, int(known.get("source_timestamp", 0))

    def _read(self, subscription: Any, parse: Callable[[Any], T], single: bool) -> Iterator[tuple[T, dict[str, Any]]]:
        for message, known in self._take(subscription, single):
            try:
                with reading(f"a message on {subscription.topic_name}"):
                    value = parse(message)
            except MyoError as error:
                self._refusals.add(str(error))
            else:
                yield value, known

    @staticmethod
    def drain(subscription: Any, most: int) -> list[tuple[Any, dict[str, Any]]]:
        """What has come for `subscription`, waited for or not, at most this many: each with what rclpy knows of it."""
        out: list[tuple[Any, dict[str, Any]]] = []
        handle, kind, raw = subscription.handle, subscription.msg_type, subscription.raw
        while len(out) < most and (got := handle.take_message(kind, raw)) is not None:
            out.append(got)
        return out
