"""The JSON texts that travel in messages, read within bounds: whatever comes, it is read or refused in a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.text import brief

PLAN_BYTES = 65_536
"""The longest plan of a trial or of perturbations."""
TEXT_BYTES = 4_194_304
"""The longest of any other text: the specification of an effector with thousands of channels takes a tenth of it."""
NAME_CHARS = 4096
"""The longest name, path or reason: each is shown to people, many times."""
DEEPEST = 32
_WHOLE = 2**63


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever goes wrong within is a `MyoError`: what another process sent may fail in any way that there is."""
    try:
        yield
    except MyoError:
        raise
    except KeyError as error:
        raise ConfigError(f"{what} cannot be read: it has no {brief(error)}") from error
    except Exception as error:
        raise ConfigError(f"{what} cannot be read: {brief(error) or type(error).__name__}") from error


def read_object(text: str, what: str, most: int = PLAN_BYTES) -> dict[str, Any]:
    """The JSON object in `text`; raises `ConfigError`.

    All of its numbers are finite, and whole numbers have 64 bits at most.
    """
    if len(text) > most:
        raise ConfigError(f"{what} has {len(text)} characters, at most {most} are read")
    try:
        data = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except MyoError:
        raise
    except RecursionError as error:
        raise ConfigError(f"{what} is nested too deeply: at most {DEEPEST} levels are read") from error
    except ValueError as error:
        raise ConfigError(f"{what} is not JSON: {brief(error)}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{what} must be a JSON object, got {type(data).__name__}")
    if _depth(data) > DEEPEST:
        raise ConfigError(f"{what} is nested too deeply: at most {DEEPEST} levels are read")
    return data


def read_value(text: str) -> Any:
    """The JSON value in `text`, NaN and infinity included; what cannot be read as one stays a text."""
    try:
        value = json.loads(text, parse_int=_whole) if len(text) <= TEXT_BYTES else text
        return value if _depth(value) <= DEEPEST else text
    except (ValueError, RecursionError):
        return text


def _depth(data: Any) -> int:
    """Levels of lists and objects, counted without recursion."""
    deepest, level = 0, [data]
    while level:
        nested = [v for v in level if isinstance(v, (dict, list))]
        if not nested or deepest > DEEPEST:
            break
        deepest += 1
        level = [w for v in nested for w in (v.values() if isinstance(v, dict) else v)]
    return deepest


def _whole(text: str) -> int:
    value = int(text) if len(text) <= 20 else _WHOLE
    if not -_WHOLE <= value < _WHOLE:
        raise ValueError(f"the number {brief(text, 24)} has more than 64 bits")
    return value


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"the number {brief(text, 24)} is not finite")
