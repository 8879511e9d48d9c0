"""Faults on demand."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.errors import ConfigError, MyoError, unknown

KINDS = {
    "half": "only the first half of each reply comes",
    "checksum": "one bit of each reply is turned over",
    "foreign": "another hand is on the bus",
    "silence": "nothing is received and nothing is answered (0.3 s if no time is given)",
    "unplug": "the port disappears, and comes back",
    "stuck": "the index finger does not move",
    "hot": "every motor is 60 °C too warm",
    "absent": "the motor of the index finger is off the bus (hands whose motors are on one)",
    "overload": "the motor of the index finger stops, and reports it until `hand reboot` (hands that have it)",
}


@dataclass(frozen=True)
class Fault:
    """A kind of fault, from `after_s` (s) on, for `for_s` (s); 0: for ever."""

    kind: str
    after_s: float = 0.0
    for_s: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From `KIND[@DELAY][:DURATION]`, such as `unplug@5:1` (5 s after the start, for 1 s)."""
        rest, _, lasting = text.partition(":")
        kind, _, after = rest.partition("@")
        if kind not in KINDS:
            raise unknown("fault", kind, KINDS)
        try:
            fault = cls(kind, float(after or 0.0), float(lasting or (0.3 if kind == "silence" else 0.0)))
        except MyoError:
            raise
        except ValueError as error:
            raise ConfigError(f"fault {text!r}: KIND[@DELAY][:DURATION] in seconds is needed, as unplug@5:1") from error
        if not (0 <= fault.after_s < 1e6 and 0 <= fault.for_s < 1e6):
            raise ConfigError(f"fault {text!r}: times from 0 s on are needed")
        return fault
