"""Clearing the faults that a hand keeps to, with the hand limp."""

from __future__ import annotations

import time
from collections.abc import Callable

from myoprosthesis.core.errors import EffectorError
from myoprosthesis.effectors.serial_hand.connection import CONNECT_S
from myoprosthesis.effectors.serial_hand.port_client import PortClient
from myoprosthesis.hands.protocol import HandProtocol, HandState

ASKED_S, LIMP_S, REBOOT_S = 0.5, 0.1, 2.0
"""How long a hand is asked what is wrong with it, how long it goes limp first, and how long it has for a reboot."""


def reboot(
    port: PortClient, protocol: HandProtocol, command: Callable[[], bytes], dt: float, clock: Callable[[], float]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Faults that the hand at an open port reports before and after its reboot by `command`.

    Both are empty where it reports none before, and then nothing is rebooted.
    Raises `EffectorError` when it does not answer.
    """

    def asked(question: Callable[[], bytes], seconds: float) -> tuple[str, ...]:
        newest: HandState | None = None
        until = clock() + seconds
        while clock() < until or (newest is None and clock() < until + CONNECT_S):
            port.write(question())
            time.sleep(max(dt, 0.01))
            newest = next(reversed(protocol.parse(port.read())), newest)
        if newest is None:
            raise EffectorError(f"the {protocol.spec.title} on {port.path} does not answer any more")
        return newest.trouble

    before = asked(protocol.query, ASKED_S)
    asked(protocol.limp, LIMP_S)
    if not before:
        return (), ()
    port.write(command())
    return before, asked(protocol.query, REBOOT_S)
