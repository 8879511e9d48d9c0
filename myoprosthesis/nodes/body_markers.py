"""A body as markers for RViz and Foxglove (visualization_msgs/MarkerArray)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from myoprosthesis.effectors.body_shapes import BodyShapes
from myoprosthesis.nodes.time_codec import time_message

Array = NDArray[np.float64]
IDLE, ACTIVE, LIGAMENT = (np.array(c) for c in ((0.35, 0.45, 0.75), (0.85, 0.15, 0.1), (0.6, 0.6, 0.6)))
"""Colours of a muscle that is relaxed, of one that is fully active, and of a tendon that no muscle pulls."""
TARGET_COLOUR, LOAD_COLOUR = (0.1, 0.6, 0.3, 0.8), (0.9, 0.5, 0.0, 1.0)
THIN, THICK = 0.006, 0.02
"""Radius of a muscle that is relaxed and of one that is fully active, in times the size of the body."""
LOAD_M = 0.01
"""Length of the arrow of a load, m for 1 N."""
TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("more", "<u2")])
"""A triangle of a binary STL file."""


class BodyMarkers:
    """Makes the markers of each picture. A marker keeps its `ns` and `id`, so that a viewer only moves it.

    `ns`: `body` (shapes), `muscles` (their paths; colour and width by the root of activation), `target`, `load`.
    """

    def __init__(self, shapes: BodyShapes, frame: str, folder: Path) -> None:
        """Markers of `shapes` in `frame`; their meshes are written into `folder`, from where a viewer reads them."""
        self._shapes, self._frame = shapes, frame
        d = shapes.description
        self._size = float(d["radius"])
        meshes = _meshes(shapes, folder)
        self._solids: list[tuple[int, float, Marker]] = []
        """Number of the shape, how far along its z axis the marker stands (m), and the marker."""
        for number, shape in enumerate(d["shapes"]):
            for marker, along in _solid(shape, meshes):
                marker.ns, marker.id, marker.header.frame_id = "body", len(self._solids), frame
                self._solids.append((number, along, marker))
        self._tendons = [self._marker("muscles", k, Marker.LINE_LIST) for k in range(len(d["tendons"]))]
        self._targets: list[Marker] = []
        self._load = self._marker("load", 0, Marker.ARROW)
        self._load.color = _colour(LOAD_COLOUR)
        s = self._load.scale
        s.x, s.y, s.z = 0.01 * self._size, 0.03 * self._size, 0.0

    def at(self, stamp_ns: int, targets: Sequence[Array], endpoint: Array, load: Array) -> MarkerArray:
        """Markers of the body where it was put last; places are in m, the load is in N, (3,) each; NaN: there is none.

        What is not there is deleted from the picture.
        """
        rest = self._shapes.packed()[7 * self._shapes.description["parts"] :].astype(float)
        poses = self._shapes.solids()
        axes = _z_axes(poses[:, 3:])
        for number, along, marker in self._solids:
            _put(marker, poses[number, :3] + along * axes[number], poses[number, 3:])
        self._draw_tendons(rest)
        self._show_targets(targets)
        self._show(self._load, bool(np.isfinite(load + endpoint).all() and load.any()))
        if self._load.action == Marker.ADD:
            self._load.points = [_point(endpoint), _point(endpoint + LOAD_M * load)]
        markers = [*(m for *_, m in self._solids), *self._tendons, *self._targets, self._load]
        stamp = time_message(stamp_ns)
        for marker in markers:
            marker.header.stamp = stamp
        return MarkerArray(markers=markers)

    def _show_targets(self, places: Sequence[Array]) -> None:
        while len(self._targets) < len(places):
            marker = self._marker("target", len(self._targets), Marker.SPHERE)
            marker.color, s = _colour(TARGET_COLOUR), marker.scale
            s.x = s.y = s.z = 0.04 * self._size
            self._targets.append(marker)
        for marker, place in itertools.zip_longest(self._targets, places):
            there = place is not None and bool(np.isfinite(place).all())
            self._show(marker, there)
            if there:
                _put(marker, place)

    @staticmethod
    def _show(marker: Marker, there: bool) -> None:
        marker.action = Marker.ADD if there else Marker.DELETE

    def _draw_tendons(self, packed: Array) -> None:
        n = len(self._tendons)
        activations, counts, points = packed[:n], packed[n : 2 * n].astype(int), packed[2 * n :].reshape(-1, 3)
        begin = 0
        for marker, activation, count in zip(self._tendons, activations.tolist(), counts.tolist(), strict=True):
            path = points[begin : begin + count]
            begin += count
            pairs = np.stack([path[:-1], path[1:]], axis=1)
            pairs = pairs[np.isfinite(pairs).all(axis=(1, 2))]  # a pulley parts a path
            seen = float(np.sqrt(max(0.0, activation)))
            marker.color = _colour((*(LIGAMENT if activation < 0 else IDLE + seen * (ACTIVE - IDLE)), 1.0))
            marker.scale.x = 2.0 * self._size * (THIN / 2 if activation < 0 else THIN + seen * (THICK - THIN))
            marker.points = [_point(p) for p in pairs.reshape(-1, 3)]

    def _marker(self, namespace: str, number: int, kind: int) -> Marker:
        marker = Marker(ns=namespace, id=number, type=kind)
        marker.header.frame_id = self._frame
        marker.pose.orientation.w = 1.0
        return marker


def no_markers() -> MarkerArray:
    """What takes all markers off a picture."""
    return MarkerArray(markers=[Marker(action=Marker.DELETEALL)])


def _solid(shape: dict[str, Any], meshes: list[str]) -> Iterator[tuple[Marker, float]]:
    """Markers of a shape, and how far along its z axis each stands, m; a capsule is a cylinder and two spheres."""
    a, b, c = shape["size"]
    if shape["kind"] == "capsule":
        yield _of(Marker.CYLINDER, (2 * a, 2 * a, 2 * b), shape), 0.0
        for end in (-b, b):
            yield _of(Marker.SPHERE, (2 * a, 2 * a, 2 * a), shape), end
        return
    kinds = {
        "sphere": (Marker.SPHERE, (2 * a, 2 * a, 2 * a)),
        "ellipsoid": (Marker.SPHERE, (2 * a, 2 * b, 2 * c)),
        "cylinder": (Marker.CYLINDER, (2 * a, 2 * a, 2 * b)),
        "box": (Marker.CUBE, (2 * a, 2 * b, 2 * c)),
        "mesh": (Marker.MESH_RESOURCE, (1.0, 1.0, 1.0)),
    }
    marker = _of(*kinds[shape["kind"]], shape)
    if shape["kind"] == "mesh":
        marker.mesh_resource = meshes[shape["mesh"]]
    yield marker, 0.0


def _z_axes(turns: Array) -> Array:
    """The z axes (n, 3) that quaternions w x y z (n, 4) turn to."""
    w, x, y, z = turns.T
    return np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], axis=1)


def _of(kind: int, scale: tuple[float, ...], shape: dict[str, Any]) -> Marker:
    marker = Marker(type=kind, color=_colour(shape["colour"]))
    marker.scale.x, marker.scale.y, marker.scale.z = map(float, scale)
    return marker


def _meshes(shapes: BodyShapes, folder: Path) -> list[str]:
    """Write each mesh as a binary STL file; their addresses."""
    out = []
    for k, mesh in enumerate(shapes.description["meshes"]):
        n, m = mesh["vertices"], mesh["triangles"]
        vertices = np.frombuffer(shapes.meshes, "<f4", 3 * n, mesh["at"]).reshape(n, 3)
        corners = np.frombuffer(shapes.meshes, "<u2", 3 * m, mesh["at"] + 12 * n).reshape(m, 3)
        triangles = np.zeros(m, TRIANGLE)
        triangles["corners"] = vertices[corners]
        sides = triangles["corners"][:, 1:] - triangles["corners"][:, :1]
        normals = np.cross(sides[:, 0], sides[:, 1])
        triangles["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        file = folder / f"mesh_{k}.stl"
        file.write_bytes(bytes(80) + np.uint32(m).tobytes() + triangles.tobytes())
        out.append(file.as_uri())
    return out


def _put(marker: Marker, place: Array, turn: Array | None = None) -> None:
    p, q = marker.pose.position, marker.pose.orientation
    p.x, p.y, p.z = place.tolist()
    if turn is not None:
        q.w, q.x, q.y, q.z = turn.tolist()


def _point(place: Array) -> Point:
    x, y, z = place.tolist()
    return Point(x=x, y=y, z=z)


def _colour(rgba: Any) -> ColorRGBA:
    r, g, b, a = (float(x) for x in rgba)
    return ColorRGBA(r=r, g=g, b=b, a=a)
