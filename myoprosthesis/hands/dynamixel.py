"""ROBOTIS Dynamixel Protocol 2.0: packets and the registers of the X series.

`FF FF FD 00 | id | length LE | instruction | parameters | CRC LE`; length counts from the instruction to the CRC. A
header inside is escaped by one more FD; length and CRC are those of the escaped packet. Sources: the maker's e-manual,
emanual.robotis.com/docs/en/dxl/protocol2, /crc and /x/xc330-m288.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from myoprosthesis.core.crc import crc16_umts

HEADER = b"\xff\xff\xfd\x00"
ESCAPED = b"\xff\xff\xfd"
BROADCAST = 0xFE
PING, READ, WRITE, REBOOT, SYNC_READ, SYNC_WRITE, STATUS = 0x01, 0x02, 0x03, 0x08, 0x82, 0x83, 0x55
ALERT = 0x80
"""Bit of a status packet's error: the motor has a hardware error."""
LONGEST = 1024
"""Largest plausible length field."""

MODE, TORQUE, HARDWARE_ERROR, BUS_WATCHDOG = 11, 64, 70, 98
GAIN_D, GAIN_I, GAIN_P = 80, 82, 84
GOAL_CURRENT, GOAL_POSITION = 102, 116
PRESENT, PRESENT_LENGTH = 126, 21
"""Current (int16, mA), velocity (int32), position (int32), two trajectories, voltage, temperature (uint8, °C)."""
CURRENT_BASED_POSITION = 5
PER_TURN = 4096
RAD_S = 0.229 * 2 * np.pi / 60
"""One unit of velocity."""
WATCHDOG_UNIT_S = 0.02
HARDWARE_ERRORS = {0: "has a wrong voltage", 2: "is too hot", 3: "has a faulty encoder", 4: "had an electric shock",
                   5: "is overloaded"}  # fmt: skip


def packet(id_: int, instruction: int, parameters: bytes = b"") -> bytes:
    """A whole packet; the parameters of a status packet begin with its error."""
    inside = (bytes([instruction]) + parameters).replace(ESCAPED, ESCAPED + b"\xfd")
    body = HEADER + bytes([id_]) + (len(inside) + 2).to_bytes(2, "little") + inside
    return body + crc16_umts(body).to_bytes(2, "little")


def sync_write(register: int, ids: Sequence[int], values: ArrayLike, width: int) -> bytes:
    """One register of several motors: `values` are whole numbers of `width` bytes, shape (n,) or one for all."""
    rows = np.empty(len(ids), [("id", "u1"), ("value", {1: "<i1", 2: "<i2", 4: "<i4"}[width])])
    rows["id"], rows["value"] = ids, values
    return packet(BROADCAST, SYNC_WRITE, _span(register, width) + rows.tobytes())


def sync_read(register: int, ids: Sequence[int], width: int) -> bytes:
    """Request the same registers of several motors; each answers with a status packet, in the order of `ids`."""
    return packet(BROADCAST, SYNC_READ, _span(register, width) + bytes(ids))


def _span(register: int, width: int) -> bytes:
    return register.to_bytes(2, "little") + width.to_bytes(2, "little")


class Packet(NamedTuple):
    """A valid packet without its escapes."""

    id: int
    instruction: int
    parameters: bytes


class PacketParser:
    """Splits a stream into packets; damaged ones are counted in `counts`."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._bytes = bytearray()

    def parse(self, data: bytes) -> list[Packet]:
        """Packets that `data` completes, cut anywhere."""
        self._bytes += data
        packets = []
        while (packet := self._next()) is not None:
            packets.append(packet)
        return packets

    def _next(self) -> Packet | None:
        buffer = self._bytes
        while True:
            at = buffer.find(HEADER)
            if at < 0:
                del buffer[: max(0, len(buffer) - len(HEADER) + 1)]
                return None
            del buffer[:at]
            if len(buffer) < 7:
                return None
            n = buffer[5] | buffer[6] << 8
            if 3 <= n <= LONGEST:
                next_header = buffer.find(HEADER, 4, 7 + n)  # a header inside is escaped: here another packet begins
                if next_header < 0 and len(buffer) < 7 + n:
                    return None
                if next_header < 0 and crc16_umts(buffer[: 5 + n]) == buffer[5 + n] | buffer[6 + n] << 8:
                    inside = bytes(buffer[7 : 5 + n]).replace(ESCAPED + b"\xfd", ESCAPED)
                    id_ = buffer[4]
                    del buffer[: 7 + n]
                    return Packet(id_, inside[0], inside[1:])
            self._counts["damaged"] += 1
            del buffer[:1]
