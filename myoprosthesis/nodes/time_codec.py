"""Nanoseconds as builtin_interfaces/Time and back."""

from __future__ import annotations

from builtin_interfaces.msg import Time

from myoprosthesis.core.nanoseconds import NS


def time_message(time_ns: int) -> Time:
    """The message of a time."""
    return Time(sec=time_ns // NS, nanosec=time_ns % NS)


def read_time_ns(message: Time) -> int:
    """The time of a message."""
    return int(message.sec) * NS + int(message.nanosec)
