"""A URDF as a MuJoCo model: position servos on its joints, since a URDF has no actuators that MuJoCo could use."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

from myoprosthesis.effectors import joint_couplings
from myoprosthesis.effectors.named_parts import mark_endpoint

SPEED = 1.0
"""rad/s or m/s: fastest change of a command where the URDF limits no velocity."""


def model_of(path: Path, servo_hz: float, endpoint: str = "") -> tuple[mujoco.MjModel, tuple[float, ...], list[str]]:
    """The compiled model, the speed limit of each servo (rad/s or m/s), `SPEED` where it has none, and what to tell.

    There is a servo on every joint that turns or slides and does not mimic another: critically damped, of `servo_hz` as
    its natural frequency with the inertia of the start, as strong as the URDF's effort limit, over the joint's range,
    or its soft limits where a safety_controller has some; ±180° for a continuous joint. `endpoint` names the link whose
    origin is the endpoint. Raises `ValueError` with MuJoCo's reason, and `ConfigError` where there is no such link.
    """
    joints_there, fast, strong = _joints(path), list[str](), list[str]()
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
        joint = joints_there.get(name)
        if joint is None:
            raise ValueError(f"{name!r} is a part of a planar or floating joint, which has no servos: fix that joint")
        if not bare.jnt_limited[j] and joint.kind != "continuous":
            raise ValueError(
                f"joint {name!r} is {joint.kind} and has no range: it needs lower and upper in its <limit>, or, "
                "where it turns without end, the type continuous"
            )
        fast += [] if joint.velocity else [name]
        strong += [] if bare.jnt_actfrclimited[j] else [name]
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        seen = float(inertia[bare.jnt_dofadr[j]])
        servo.set_to_position(kp=seen * pull**2, kv=2 * seen * pull)
        servo.ctrllimited = True
        speeds.append(joint.velocity or SPEED)
        low, high = bare.jnt_range[j] if bare.jnt_limited[j] else (-math.pi, math.pi)
        servo.ctrlrange = max(low, joint.soft[0]), min(high, joint.soft[1])
        if not servo.ctrlrange[0] < servo.ctrlrange[1]:
            raise ValueError(
                f"the soft limits of joint {name!r}, {joint.soft[0]:g} to {joint.soft[1]:g}, leave no range"
            )
    remarks = []
    if fast:
        remarks.append(
            f"no velocity limit, so that commands change by {SPEED:g} rad/s or m/s at most: {', '.join(fast)}"
        )
    if strong:
        remarks.append(f"no effort limit, so that servos are as strong as it takes: {', '.join(strong)}")
    return spec.compile(), tuple(speeds), remarks


@dataclass(frozen=True)
class _Joint:
    """What a URDF says of a joint: `velocity` 0 is no limit, and so it is written by many exporters."""

    kind: str
    velocity: float
    soft: tuple[float, float]


def _joints(path: Path) -> dict[str, _Joint]:
    out = {}
    try:
        for joint in ElementTree.parse(path).getroot().iter("joint"):
            name, limit, safety = joint.get("name", ""), joint.find("limit"), joint.find("safety_controller")
            velocity = _number(limit, "velocity", name)
            if not velocity >= 0:
                raise ValueError(f"joint {name!r} has a velocity limit of {velocity:g}; one above 0 is needed, or none")
            soft = _number(safety, "soft_lower_limit", name), _number(safety, "soft_upper_limit", name)
            if soft == (0.0, 0.0):  # which stands for none
                soft = -math.inf, math.inf
            out[name] = _Joint(joint.get("type", ""), velocity if velocity < math.inf else 0.0, soft)
    except ElementTree.ParseError as error:
        raise ValueError(f"its joints cannot be read: {error}") from error
    return out


def _number(element: ElementTree.Element | None, key: str, joint: str) -> float:
    """A number of an element of a joint, 0 where it is not there."""
    text = "0" if element is None else element.get(key, "0")
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{key} of joint {joint!r} is {text!r}, a number is needed") from error


def _inertia(model: mujoco.MjModel) -> np.ndarray:
    """Inertia (kg·m² or kg) of each degree of freedom in the model's own start, with what follows it, shape (nv,)."""
    data, motions = mujoco.MjData(model), joint_couplings.motions(model)
    mujoco.mj_forward(model, data)
    momentum = np.zeros((model.nv, model.nv))
    for motion, row in zip(motions.T.copy(), momentum, strict=True):
        mujoco.mj_mulM(model, data, row, motion)
    return np.asarray((motions.T * momentum).sum(axis=1))
