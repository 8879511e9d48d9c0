"""Emulated Dynamixel motors: one control table each behind Protocol 2.0, with the bus watchdog."""

from __future__ import annotations

from collections import Counter

import numpy as np

from myoprosthesis.emulators.motor_model import MotorModel
from myoprosthesis.hands import dynamixel as dxl
from myoprosthesis.hands.hand_spec import HandSpec
from myoprosthesis.hands.leap import PER_RAD

HOT = 70.0
"""°C above which a motor reports a hardware error and goes limp."""
MODEL, FIRMWARE = 1220, 46
"""XC330-M288."""
OVERHEATING, OVERLOAD = 1 << 2, 1 << 5
BOOT_S = 0.3
"""Time for which a rebooting motor does not answer."""
RANGE_ERROR, ACCESS_ERROR = 0x04, 0x07
READ_ONLY = (dxl.HARDWARE_ERROR, *range(122, 147))
GOALS = range(100, 120)
TRIGGERED = 0xFF


class LeapEmulator:
    """Emulator of the LEAP Hand (`Emulator`)."""

    def __init__(self, spec: HandSpec) -> None:
        self.spec = spec
        self.watchdog_events = 0
        self._counts: Counter[str] = Counter()
        self._first = spec.address
        self._per_rad = spec.column("direction") * PER_RAD
        start = spec.column("open")
        self.motors = MotorModel(spec.column("low"), spec.column("high"), spec.column("speed"), start)
        self._motors = [bytearray(256) for _ in spec.joints]
        for motor in self._motors:
            motor[0:2] = MODEL.to_bytes(2, "little")
            motor[6], motor[dxl.MODE] = FIRMWARE, 3
            motor[dxl.GOAL_CURRENT : dxl.GOAL_CURRENT + 2] = (1750).to_bytes(2, "little")
        self._goals(start)
        self._packets = dxl.PacketParser(self._counts)
        self._last_packet_s = -np.inf
        self._latched = np.zeros(len(self._motors), bool)
        self._silent_until = np.full(len(self._motors), -np.inf)
        self._now = -np.inf

    def latch(self, joint: int) -> None:
        """Overload the motor of a joint: it goes limp, and reports the error until it is rebooted."""
        self._latched[joint] = True

    def absent(self, joint: int, on: bool) -> None:
        """Take the motor of a joint off the bus, or put it back."""
        self._silent_until[joint] = np.inf if on else -np.inf

    @property
    def refused(self) -> int:
        """Packets that were damaged or refused."""
        return self._counts["damaged"] + self._counts["refused"]

    def foreign(self, on: bool) -> None:
        """Answer under other ids, as if another hand were on the bus."""
        self._first = self.spec.address + 100 * on

    def receive(self, data: bytes, now: float) -> list[bytes]:
        """Replies to the packets that `data` completes at `now` (s)."""
        self.advance(now)
        replies = []
        for packet in self._packets.parse(data):
            if packet.instruction == dxl.STATUS:
                continue
            self._last_packet_s = now
            replies += self._obey(packet)
        return replies

    def advance(self, now: float) -> None:
        """Advance the motors and the watchdog to `now` (s)."""
        self._now, silent = now, now - self._last_packet_s
        fired = False
        for motor in self._motors:
            limit = motor[dxl.BUS_WATCHDOG]
            if motor[dxl.TORQUE] and 0 < limit < 128 and silent > limit * dxl.WATCHDOG_UNIT_S:
                motor[dxl.BUS_WATCHDOG], fired = TRIGGERED, True
        if fired:
            self.watchdog_events += 1
            self._goals(self.motors.position)
        hot = self.motors.hottest > HOT
        for k, motor in enumerate(self._motors):
            motor[dxl.HARDWARE_ERROR] = OVERHEATING * bool(hot[k]) | OVERLOAD * bool(self._latched[k])
            if motor[dxl.HARDWARE_ERROR]:
                motor[dxl.TORQUE] = 0
        self._aim()
        self.motors.advance(now)

    def _goals(self, position: np.ndarray) -> None:
        for motor, raw in zip(self._motors, self._raw(position), strict=True):
            motor[dxl.GOAL_POSITION : dxl.GOAL_POSITION + 4] = raw.tobytes()

    def _raw(self, position: np.ndarray) -> np.ndarray:
        return np.rint(dxl.PER_TURN / 2 + position * self._per_rad).astype("<i4")

    def _aim(self) -> None:
        raw = np.array([int.from_bytes(m[116:120], "little", signed=True) for m in self._motors], float)
        on = np.array([m[dxl.TORQUE] for m in self._motors], bool)
        goal = (raw - dxl.PER_TURN / 2) / self._per_rad
        self.motors.target = np.where(on, goal, self.motors.position)
        self.motors.drive = None if on.any() else np.zeros(goal.size)
        self.motors.largest = np.array([int.from_bytes(m[102:104], "little") for m in self._motors]) * 1e-3

    def _obey(self, packet: dxl.Packet) -> list[bytes]:
        p = packet.parameters
        if packet.instruction == dxl.PING:
            return [
                self._status(k, bytes(m[0:2] + m[6:7]))
                for k, m in enumerate(self._motors)
                if self._addressed(k, packet.id)
            ]
        if packet.instruction == dxl.REBOOT:
            return [self._reboot(k) for k in range(len(self._motors)) if self._addressed(k, packet.id)]
        if packet.instruction in (dxl.READ, dxl.WRITE) and len(p) >= 3:
            register = int.from_bytes(p[:2], "little")
            for k in range(len(self._motors)):
                if packet.id != dxl.BROADCAST and self._addressed(k, packet.id):
                    if packet.instruction == dxl.READ:
                        return [self._read(k, register, int.from_bytes(p[2:4], "little"))]
                    return [self._status(k, error=self._write(k, register, p[2:]))]
            return []
        if packet.instruction in (dxl.SYNC_READ, dxl.SYNC_WRITE) and len(p) >= 4:
            register, n = int.from_bytes(p[:2], "little"), int.from_bytes(p[2:4], "little")
            mine = {self.spec.address + k: k for k in range(len(self._motors)) if self._on_bus(k)}
            if packet.instruction == dxl.SYNC_READ:
                return [self._read(mine[i], register, n) for i in p[4:] if i in mine]
            for at in range(4, len(p) - n, n + 1):
                if p[at] in mine:
                    self._write(mine[p[at]], register, p[at + 1 : at + 1 + n])
            return []
        self._counts["refused"] += 1
        return []

    def _addressed(self, k: int, id_: int) -> bool:
        return id_ in (self.spec.address + k, dxl.BROADCAST) and self._on_bus(k)

    def _on_bus(self, k: int) -> bool:
        return bool(self._now >= self._silent_until[k])

    def _reboot(self, k: int) -> bytes:
        """Answer, then restart with the settings that are not volatile."""
        answer, motor = self._status(k), self._motors[k]
        self._latched[k], self._silent_until[k] = False, self._now + BOOT_S
        motor[dxl.HARDWARE_ERROR] = motor[dxl.TORQUE] = motor[dxl.BUS_WATCHDOG] = 0
        return answer

    def _read(self, k: int, register: int, n: int) -> bytes:
        motors, motor = self.motors, self._motors[k]
        velocity = round(float(motors.velocity[k] * np.sign(self._per_rad[k]) / dxl.RAD_S))
        motor[126:128] = round(float(motors.current[k]) * 1000).to_bytes(2, "little", signed=True)
        motor[128:132] = velocity.to_bytes(4, "little", signed=True)
        motor[132:136] = self._raw(motors.position)[k].tobytes()
        motor[144:146] = (50).to_bytes(2, "little")
        motor[146] = min(255, round(float(motors.hottest[k])))
        return self._status(k, bytes(motor[register : register + n]))

    def _write(self, k: int, register: int, data: bytes) -> int:
        """The error of the status packet."""
        motor = self._motors[k]
        if motor[dxl.BUS_WATCHDOG] == TRIGGERED and register in GOALS:
            self._counts["refused"] += 1
            return RANGE_ERROR
        if register == dxl.MODE and motor[dxl.TORQUE] or register in READ_ONLY:
            self._counts["refused"] += 1
            return ACCESS_ERROR
        if register == dxl.TORQUE and motor[dxl.HARDWARE_ERROR]:
            self._counts["refused"] += 1
            return ACCESS_ERROR
        motor[register : register + len(data)] = data
        self._aim()
        return 0

    def _status(self, k: int, parameters: bytes = b"", error: int = 0) -> bytes:
        alert = dxl.ALERT if self._motors[k][dxl.HARDWARE_ERROR] else 0
        return dxl.packet(self._first + k, dxl.STATUS, bytes([error | alert]) + parameters)
