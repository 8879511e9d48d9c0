"""The unit that ends a channel's name: EMG 1 (mV), X[s], BICEPS,uV, EMG1_uV."""

from __future__ import annotations

import re
from collections.abc import Sequence

QUANTITY = (
    r"[munµμ]?V|(?:milli|micro)?volts?|[munµμ]?s|m?sec|seconds|min|g|m/\(?s\^?2\)?|m/s²|°/s|deg/s|dps|rad/s|deg|rad|°|"
    r"[munµμ]?T|k?N|N ?m|kPa|°C|% ?MVC|%|counts?|adc|raw|a\.u\."
)
"""Regular expression of the units of what is recorded."""
SCALED = r"(?=[^\])]*[\d*×/^])[^\])]*(?<![A-Za-z])[munµμ]?V(?![A-Za-z])[^\])]*"
"""A multiple of a volt, such as x10 uV, which is not converted."""
UNIT = re.compile(
    rf"(?:[\[(]\s*({QUANTITY})\s*[\])]|[\[(]\s*({SCALED})\s*[\])]|,\s*({QUANTITY})|[ _](?-i:([munµμ]V)))\s*$", re.I
)


def unit_in_name(name: str) -> str:
    """The unit that ends a name; empty where none does."""
    match = UNIT.search(name)
    return next((u.strip() for u in match.groups() if u), "") if match else ""


def without_unit(name: str) -> str:
    """A name without the unit that ends it; as it is where nothing else is in it."""
    return UNIT.sub("", name).strip() or name


def without_units(names: Sequence[str]) -> tuple[str, ...]:
    """Names without the units that end them; those that would be the same as others as they are."""
    plain = [without_unit(n) for n in names]
    return tuple(p if plain.count(p) == 1 else n for p, n in zip(plain, names, strict=True))
