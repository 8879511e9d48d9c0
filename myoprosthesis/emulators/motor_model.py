"""Motor model of the emulated hands: finite speed, contacts, current and temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.hands.hand_spec import MOTOR_GAIN, MOTOR_LAG_S

Array = NDArray[np.float64]

STEP_S = 0.002
STIFFNESS = 3.0
"""A/rad: current of a blocked motor per error of position."""
FRICTION = 0.03
"""A per rad/s of motion."""
LARGEST = 1.5
"""A."""
NEWTON_PER_AMPERE = 10.0
AMBIENT, HEAT, COOLING_S = 25.0, 1.0, 60.0
"""°C, °C/s at 1 A, and the time constant of cooling."""


class MotorModel:
    """Motors of joints with a range and a fastest speed (rad, rad/s), advanced by the caller's clock.

    `stuck` joints do not move; a joint in `touching` has a contact at that angle (rad) and cannot close beyond.
    `heat` (°C) is added to every motor.
    """

    def __init__(self, low: Array, high: Array, speed: Array, start: Array) -> None:
        self._low, self._high, self._speed = low, high, speed
        self.position = np.array(start, float)
        self.velocity = np.zeros_like(self.position)
        self.current = np.zeros_like(self.position)
        self.temperature = np.full_like(self.position, AMBIENT)
        self.target = self.position.copy()
        self.drive: Array | None = None
        """Commanded speed (rad/s) instead of a target, zeros when limp; None: follow the target."""
        self.stuck = np.zeros(self.position.size, bool)
        self.touching: dict[int, float] = {}
        self.heat = 0.0
        self.largest = np.full(self.position.size, LARGEST)
        self._time: float | None = None

    @property
    def hottest(self) -> Array:
        """°C per motor, faults included."""
        return self.temperature + self.heat

    @property
    def force(self) -> Array:
        """N at each fingertip that has a contact."""
        out: Array = NEWTON_PER_AMPERE * np.abs(self.current) * self._blocked
        return out

    @property
    def _blocked(self) -> NDArray[np.bool_]:
        blocked: NDArray[np.bool_] = self.stuck.copy()
        for joint, angle in self.touching.items():
            blocked[joint] |= abs(self.position[joint] - angle) < 1e-6
        return blocked

    def advance(self, now: float) -> None:
        """Up to `now` (s); a gap of more than a second counts as one second."""
        if self._time is None:
            self._time = now
        for _ in range(int(min(max(now - self._time, 0.0), 1.0) / STEP_S)):
            self._step()
        self._time = now - (max(now - self._time, 0.0) % STEP_S)

    def _step(self) -> None:
        error = self.target - self.position
        commanded = np.clip(MOTOR_GAIN * error if self.drive is None else self.drive, -self._speed, self._speed)
        velocity = self.velocity + (commanded - self.velocity) * STEP_S / MOTOR_LAG_S
        moved = np.clip(self.position + velocity * STEP_S, self._low, self._high)
        moved = np.where(self.stuck, self.position, moved)
        for joint, angle in self.touching.items():
            here = self.position[joint]
            if (here - angle) * (moved[joint] - angle) <= 0 and abs(moved[joint]) > abs(here):
                moved[joint] = angle
        self.velocity = (moved - self.position) / STEP_S
        self.position = moved
        press = STIFFNESS * error if self.drive is None else np.zeros_like(error)
        current = np.where(self._blocked, press, FRICTION * self.velocity)
        self.current = np.clip(current, -self.largest, self.largest)
        self.temperature += STEP_S * (HEAT * self.current**2 - (self.temperature - AMBIENT) / COOLING_S)
