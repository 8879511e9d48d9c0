"""Grips of all hands, as closures of their parts."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.files import yaml_text
from myoprosthesis.hands.data_sheets import folder
from myoprosthesis.hands.hand_joint import PARTS
from myoprosthesis.hands.hand_spec import HandSpec


@cache
def library() -> dict[str, dict[str, float]]:
    """Closure (0 = open, 1 = closed) of each part of a hand by the name of the grip, from `grips.yaml`."""
    path = folder() / "grips.yaml"
    grips = yaml_text.read_mapping(path)
    for name, parts in grips.items():
        if not isinstance(parts, dict) or set(parts) - set(PARTS):
            raise ConfigError(f"{path}: grip {name!r} needs parts out of {', '.join(PARTS)}")
        for part, closure in parts.items():
            if not isinstance(closure, (int, float)) or not 0 <= closure <= 1:
                raise ConfigError(f"{path}: grip {name!r} closes {part} by {closure!r}; 0 to 1 is needed")
    return grips


def pose(spec: HandSpec, grip: str) -> NDArray[np.float64]:
    """The grip as joint angles of this hand, rad, shape (n_joints,)."""
    if grip not in library():
        raise unknown("grip", grip, library())
    closure = np.array([library()[grip].get(j.part, 0.0) for j in spec.joints])
    start = spec.column("open")
    return start + closure * (spec.column("closed") - start)


def poses(spec: HandSpec) -> dict[str, tuple[float, ...]]:
    """Every grip as joint angles of this hand, rad, by its name."""
    return {grip: tuple(float(x) for x in pose(spec, grip)) for grip in library()}
