"""The hands that ship with the package, each by its name."""

from __future__ import annotations

from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.serial_hand.prosthetic_hand import HandOptions, ProstheticHand
from myoprosthesis.hands import data_sheets, grips
from myoprosthesis.hands.address import address


def hand(name: str, options: HandOptions) -> ProstheticHand:
    """The hand of this name, with its data sheet changed as the options say."""
    chosen = {k: getattr(options, k) for k in ("baud", "dt", "rate_limit", "fail")}
    changes: dict[str, Any] = {k: v for k, v in chosen.items() if v}
    if options.address >= 0:
        changes["address"] = options.address
    if address(options.port) is not None:
        changes["framing"] = "tcp"
    data = data_sheets.load(name, **changes)
    if data.framing == "tcp" and not data.tcp:
        others = ", ".join(n for n in data_sheets.names() if data_sheets.load(n).tcp)
        raise ConfigError(f"port {options.port!r}: the {data.title} is on a serial port; on a network can be: {others}")
    if data.fail not in ("hold", "relax") and data.fail not in grips.library():
        raise ConfigError(f"fail {data.fail!r}: hold, relax, or a grip: {', '.join(sorted(grips.library()))}")
    return ProstheticHand(registry.factory("hand_protocols", name)(data), options)


def ability_hand(options: HandOptions) -> ProstheticHand:
    """PSYONIC Ability Hand: six joints, over UART or RS485."""
    return hand("ability_hand", options)


def leap(options: HandOptions) -> ProstheticHand:
    """LEAP Hand: 16 Dynamixel motors, over USB."""
    return hand("leap", options)


def inspire_rh56_modbus(options: HandOptions) -> ProstheticHand:
    """Inspire RH56 whose firmware speaks Modbus RTU."""
    return hand("inspire_rh56_modbus", options)


def rohand(options: HandOptions) -> ProstheticHand:
    """OYMotion ROHand: six joints, over Modbus RTU on RS485."""
    return hand("rohand", options)


def inspire_rh56(options: HandOptions) -> ProstheticHand:
    """Inspire RH56 (DFX, BFX): six joints, with force and temperature, over RS485 or RS232."""
    return hand("inspire_rh56", options)
