"""Emulated OpenBCI Cyton: answers its dongle's commands and streams packets of 33 bytes.

Packet: 0xA0, number modulo 256, 8 × int24 big-endian, 6 bytes of acceleration, 0xC0. One count is
4.5 V / (2²³ − 1) / 24 at the gain it starts with.
"""

from __future__ import annotations

import struct

from myoprosthesis.emulators.emg_board import Signal, counts

CHANNELS, RATE = 8, 250.0
VOLTS = 4.5 / (2**23 - 1) / 24
GREETING = b"OpenBCI V3 8-16 channel\r\nOn Board ADS1299 Device ID: 0x3E\r\nFirmware: v3.1.1\r\n$$$"


class CytonEmgBoard:
    """Emulator of the OpenBCI Cyton (`EmgBoard`)."""

    name, baud = "cyton", 115_200

    def __init__(self, signal: Signal = counts) -> None:
        self.signal, self.sent = signal, 0
        self._begin: float | None = None
        self._first = 0

    def receive(self, data: bytes, now: float) -> bytes:
        """Obey commands: v greets, d restores the defaults, b and s start and stop streaming."""
        out = b""
        for command in data.decode("latin-1"):
            if command == "v":
                self._begin = None
                out += GREETING
            elif command == "d":
                out += b"updating channel settings to default$$$"
            elif command == "b":
                self._begin, self._first = now, self.sent
            elif command == "s":
                self._begin = None
        return out

    def due(self, now: float) -> bytes:
        """Packets since the last call."""
        if self._begin is None:
            return b""
        n = self._first + int((now - self._begin) * RATE) - self.sent
        rows = self.signal(self.sent, max(0, n), CHANNELS)
        out = b"".join(
            b"\xa0" + bytes([(self.sent + k) & 0xFF]) + b"".join(struct.pack(">i", v)[1:] for v in row)
            + bytes(6) + b"\xc0"
            for k, row in enumerate(rows.tolist())
        )  # fmt: skip
        self.sent += len(rows)
        return out
