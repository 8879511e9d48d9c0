"""Joint angles of the legs in a BVH file, by OpenSim's names.

A BVH file has a skeleton in a posture of rest and the rotations of its joints from there. A thigh or shank that hangs
straight down is at 0, however it stands at rest; a foot is at 0 as it stands at rest on a shank that is upright.
Flexion, adduction and internal rotation of the hip are about axes to the right, ahead and up, in this order, as in
Rajagopal's model (doi:10.1109/TBME.2016.2586891)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.leg_names import SIDES
from myoprosthesis.motion.recording import MotionColumns

Array = NDArray[np.float64]
PARTS: Mapping[str, tuple[str, ...]] = {
    "thigh": ("upleg", "upperleg", "hip", "thigh"),
    "shank": ("leg", "lowerleg", "knee", "shin", "calf", "shank"),
    "foot": ("foot", "ankle"),
}
"""Parts of a leg, and what the joints that turn them are called beside their side."""
SIDE_WORDS: Mapping[str, tuple[str, ...]] = {"r": ("right", "r"), "l": ("left", "l")}
LEG_M = 0.805
"""Thigh and shank of the MyoSim legs together. Lengths in a BVH file have no unit: they are scaled to this leg."""
MOST_JOINTS = 500


@dataclass(frozen=True)
class _Joint:
    name: str
    parent: int
    offset: Array
    channels: tuple[str, ...]


def read_bvh(data: bytes) -> MotionColumns:
    """Columns by OpenSim's names with `time` (s), angles in degrees; the pelvis is midway between the hips.

    Toes are not read: few skeletons turn them as people do.

    Raises:
        ConfigError: The file is damaged, or has no joints that are known as those of two legs.
    """
    head, _, rest = data.decode("utf-8", "replace").partition("MOTION")
    joints = _skeleton(iter(re.findall(r"\S+", head)))
    table, step = _frames(rest, sum(len(joint.channels) for joint in joints))
    turns, places = _placed(joints, table)
    _, rest_places = _placed(joints, np.zeros((1, table.shape[1])))
    leg = {(part, side): _named(joints, part, side) for side in SIDES for part in PARTS}
    up = _up(places, leg)
    axes = _axes(np.array(rest_places)[:, 0], leg, up)
    length = (
        sum(float(np.linalg.norm(joints[leg[part, side]].offset)) for side in SIDES for part in ("shank", "foot")) / 2
    )
    if not length > 0.0:
        raise ConfigError("its legs have no length")
    scale = LEG_M / length
    pelvis = joints[leg["thigh", "r"]].parent
    base = _root(joints, pelvis)
    seen = turns[base] @ axes
    columns: dict[str, Array] = {"time": np.arange(len(table), dtype=np.float64) * step}
    tilt, lean, turn = _about(axes.T @ seen)
    columns |= {"pelvis_tilt": tilt, "pelvis_list": lean, "pelvis_rotation": np.unwrap(turn)}
    for side in SIDES:
        sign = 1.0 if side == "r" else -1.0
        thigh, shank = (
            turns[leg[part, side]] @ _hanging(joints[leg[after, side]].offset, up) @ axes
            for part, after in (("thigh", "shank"), ("shank", "foot"))
        )
        foot = turns[leg["foot", side]] @ axes
        flexion, adduction, rotation = _about(_from(seen, thigh))
        columns |= {
            f"hip_flexion_{side}": flexion, f"hip_adduction_{side}": sign * adduction,
            f"hip_rotation_{side}": sign * rotation, f"knee_angle_{side}": -_about(_from(thigh, shank))[0],
            f"ankle_angle_{side}": _about(_from(shank, foot))[0],
        }  # fmt: skip
    columns = {name: values if name == "time" else np.degrees(values) for name, values in columns.items()}
    hips = scale * np.mean([places[leg["thigh", side]] for side in SIDES], axis=0) @ axes
    columns |= {"pelvis_tx": hips[:, 0], "pelvis_ty": hips[:, 1], "pelvis_tz": hips[:, 2]}
    remark = (
        f"lengths in a BVH file have no unit: its legs are {length:.4g} long, and all was scaled by {scale:.3g} to the "
        f"model's {LEG_M:g} m, speed as well"
    )
    return MotionColumns(columns, True, (remark,))


def _skeleton(words: Iterator[str]) -> list[_Joint]:
    """The joints in the order of their channels, parents before children; ends of chains are left out."""
    joints: list[_Joint] = []
    stack: list[int] = []
    name = ""
    try:
        for word in words:
            if word in ("ROOT", "JOINT", "End"):
                name = next(words) if word != "End" else ""
            elif word == "{":
                stack.append(len(joints) if name else -1)
                if name:
                    parent = next((k for k in reversed(stack[:-1]) if k >= 0), -1)
                    joints.append(_Joint(name, parent, np.zeros(3), ()))
            elif word == "}":
                stack.pop()
            elif word == "OFFSET":
                offset = np.array([float(next(words)) for _ in range(3)])
                if stack[-1] >= 0:
                    joint = joints[stack[-1]]
                    joints[stack[-1]] = _Joint(joint.name, joint.parent, offset, joint.channels)
            elif word == "CHANNELS":
                channels = tuple(next(words) for _ in range(int(next(words))))
                joint = joints[stack[-1]]
                joints[stack[-1]] = _Joint(joint.name, joint.parent, joint.offset, channels)
            if len(joints) > MOST_JOINTS:
                raise ConfigError(f"its skeleton has more than {MOST_JOINTS} joints")
    except (StopIteration, ValueError, IndexError) as error:
        raise ConfigError(f"its skeleton cannot be read, near joint {name or 'of the end'!r}") from error
    known = re.compile("[XYZ](position|rotation)")
    strange = [channel for joint in joints for channel in joint.channels if not known.fullmatch(channel)]
    if not joints or stack or strange:
        raise ConfigError(
            f"its joint has a channel {strange[0]!r}: Xposition … Zrotation are known" if strange
            else "it has no HIERARCHY of joints in front of its MOTION"
        )  # fmt: skip
    return joints


def _frames(text: str, channels: int) -> tuple[Array, float]:
    """(n_frames, n_channels), and the time between two frames, s."""
    head = re.match(r"\s*Frames:\s*(\d+)\s+Frame Time:\s*(\S+)", text)
    if head is None:
        raise ConfigError("behind MOTION it has no Frames: and Frame Time:")
    count, step = int(head[1]), float(head[2])
    values = np.array(text[head.end() :].split(), float)
    if not (np.isfinite(step) and step > 0.0) or count < 2:
        raise ConfigError(f"it has {count} frames with {head[2]} s between them")
    if values.size != count * channels:
        raise ConfigError(f"it says {count} frames of {channels} numbers, and {values.size} numbers are there")
    return values.reshape(count, channels), step


def _placed(joints: list[_Joint], table: Array) -> tuple[list[Array], list[Array]]:
    """Of each joint its rotation (n_frames, 3, 3) and its place (n_frames, 3) in the world."""
    turns: list[Array] = []
    places: list[Array] = []
    column, n = 0, len(table)
    for joint in joints:
        turn, place = np.broadcast_to(np.eye(3), (n, 3, 3)), np.broadcast_to(joint.offset, (n, 3)).copy()
        for channel in joint.channels:
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                place[:, axis] = table[:, column] if joint.parent < 0 else place[:, axis] + table[:, column]
            else:
                turn = turn @ _turned(axis, np.radians(table[:, column]))
            column += 1
        if joint.parent >= 0:
            above = turns[joint.parent]
            place = places[joint.parent] + np.einsum("nij,nj->ni", above, place)
            turn = above @ turn
        turns.append(np.asarray(turn))
        places.append(place)
    return turns, places


def _turned(axis: int, angle: Array) -> Array:
    """(n, 3, 3) about x, y or z."""
    out = np.zeros((len(angle), 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1.0
    out[:, i, i] = out[:, j, j] = np.cos(angle)
    out[:, j, i], out[:, i, j] = np.sin(angle), -np.sin(angle)
    return out


def _named(joints: list[_Joint], part: str, side: str) -> int:
    """The number of the joint that turns this part of this leg."""
    for word in PARTS[part]:
        for of_side in SIDE_WORDS[side]:
            for k, joint in enumerate(joints):
                plain = re.sub("[^a-z0-9]", "", joint.name.rpartition(":")[2].casefold())
                if plain in (of_side + word, word + of_side):
                    return k
    tried = ", ".join(f"{SIDE_WORDS[side][0].capitalize()}{word.capitalize()}" for word in PARTS[part])
    raise ConfigError(
        f"none of its joints is known as the {SIDE_WORDS[side][0]} {part} ({tried}); they are "
        f"{', '.join(joint.name for joint in joints[:40])}: name it so in the file"
    )


def _root(joints: list[_Joint], joint: int) -> int:
    """The joint that carries both legs: the last one above this one that has two children or more, or the first."""
    while joints[joint].parent >= 0 and sum(other.parent == joint for other in joints) < 2:
        joint = joints[joint].parent
    return joint


def _up(places: list[Array], leg: Mapping[tuple[str, str], int]) -> Array:
    """(3,) the axis of the file that is up: hips are above ankles."""
    higher = np.mean([places[leg["thigh", side]] - places[leg["foot", side]] for side in SIDES], axis=(0, 1))
    up = np.zeros(3)
    up[np.abs(higher).argmax()] = np.sign(higher[np.abs(higher).argmax()])
    return up


def _axes(places: Array, leg: Mapping[tuple[str, str], int], up: Array) -> Array:
    """(3, 3) ahead, up and to the right of the posture of rest, as columns."""
    left = places[leg["thigh", "l"]] - places[leg["thigh", "r"]]
    left = left - (left @ up) * up
    if not np.linalg.norm(left) > 0.0:
        raise ConfigError("its hips are at the same place")
    left /= np.linalg.norm(left)
    return np.stack([np.cross(left, up), up, -left], axis=1)


def _hanging(offset: Array, up: Array) -> Array:
    """(3, 3) the smallest rotation that takes what hangs straight down to where a part points at rest."""
    return _between(-up, offset / max(float(np.linalg.norm(offset)), 1e-12))


def _between(one: Array, other: Array) -> Array:
    """(3, 3) the smallest rotation from one direction to another (Rodrigues)."""
    v, c = np.cross(one, other), float(one @ other)
    if c < -0.999:
        raise ConfigError("a part of its legs points upward at rest")
    k = np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
    return np.asarray(np.eye(3) + k + k @ k / (1.0 + c))


def _from(frame: Array, other: Array) -> Array:
    """(n, 3, 3) a frame as seen from another one."""
    return np.asarray(np.swapaxes(frame, -1, -2) @ other)


def _about(turn: Array) -> tuple[Array, Array, Array]:
    """Angles (n,) rad about z, x and y, in this order, each about the axes that the ones before have turned."""
    return (
        np.arctan2(-turn[:, 0, 1], turn[:, 1, 1]), np.arcsin(np.clip(turn[:, 2, 1], -1.0, 1.0)),
        np.arctan2(-turn[:, 2, 0], turn[:, 2, 2]),
    )  # fmt: skip
