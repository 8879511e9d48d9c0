"""Data sheet of a hand: joints, limits, register map and watchdog."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.hands.hand_joint import Joint
from myoprosthesis.hands.registers import Registers

Array = NDArray[np.float64]


AFTER = ("silence", "leave")
"""Write nothing more, so that the hand's own watchdog fires; or release the hand (`HandProtocol.release`)."""


MOTOR_GAIN = 30.0
"""1/s: speed of a joint per error of its position, up to its fastest. No maker publishes the response of its motors:
emulators and models share this one."""
MOTOR_LAG_S = 0.015
"""Time constant of the motors' speed."""
COMMAND_PERIODS = 6
"""Control periods from a state to the target that it brings about: on a Modbus only each third request is a target."""


@dataclass(frozen=True)
class Servos:
    """Settings of the Dynamixel motors of a hand."""

    p: int = option(help="gain of the error", low=0, high=16383)
    i: int = option(help="gain of its integral", low=0, high=16383)
    d: int = option(help="gain of its derivative", low=0, high=16383)
    current: float = option(help="largest current of a motor", unit="A", low=0.01, high=2.0)


@dataclass(frozen=True)
class HandSpec:
    """Limits, rates and fail behaviour of a hand, from `hardware/hands/<name>.yaml`."""

    name: str = option(help="name of the hand")
    title: str = option(help="maker and model")
    joints: tuple[Joint, ...] = option(help="in the order of the wire")
    baud: int = option(help="speed of the port", unit="Bd", low=1200, high=10_000_000)
    address: int = option(help="address of the hand on its bus", low=0, high=255)
    dt: float = option(help="control period", unit="s", low=1e-3, high=0.1)
    rate_limit: float = option(help="fastest change of a command", unit="rad/s", low=0.01, high=100.0)
    approach_rate: float = option(help="the same after opening, a fault or a stop", unit="rad/s", low=0.01, high=100.0)
    safe: str = option("open", "the grip that a reset moves to")
    fail: str = option("hold", "fail state: hold, relax or the name of a grip")
    silence: str = option("", "what the hand does when it receives nothing; empty: as `watchdog_s` says")
    reboots: bool = option(False, "a command clears latched faults")
    tcp: bool = option(False, "Modbus TCP is supported too: the port is host:port")
    framing: str = option("rtu", "how Modbus is framed: on a serial line, or on a network", choices=("rtu", "tcp"))
    watchdog_s: float = option(
        0.0, "the hand stops by itself after this long without a command; 0: never", "s", 0.0, 10.0
    )
    after: str = option("silence", "what follows the fail state when the commanding process is gone", "", choices=AFTER)
    temperature_limit: float = option(
        0.0, "highest motor temperature; 0: the hand does not report it", "°C", 0.0, 120.0
    )
    bauds: tuple[int, ...] = option((), "speeds the hand may have been set to")
    shapes: str = option("", "hand of the same mechanics whose model has its shapes; empty: its own")
    undetectable_faults: tuple[str, ...] = option((), "faults that the hand cannot report", choices=("hot",))
    servos: Servos | None = option(None, "for a hand of Dynamixel motors")
    registers: Registers | None = option(None, "for a hand on a Modbus")

    def __post_init__(self) -> None:
        if not self.joints or len(set(self.names)) != len(self.joints):
            raise ConfigError(f"joints need unique names: {', '.join(self.names) or 'there are none'}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the joints."""
        return tuple(j.name for j in self.joints)

    @property
    def when_silent(self) -> str:
        """What the hand does when it receives nothing, in words."""
        if self.silence:
            return self.silence
        return f"stops by itself after {1e3 * self.watchdog_s:g} ms" if self.watchdog_s else "keeps its last target"

    @property
    def braking(self) -> Array:
        """Deceleration of each joint, rad/s², shape (n_joints,), as v²/2a.

        A motor at full speed goes on until the next target arrives, and then for its lag.
        """
        speed = np.minimum(self.column("speed"), self.rate_limit)
        return speed / (2 * (MOTOR_LAG_S + COMMAND_PERIODS * self.dt))

    def column(self, field: str) -> Array:
        """One number of every joint, shape (n_joints,)."""
        return np.array([getattr(j, field) for j in self.joints], float)
