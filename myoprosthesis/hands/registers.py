"""Register map of a hand on a Modbus, as its data sheet describes it."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option

WHAT = ("angle", "force", "current", "temperature", "status")


@dataclass(frozen=True)
class RegisterReading:
    """Block of registers that is read at once: the joints in their order, one register each.

    A reply has no address: it is recognised by its number of `words`, so that a block may be longer than there are
    joints.
    """

    at: int = option(help="address of the first register", low=0, high=65535)
    words: int = option(help="registers that are read", low=1, high=125)
    what: str = option(help="what they hold", choices=WHAT)
    scale: float = option(1.0, "SI units (°C) per count; angles follow raw_open and raw_closed", "", -1e6, 1e6)
    packed: bool = option(False, "two joints in a register, the first in its low byte")
    bits: dict[str, str] = option({}, "what is wrong with a joint, by the number of the bit")
    codes: dict[str, str] = option({}, "what is wrong with a joint, by value")


@dataclass(frozen=True)
class RegisterSetting:
    """Registers and the values that are written to them."""

    at: int = option(help="address of the first register", low=0, high=65535)
    values: tuple[int, ...] = option(help="what is written", low=-32768, high=65535)


@dataclass(frozen=True)
class Registers:
    """Register map of a hand on a Modbus."""

    target: int = option(help="address of the first joint's target, the others follow", low=0, high=65535)
    readings: tuple[RegisterReading, ...] = option(help="what is read in turn; one of them holds the angles")
    settings: tuple[RegisterSetting, ...] = option((), "what is written before the first command")
    clear: RegisterSetting | None = option(None, "what is written to clear a latched fault")

    def __post_init__(self) -> None:
        if sum(r.what == "angle" for r in self.readings) != 1:
            raise ConfigError("one reading must hold the angles")
        if len({r.words for r in self.readings}) != len(self.readings):
            raise ConfigError("two readings have the same number of words, by which their replies are told apart")
