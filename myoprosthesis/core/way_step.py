"""What is asked of a body that moves along a way, step by step, and the message that carries it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.message import read_object, reading
from myoprosthesis.core.text import brief

MOST_STEPS = 50
GAITS = ("walk", "run", "stop")


@dataclass(frozen=True)
class WayStep:
    """One step of what is asked for; what is None or 0 stays as it is.

    `speed` (m/s) is to be reached, or one that is `faster` (m/s; below 0: slower). `heading` (rad, counter-clockwise
    from x) is turned to by the shorter side, or by `turn` (rad, to the left) from the heading asked for before. The
    next step begins after `for_s` (s), or once speed and heading are reached. `to` is a place (m, x and y) to come to,
    at `speed` where there is one, and takes the turns that it needs. `gait` is `walk`, `run` or `stop`; with a
    `clip` (name and `sha256`) that is followed instead of the task's own.
    """

    speed: float | None = None
    faster: float = 0.0
    heading: float | None = None
    turn: float = 0.0
    for_s: float | None = None
    gait: str = ""
    clip: str = ""
    sha256: str = ""
    to: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("speed", "faster", "heading", "turn", "for_s"):
            value = getattr(self, name)
            whole = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if value is not None and not whole or value is None and name in ("faster", "turn"):
                raise ConfigError(f"{name} is asked to be {brief(value)}: a finite number is needed")
        if self.speed is not None and self.faster:
            raise ConfigError("a speed, or how much faster, is asked for: both were given")
        if self.heading is not None and self.turn:
            raise ConfigError("a heading, or how far to turn, is asked for: both were given")
        if self.for_s is not None and not 0.0 < self.for_s <= 3600.0:
            raise ConfigError(f"a step lasts from above 0 to 3600 s, got {self.for_s:g}")
        if self.speed is not None and self.speed < 0:
            raise ConfigError(f"a speed is 0 m/s or more, got {self.speed:g}: turn by 180 deg to go back")
        if self.gait and self.gait not in GAITS:
            raise unknown("gait", brief(self.gait), GAITS)
        if not (isinstance(self.clip, str) and isinstance(self.sha256, str) and bool(self.clip) == bool(self.sha256)):
            raise ConfigError(f"a clip is asked for by name and sha256, got {brief(self.clip)}, {brief(self.sha256)}")
        if self.to is not None:
            self._check_place()
        if not self.to_dict():
            raise ConfigError("nothing is asked for: give a speed (m/s), a heading, a turn, a place, a gait or a time")

    def _check_place(self) -> None:
        place = self.to if isinstance(self.to, (tuple, list)) else ()
        if len(place) != 2 or not all(type(v) in (int, float) and math.isfinite(v) for v in place):
            raise ConfigError(f"a place to come to is two finite numbers, x and y in m, got {brief(self.to)}")
        if self.heading is not None or self.turn or self.faster or self.gait or self.clip or self.speed == 0.0:
            raise ConfigError(
                "a place to come to goes with a speed above 0 alone: ask for the rest in a step of its own"
            )
        object.__setattr__(self, "to", (float(place[0]), float(place[1])))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without what stays as it is."""
        usual = {f.name: f.default for f in fields(self)}
        return {k: v for k, v in asdict(self).items() if v != usual[k]}


def to_json(steps: Sequence[WayStep], asked: str = "") -> str:
    """The text of a message on `task/command`; `asked` names it in the answer."""
    return json.dumps({"id": asked, "steps": [step.to_dict() for step in steps]})


def from_json(text: str) -> tuple[str, tuple[WayStep, ...]]:
    """Its name and steps; raises `ConfigError`.

    In the place of a message with `steps` one of them may come alone, or a goal of kind `command`, whose rate and place
    are the task's own matter."""
    with reading("a command"):
        data = read_object(text, "a command")
        asked = str(data.pop("id", ""))
        if data.get("kind") == "command":
            data = {"speed": data["speed"], "heading": data.get("heading")}
        listed = data.pop("steps", [data])
        if not isinstance(listed, list) or not 0 < len(listed) <= MOST_STEPS:
            raise ConfigError(f"a command has a list of 1 to {MOST_STEPS} steps")
        names = [f.name for f in fields(WayStep)]
        for step in listed:
            for key in step:
                if key not in names:
                    raise ConfigError(f"a command has an {unknown('key', brief(key), names)}")
        return asked, tuple(WayStep(**step) for step in listed)


def named_in(text: str) -> str:
    """The name of a message that cannot be read otherwise; empty where not even that can."""
    try:
        return brief(read_object(text, "a command").get("id", ""))
    except ConfigError:
        return ""
