"""A prosthetic hand as a MuJoCo body: shapes from an MJCF file, everything that counts from the hand's data sheet."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace

import mujoco

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.fail import HOLD, RELAX
from myoprosthesis.core.options import option
from myoprosthesis.effectors.bodies import MODELS
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody, compiled
from myoprosthesis.hands import data_sheets, grips
from myoprosthesis.hands.hand_spec import MOTOR_GAIN, MOTOR_LAG_S, HandSpec

ENDPOINT = "index_tip"


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
    """The hand `name` as a body. Command, joints, limits and poses are those of the real one; the joints that are
    coupled to them are no channels of their own, as the real hand does not tell them either."""
    data = data_sheets.load(name)
    model = compiled(lambda: model_of(data, options.object), f"the model of {data.title}")
    options = replace(options, dt=options.dt or data.dt)
    rate_limit = options.rate_limit or data.rate_limit
    body = MujocoBody(f"{name}_model", model, options, ENDPOINT, data.safe, data.names, rate_limit)
    body.spec = replace(body.spec, frame="palm")
    if data.fail not in (HOLD, RELAX) and not options.fail:  # a servo cannot go limp: it holds
        body.spec = replace(body.spec, fail=grips.poses(data)[data.fail])
    return body


def model_of(data: HandSpec, thing: str = "none") -> mujoco.MjModel:
    """The compiled model, with a thing to grasp or none; raises `ValueError` with MuJoCo's reason."""
    files = {path.name: path.read_bytes() for path in MODELS.glob("hand_*.xml")}
    return mujoco.MjModel.from_xml_string(mjcf_of(data, thing), files)


def mjcf_of(data: HandSpec, thing: str = "none") -> str:
    """The shapes of the data sheet's `models/<shapes>.xml` with its ranges, couplings, motors and grips (as keyframes),
    and before the palm the thing of `models/hand_<thing>.xml`. Time steps are those of the scene, or so much shorter
    that a whole number of them is the hand's period.

    A motor is a servo that saturates: I dv/dt = clip(kp (target − q), ±F) − d v, where F is the joint's
    `actuatorfrcrange`, or what a Dynamixel motor gives at its largest current. With d = F / speed, kp =
    MOTOR_GAIN · d and I = MOTOR_LAG_S · d it moves as the motors of the emulated hand do: at most with `speed`.
    """
    shapes = f"{data.shapes or data.name}.xml"
    root = ET.parse(MODELS / shapes).getroot()
    hinges = {hinge.get("name", ""): hinge for hinge in root.iter("joint") if hinge.get("name")}
    wanted = {j.name for j in data.joints} | {f"{j.name}_{key}" for j in data.joints for key in j.coupled}
    if wanted != set(hinges):
        raise ConfigError(f"{shapes} and the data sheet differ in joints: {', '.join(sorted(wanted ^ set(hinges)))}")
    place: list[float] = []
    if thing != "none":
        for body in root.iter("body"):
            body.set("gravcomp", "1")
        ET.SubElement(root, "include", file=f"hand_{thing}.xml")
        place = _place(thing)
    equality, actuator, keyframe = (ET.SubElement(root, tag) for tag in ("equality", "actuator", "keyframe"))
    for joint in data.joints:
        hinge, limits = hinges[joint.name], (joint.low, joint.high)
        torque = data.servos.current * joint.torque_per_ampere if data.servos else _torque(hinge)
        damping = torque / joint.speed
        _set(hinge, range=limits, actuatorfrcrange=(-torque, torque), damping=damping, armature=MOTOR_LAG_S * damping)
        servo = ET.SubElement(actuator, "position", name=joint.name, joint=joint.name)
        _set(servo, kp=MOTOR_GAIN * damping, ctrlrange=limits)
        for key, ratio in joint.coupled.items():
            passive = ET.SubElement(equality, "joint", joint1=f"{joint.name}_{key}", joint2=joint.name)
            _set(passive, polycoef=(0, ratio, 0, 0, 0))
    _set(ET.SubElement(root, "option"), timestep=data.dt / math.ceil(data.dt / _longest_step() - 1e-9))
    for grip, pose in grips.poses(data).items():
        angles = dict(zip(data.names, pose, strict=True))
        angles |= {f"{j.name}_{key}": ratio * angles[j.name] for j in data.joints for key, ratio in j.coupled.items()}
        _set(ET.SubElement(keyframe, "key", name=grip), qpos=[*(angles[n] for n in hinges), *place], ctrl=pose)
    return ET.tostring(root, "unicode")


def _place(thing: str) -> list[float]:
    """Where the thing stands: m and a quaternion, as in a keyframe."""
    body = ET.parse(MODELS / f"hand_{thing}.xml").getroot().find("worldbody/body")
    return [float(x) for x in body.get("pos", "0 0 0").split()] + [1.0, 0.0, 0.0, 0.0] if body is not None else []


def _longest_step() -> float:
    """s: the time step of the scene."""
    scene = ET.parse(MODELS / "hand_scene.xml").getroot().find("option")
    return float(scene.get("timestep", "")) if scene is not None else 0.0


def _torque(hinge: ET.Element) -> float:
    """N·m with which the joint can hold."""
    try:
        return float(hinge.get("actuatorfrcrange", "").split()[1])
    except (IndexError, ValueError):
        raise ConfigError(f"joint {hinge.get('name')!r} needs actuatorfrcrange='-F F' in the MJCF file") from None


def _set(element: ET.Element, **numbers: float | Sequence[float]) -> None:
    """Attributes with every digit."""
    for key, value in numbers.items():
        element.set(key, " ".join(repr(float(x)) for x in (value if isinstance(value, Sequence) else (value,))))
