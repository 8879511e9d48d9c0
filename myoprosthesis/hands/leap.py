"""Codec of a hand of Dynamixel motors with consecutive ids on one bus, such as the LEAP Hand.

Current-based position control: the motors themselves limit the current with which they hold a position. Sources:
the LEAP Hand's user documents; registers: see `dynamixel`.
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
    """Codec of the LEAP Hand (`HandProtocol`, `Rebootable`, `Bus`).

    Every command writes all goals and requests current, velocity, position and temperature of all motors; a state is
    complete when all have answered in their order.
    """

    def __init__(self, spec: HandSpec) -> None:
        if spec.servos is None:
            raise ConfigError(f"{spec.name}: a hand of Dynamixel motors needs `servos` in its data sheet")
        self.spec, self._servos = spec, spec.servos
        self.counts: Counter[str] = Counter()
        n = len(spec.joints)
        self._ids = range(spec.address, spec.address + n)
        self._per_rad = spec.column("direction") * PER_RAD
        self._packets = dxl.PacketParser(self.counts)
        self._rows: list[bytes] = []
        self._alert = np.zeros(n, bool)
        self._errors: dict[int, int] = {}
        self._read_errors = False
        self._answered: set[int] = set()
        self._answered_before: set[int] = set()
        """Motors that answered the newest request, and the one before it."""
        self._position: Array | None = None
        self._set_up = False

    def enable(self) -> bytes:
        """Clears the bus watchdog, sets mode, gains and largest current, and switches the motors on where they are.

        The mode can only be set while they are limp, and is set once after opening.
        """
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
        out += self.failsafe_frame(self._position) + self._all(dxl.TORQUE, 1, 1)
        return out + self._all(dxl.BUS_WATCHDOG, round(self.spec.watchdog_s / dxl.WATCHDOG_UNIT_S), 1)

    def command(self, position: Array) -> bytes:
        """All goals, and a request for a state."""
        return self.failsafe_frame(position) + self.query()

    def query(self) -> bytes:
        """Request a state; every second time, the hardware errors of the motors that report an alert instead."""
        self._answered_before, self._answered = self._answered, set()
        alerted = [self._ids[k] for k in np.flatnonzero(self._alert)]
        self._read_errors = bool(alerted) and not self._read_errors
        if self._read_errors:
            return dxl.sync_read(dxl.HARDWARE_ERROR, alerted, 1)
        return dxl.sync_read(dxl.PRESENT, self._ids, dxl.PRESENT_LENGTH)

    def limp(self) -> bytes:
        """Motors off, and a request for a state."""
        return self.failsafe_frame(None) + self.query()

    def release(self) -> bytes:
        """Motors off."""
        return self.failsafe_frame(None)

    def failsafe_frame(self, position: Array | None) -> bytes:
        """All goals, or all motors off. Neither is answered."""
        if position is None:
            return self._all(dxl.TORQUE, 0, 1)
        goals = np.rint(dxl.PER_TURN / 2 + finite(position) * self._per_rad)
        return dxl.sync_write(dxl.GOAL_POSITION, self._ids, goals, 4)

    def reboot(self) -> bytes:
        """Reboots each motor that reports an alert; it loses its volatile settings, which `enable` sets again."""
        alerted = np.flatnonzero(self._alert)
        for k in alerted:
            self._errors.pop(int(k), None)
        return b"".join(dxl.packet(self._ids[k], dxl.REBOOT) for k in alerted)

    def ping_each(self) -> tuple[bytes, ...]:
        """A ping to each motor."""
        self._answered_before, self._answered = set(), set()
        return tuple(dxl.packet(id_, dxl.PING) for id_ in self._ids)

    @property
    def absent(self) -> tuple[str, ...]:
        """Motors that answered neither of the last two requests while others did."""
        answered = self._answered | self._answered_before
        missing = [k for k in range(len(self._ids)) if k not in answered] if answered else []
        return tuple(f"{self.spec.names[k]} (id {self._ids[k]})" for k in missing)

    def parse(self, data: bytes) -> list[HandState]:
        """States, each from the answers of all motors to one request."""
        states = []
        for packet in self._packets.parse(data):
            if packet.instruction != dxl.STATUS or not packet.parameters:
                continue  # an echo of a request
            if packet.id not in self._ids:
                self.counts["foreign"] += 1
                continue
            self.counts["frames"] += 1
            k = packet.id - self._ids[0]
            self._answered.add(k)
            self._alert[k] = bool(packet.parameters[0] & dxl.ALERT)
            if len(packet.parameters) == 2:
                self._errors[k] = packet.parameters[1]
            elif len(packet.parameters) == 1 + dxl.PRESENT_LENGTH:
                if k != len(self._rows):
                    self._rows.clear()  # an answer is missing
                if k == len(self._rows):
                    self._rows.append(packet.parameters[1:])
                if len(self._rows) == len(self._ids):
                    states.append(self._state())
                    self._rows.clear()
        return states

    def _all(self, register: int, value: int, width: int) -> bytes:
        return dxl.sync_write(register, self._ids, value, width)

    def _state(self) -> HandState:
        rows = np.array([struct.unpack_from("<hii", row) for row in self._rows], float)
        self._position = (rows[:, 2] - dxl.PER_TURN / 2) / self._per_rad
        return HandState(
            self._position,
            velocity=rows[:, 1] * dxl.RAD_S * np.sign(self._per_rad),
            current=rows[:, 0] * 1e-3,
            temperature=np.array([row[20] for row in self._rows], float),
            trouble=tuple(self._alert_text(int(k)) for k in np.flatnonzero(self._alert)),
        )

    def _alert_text(self, k: int) -> str:
        bits = self._errors.get(k, 0)
        texts = [text for bit, text in dxl.HARDWARE_ERRORS.items() if bits >> bit & 1]
        return f"the motor of {self.spec.names[k]} {' and '.join(texts) or 'reports a hardware error'}"
