"""Commands that an effector follows: in its order of channels, and of one publisher."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import reorder
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.one_writer import OneWriter


@dataclass(frozen=True, eq=False)
class Command:
    """A command as it came.

    `stamp_ns` is the time of the data behind it (of EMG: when its newest sample was taken), `values` one value for each
    of the `names`, `arrival_ns` when the EMG behind it came in, None where that is not known, and `writer` its
    publisher, by which two of them are told apart.
    """

    stamp_ns: int
    names: tuple[str, ...]
    values: NDArray[np.float64]
    arrival_ns: int | None = None
    writer: bytes = b""


class CommandPort(Protocol):
    """Where commands come from, and what is known of their publishers."""

    def commands(self) -> list[Command]:
        """Commands that came since the last call, oldest first."""

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
        """Values in the order of the effector's channels."""
        self.received_ns = 0
        """Monotonic time at which the newest was taken."""
        self._writers = OneWriter(port.present)
        self._names: tuple[str, ...] | None = None
        self._order: NDArray[np.intp] | None = None
        self._reported: set[bytes] = set()

    def take(self, stamp_ns: int | None = None) -> None:
        """Take in what has come; only commands of this stamp, where it is given."""
        for command in self._port.commands():
            if command.values.size != len(command.names):
                self._guard.events["wrong_size"] += 1
                self._say_once(
                    "error", f"a command of {command.values.size} values for {len(command.names)} names is ignored"
                )
                continue
            if command.names is not self._names and not self._learn_order(command):
                continue
            if self._obeys(command) and stamp_ns in (None, command.stamp_ns):
                order = self._order
                self.newest = command if order is None else replace(command, values=command.values[order])
                self.received_ns = time.monotonic_ns()

    def _learn_order(self, command: Command) -> bool:
        """Learn a new order of names, or refuse it."""
        try:
            self._order = reorder(self._guard.spec.command.names, command.names)
        except MyoError as error:
            self._guard.events["wrong_names"] += 1
            self._say_once("error", f"a command is refused: {error}")
            return False
        self._names = command.names
        return True

    def _obeys(self, command: Command) -> bool:
        """Whether it comes from the publisher that the effector obeys; any other is named."""
        before = self._writers.writer
        obeyed = self._writers.obeys(command.writer, time.monotonic())
        if not obeyed:
            self._guard.events["second_writer"] += 1
            if command.writer not in self._reported:
                self._reported.add(command.writer)
                self._port.say(
                    "error",
                    f"{self._port.name_of(command.writer)} publishes commands too and is not obeyed, since "
                    f"{self._port.name_of(before or b'')} does: stop one of them",
                )
        elif before not in (None, command.writer):
            self._reported.discard(command.writer)
            self._port.say("info", f"commands come from {self._port.name_of(command.writer)} now")
        return obeyed
