"""A prosthetic hand as a MuJoCo body: shapes from an MJCF file, everything that counts from the hand's data sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import mujoco
import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.fail import HOLD, RELAX
from myoprosthesis.core.options import option
from myoprosthesis.effectors.bodies import MODELS
from myoprosthesis.effectors.compiled_model import compiled
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.hands import data_sheets, grips
from myoprosthesis.hands.hand_spec import MOTOR_GAIN, MOTOR_LAG_S, HandSpec
from myoprosthesis.scenes.composition import compose
from myoprosthesis.scenes.prop import Prop

ENDPOINT = "index_tip"
BALL = Prop("ball", (0.014,), 0.02, friction=(1.0, 0.01, 0.001), position=(0.004, -0.036, 0.080))


@dataclass(frozen=True)
class HandModelOptions(BodyOptions):
    """Options of every model of a hand."""

    dt: float = option(0.0, "control period, whole time steps of the model; 0: the real hand's", "s", 0.0, 0.1)
    endpoint: str = option("", f"site that is the endpoint; empty: {ENDPOINT}")
    keyframe: str = option("", "grip of the start; empty: the one to which the real hand is reset")
    rate_limit: float = option(0.0, "fastest change of a command; 0: the real hand's", "rad/s", 0.0, 100.0)
    object: str = option("none", "what stands before the palm", choices=("none", "ball"))


def ability_hand_model(options: HandModelOptions) -> MujocoBody:
    """Model of the PSYONIC Ability Hand: its joints, commands, limits and speeds."""
    return hand_model("ability_hand", options)


def inspire_rh56_model(options: HandModelOptions) -> MujocoBody:
    """Model of the Inspire RH56: its joints, commands, limits and speeds."""
    return hand_model("inspire_rh56", options)


def inspire_rh56_modbus_model(options: HandModelOptions) -> MujocoBody:
    """Model of the Inspire RH56 whose firmware speaks Modbus: the same hand."""
    return hand_model("inspire_rh56_modbus", options)


def leap_model(options: HandModelOptions) -> MujocoBody:
    """Model of the LEAP Hand: its joints, commands, limits, speeds and strength."""
    return hand_model("leap", options)


def hand_model(name: str, options: HandModelOptions) -> MujocoBody:
    """The hand `name` as a body.

    Command, joints, limits and poses are those of the real one; the joints that are coupled to them are no channels of
    their own, as the real hand does not measure them either."""
    data = data_sheets.load(name)
    model = compiled(lambda: spec_of(data, options.object).compile(), f"the model of {data.title}")
    options = replace(options, dt=options.dt or data.dt)
    if data.fail not in (HOLD, RELAX) and not options.fail:  # a servo cannot go limp: it holds
        options = replace(options, fail=dict(zip(data.names, grips.poses(data)[data.fail], strict=True)))
    rate_limit = options.rate_limit or data.rate_limit
    return MujocoBody(f"{name}_model", model, options, ENDPOINT, data.safe, data.names, rate_limit, frame="palm")


def spec_of(data: HandSpec, thing: str = "none") -> mujoco.MjSpec:
    """The shapes of a hand with the numbers of its data sheet, and before the palm the thing to grasp, or none.

    Shapes are those of `models/<shapes>.xml`; ranges, couplings, motors and grips (as keyframes) those of the data
    sheet. Time steps are those of the shapes' scene, or shorter, so that a whole number of them is the hand's period.

    A motor is a servo that saturates: I dv/dt = clip(kp (target − q), ±F) − d v, where F is the joint's
    `actuatorfrcrange`, or what a Dynamixel motor gives at its largest current. With d = F / speed, kp = MOTOR_GAIN · d
    and I = MOTOR_LAG_S · d it moves as the motors of the emulated hand do: at most with `speed`.
    """
    shapes = f"{data.shapes or data.name}.xml"
    spec = mujoco.MjSpec.from_file(str(MODELS / shapes))
    hinges = {hinge.name: hinge for hinge in spec.joints}
    wanted = {j.name for j in data.joints} | {f"{j.name}_{key}" for j in data.joints for key in j.coupled}
    if wanted != set(hinges):
        raise ConfigError(f"{shapes} and the data sheet differ in joints: {', '.join(sorted(wanted ^ set(hinges)))}")
    for joint in data.joints:
        hinge, limits = hinges[joint.name], (joint.low, joint.high)
        torque = data.servos.current * joint.torque_per_ampere if data.servos else _torque(hinge)
        damping = torque / joint.speed
        hinge.range, hinge.actfrcrange = limits, (-torque, torque)
        _damp(hinge, damping)
        hinge.armature = MOTOR_LAG_S * damping
        servo = spec.add_actuator(name=joint.name, target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_position(kp=MOTOR_GAIN * damping)
        servo.ctrlrange = limits
        for key, ratio in joint.coupled.items():
            passive = spec.add_equality(type=mujoco.mjtEq.mjEQ_JOINT, name1=f"{joint.name}_{key}", name2=joint.name)
            passive.data[:5] = (0, ratio, 0, 0, 0)
    spec.option.timestep = data.dt / math.ceil(data.dt / spec.option.timestep - 1e-9)
    for grip, pose in grips.poses(data).items():
        angles = dict(zip(data.names, pose, strict=True))
        angles |= {f"{j.name}_{key}": ratio * angles[j.name] for j in data.joints for key, ratio in j.coupled.items()}
        spec.add_key(name=grip, qpos=[angles[n] for n in hinges], ctrl=pose)
    return _with_ball(spec) if thing == "ball" else spec


def _with_ball(spec: mujoco.MjSpec) -> mujoco.MjSpec:
    """A ball on a stand before the palm.

    Only here there is gravity; the hand does not feel it, as its gears hold it. The stand carries the ball and is no
    obstacle to the fingers."""
    for body in spec.bodies[1:]:
        body.gravcomp = 1.0
    spec.option.gravity = (0, 0, -9.81)
    spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10.0
    spec.worldbody.add_geom(
        name="stand", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(0.005, 0, 0), material="metal",
        fromto=(0.004, -0.036, -0.075, 0.004, -0.036, 0.066),
    )  # fmt: skip
    return compose(spec, [BALL])


def _damp(hinge: mujoco.MjsJoint, damping: float) -> None:
    """Linear damping (N·m·s), which newer versions of MuJoCo have as the first of several coefficients."""
    if np.ndim(hinge.damping):
        hinge.damping[0] = damping
    else:
        hinge.damping = damping


def _torque(hinge: mujoco.MjsJoint) -> float:
    """N·m with which the joint can hold."""
    torque = float(hinge.actfrcrange[1])
    if not torque > 0:
        raise ConfigError(f"joint {hinge.name!r} needs actuatorfrcrange='-F F' in the MJCF file")
    return torque
