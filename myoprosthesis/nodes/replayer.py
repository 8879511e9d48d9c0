"""Recorded messages on the graph again, under stamps of now."""

from __future__ import annotations

import importlib
import struct
import time
from collections.abc import Callable, Iterator, Sequence

from rclpy.publisher import Publisher

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.steering import WAIT_S, Steering
from myoprosthesis.recording.bag import Bag, Message
from myoprosthesis.recording.definitions import stamped

NS = 1_000_000_000


class Replayer:
    """Publishes topics of a recording, on the node of a `Steering`, in the rhythm of their stamps."""

    def __init__(self, graph: Steering, bag: Bag, names: Sequence[str], beside: bool = False) -> None:
        """Names as a person gives them: relative ones are published in the graph's namespace. Raises `ConfigError` when
        others publish them, unless `beside`."""
        self._graph, self._bag = graph, bag
        self._out: dict[str, tuple[Publisher, bool]] = {}
        node = graph.node
        known = {t.name: t.qos for t in (*topics.PRIMARY, *topics.VIEWS)}
        graph.spin_until(lambda: False, 0.5)  # learn who is there
        for name in names:
            topic = bag.topic(name)
            if not beside and node.count_publishers(name):
                raise ConfigError(
                    f"{name} is published by another node of this graph: start the stack without that node, or replay "
                    "with --beside when it is silent"
                )
            latched = "transient_local" in topic.qos
            qos = known.get(name, topics.latched(10) if latched else topics.reliable(10))
            self._out[topic.name] = node.create_publisher(_message(topic.type), name, qos), stamped(topic.type)
        self.listeners = graph.spin_until(
            lambda: all(p.get_subscription_count() for p, _ in self._out.values()), WAIT_S
        )
        """Whether each topic is heard by somebody."""
        self.seconds = max((at for at, _ in self._timed()), default=0.0)
        """How long it takes at the rate of its recording."""

    def play(self, rate: float, stopped: Callable[[], bool], progress: Callable[[float], object]) -> int:
        """Once from beginning to end, until `stopped`; `progress` is told of each piece of time (s) that is over. The
        number of messages."""
        began, told, said, at = time.monotonic(), 0.0, 0, 0.0
        for at, message in self._timed():
            while (wait := began + at / rate - time.monotonic()) > 0 and not stopped():
                time.sleep(min(wait, 0.05))
            if stopped():
                break
            self._publish(message)
            said += 1
            if at - told >= 0.05:
                progress(at - told)
                told = at
        progress(at - told)
        return said

    def _timed(self) -> Iterator[tuple[float, Message]]:
        """Messages with their time since the first (s): by the stamps of those that have one, so that what was recorded
        faster or slower than in real time is played in real time; time that goes back stands still."""
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
            now = self._graph.node.get_clock().now().nanoseconds
            order = "<iI" if data[1:2] == b"\1" else ">iI"
            data = data[:4] + struct.pack(order, *divmod(now, NS)) + data[12:]
        publisher.publish(data)


def _message(kind: str) -> type:
    package, _, name = kind.partition("/msg/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"messages of type {kind} are not known on this machine") from error
