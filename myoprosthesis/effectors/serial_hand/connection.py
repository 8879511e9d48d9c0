"""Finding a hand on a port; where none answers, an error that says what does, or what would help."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable

from myoprosthesis.core import registry
from myoprosthesis.core.errors import EffectorError
from myoprosthesis.effectors.serial_hand.port_client import PortClient, check_latency
from myoprosthesis.hands import data_sheets
from myoprosthesis.hands.protocol import Bus, HandProtocol

CONNECT_S = 1.0
"""How long a hand may take to answer for the first time."""
AWAKE_S = 0.05
"""What a round of asking counts for at most: while this program is held up, nobody listens for the answer."""
PING_S, SILENT_S = 0.005, 0.04
"""Between two motors that are asked alone, and how long the last one may take to answer."""
OTHER_S = 0.1
"""How long another hand, or another speed, is tried."""
Clock = Callable[[], float]


def connect(port: PortClient, protocol: HandProtocol, wait_s: float, clock: Clock) -> None:
    """Open the port, waiting up to `wait_s` for it, and wait until the hand answers.

    Nothing moves. Raises `EffectorError`."""
    spec = protocol.spec
    if not port.path:
        raise EffectorError(
            f"{spec.title} needs a port (port: /dev/ttyUSB0); without a hand, "
            f"`myoprosthesis emulate {spec.name}` gives one"
        )
    until = clock() + wait_s
    while not (os.path.exists(port.path) or spec.framing == "tcp") and clock() < until:
        time.sleep(0.02)
    while True:
        try:
            port.open()
            break
        except EffectorError:
            if spec.framing != "tcp" or clock() >= until:
                raise
        time.sleep(0.1)
    try:
        check_latency(port.path)
    except EffectorError as slow:
        warnings.warn(str(slow), RuntimeWarning, stacklevel=2)
    if not _answers(port, protocol, CONNECT_S, clock):
        error = _silence(port, protocol, clock)
        port.close()
        raise error


def motors(names: tuple[str, ...]) -> str:
    """In words, the first by name."""
    if len(names) <= 2:
        return "the motor" + ("s" if len(names) > 1 else "") + f" of {' and '.join(names)}"
    return f"the motors of {names[0]} and {len(names) - 1} more"


def _answers(port: PortClient, protocol: HandProtocol, patience_s: float, clock: Clock) -> bool:
    """True when a state comes; asks with queries, which move nothing."""
    while patience_s > 0:
        began = clock()
        port.write(protocol.query())
        time.sleep(max(protocol.spec.dt, 0.01))
        if protocol.parse(port.read()):
            return True
        if port.error:
            return False
        patience_s -= min(clock() - began, AWAKE_S)
    return False


def _silence(port: PortClient, protocol: HandProtocol, clock: Clock) -> EffectorError:
    """Who else answers on this port, or at which other speed this hand does."""
    spec, counts = protocol.spec, protocol.counts
    where = f"no {spec.title} answers on {port.path}" + (f" at {spec.baud} Bd" if spec.framing != "tcp" else "")
    if port.error:
        return EffectorError(f"{where}: {port.error}")
    if absent := _absent(port, protocol):
        return EffectorError(
            f"the {spec.title} on {port.path} answers, but for {motors(absent)}: look at the cable there, and at the id"
        )
    if spec.framing == "tcp":
        return EffectorError(f"{where}, though something is there: is it the hand, and is its id {spec.address}?")
    for baud in (b for b in spec.bauds if b != spec.baud):
        port.retune(baud)
        if _answers(port, protocol, OTHER_S, clock):
            return EffectorError(f"{where}, but at {baud} Bd: set baud to {baud}")
    for name in (n for n in registry.names("hand_protocols") if n != spec.name):
        other: HandProtocol = registry.factory("hand_protocols", name)(data_sheets.load(name))
        port.retune(other.spec.baud)
        if _answers(port, other, OTHER_S, clock):
            return EffectorError(f"{where}, but {other.spec.title} does: use {name}")
    noise = f" ({counts['damaged']} damaged, {counts['foreign']} foreign frames came)" if counts.total() else ""
    return EffectorError(
        f"{where}{noise}: is it switched on, wired RX to TX, at this address ({spec.address}) and speed?"
    )


def _absent(port: PortClient, protocol: HandProtocol) -> tuple[str, ...]:
    """Motors that do not answer, each asked alone, where others do."""
    if not isinstance(protocol, Bus):
        return ()
    for question in protocol.ping_each():
        port.write(question)
        time.sleep(PING_S)
        protocol.parse(port.read())
    time.sleep(SILENT_S)
    protocol.parse(port.read())
    return protocol.absent
