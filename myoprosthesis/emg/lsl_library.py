"""liblsl behind `pylsl`, made quiet."""

from __future__ import annotations

import os
from typing import Any

from myoprosthesis.core.extras import library

LSL_SETTINGS = "LSLAPICFG"
LSL_PLACES = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
"""Where liblsl looks for its settings."""
QUIET = b"[log]\nlevel = -1\n"
"""Warnings and errors of liblsl only; by default it also tells each file and address that it looks at."""


def lsl(what: str) -> Any:
    """The module `pylsl`; raises `ConfigError` as `library`.

    Its library prints no more than warnings, unless a person has set it otherwise.
    """
    if LSL_SETTINGS not in os.environ and not any(os.path.isfile(os.path.expanduser(p)) for p in LSL_PLACES):
        file = os.memfd_create("lsl_api.cfg")
        os.write(file, QUIET)
        os.environ[LSL_SETTINGS] = f"/proc/{os.getpid()}/fd/{file}"
    return library("pylsl", "lsl", what)
