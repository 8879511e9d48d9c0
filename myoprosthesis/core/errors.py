"""The errors a person is meant to read: each message says what was given, what was expected and what would work."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MyoError(Exception):
    """Base of all errors whose message is one sentence for the person at the keyboard."""


class ConfigError(MyoError):
    """A name, option, file or schedule that cannot be used; raised before anything moves."""


class ContractError(MyoError):
    """A policy file that cannot be used here: damaged, without contract, or for another effector."""


class CommandError(MyoError):
    """A command that the effector must not follow."""


class EffectorError(MyoError):
    """An effector that cannot be opened or no longer answers."""


class RecordingError(MyoError):
    """A recording that cannot be written, or is none that can be read."""


def unknown(kind: str, given: str, known: Iterable[str], hint: str = "") -> ConfigError:
    """A `ConfigError` for an unknown name that lists the known ones, the nearest first named."""
    names = sorted(known)
    given = given[:80] + "…" if isinstance(given, str) and len(given) > 80 else given
    near = difflib.get_close_matches(str(given), names, n=1)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    tail = f" {hint}" if hint else ""
    return ConfigError(f"unknown {kind} {given!r}: known are {', '.join(names) or 'none'}{guess}{tail}")
