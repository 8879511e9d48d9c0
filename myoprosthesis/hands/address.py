"""Address of a hand: a serial port, or host and port on a network."""

from __future__ import annotations

LARGEST = 65_535


def address(path: str) -> tuple[str, int] | None:
    """Host and port of `host:port`; None when `path` names a serial port."""
    host, colon, port = path.rpartition(":")
    if "/" in path or not (colon and host and port.isdecimal() and int(port) <= LARGEST):
        return None
    return host.strip("[]"), int(port)
