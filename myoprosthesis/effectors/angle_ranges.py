"""Whether the angles of a model can be in radians: ranges in degrees are found by their size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mujoco

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ConfigError, unknown

LARGEST = 1.01 * math.tau
"""rad of a hinge that turns at most once either way, with room for a range that is written in few digits."""


def check_angles(
    name: str, model: mujoco.MjModel, joints: Sequence[str], command: Channels, multi_turn: Sequence[str] = ()
) -> None:
    """Refuse a model with a hinge that goes, is commanded, or starts beyond one turn either way.

    MuJoCo reads `ctrlrange` and keyframes in rad whatever `compiler angle` says, so that one in degrees is taken
    as a range 57 times as wide, and a joint's range in degrees, read as rad, limits nothing.

    Args:
        name: Of the effector.
        model: The model.
        joints: The names of all joints of the model.
        command: Its command.
        multi_turn: Joints and command channels that do turn more than once.

    Raises:
        ConfigError: With the first such range of each joint and channel, and what would work.
    """
    for word in multi_turn:
        if word not in joints and word not in command.names:
            raise unknown("joint in multi_turn", word, {*joints, *command.names})
    wide = [
        f"command of {channel} {low:g} to {high:g}"
        for channel, unit, low, high in zip(command.names, command.units, command.low, command.high, strict=True)
        if unit == "rad" and max(-low, high) > LARGEST and channel not in multi_turn
    ]
    for j, joint in enumerate(joints):
        if int(model.jnt_type[j]) != mujoco.mjtJoint.mjJNT_HINGE or joint in multi_turn:
            continue
        low, high = model.jnt_range[j]
        at = model.jnt_qposadr[j]
        if model.jnt_limited[j] and max(-low, high) > LARGEST:
            wide.append(f"range of joint {joint} {low:g} to {high:g}")
        if abs(model.qpos0[at]) > LARGEST:
            wide.append(f"reference of joint {joint} {model.qpos0[at]:g}")
        for k in range(model.nkey):
            if abs(model.key_qpos[k, at]) > LARGEST:
                wide.append(f"joint {joint} in keyframe {model.key(k).name or k} {model.key_qpos[k, at]:g}")
                break
    if wide:
        few = ", ".join(wide[:4]) + (f", and {len(wide) - 4} more" if len(wide) > 4 else "")
        raise ConfigError(
            f"effector {name!r} has angles beyond one turn either way, which look like degrees but are read as rad: "
            f"{few}; write them in rad (90 degrees are 1.5708), also in a ctrlrange and a keyframe of a model in "
            "degrees, or name joints that do turn more often in the option multi_turn"
        )
