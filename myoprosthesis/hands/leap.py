"""A hand of Dynamixel motors with consecutive ids on one bus, such as the LEAP Hand.

Current-based position control: the motors themselves limit the current with which they hold a position. Facts of the
LEAP Hand: its users' documents; registers: see `dynamixel`.
"""

from __future__ import annotations

import struct
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import finite
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.hands import dynamixel as dxl
from myoprosthesis.hands.hand_spec import HandSpec, Servos
from myoprosthesis.hands.protocol import HandState

Array = NDArray[np.float64]

PER_RAD = dxl.PER_TURN / (2 * np.pi)


class Leap:
    """Implements `HandProtocol`, `Rebootable` and `Bus`. Every command writes all goals and asks for current, velocity,
    position and temperature of all motors at once; a state is told when all have answered in their order."""

    def __init__(self, sheet: HandSpec) -> None:
        if sheet.servos is None:
            raise ConfigError(f"{sheet.name}: a hand of Dynamixel motors needs `servos` in its data sheet")
        self.sheet, self._servos = sheet, sheet.servos
        self.counts: Counter[str] = Counter()
        n = len(sheet.joints)
        self._ids = range(sheet.address, sheet.address + n)
        self._way = sheet.column("direction") * PER_RAD
        self._packets = dxl.PacketParser(self.counts)
        self._rows: list[bytes] = []
        self._alert = np.zeros(n, bool)
        self._errors: dict[int, int] = {}
        self._ask_why = False
        self._answered: set[int] = set()
        self._before: set[int] = set()
        """Motors that answered the newest question, and the one before it."""
        self._position: Array | None = None
        self._set_up = False

    def wake(self) -> bytes:
        """Ends what the bus watchdog forbids, sets mode, gains and largest current, and switches the motors on where
        they are. The mode can only be set while they are limp, and is set once after opening."""
        if self._position is None:
            return b""
        s: Servos = self._servos
        out = self._all(dxl.BUS_WATCHDOG, 0, 1)
        if not self._set_up:
            out += self._all(dxl.TORQUE, 0, 1) + self._all(dxl.MODE, dxl.CURRENT_BASED_POSITION, 1)
            self._set_up = True
        for register, value in ((dxl.GAIN_D, s.d), (dxl.GAIN_I, s.i), (dxl.GAIN_P, s.p)):
            out += self._all(register, value, 2)
        out += self._all(dxl.GOAL_CURRENT, round(s.current * 1000), 2)
        out += self.will(self._position) + self._all(dxl.TORQUE, 1, 1)
        return out + self._all(dxl.BUS_WATCHDOG, round(self.sheet.watchdog_s / dxl.WATCHDOG_UNIT_S), 1)

    def command(self, position: Array) -> bytes:
        """All goals, and a question."""
        return self.will(position) + self.query()

    def query(self) -> bytes:
        """Ask for everything; of motors that raise the alarm, every second time for what it is."""
        self._before, self._answered = self._answered, set()
        alarmed = [self._ids[k] for k in np.flatnonzero(self._alert)]
        self._ask_why = bool(alarmed) and not self._ask_why
        if self._ask_why:
            return dxl.sync_read(dxl.HARDWARE_ERROR, alarmed, 1)
        return dxl.sync_read(dxl.PRESENT, self._ids, dxl.PRESENT_LENGTH)

    def relax(self) -> bytes:
        """Motors off, and a question."""
        return self.will(None) + self.query()

    def leave(self) -> bytes:
        """Motors off."""
        return self.will(None)

    def will(self, position: Array | None) -> bytes:
        """All goals, or all motors off. Nothing answers to it."""
        if position is None:
            return self._all(dxl.TORQUE, 0, 1)
        goals = np.rint(dxl.PER_TURN / 2 + finite(position) * self._way)
        return dxl.sync_write(dxl.GOAL_POSITION, self._ids, goals, 4)

    def reboot(self) -> bytes:
        """Each motor that raises the alarm forgets its fault and its volatile settings, which `wake` makes again."""
        alarmed = np.flatnonzero(self._alert)
        for k in alarmed:
            self._errors.pop(int(k), None)
        return b"".join(dxl.packet(self._ids[k], dxl.REBOOT) for k in alarmed)

    def roll_call(self) -> tuple[bytes, ...]:
        """A ping to each motor."""
        self._before, self._answered = set(), set()
        return tuple(dxl.packet(id_, dxl.PING) for id_ in self._ids)

    @property
    def absent(self) -> tuple[str, ...]:
        """Motors of the newest question that brought an answer from others."""
        there = self._answered | self._before
        missing = [k for k in range(len(self._ids)) if k not in there] if there else []
        return tuple(f"{self.sheet.names[k]} (id {self._ids[k]})" for k in missing)

    def feed(self, data: bytes) -> list[HandState]:
        """States, each from the answers of all motors to one question."""
        states = []
        for told in self._packets.feed(data):
            if told.instruction != dxl.STATUS or not told.parameters:
                continue  # an echo of what was asked
            if told.id not in self._ids:
                self.counts["foreign"] += 1
                continue
            self.counts["frames"] += 1
            k = told.id - self._ids[0]
            self._answered.add(k)
            self._alert[k] = bool(told.parameters[0] & dxl.ALERT)
            if len(told.parameters) == 2:
                self._errors[k] = told.parameters[1]
            elif len(told.parameters) == 1 + dxl.PRESENT_LENGTH:
                if k != len(self._rows):
                    self._rows.clear()  # an answer is missing
                if k == len(self._rows):
                    self._rows.append(told.parameters[1:])
                if len(self._rows) == len(self._ids):
                    states.append(self._state())
                    self._rows.clear()
        return states

    def _all(self, register: int, value: int, width: int) -> bytes:
        return dxl.sync_write(register, self._ids, value, width)

    def _state(self) -> HandState:
        rows = np.array([struct.unpack_from("<hii", row) for row in self._rows], float)
        self._position = (rows[:, 2] - dxl.PER_TURN / 2) / self._way
        return HandState(
            self._position,
            velocity=rows[:, 1] * dxl.RAD_S * np.sign(self._way),
            current=rows[:, 0] * 1e-3,
            temperature=np.array([row[20] for row in self._rows], float),
            trouble=tuple(self._words(int(k)) for k in np.flatnonzero(self._alert)),
        )

    def _words(self, k: int) -> str:
        bits = self._errors.get(k, 0)
        said = [text for bit, text in dxl.HARDWARE_ERRORS.items() if bits >> bit & 1]
        return f"the motor of {self.sheet.names[k]} {' and '.join(said) or 'reports a hardware error'}"
