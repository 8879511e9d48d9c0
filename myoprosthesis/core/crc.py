"""CRC-16 checksums of serial protocols, by their names in the catalogue of parametrised CRC algorithms."""

from __future__ import annotations

from binascii import crc_hqx


def crc16_ibm_3740(data: bytes | bytearray) -> int:
    """Polynomial 0x1021 (CCITT), highest bit first, from 0xFFFF: the EMG frames of this package's firmware."""
    return crc_hqx(data, 0xFFFF)


def crc16_modbus(data: bytes | bytearray) -> int:
    """Polynomial 0x8005, lowest bit first, from 0xFFFF: Modbus RTU."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _LOWEST_FIRST[(value ^ byte) & 0xFF]
    return value


def crc16_umts(data: bytes | bytearray) -> int:
    """Polynomial 0x8005, highest bit first, from 0: Dynamixel Protocol 2.0."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFF00) ^ _HIGHEST_FIRST[value >> 8 ^ byte]
    return value


def _lowest_first(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def _highest_first(value: int) -> int:
    value <<= 8
    for _ in range(8):
        value = value << 1 ^ 0x8005 if value & 0x8000 else value << 1
    return value & 0xFFFF


_LOWEST_FIRST = tuple(map(_lowest_first, range(256)))
_HIGHEST_FIRST = tuple(map(_highest_first, range(256)))
