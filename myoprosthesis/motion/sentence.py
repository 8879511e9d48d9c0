"""A small grammar of commands in words: what is asked of a walk, one step after the other."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.text import brief
from myoprosthesis.core.way_step import WayStep

FASTER_M_S = 0.2
"""How much `faster` and `slower` are without a number."""
EXAMPLE = "walk at 1.2 m/s for 5 s, then turn left 90°, then slower"
GRAMMAR = (
    "walk, run, walk at 1.2 m/s (or 4.3 km/h), faster, slower, faster by 0.1 m/s, turn left 90°, turn right 45°, "
    "turn around, stop, wait; each with 'for 5 s', one after the other with 'then', at once with 'and'"
)
_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_SPEED = rf"{_NUMBER} ?(m/s|km/h|mps|kmh|metres per second|meters per second|kilometres per hour|kilometers per hour)"
_TIME = rf"{_NUMBER} ?(s|sec|second|seconds|min|minute|minutes)"
_ANGLE = rf"{_NUMBER} ?(?:°|deg|degree|degrees)"


def _m_s(number: str, unit: str) -> float:
    return float(number) / (3.6 if unit.startswith("k") else 1.0)


def _clause(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_CLAUSES: tuple[tuple[re.Pattern[str], Callable[..., dict[str, Any]]], ...] = (
    (_clause(rf"(?:(walk|run) )?(?:at|with) {_SPEED}"), lambda gait, n, unit: _of(gait, speed=_m_s(n, unit))),
    (_clause(rf"(walk|run) {_SPEED}"), lambda gait, n, unit: _of(gait, speed=_m_s(n, unit))),
    (_clause(r"(?:(walk|run|go) )?(faster|slower)"), lambda gait, way: _of(gait, faster=_more(way, FASTER_M_S))),
    (
        _clause(rf"(?:(walk|run|go) )?(faster|slower) by {_SPEED}"),
        lambda gait, way, n, unit: _of(gait, faster=_more(way, _m_s(n, unit))),
    ),
    (
        _clause(rf"(?:(walk|run) )?(?:by )?{_SPEED} (faster|slower)"),
        lambda gait, n, unit, way: _of(gait, faster=_more(way, _m_s(n, unit))),
    ),
    (_clause(r"(walk|run)(?: on| straight on| straight ahead)?"), lambda gait: _of(gait)),
    (_clause(rf"turn (left|right)(?: by)? {_ANGLE}"), lambda side, n: {"turn": _to_the(side, float(n))}),
    (_clause(rf"turn {_ANGLE}(?: to the)? (left|right)"), lambda n, side: {"turn": _to_the(side, float(n))}),
    (_clause(r"turn (left|right)"), lambda side: {"turn": _to_the(side, 90.0)}),
    (_clause(r"turn (?:around|round|back)"), lambda: {"turn": math.pi}),
    (_clause(r"stop|stand|stand still|halt"), lambda: {"gait": "stop"}),
    (_clause(r"wait|go on|on"), dict),
)


def _of(gait: str | None, **more: float) -> dict[str, Any]:
    return {**({"gait": gait} if gait in ("walk", "run") else {}), **more}


def _more(way: str, by: float) -> float:
    return by if way == "faster" else -by


def _to_the(side: str, degrees: float) -> float:
    return math.radians(degrees if side == "left" else -degrees)


def steps(text: str) -> tuple[WayStep, ...]:
    """What a sentence such as `EXAMPLE` asks for; raises `ConfigError` with what would work.

    "turn left" alone is by 90°, "faster" by 0.2 m/s. A comma is read as "then"."""
    plain = " ".join(text.lower().replace("’", "'").split()).strip(" .!")
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    parts = [part.strip(" ,.") for part in re.split(r"\bthen\b|[,;]", plain)]
    parts = [re.sub(r"^(?:please|and) ", "", part) for part in parts if part.strip(" ,.") not in ("", "and", "please")]
    if not parts:
        raise ConfigError(f"there are no words: say such as {EXAMPLE!r}")
    return tuple(_step(part) for part in parts)


def _step(part: str) -> WayStep:
    values: dict[str, Any] = {}
    for clause in re.split(r" and ", part):
        body, for_s = _time(clause.strip())
        new = _values(body, part) if body else {}
        if for_s is not None:
            new["for_s"] = for_s
        if twice := set(new) & set(values):
            raise ConfigError(
                f"{brief(part)!r} asks for {' and '.join(sorted(twice))} twice at once: put 'then' between what is to "
                "follow"
            )
        values |= new
    try:
        return WayStep(**values)
    except ConfigError as error:
        raise ConfigError(f"{brief(part)!r}: {error}") from error


def _time(clause: str) -> tuple[str, float | None]:
    """A clause without "for N s", and that time, s."""
    match = re.fullmatch(rf"(.*?) ?\bfor {_TIME}", clause)
    if match is None:
        return clause, None
    return match[1], float(match[2]) * (60.0 if match[3].startswith("min") else 1.0)


def _values(clause: str, part: str) -> dict[str, Any]:
    for pattern, meaning in _CLAUSES:
        match = pattern.fullmatch(clause)
        if match is not None:
            return meaning(*match.groups())
    unit = re.search(rf"{_NUMBER}(?! ?[a-z°/])", clause)
    hint = f" ({unit[1]} has no unit: m/s, °, s)" if unit else ""
    raise ConfigError(f"{brief(clause or part)!r} is not understood{hint}. What works: {GRAMMAR}")
