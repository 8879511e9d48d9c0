"""Joint of a hand, as its data sheet describes it."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option

PARTS = ("index", "middle", "ring", "pinky", "thumb_flexor", "thumb_rotator", "spread")
"""Parts of a hand. Grips close every part but the spread, which stays open."""


@dataclass(frozen=True)
class Joint:
    """One commanded joint, in the order of the wire."""

    name: str = option(help="name of the joint")
    part: str = option(help="part of the hand it belongs to", choices=PARTS)
    low: float = option(help="smallest angle", unit="rad", low=-7.0, high=7.0)
    high: float = option(help="largest angle", unit="rad", low=-7.0, high=7.0)
    open: float = option(help="angle of the open hand", unit="rad", low=-7.0, high=7.0)
    closed: float = option(help="angle of the closed hand", unit="rad", low=-7.0, high=7.0)
    speed: float = option(help="fastest motion", unit="rad/s", low=0.01, high=100.0)
    current_limit: float = option(0.0, "largest current in steady contact; 0: unknown, or not limited here", "A", 0.0)
    force_limit: float = option(0.0, "largest force in steady contact; 0: unknown, or not limited here", "N", 0.0)
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
