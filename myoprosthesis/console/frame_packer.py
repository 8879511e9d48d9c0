"""One picture of a stack as bytes: where the body is, what is asked for, what acts, and a value for each curve."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import AXES, EffectorSpec
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.effectors.body_shapes import BodyShapes

FRAME = 1
HEAD = struct.Struct("<IId")
"""Kind of the message, its number, and the time of its state, s."""
MARKS = 9
"""Target, endpoint and load, three values each; NaN where there is none."""
MM = 1e3
JOINTS = {"rad": "joints", "m": "joints that slide"}
"""Titles of the curves of joints by the unit of their positions."""


@dataclass(frozen=True)
class Curves:
    """Curves of one plot; `extremes`: each has two values a frame, its lowest and its highest one since the last."""

    key: str
    title: str
    unit: str
    names: tuple[str, ...]
    extremes: bool = False

    def describe(self) -> dict[str, Any]:
        """Plain data for the page."""
        return {"key": self.key, "title": self.title, "unit": self.unit, "names": list(self.names),
                "extremes": self.extremes}  # fmt: skip


@dataclass
class Sample:
    """What is known at one instant, beside the state."""

    target: tuple[float, ...] = ()
    """Where the endpoint should be, (3,) m; empty: nowhere."""
    values: dict[str, NDArray[np.floating]] = field(default_factory=dict)
    """Of other curves by their key, in the order of their names, those with extremes as (2, n)."""


class FramePacker:
    """Packs states of one effector.

    Args:
        spec: The effector.
        shapes: Its body; None: none can be drawn.
        others: Curves whose values come in a `Sample`.
    """

    def __init__(self, spec: EffectorSpec, shapes: BodyShapes | None, others: Sequence[Curves] = ()) -> None:
        self.spec, self.shapes = spec, shapes
        units = dict(zip(spec.joints, spec.joint_units, strict=True))
        self._joints = {
            unit: [j for j in spec.groups.get("joints", ()) if units.get(j, "rad") == unit] for unit in JOINTS
        }
        own = (
            Curves("error", "distance from the target", "mm", ("distance",) if spec.endpoint else ()),
            Curves("activation", "muscle activation", "1", spec.muscles),
            *(Curves(title, title, unit, tuple(self._joints[unit])) for unit, title in JOINTS.items()),
        )
        self.curves = tuple(c for c in (*own, *others) if c.names)
        self._channels: tuple[str, ...] = ()
        self._columns: dict[str, NDArray[np.intp]] = {}
        self._number = 0

    def pack(self, state: JointStateFrame, sample: Sample) -> bytes:
        """The frame of a state; raises `Refused` where the body cannot be put where it says."""
        if state.names is not self._channels:
            self._fit(state.names)
        place, _, effort = state.rows()
        body = np.zeros(0, np.float32)
        if self.shapes is not None:
            self.shapes.place(state.names, place)
            body = self.shapes.packed()
        endpoint, load = picked(place, self._columns["endpoint"]), picked(effort, self._columns["endpoint"])
        target = np.array(sample.target or (np.nan,) * 3)
        known: dict[str, NDArray[np.floating]] = {
            "error": MM * np.sqrt(np.sum((target - endpoint) ** 2, keepdims=True)),
            "activation": picked(place, self._columns["activation"]),
            **{title: picked(place, self._columns[title]) for title in JOINTS.values()},
            **sample.values,
        }
        values = [_sized(known.get(c.key), len(c.names) * (2 if c.extremes else 1)) for c in self.curves]
        self._number += 1
        head = HEAD.pack(FRAME, self._number & 0xFFFFFFFF, state.stamp_ns * 1e-9)
        return head + np.concatenate([target, endpoint, load, *values, body]).astype("<f4").tobytes()

    def _fit(self, channels: tuple[str, ...]) -> None:
        where = {name: k for k, name in enumerate(channels)}
        wanted = {
            "activation": [f"{name}/activation" for name in self.spec.muscles],
            **{title: self._joints[unit] for unit, title in JOINTS.items()},
        }
        self._columns = {k: np.array([where.get(n, -1) for n in names], np.intp) for k, names in wanted.items()}
        self._columns["endpoint"] = endpoint_columns(channels)
        self._channels = channels


def endpoint_columns(channels: Sequence[str]) -> NDArray[np.intp]:
    """Where the endpoint's x, y and z stand among the channels of a state; −1 for what it does not have."""
    where = {name: k for k, name in enumerate(channels)}
    return np.array([where.get(f"endpoint/{axis}", -1) for axis in AXES], np.intp)


def picked(row: NDArray[np.float64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """The values at `columns`, NaN where one is −1."""
    return np.where(columns >= 0, row[np.maximum(columns, 0)], np.nan) if row.size else np.full(columns.size, np.nan)


def _sized(values: NDArray[np.floating] | None, n: int) -> NDArray[np.floating]:
    return np.full(n, np.nan) if values is None or values.size != n else values.ravel()
