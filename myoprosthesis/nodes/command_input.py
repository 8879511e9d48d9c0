"""What commands an effector: of the frames that come, those of one publisher, in the effector's order of channels."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import reorder
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.one_writer import HANDOVER_S, OneWriter


@dataclass(frozen=True, eq=False)
class Command:
    """A command that fits the effector.

    `stamp_ns` is the time of the data behind it (of EMG: when its newest sample was taken), `values`, shape
    (n_command,), are in the effector's order, and `arrival_ns` is when the EMG behind it came in, None where that is
    not known.
    """

    stamp_ns: int
    values: NDArray[np.float64]
    arrival_ns: int | None = None


class CommandPort(Protocol):
    """Where commands come from, and what is known of their publishers."""

    def commands(self) -> list[tuple[JointStateFrame, bytes]]:
        """Frames that came since the last call, oldest first, each with its publisher."""

    def arrival_ns(self, stamp_ns: int) -> int | None:
        """When the EMG came in that was taken at `stamp_ns`; None where that is not known."""

    def present(self, writer: bytes) -> bool:
        """Whether this publisher of commands is still there."""

    def name_of(self, writer: bytes) -> str:
        """The node to which this publisher of commands belongs."""

    def say(self, level: str, text: str) -> None:
        """Report to people, once."""


class CommandInput:
    """Keeps the newest command that fits the effector; refuses and counts the others, naming each fault once."""

    def __init__(self, guard: GuardedEffector, port: CommandPort, say_once: Callable[[str, str], None]) -> None:
        self._guard, self._port, self._say_once = guard, port, say_once
        self.newest: Command | None = None
        self.received_ns = 0
        """Monotonic time at which the newest was taken."""
        self._writers = OneWriter(port.present)
        self._names: tuple[str, ...] | None = None
        self._order: NDArray[np.intp] | None = None
        self._reported: set[bytes] = set()

    def take(self, stamp_ns: int | None = None) -> None:
        """Take in what has come; only commands of this stamp, where it is given."""
        quantity = self._guard.spec.command.quantity
        for frame, writer in self._port.commands():
            values: NDArray[np.float64] = getattr(frame, quantity)
            if values.size != len(frame.names):
                self._guard.events["wrong_size"] += 1
                self._say_once("error", f"a command of {values.size} values for {len(frame.names)} names is ignored")
                continue
            if frame.names is not self._names and not self._learn_order(frame.names):
                continue
            if self._obeys(writer) and stamp_ns in (None, frame.stamp_ns):
                ordered = values if self._order is None else values[self._order]
                self.newest = Command(frame.stamp_ns, ordered, self._port.arrival_ns(frame.stamp_ns))
                self.received_ns = time.monotonic_ns()

    def _learn_order(self, names: tuple[str, ...]) -> bool:
        """Learn a new order of names, or refuse it."""
        try:
            self._order = reorder(self._guard.spec.command.names, names)
        except MyoError as error:
            self._guard.events["wrong_names"] += 1
            self._say_once("error", f"a command is refused: {error}")
            return False
        self._names = names
        return True

    def _obeys(self, writer: bytes) -> bool:
        """Whether this is the publisher that the effector obeys; any other is named."""
        before, now_s = self._writers.writer, time.monotonic()
        obeyed = self._writers.obeys(writer, now_s)
        if not obeyed:
            self._guard.events["second_writer"] += 1
            if writer not in self._reported:
                second, first = self._port.name_of(writer), self._port.name_of(before or b"")
                # one that has the same name is most often the same node, started again
                if second != first or self._writers.waited_s(writer, now_s) > HANDOVER_S:
                    self._reported.add(writer)
                    self._port.say(
                        "error",
                        f"{second} publishes commands too and is not obeyed, since {first} does: stop one of them",
                    )
        elif before not in (None, writer):
            self._reported.discard(writer)
            self._port.say("info", f"commands come from {self._port.name_of(writer)} now")
        return obeyed
