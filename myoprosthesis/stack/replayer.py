"""Publishes recorded messages again, stamped with the present time."""

from __future__ import annotations

import importlib
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.publisher_lock import PublisherLock
from myoprosthesis.recording.bag import Bag, Message
from myoprosthesis.recording.definitions import stamped
from myoprosthesis.stack.client import WAIT_S, StackClient

NS = 1_000_000_000
SETTLE_S = 2.0
"""How long publishers without a lock are waited for: those of other programs, and of other machines."""
DEPTH = 1000
"""Messages that are kept for a listener which is known here, and does not know of this publisher yet."""
CHECK_S = 0.1
"""Between two looks for others, in time of the recording."""
OTHERS = (
    "published by another node of this graph: start the stack without that node, or replay with --beside when it is "
    "silent"
)
OWNERS = {
    topics.COMMAND: ("policy/active", "policy/shadow", "policy/hidden", "emg/decision"),
    topics.EMG_RAW: ("emg/filtered", "emg/envelope", "emg/arrival", "emg/prompt", "emg/spec"),
    topics.STATE: ("applied", "effector/spec", *(t.name for t in topics.VIEWS)),
    topics.TARGET: ("target/pose", "trial", "trial/events"),
}
"""Topics that a node publishes beside the one that it locks."""


class Replayer:
    """Publishes topics of a recording, on the node of a `StackClient`, in the rhythm of their stamps."""

    def __init__(self, stack: StackClient, bag: Bag, names: Sequence[str], beside: bool = False) -> None:
        """Publish topics by names as a person types them; relative ones are in the stack's namespace.

        Raises `ConfigError` when others publish them, unless `beside`: at once where these are nodes of this package on
        this machine, which lock what they publish; else within `SETTLE_S`, or as soon as `play` learns of them.
        """
        self._stack, self._bag, self._beside, self._names = stack, bag, beside, tuple(names)
        self._out: dict[str, tuple[Any, bool]] = {}
        self._locks: list[PublisherLock] = []
        node = stack.node
        known = {t.name: t.qos for t in (*topics.PRIMARY, *topics.VIEWS)}
        known_topics = {name: bag.topic(name) for name in names}
        if not beside:
            self._lock(names)
            stack.spin_until(lambda: any(node.count_publishers(name) for name in names), SETTLE_S)
            self._refuse_others(0)
        for name, topic in known_topics.items():
            latched = "transient_local" in topic.qos
            qos = known.get(name, topics.latched(10) if latched else topics.reliable(10))
            if not topics.is_latched(qos):
                qos = topics.reliable(DEPTH)
            self._out[topic.name] = node.create_publisher(_message(topic.type), name, qos), stamped(topic.type)
        self.listeners = stack.spin_until(
            lambda: all(p.get_subscription_count() for p, _ in self._out.values()), WAIT_S
        )
        """Whether each topic has a subscriber."""
        self.seconds = max((at for at, _ in self._timed()), default=0.0)
        """How long it takes at the rate of its recording."""

    def close(self) -> None:
        """Let others publish these topics."""
        while self._locks:
            self._locks.pop().close()

    def _lock(self, names: Sequence[str]) -> None:
        """Take the locks of the nodes that publish these topics, so that no such node is there, or comes meanwhile."""
        space = self._stack.node.get_namespace().rstrip("/")
        owned = {name: name if name.startswith("/") else f"{space}/{name}" for name in names}
        for topic in dict.fromkeys(_owner(full) for full in owned.values()):
            try:
                self._locks.append(PublisherLock(topic, "node"))
            except ConfigError as error:
                self.close()
                which = ", ".join(name for name, full in owned.items() if _owner(full) == topic)
                raise ConfigError(f"{which} is {OTHERS}") from error

    def _refuse_others(self, own: int) -> None:
        """Raise `ConfigError` when more than `own` publishers are known of a topic."""
        for name in self._names:
            if not self._beside and self._stack.node.count_publishers(name) > own:
                raise ConfigError(f"{name} is {OTHERS}")

    def play(self, rate: float, stopped: Callable[[], bool], progress: Callable[[float], object]) -> int:
        """Play once from beginning to end, until `stopped`; returns the number of messages.

        `progress` is called with the time (s) of the recording that is over. Raises `ConfigError` when others begin to
        publish the same, unless `beside`.
        """
        began, shown, count, at, checked = time.monotonic(), 0.0, 0, 0.0, 0.0
        for at, message in self._timed():
            while (wait := began + at / rate - time.monotonic()) > 0 and not stopped():
                time.sleep(min(wait, 0.05))
            if stopped():
                break
            if at >= checked:
                self._refuse_others(1)
                checked = at + CHECK_S
            self._publish(message)
            count += 1
            if at - shown >= 0.05:
                progress(at)
                shown = at
        progress(at)
        return count

    def _timed(self) -> Iterator[tuple[float, Message]]:
        """Messages with their time since the first (s), by the stamps of those that have one.

        So what was recorded faster or slower than real time is played in real time; where time goes back, it stands
        still.
        """
        at, before = 0, None
        paced = [has for _, has in self._out.values()]
        for message in self._bag.messages(list(self._out)):
            if self._out[message.topic][1] or not any(paced):
                when = message.stamp_ns
                at += max(0, when - before) if before is not None else 0
                before = when
            yield at * 1e-9, message

    def _publish(self, message: Message) -> None:
        publisher, has_stamp = self._out[message.topic]
        data = message.data
        if has_stamp:
            now = self._stack.node.get_clock().now().nanoseconds
            order = "<iI" if data[1:2] == b"\1" else ">iI"
            data = data[:4] + struct.pack(order, *divmod(now, NS)) + data[12:]
        publisher.publish(data)


def _owner(topic: str) -> str:
    """The topic that the publisher of a topic, by its full name, has claimed."""
    for claimed, others in OWNERS.items():
        for other in others:
            if topic.endswith(f"/{other}"):
                return topic.removesuffix(other) + claimed.name
    return topic


def _message(kind: str) -> type:
    package, _, name = kind.partition("/msg/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"messages of type {kind} are not known on this machine") from error
