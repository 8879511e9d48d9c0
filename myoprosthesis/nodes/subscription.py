"""Subscriptions through which nobody can end a node: what comes is handed on, or refused in a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

from myoprosthesis.core.errors import CommandError, MyoError
from myoprosthesis.core.message import reading
from myoprosthesis.nodes.topics import Topic

T = TypeVar("T")
MOST_BYTES = 4_194_304
"""The longest message that is looked at."""
PAUSE_S, AGAIN_S = 1.0, 10.0
"""Between two refusals that are said, and two of the same words."""


class Refusals:
    """Says why messages are refused, not each time, and how many more there were."""

    def __init__(self, say: Callable[[str], Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._say, self._text, self._at, self._more = say, "", float("-inf"), 0

    def add(self, text: str) -> None:
        """One more was refused, for this reason."""
        now = self._clock()
        if now - self._at < (AGAIN_S if text == self._text else PAUSE_S):
            self._more += 1
            return
        self._say(f"{text} ({self._more} more were refused before)" if self._more else text)
        self._text, self._at, self._more = text, now, 0


def decode(data: bytes, kind: Any, topic: str) -> Any:
    """The message of type `kind` in bytes of `topic`; raises `MyoError`."""
    if len(data) > MOST_BYTES:
        raise CommandError(f"a message of {len(data)} bytes on {topic} is ignored: at most {MOST_BYTES} are read")
    with reading(f"a message on {topic}"):
        return deserialize_message(data, kind)


def subscribe(
    node: Node,
    topic: Topic,
    parse: Callable[[Any], T],
    handle: Callable[[T], None] = lambda value: None,
    qos: QoSProfile | None = None,
    raw: bool = False,
) -> Any:
    """A subscription of the executor's: `handle` is called with what `parse` makes of a message, of its bytes if `raw`.

    A message is refused, in a sentence, when anything goes wrong in `parse`, or when `handle` raises a `MyoError`; any
    other error in `handle` is a mistake of this program. `qos` other than the topic's keeps more messages, say.
    """
    refusals = Refusals(node.get_logger().error)

    def take(data: bytes) -> None:
        try:
            message = data if raw else decode(data, topic.type, topic.name)
            with reading(f"a message on {topic.name}"):
                value = parse(message)
            handle(value)
        except MyoError as error:
            refusals.add(str(error))

    return node.create_subscription(topic.type, topic.name, take, qos or topic.qos, raw=True)
