"""Angles of a model that are in degrees where MuJoCo reads radians."""

import math

import mujoco
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.bodies import MjcfOptions, mjcf
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody

MODEL = """<mujoco><compiler angle="{unit}" autolimits="{auto}"/><worldbody>
<body><joint name="elbow" axis="0 1 0" {joint}/><geom size="0.05" mass="1"/>
<body pos="0.3 0 0"><joint name="wrist" axis="0 1 0"/><geom size="0.05" mass="1"/></body></body></worldbody>
<tendon><fixed name="sum"><joint joint="elbow" coef="1"/><joint joint="wrist" coef="1"/></fixed></tendon>
<actuator>{actuator}</actuator><keyframe>{key}</keyframe></mujoco>"""
SERVO = '<position joint="elbow" kp="10" ctrllimited="true" ctrlrange="{} {}"/>'
SMALL = SERVO.format(-1.5, 1.5)


def body_of(actuator=SMALL, joint="", key="", unit="degree", auto="true", **options):
    xml = MODEL.format(unit=unit, auto=auto, joint=joint, actuator=actuator, key=key)
    return MujocoBody("arm", mujoco.MjModel.from_xml_string(xml), BodyOptions(**options))


IN_DEGREES = [
    ({"actuator": SERVO.format(-90, 90)}, "command of elbow -90 to 90"),
    ({"actuator": SERVO.format(-90, 90), "auto": "false", "unit": "radian"}, "command of elbow -90 to 90"),
    ({"actuator": SERVO.format(0, 150), "joint": 'range="0 150"'}, "command of elbow 0 to 150"),
    ({"actuator": SERVO.format(-90, 0).replace("/>", ' gear="2"/>')}, "command of elbow -45 to 0"),
    ({"actuator": '<position tendon="sum" kp="10" ctrlrange="-30 30"/>'}, "command of actuator0 -30 to 30"),
    ({"actuator": '<position joint="elbow" kp="10" inheritrange="1"/>', "joint": 'range="-90 90"', "unit": "radian"},
     "command of elbow -90 to 90, range of joint elbow -90 to 90"),
    ({"actuator": '<motor joint="elbow" ctrlrange="-1 1"/>', "joint": 'range="0 130"', "unit": "radian"},
     "range of joint elbow 0 to 130"),
    ({"joint": 'ref="45"', "unit": "radian"}, "reference of joint elbow 45"),
    ({"key": '<key name="home" qpos="0.2 0"/><key name="bent" qpos="0 -60"/>'},
     "joint wrist in keyframe bent -60"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "what"), IN_DEGREES)
def test_angles_that_can_only_be_degrees_are_refused(model, what):
    with pytest.raises(ConfigError, match=f"look like degrees but are read as rad: {what}; write them in rad"):
        body_of(**model)


def test_a_hinge_that_does_turn_more_than_once_is_named():
    wide = {"actuator": SERVO.format(-20, 20), "joint": 'range="-20 20"', "unit": "radian"}
    body = body_of(**wide, multi_turn=("elbow",))
    assert body.spec.command.high == (20.0,)
    body_of('<position tendon="sum" kp="10" ctrlrange="-30 30"/>', multi_turn=("actuator0",))
    with pytest.raises(ConfigError, match="unknown joint in multi_turn 'elbo'.*did you mean 'elbow'"):
        body_of(**wide, multi_turn=("elbo",))


@pytest.mark.parametrize("high", [1.57, 6.28319, 6.3])
def test_one_turn_either_way_is_a_range_in_radians(high):
    assert body_of(SERVO.format(-high, high)).spec.command.high == (high,)


def test_what_is_not_an_angle_may_be_large():
    body_of('<motor joint="elbow" ctrlrange="-90 90"/>')
    body_of('<velocity joint="elbow" kv="1" ctrlrange="-90 90"/>')
    counts = '<general joint="elbow" biastype="affine" gainprm="0.1" biasprm="0 -10 -1" ctrlrange="0 255"/>'
    assert body_of(counts).spec.command.high == pytest.approx((2.55,))


def test_a_urdf_in_degrees_is_refused(tmp_path):
    file = tmp_path / "arm.urdf"
    inertial = '<inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>'
    file.write_text(
        f'<robot name="arm"><link name="base"/><link name="fore">{inertial}</link><joint name="elbow" type="revolute">'
        '<parent link="base"/><child link="fore"/><axis xyz="0 1 0"/>'
        '<limit lower="0" upper="150" effort="10" velocity="1"/></joint></robot>'
    )
    with pytest.raises(ConfigError, match="command of elbow 0 to 150, range of joint elbow 0 to 150"):
        mjcf(MjcfOptions(file=str(file)))
    file.write_text(file.read_text().replace('upper="150"', f'upper="{math.radians(150)}"'))
    assert mjcf(MjcfOptions(file=str(file))).spec.command.high == pytest.approx((math.radians(150),))


@pytest.mark.parametrize("name", ["arm26", "point_mass", "myoelbow", "myohand", "myoarm", "myolegs"])
def test_bodies_that_ship_are_in_radians(name):
    getattr(bodies, name)(BodyOptions())
