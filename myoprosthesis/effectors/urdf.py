"""A URDF as a MuJoCo model: position servos on its joints, since a URDF has no actuators that MuJoCo could use."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mujoco
import numpy as np

from myoprosthesis.effectors import joint_couplings
from myoprosthesis.effectors.named_parts import mark_endpoint

SPEED = 1.0
"""rad/s or m/s: fastest change of a command where the URDF limits no velocity."""


def model_of(path: Path, servo_hz: float, endpoint: str = "") -> tuple[mujoco.MjModel, tuple[float, ...]]:
    """The compiled model and the speed limit of each servo (rad/s or m/s): the URDF's, or `SPEED` where it has none.

    There is a servo on every joint that turns or slides and does not mimic another: critically damped, of `servo_hz` as
    its natural frequency with the inertia of the start, as strong as the URDF's effort limit, over the joint's range;
    ±180° for a continuous joint. `endpoint` names the link whose origin is the endpoint. Raises
    `ValueError` with MuJoCo's reason, and `ConfigError` where there is no such link.
    """
    kinds, limits = _joints(path)
    spec = mujoco.MjSpec.from_file(str(path))
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    mark_endpoint(spec, endpoint)
    bare = spec.compile()
    inertia = _inertia(bare)
    joints = {int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)}
    speeds: list[float] = []
    mimics = {int(bare.eq_obj1id[k]) for k in range(bare.neq) if bare.eq_type[k] == mujoco.mjtEq.mjEQ_JOINT}
    for j in range(bare.njnt):
        if int(bare.jnt_type[j]) not in joints or j in mimics:
            continue
        name, pull = bare.joint(j).name, 2 * math.pi * servo_hz
        if not bare.jnt_limited[j] and kinds.get(name) != "continuous":
            raise ValueError(
                f"joint {name!r} is {kinds.get(name)} and has no range: it needs lower and upper in its <limit>, or, "
                "where it turns without end, the type continuous"
            )
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        seen = float(inertia[bare.jnt_dofadr[j]])
        servo.set_to_position(kp=seen * pull**2, kv=2 * seen * pull)
        servo.ctrllimited = True
        speeds.append(limits.get(name, SPEED))
        servo.ctrlrange = bare.jnt_range[j] if bare.jnt_limited[j] else (-math.pi, math.pi)
    return spec.compile(), tuple(speeds)


def _joints(path: Path) -> tuple[dict[str, str], dict[str, float]]:
    """Type of each joint, and its velocity limit where the URDF has one; 0, as many exporters write it, is none."""
    try:
        joints = {joint.get("name", ""): joint for joint in ElementTree.parse(path).getroot().iter("joint")}
        pairs = [(name, joint.find("limit")) for name, joint in joints.items()]
        limits = {name: float(limit.get("velocity", 0)) for name, limit in pairs if limit is not None}
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"its velocity limits cannot be read: {error}") from error
    for name, limit in limits.items():
        if not limit >= 0:
            raise ValueError(f"joint {name!r} has a velocity limit of {limit:g}; one above 0 is needed, or none")
    kinds = {name: joint.get("type", "") for name, joint in joints.items()}
    return kinds, {name: limit for name, limit in limits.items() if 0 < limit < math.inf}


def _inertia(model: mujoco.MjModel) -> np.ndarray:
    """Inertia (kg·m² or kg) of each degree of freedom in the model's own start, with what follows it, shape (nv,)."""
    data, motions = mujoco.MjData(model), joint_couplings.motions(model)
    mujoco.mj_forward(model, data)
    momentum = np.zeros((model.nv, model.nv))
    for motion, row in zip(motions.T.copy(), momentum, strict=True):
        mujoco.mj_mulM(model, data, row, motion)
    return np.asarray((motions.T * momentum).sum(axis=1))
