"""The ROS domain of this process."""

from __future__ import annotations

import os

from myoprosthesis.core.errors import ConfigError

VARIABLE, HIGHEST = "ROS_DOMAIN_ID", 232
"""Above 232 the ports of a domain, 7400 + 250·domain and the next, are beyond 65535 (DDSI-RTPS 9.6.2.3)."""


def domain_id() -> int:
    """What the environment says, 0 where it says nothing; raises `ConfigError` for what is no domain."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return 0
    if text.isascii() and text.isdigit() and int(text) <= HIGHEST:
        return int(text)
    raise ConfigError(f"{VARIABLE} is {text[:40]!r}: a ROS domain is a whole number from 0 to {HIGHEST}, 0 if unset")
