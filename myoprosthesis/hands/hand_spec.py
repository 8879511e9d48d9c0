"""The data sheet of a hand: what the code must know of it and does not want to contain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import build, option
from myoprosthesis.core.share import root
from myoprosthesis.files import yaml_text

Array = NDArray[np.float64]

PARTS = ("index", "middle", "ring", "pinky", "thumb_flexor", "thumb_rotator", "spread")
"""What a joint belongs to. Grips close every part but the spread, which stays open."""

AFTER = ("silence", "leave")
"""Nothing more is written, so that the hand's own watchdog fires; or the hand is given back to itself."""


@dataclass(frozen=True)
class Joint:
    """One commanded joint, in the order of the wire."""

    name: str = option(help="name of the joint")
    part: str = option(help="what it belongs to", choices=PARTS)
    low: float = option(help="smallest angle", unit="rad", low=-7.0, high=7.0)
    high: float = option(help="largest angle", unit="rad", low=-7.0, high=7.0)
    open: float = option(help="angle of the open hand", unit="rad", low=-7.0, high=7.0)
    closed: float = option(help="angle of the closed hand", unit="rad", low=-7.0, high=7.0)
    speed: float = option(help="fastest motion", unit="rad/s", low=0.01, high=100.0)
    current_limit: float = option(0.0, "largest current in steady contact; 0: not told or not limited here", "A", 0.0)
    force_limit: float = option(0.0, "largest force in steady contact; 0: not told or not limited here", "N", 0.0)
    torque_per_ampere: float = option(0.0, "for the joint's effort; 0: not known, the effort is 0", "N·m/A", 0.0)
    direction: int = option(1, "1, or -1 where the motor turns the other way", "", -1, 1)
    raw_open: int = option(0, "register value at `open`, for hands with a table of registers", "", -32768, 65535)
    raw_closed: int = option(0, "the same at `closed`", "", -32768, 65535)
    coupled: dict[str, float] = option({}, "passive joints that turn with this one, <name>_<key>", "rad/rad", -10, 10)

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ConfigError(f"low {self.low} is not below high {self.high}")
        if self.direction == 0:
            raise ConfigError("direction 0: 1 or -1 is needed")
        for name, angle in (("open", self.open), ("closed", self.closed)):
            if not self.low <= angle <= self.high:
                raise ConfigError(f"{name} {angle} is outside {self.low} to {self.high}")


@dataclass(frozen=True)
class Servos:
    """How the Dynamixel motors of a hand are set."""

    p: int = option(help="gain of the error", low=0, high=16383)
    i: int = option(help="gain of its integral", low=0, high=16383)
    d: int = option(help="gain of its derivative", low=0, high=16383)
    current: float = option(help="with which a motor holds at most", unit="A", low=0.01, high=2.0)


WHAT = ("angle", "force", "current", "temperature", "status")


@dataclass(frozen=True)
class RegisterReading:
    """A block of registers that is read at once: the joints in their order, one register each. `words` also tells the
    reply, in which no address stands, from that of every other block: more than there are joints may be asked for."""

    at: int = option(help="address of the first register", low=0, high=65535)
    words: int = option(help="registers that are read", low=1, high=125)
    what: str = option(help="what they hold", choices=WHAT)
    scale: float = option(1.0, "SI units (°C) per count; angles follow raw_open and raw_closed", "", -1e6, 1e6)
    packed: bool = option(False, "two joints in a register, the first in its low byte")
    bits: dict[str, str] = option({}, "what is wrong with a joint, by the number of the bit")
    codes: dict[str, str] = option({}, "what is wrong with a joint, by value")


@dataclass(frozen=True)
class RegisterSetting:
    """Registers that are written before the first command."""

    at: int = option(help="address of the first register", low=0, high=65535)
    values: tuple[int, ...] = option(help="what is written", low=-32768, high=65535)


@dataclass(frozen=True)
class Registers:
    """The table of a hand on a Modbus."""

    target: int = option(help="address of the first joint's target, the others follow", low=0, high=65535)
    readings: tuple[RegisterReading, ...] = option(help="what is read in turn; one of them holds the angles")
    settings: tuple[RegisterSetting, ...] = option((), "what is written before the first command")
    clear: RegisterSetting | None = option(None, "what is written to clear a fault that the hand keeps to")

    def __post_init__(self) -> None:
        if sum(r.what == "angle" for r in self.readings) != 1:
            raise ConfigError("one reading must hold the angles")
        if len({r.words for r in self.readings}) != len(self.readings):
            raise ConfigError("readings need numbers of words of their own, which tell their replies apart")


@dataclass(frozen=True)
class HandSpec:
    """Limits, rates and habits of a hand, as `hardware/hands/<name>.yaml` says them."""

    name: str = option(help="name of the hand")
    title: str = option(help="maker and model")
    joints: tuple[Joint, ...] = option(help="in the order of the wire")
    baud: int = option(help="speed of the port", unit="Bd", low=1200, high=10_000_000)
    address: int = option(help="address of the hand on its bus", low=0, high=255)
    dt: float = option(help="control period", unit="s", low=1e-3, high=0.1)
    rate_limit: float = option(help="fastest change of a command", unit="rad/s", low=0.01, high=100.0)
    approach_rate: float = option(help="the same after opening, a fault or a stop", unit="rad/s", low=0.01, high=100.0)
    safe: str = option("open", "the grip that a reset moves to")
    fail: str = option("hold", "in doubt: hold, relax or the name of a grip")
    silence: str = option("", "what the hand does when nobody speaks to it; empty: as `watchdog_s` says")
    reboots: bool = option(False, "a command clears the faults that the hand keeps to")
    tcp: bool = option(False, "it can be on a network too: Modbus TCP, where the port is host:port")
    framing: str = option("rtu", "how Modbus is framed: on a serial line, or on a network", choices=("rtu", "tcp"))
    watchdog_s: float = option(0.0, "silence after which the hand stops by itself; 0: never", "s", 0.0, 10.0)
    after: str = option("silence", "when nobody is left to command it, after its fail state", "", choices=AFTER)
    temperature_limit: float = option(0.0, "hottest motor; 0: the hand does not tell", "°C", 0.0, 120.0)
    bauds: tuple[int, ...] = option((), "speeds the hand may have been set to")
    shapes: str = option("", "hand of the same mechanics, of whose model it has the shapes; empty: its own")
    undetectable_faults: tuple[str, ...] = option((), "faults that the hand cannot tell of", choices=("hot",))
    servos: Servos | None = option(None, "for a hand of Dynamixel motors")
    registers: Registers | None = option(None, "for a hand on a Modbus")

    def __post_init__(self) -> None:
        if not self.joints or len(set(self.names)) != len(self.joints):
            raise ConfigError(f"joints need names of their own: {', '.join(self.names) or 'there are none'}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the joints."""
        return tuple(j.name for j in self.joints)

    @property
    def when_silent(self) -> str:
        """What the hand does when nobody speaks to it, in words."""
        if self.silence:
            return self.silence
        return f"stops by itself after {1e3 * self.watchdog_s:g} ms" if self.watchdog_s else "keeps its last target"

    def column(self, field: str) -> Array:
        """One number of every joint, shape (n_joints,)."""
        return np.array([getattr(j, field) for j in self.joints], float)


def folder() -> Path:
    """Where the data sheets are."""
    return root() / "hardware" / "hands"


def names() -> list[str]:
    """Hands that have a data sheet."""
    return sorted(p.stem for p in folder().glob("*.yaml") if p.stem not in ("grips", "mapping"))


def load(name: str, **changes: Any) -> HandSpec:
    """The data sheet of the hand `name`, with `changes` to it; raises `ConfigError` listing every fault."""
    if name not in names():
        raise unknown("hand", name, names())
    path = folder() / f"{name}.yaml"
    return build(HandSpec, {**read(path), "name": name, **changes}, str(path))


def read(path: Path) -> dict[str, Any]:
    """A YAML mapping."""
    return yaml_text.read_mapping(path)
