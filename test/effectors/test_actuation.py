"""What a command means on bodies with any actuators."""

import contextlib
import re

import mujoco
import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.fail import check_holds
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.effectors.bodies import MjcfOptions, mjcf
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody

from .bodies_of_others import MIXED, SERVOS, SHOULDER, arm, muscle_arm, write


def body_of(xml, **options):
    return MujocoBody("arm", mujoco.MjModel.from_xml_string(xml), BodyOptions(**options))


def settled(body, command, seconds=3.0):
    body.model.opt.gravity[:] = 0.0
    body.reset(0)
    for _ in range(round(seconds / body.spec.dt)):
        state = body.step(np.array(command), NO_DISTURBANCE)
    return dict(zip(body.spec.joints, state.joint_position, strict=True)), state


@pytest.mark.parametrize("name", ["stiff", "geared", "geared backwards", "filtered"])
def test_a_servo_goes_to_the_angle_of_its_joint_whatever_its_gear(name):
    body = body_of(arm(SERVOS[name]))
    command = body.spec.command
    assert (command.quantity, command.names, command.unit) == ("position", ("shoulder", "elbow"), "rad")
    np.testing.assert_allclose(command.high, [2.0, 2.5], atol=1e-9)  # of the joints, where there is no ctrlrange
    np.testing.assert_allclose(command.low, [-2.0, -2.5], atol=1e-9)
    place, state = settled(body, [0.4, -0.9])
    assert place["shoulder"] == pytest.approx(0.4, abs=1e-3) and place["elbow"] == pytest.approx(-0.9, abs=1e-3)
    np.testing.assert_allclose(state.measured, [0.4, -0.9], atol=1e-3)
    np.testing.assert_allclose(body.spec.poses["home"], [0.8, -1.2])


def test_a_gripper_on_a_tendon_is_commanded_in_metres_whatever_its_counts():
    for name in ("gripper", "gripper in counts"):
        body = body_of(arm(SERVOS[name]))
        command = body.spec.command
        assert command.names == ("shoulder", "elbow", "grip") and command.units == ("rad", "rad", "m")
        assert command.high[2] == pytest.approx(0.04, abs=1e-4)
        place, _ = settled(body, [0.4, -0.9, 0.03])
        assert place["left"] == pytest.approx(0.03, abs=1e-4) and place["right"] == pytest.approx(0.03, abs=1e-4)
        assert body.spec.poses["home"] == pytest.approx((0.8, -1.2, 0.02))


def test_a_tendon_over_two_turning_joints_is_commanded_in_the_unit_of_its_joints():
    tendon = '<fixed name="both"><joint joint="shoulder" coef="1"/><joint joint="elbow" coef="1"/></fixed></tendon>'
    servo = '<position name="sum" tendon="both" kp="300" kv="30" gear="2" ctrlrange="-4 4"/>'
    spec = body_of(arm(SHOULDER + servo).replace("</tendon>", tendon)).spec
    assert spec.command.units == ("rad", "rad") and spec.command.high[1] == 2.0 and spec.fail == "hold"


def test_each_channel_of_a_mixed_body_has_its_own_unit_and_fail_state():
    kinds = ("servo and motor", "1", "relax"), ("servo and speed", "rad/s", "relax"), ("spring", "1", "hold")
    for name, unit, fail in kinds:
        spec = body_of(arm(MIXED[name])).spec
        assert spec.command.quantity == "effort" and spec.command.units == ("rad", unit)
        assert spec.fail_each == ("hold", fail)
    spec = body_of(muscle_arm()).spec
    assert spec.command.names == ("shoulder", "m_a", "m_b") and spec.command.units == ("rad", "1", "1")
    assert spec.muscles == ("m_a", "m_b") and spec.poses == {}


def test_a_general_actuator_with_a_spring_is_held_by_the_control_at_which_it_exerts_what_is_needed():
    body = body_of(arm(MIXED["spring"]))
    _, state = settled(body, [0.0, 0.7])
    assert state.measured[1] == pytest.approx(0.7, abs=1e-4)


def test_what_has_no_name_gets_one_that_is_not_taken():
    spec = body_of(muscle_arm(names=False, servo=False)).spec
    assert spec.command.names == spec.muscles == ("actuator0", "actuator1")
    xml = arm('<position kp="5" joint="joint1"/><motor name="joint1" joint="shoulder" ctrlrange="-1 1"/>')
    spec = body_of(xml.replace('name="shoulder"', 'name="joint1"').replace('joint="shoulder"', 'joint="joint1"')).spec
    assert len(set(spec.command.names)) == 2
    pair = '<position name="a" joint="elbow" kp="5"/><position name="b" joint="elbow" kp="5"/>'
    assert body_of(arm(pair)).spec.command.names == ("a", "b")  # a joint with two servos does not name them
    alike = muscle_arm().replace('name="m_a"', 'name="elbow"')
    spec = body_of(alike).spec
    assert len(set(spec.channels)) == len(spec.channels)


def test_the_range_of_a_motor_without_one_is_where_its_force_ends():
    motor = '<motor name="m" joint="elbow" forcerange="-30 30" gear="3"/>'
    assert body_of(arm(motor)).spec.command.high == (30.0,)


def test_in_doubt_as_a_person_wants_it(tmp_path):
    xml = muscle_arm()
    for fail in (("shoulder=0.3", "m_a=0.1"), {"shoulder": 0.3, "m_a": 0.1}):
        assert body_of(xml, fail=fail).spec.fail_each == (0.3, 0.1, "relax")
    assert body_of(arm(SERVOS["stiff"]), fail=("hold",)).spec.fail == "hold"
    for fail, sentence in (
        (("relax",), "shoulder is a servo, which cannot go limp"), (("m_a=hold",), "m_a has no stiffness"),
        (("wrist=hold",), "unknown command channel 'wrist'|no command channel|wrist"), (("shoulder=9",), "outside"),
        (("shoulder=stay",), "'stay' is no fail .*: hold, relax or a number, or pairs such as shoulder=hold"),
        (("shoulder", "m_a"), "one word, or pairs"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=sentence):
            body_of(xml, fail=fail)


@pytest.mark.parametrize("tip", ["", None])
def test_with_rk4_it_is_plain_mj_step_and_loads_act_in_every_stage(tip):
    xml = arm(SERVOS["stiff"], "RK4", **({} if tip is None else {"tip": tip}))
    body = body_of(xml)
    assert bool(body.spec.endpoint) == (tip is None)
    data, model = mujoco.MjData(body.model), body.model
    mujoco.mj_resetDataKeyframe(model, data, 0)
    body.reset(0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        command = rng.uniform(-1, 1, 2)
        state = body.step(command, NO_DISTURBANCE)
        data.ctrl[:] = command
        mujoco.mj_step(model, data, nstep=body.substeps)
        np.testing.assert_allclose(state.joint_position, data.qpos, atol=1e-12)
    law = Disturbance(joint=ForceField.of(f0=[0.5, -0.5, 0, 0], B=np.diag([-2.0, -2.0, 0, 0]), n=4))
    loaded = body.step(command, law)
    damped = mujoco.MjData(model)
    mujoco.mj_copyData(damped, model, data)
    spec = model.dof_damping.copy()
    try:  # the same load, as joint damping and a constant force
        model.dof_damping[:2] += 2.0
        damped.qfrc_applied[:2] = [0.5, -0.5]
        damped.ctrl[:] = command
        mujoco.mj_step(model, damped, nstep=body.substeps)
    finally:
        model.dof_damping[:] = spec
    np.testing.assert_allclose(loaded.joint_position, damped.qpos, atol=1e-8)
    assert np.abs(loaded.joint_load[:2]).min() > 0 and mujoco.get_mjcb_control() is None
    assert not body.step(command, NO_DISTURBANCE).joint_load.any()


URDF = """<robot name="r"><link name="base"/>
<link name="l1"><inertial><origin xyz="0.15 0 0"/><mass value="1"/>
<inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
<link name="l2"><inertial><mass value="0.2"/>
<inertia ixx="0.001" iyy="0.001" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial></link>
<link name="l3"><inertial><mass value="0.2"/>
<inertia ixx="0.001" iyy="0.001" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial></link>
<joint name="hip" type="revolute"><parent link="base"/><child link="l1"/><axis xyz="0 1 0"/>
<limit lower="-2" upper="1.5" effort="50" velocity="3"/></joint>
<joint name="slide" type="prismatic"><origin xyz="0.3 0 0"/><parent link="l1"/><child link="l2"/><axis xyz="0 1 0"/>
<limit lower="0" upper="0.2" effort="20" velocity="0.5"/></joint>
<joint name="follower" type="revolute"><origin xyz="0.3 0 0"/><parent link="l1"/><child link="l3"/><axis xyz="0 1 0"/>
<limit lower="-2" upper="2" effort="50" velocity="3"/><mimic joint="hip" multiplier="0.5"/></joint></robot>"""


def test_the_joints_of_a_urdf_get_position_servos(tmp_path):
    from myoprosthesis.testing import check_effector

    path = write(tmp_path, URDF, "robot.urdf")
    body = mjcf(MjcfOptions(file=str(path)))
    spec = body.spec
    assert spec.command.names == ("hip", "slide") and spec.command.units == ("rad", "m") and spec.fail == "hold"
    assert spec.command.low == (-2.0, 0.0) and spec.command.high == (1.5, 0.2) and spec.rate_limit == (3.0, 0.5)
    place, _ = settled(body, [0.8, 0.1])
    assert place == pytest.approx({"hip": 0.8, "slide": 0.1, "follower": 0.4}, abs=2e-3)
    check_effector(lambda: mjcf(MjcfOptions(file=str(path))), 2.0)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ('<limit effort="50" velocity="3"/>', "joint 'hip' is revolute and has no range: it needs lower and upper"),
        ("", "joint 'hip' is revolute and has no range"),
        ('<limit lower="-2" upper="1.5" effort="50" velocity="-2"/>', "'hip' has a velocity limit of -2"),
        ('<limit lower="-2" upper="1.5" effort="50" velocity="nan"/>', "'hip' has a velocity limit of nan"),
        (
            '<limit lower="-2" upper="1.5" effort="50" velocity="fast"/>',
            "velocity of joint 'hip' is 'fast', a number",
        ),
    ],
)
def test_what_a_urdf_must_say_of_a_joint_is_not_made_up(tmp_path, limit, sentence):
    whole = '<limit lower="-2" upper="1.5" effort="50" velocity="3"/>'
    assert URDF.count(whole) == 1
    path = write(tmp_path, URDF.replace(whole, limit), "robot.urdf")
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        mjcf(MjcfOptions(file=str(path)))
    turning = URDF.replace(whole, '<limit effort="50" velocity="0"/>').replace(
        'name="hip" type="revolute"', 'name="hip" type="continuous"'
    )
    spec = mjcf(MjcfOptions(file=str(write(tmp_path, turning, "robot.urdf")))).spec
    assert spec.command.high[0] == pytest.approx(np.pi) and spec.rate_limit[0] == 1.0
    assert "no velocity limit, so that commands change by 1 rad/s or m/s at most: hip" in spec.remarks


def test_what_a_urdf_limits_and_does_not_limit(tmp_path):
    whole = '<limit lower="-2" upper="1.5" effort="50" velocity="3"/>'

    def spec(limit):
        return mjcf(MjcfOptions(file=str(write(tmp_path, URDF.replace(whole, limit), "robot.urdf")))).spec

    assert spec(whole).remarks == ()
    nothing = spec('<limit lower="-2" upper="1.5" effort="0" velocity="0"/>')
    assert nothing.remarks == (
        "no velocity limit, so that commands change by 1 rad/s or m/s at most: hip",
        "no effort limit, so that servos are as strong as it takes: hip",
    )
    for soft, high in (('soft_lower_limit="-0.5" soft_upper_limit="0.5"', 0.5), ('k_velocity="1"', 1.5),
                       ('soft_lower_limit="0" soft_upper_limit="0"', 1.5)):  # fmt: skip
        assert spec(f"{whole}<safety_controller {soft}/>").command.high[0] == high
    for low, high in ((3, 4), (0.5, -0.5)):
        with pytest.raises(ConfigError, match=f"the soft limits of joint 'hip', {low} to {high}, leave no range"):
            spec(f'{whole}<safety_controller soft_lower_limit="{low}" soft_upper_limit="{high}"/>')
    with pytest.raises(ConfigError, match="is a part of a planar or floating joint, which has no servos"):
        planar = URDF.replace('name="hip" type="revolute"', 'name="hip" type="planar"')
        mjcf(MjcfOptions(file=str(write(tmp_path, planar, "robot.urdf"))))


@pytest.mark.parametrize("limit", [1.5, 1.9, 3.0])
@pytest.mark.parametrize("place", ["servo", "joint"])
def test_a_servo_that_is_too_weak_to_hold_is_told_of_and_sinks(limit, place):
    """1 kg at 0.2 m from the joint: it takes 1.96 N·m."""
    span = f'"-{limit} {limit}"'
    own = {"servo": (f"forcerange={span}", ""), "joint": ("", f"actuatorfrcrange={span}")}[place]
    xml = f"""<mujoco><option timestep="0.002" integrator="implicitfast"/><worldbody><body pos="0 0 1">
    <joint name="sh" axis="0 1 0" range="-2 2" damping=".2" {own[1]}/>
    <geom type="capsule" fromto="0 0 0 .4 0 0" size=".001" mass="1"/></body></worldbody>
    <actuator><position name="sh" joint="sh" kp="100" kv="5" ctrlrange="-2 2" {own[0]}/></actuator></mujoco>"""
    guard = GuardedEffector(MujocoBody("arm", mujoco.MjModel.from_xml_string(xml), BodyOptions()))
    guard.reset()
    places = [guard.step(None).joint_position[0] for _ in range(80)]
    sentence = f"in the fail state, before the first command too, this sinks: sh needs 1.96 N·m and has {limit:g}"
    assert guard.spec.remarks == ((sentence,) if limit < 1.96 else ())
    assert (abs(float(places[-1])) > 0.01) is (limit < 1.96)


def test_no_shipped_body_is_too_weak_for_its_start():
    for name in ("arm26", "point_mass", "ability_hand_model", "myohand"):
        assert registry.factory("effectors", name)(registry.options("effectors", name)()).spec.remarks == ()


def test_an_actuator_that_acts_on_nothing_is_refused_by_name():
    both = '<position name="a" joint="shoulder" kp="9" {}/><position name="b" joint="elbow" kp="9"/>'
    off = arm(both.format('group="1"')).replace("<option ", '<option actuatorgroupdisable="1" ')
    assert 'actuatorgroupdisable="1"' in off
    for xml in (off, arm(both.format('gear="0"'))):
        with pytest.raises(ConfigError, match=r"without effect cannot be commanded .*: a; enable them"):
            body_of(xml)
    assert body_of(arm(both.format('group="1"'))).spec.command.names == ("shoulder", "elbow")


def test_an_actuator_with_several_controls_is_refused_by_name():
    if not hasattr(mujoco.MjModel, "actuator_ctrlnum"):
        pytest.skip("this MuJoCo has none")
    with pytest.raises(ConfigError, match="'p' takes 2 controls"):
        body_of(arm('<pid name="p" joint="elbow" kp="10" ki="1" ctrlrange="-2 2"/>'))


def test_a_channel_that_creeps_in_the_fail_state_is_named():
    """Under gravity a velocity servo at speed 0 goes on sinking; a position servo stands."""
    arm = """<mujoco><option timestep="0.002" integrator="implicitfast"/><worldbody>
    <body><joint name="elbow" axis="0 1 0"/>
    <geom type="capsule" size="0.02" fromto="0 0 0 0.3 0 0" mass="1"/></body></worldbody>
    <actuator><{} name="motion" joint="elbow" ctrlrange="-2 2"/></actuator></mujoco>"""
    sunk = {}
    for kind, gains in (("velocity", 'kv="10"'), ("position", 'kp="200" kv="10"')):
        model = mujoco.MjModel.from_xml_string(arm.format(f"{kind} {gains}"))
        guard = GuardedEffector(MujocoBody("arm", model, BodyOptions()))
        guard.estop()
        guard.reset()
        places = [guard.step(None).joint_position[0] for _ in range(300)]
        sunk[kind] = places[-1] - places[100]
        speed = pytest.raises(Refused, match="motion is commanded speed 0")
        with speed if kind == "velocity" else contextlib.nullcontext():
            check_holds(guard.spec.command, guard.spec.fail_each)
    assert sunk["velocity"] > 0.1 > 100 * abs(sunk["position"])


@pytest.mark.parametrize(
    "actuator",
    [
        '<intvelocity name="lasts" joint="shoulder" kp="20" actrange="-1 1" ctrlrange="-2 2"/>',
        '<general name="lasts" joint="shoulder" dyntype="integrator" ctrlrange="-1 1"/>',
    ],
)
def test_what_goes_on_after_a_stop_is_refused(actuator):
    """A control of 0 leaves the place that it aims at, or its force, as it is."""
    with pytest.raises(ConfigError, match="go on after a stop: lasts; make them position or velocity servos"):
        body_of(arm(actuator))
