"""One picture of a stack as bytes: where the body is, what is asked for, what acts, and a value for each curve."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import AXES, EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.effectors.body_shapes import BodyShapes

FRAME = 1
HEAD = struct.Struct("<HHId")
"""Kind of the message, the number of its layout, its own, and the time of its state, s.

What follows are the endpoint and the load on it, then the targets, three values each (NaN where there is none), the
contacts (place and force, four each), the values of the curves, the parts of the twin (as those of the body; only where
there is one), and the body. A layout is told in a scene of its number."""
LAYOUTS = 1 << 16
ENDPOINT = ("endpoint",)
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

    targets: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Where parts of the body should be, (3,) m by part; empty: between trials."""
    values: dict[str, NDArray[np.floating]] = field(default_factory=dict)
    """Of other curves by their key, in the order of their names, those with extremes as (2, n)."""
    twin: JointStateFrame | None = None
    """The state of a twin of the effector, or of a model beside it."""


_layouts = itertools.count()
"""Numbers of the layouts of this process, so that no two packers share one."""


class FramePacker:
    """Packs states of one effector.

    `layout` is the number of the present layout: it changes with `parts`, those that have targets.

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
        self._others = tuple(others)
        self._channels: tuple[str, ...] = ()
        self._columns: dict[str, NDArray[np.intp]] = {}
        self._number = self.layout = 0
        self._ghost: BodyShapes | None = None
        self._lay_out(ENDPOINT)

    def pack(self, state: JointStateFrame, sample: Sample) -> bytes:
        """The frame of a state; raises `Refused` where the body cannot be put where it says."""
        if sample.targets and tuple(sample.targets) != self.parts:
            self._lay_out(sample.targets)
        if sample.twin is not None and self._ghost is None and self.shapes is not None:
            self._ghost = BodyShapes(self.shapes.body)
            self._lay_out(self.parts)
        if state.names is not self._channels:
            self._fit(state.names)
        place, _, effort = state.rows()
        body: NDArray[np.float32] = np.zeros(0, np.float32)
        contacts: NDArray[np.floating] = body
        if self.shapes is not None:
            self.shapes.place(state.names, place)
            body = self.shapes.packed()
            force = picked(effort, self._columns["contacts"])[:, None]
            contacts = np.concatenate([self.shapes.contact_places(), force], axis=1).ravel()
        endpoint, load = picked(place, self._columns["endpoint"]), picked(effort, self._columns["endpoint"])
        parts = picked(place, self._columns["parts"]).reshape(-1, 3)
        targets = np.stack(list(sample.targets.values())) if sample.targets else np.full_like(parts, np.nan)
        known: dict[str, NDArray[np.floating]] = {
            "error": MM * np.linalg.norm(targets - parts, axis=1),
            "activation": picked(place, self._columns["activation"]),
            **{title: picked(place, self._columns[title]) for title in JOINTS.values()},
            **sample.values,
        }
        values = [_sized(known.get(c.key), len(c.names) * (2 if c.extremes else 1)) for c in self.curves]
        self._number += 1
        head = HEAD.pack(FRAME, self.layout, self._number & 0xFFFFFFFF, state.stamp_ns * 1e-9)
        marks = [endpoint, load, targets.ravel(), contacts]
        return head + np.concatenate([*marks, *values, self._of_twin(sample.twin), body]).astype("<f4").tobytes()

    @property
    def ghost(self) -> bool:
        """Whether a frame has the parts of a twin."""
        return self._ghost is not None

    def _of_twin(self, twin: JointStateFrame | None) -> NDArray[np.float32]:
        """Where the parts of the twin are; NaN where it is not heard, or does not say where it is."""
        if self._ghost is None:
            return np.zeros(0, np.float32)
        nowhere = np.full(7 * self._ghost.description["parts"], np.nan, np.float32)
        try:
            there = twin is not None and self._ghost.place(twin.names, twin.position)
        except Refused:  # it is another body
            return nowhere
        return self._ghost.parts() if there else nowhere

    def _lay_out(self, parts: Iterable[str]) -> None:
        """Have targets of these parts from now on."""
        self.parts, self._channels = tuple(parts), ()
        self.layout = next(_layouts) % LAYOUTS
        one = self.parts == ENDPOINT
        distances = () if one and not self.spec.endpoint else ("distance",) if one else self.parts
        own = (
            Curves("error", "distance from the target", "mm", distances),
            Curves("activation", "muscle activation", "1", self.spec.muscles),
            *(Curves(title, title, unit, tuple(self._joints[unit])) for unit, title in JOINTS.items()),
        )
        self.curves = tuple(c for c in (*own, *self._others) if c.names)

    def _fit(self, channels: tuple[str, ...]) -> None:
        where = {name: k for k, name in enumerate(channels)}
        wanted = {
            "activation": [f"{name}/activation" for name in self.spec.muscles],
            **{title: self._joints[unit] for unit, title in JOINTS.items()},
        }
        self._columns = {k: np.array([where.get(n, -1) for n in names], np.intp) for k, names in wanted.items()}
        self._columns["endpoint"] = place_columns(ENDPOINT, channels)
        self._columns["parts"] = place_columns(self.parts, channels)
        contacts = self.shapes.body.spec.contacts if self.shapes is not None else ()
        self._columns["contacts"] = np.array([where.get(name, -1) for name in contacts], np.intp)
        self._channels = channels


def place_columns(parts: Sequence[str], channels: Sequence[str]) -> NDArray[np.intp]:
    """Where x, y and z of parts stand among the channels of a state, (3 n,); −1 for what it does not have."""
    where = {name: k for k, name in enumerate(channels)}
    return np.array([where.get(f"{part}/{axis}", -1) for part in parts for axis in AXES], np.intp)


def picked(row: NDArray[np.float64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """The values at `columns`, NaN where one is −1."""
    return np.where(columns >= 0, row[np.maximum(columns, 0)], np.nan) if row.size else np.full(columns.size, np.nan)


def _sized(values: NDArray[np.floating] | None, n: int) -> NDArray[np.floating]:
    return np.full(n, np.nan) if values is None or values.size != n else values.ravel()
