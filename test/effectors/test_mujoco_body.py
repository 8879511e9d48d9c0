"""The body against MuJoCo itself, and its physics as physics."""

import logging

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.errors import ConfigError, EffectorError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.bodies import arm26, mjcf, myoarm, myoelbow, myohand, point_mass
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody

FIELD = ForceField.of(f0=[1, -2], K=[[-20, 3], [5, -30]], B=[[-1, 10], [-10, -2]], x0=[0.05, 0.3])
CW = ForceField.of(B=[[0, 10], [-10, 0]])

FREE = """<mujoco><option timestep="0.002" gravity="0 0 0"/><worldbody>
<body name="trunk"><freejoint name="root"/><geom size="0.1"/><site name="endpoint" pos="0.1 0 0"/>
<body pos="0.3 0 0"><joint name="ball" type="ball"/><geom size="0.05"/>
<body pos="0.2 0 0"><joint name="hinge" type="hinge"/><geom size="0.04"/></body></body></body></worldbody>
<actuator><motor name="motor" joint="hinge" ctrlrange="-1 1"/></actuator></mujoco>"""

SERVOS = """<mujoco><option timestep="0.002"/><worldbody>
<body><joint name="a" axis="0 0 1"/><geom size="0.05" fromto="0 0 0 0.2 0 0" type="capsule"/>
<body pos="0.2 0 0"><joint name="b" axis="0 0 1"/><geom size="0.04" fromto="0 0 0 0.2 0 0" type="capsule"/></body>
</body></worldbody><actuator>{}</actuator></mujoco>"""


def body_of(xml, name="made", **options):
    return MujocoBody(name, mujoco.MjModel.from_xml_string(xml), BodyOptions(**options))


def commands(body, seconds, seed=0):
    n = round(seconds / body.spec.dt)
    return np.random.default_rng(seed).uniform(*body.spec.command.bounds(), (n, body.spec.command.size))


def started(body):
    """Fresh data in the body's start."""
    data = mujoco.MjData(body.model)
    if body.model.nkey:
        mujoco.mj_resetDataKeyframe(body.model, data, 0)
    return data


@pytest.mark.parametrize("make", [arm26, myoelbow, myoarm])
def test_no_posture_brings_the_endpoint_beyond_its_reach(make):
    body = make(BodyOptions())
    (*centre, most), rng = body.spec.reach, np.random.default_rng(0)
    model, data = body.model, body.data
    site, farthest = model.site(body.spec.endpoint).id, 0.0
    for _ in range(300):
        data.qpos[:] = rng.uniform(-np.pi, np.pi, model.nq)
        mujoco.mj_kinematics(model, data)
        farthest = max(farthest, float(np.linalg.norm(data.site_xpos[site] - centre)))
    assert 0.5 * most < farthest <= most + 1e-9


@pytest.mark.parametrize("make", [arm26, point_mass, myohand])
def test_without_a_load_it_is_plain_mj_step_bit_for_bit(make):
    body = make(BodyOptions())
    body.reset(0)
    data = started(body)
    for command in commands(body, 1.0):
        state = body.step(command, NO_DISTURBANCE)
        data.ctrl[:] = command
        mujoco.mj_step(body.model, data, nstep=body.substeps)
        np.testing.assert_array_equal(body.data.qpos, data.qpos)
        np.testing.assert_array_equal(body.data.qvel, data.qvel)
        np.testing.assert_array_equal(state.activation, data.act)
        assert state.time == data.time


@pytest.mark.parametrize("make", [arm26, point_mass, myoelbow, myohand])
@pytest.mark.parametrize("imposed", ["nothing", "field"])
def test_a_state_is_of_one_instant(make, imposed):
    """Everything reported is what mj_forward finds at the reported positions, velocities and activations."""
    body = make(BodyOptions())
    body.reset(0)
    law = {"nothing": NO_DISTURBANCE, "field": Disturbance(endpoint=CW)}[imposed]
    m, jacobian = body.model, np.zeros((3, body.model.nv))
    site = m.site(body.spec.endpoint).id
    for command in commands(body, 0.2):
        state = body.step(command, law)
        data = mujoco.MjData(m)
        data.qpos[:], data.qvel[:], data.act[:], data.ctrl[:] = body.data.qpos, body.data.qvel, body.data.act, command
        mujoco.mj_forward(m, data)
        mujoco.mj_jacSite(m, data, jacobian, None, site)
        for given, wanted in (
            (state.joint_position, data.qpos), (state.joint_velocity, data.qvel),
            (state.joint_effort, data.qfrc_actuator), (state.muscle_length, data.actuator_length),
            (state.muscle_velocity, data.actuator_velocity), (state.muscle_force, data.actuator_force),
            (state.activation, data.act),
            (state.endpoint_position, data.site_xpos[site]), (state.endpoint_velocity, jacobian @ data.qvel),
        ):  # fmt: skip
            np.testing.assert_allclose(given, wanted, rtol=1e-12, atol=1e-12)


def test_endpoint_velocity_is_the_derivative_of_its_position():
    model = mujoco.MjModel.from_xml_path(str(bodies.MODELS / "arm26.xml"))
    model.opt.timestep = 1e-4
    body = MujocoBody("arm26", model, BodyOptions(dt=1e-4))
    states = [body.reset(0)] + [body.step(c, NO_DISTURBANCE) for c in np.repeat(commands(body, 0.001, 4), 300, axis=0)]
    x = np.array([s.endpoint_position for s in states])
    v = np.array([s.endpoint_velocity for s in states])
    numerical = (x[2:] - x[:-2]) / (2 * body.spec.dt)
    assert np.abs(v).max() > 0.3
    assert np.abs(numerical - v[1:-1]).max() < 0.01 * np.abs(v).max()


@pytest.mark.parametrize("make", [arm26, point_mass])
def test_the_laws_are_evaluated_in_every_substep(make):
    """The same written again: position and velocity stage, forces from both laws, then the rest of the step."""
    body = make(BodyOptions())
    body.reset(0)
    joint = ForceField.of(f0=[0.2, -0.1], K=[[-1, 0], [0.5, -2]], B=[[-0.1, 0], [0, 0.05]], n=2)
    data, jacobian = started(body), np.zeros((3, body.model.nv))
    site = body.model.site("endpoint").id
    for command in commands(body, 1.0, 2):
        state = body.step(command, Disturbance(endpoint=FIELD, joint=joint))
        data.ctrl[:] = command
        loads, torques = [], []
        for _ in range(body.substeps):
            mujoco.mj_step1(body.model, data)
            mujoco.mj_jacSite(body.model, data, jacobian, None, site)
            x, v = data.site_xpos[site], jacobian @ data.qvel
            loads.append(FIELD.f + FIELD.K @ x + FIELD.B @ v)
            torques.append(joint.f + joint.K @ data.qpos + joint.B @ data.qvel)
            data.qfrc_applied[:] = jacobian.T @ loads[-1] + torques[-1]
            mujoco.mj_step2(body.model, data)
        np.testing.assert_allclose(body.data.qpos, data.qpos, rtol=1e-12)
        np.testing.assert_allclose(body.data.qvel, data.qvel, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(state.load, np.mean(loads, axis=0), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.joint_load, np.mean(torques, axis=0), rtol=1e-9, atol=1e-12)


def test_a_load_ends_with_its_period():
    body = point_mass(BodyOptions())
    body.reset(0)
    body.step(np.zeros(4), Disturbance(endpoint=ForceField.of(f0=[3.0])))
    state = body.step(np.zeros(4), NO_DISTURBANCE)
    assert not state.load.any() and not state.joint_load.any()
    assert not body.data.qfrc_applied.any()


def test_a_force_accelerates_the_point_mass_by_its_mass():
    body = point_mass(BodyOptions())
    body.reset(0)
    state = body.step(np.zeros(4), Disturbance(endpoint=ForceField.of(f0=[2.0, -1.0])))
    np.testing.assert_allclose(state.joint_velocity, [0.02, -0.01], rtol=0.02)  # 1 kg, 10 ms, a little damping


def test_a_joint_load_turns_its_joint():
    body = arm26(BodyOptions())
    for k in range(2):
        torque = np.eye(2)[k]
        body.reset(0)
        pushed = [body.step(np.zeros(6), Disturbance(joint=ForceField.of(f0=torque, n=2))) for _ in range(3)][-1]
        body.reset(0)
        free = [body.step(np.zeros(6), NO_DISTURBANCE) for _ in range(3)][-1]
        assert pushed.joint_velocity[k] - free.joint_velocity[k] > 0.05
        np.testing.assert_array_equal(pushed.joint_load, torque)


@pytest.mark.parametrize("make", [arm26, point_mass, myoelbow])
def test_a_weakness_of_0_paralyses_and_is_gone_when_it_ends(make):
    body = make(BodyOptions())
    n = len(body.spec.muscles)

    def run(*strengths):
        body.reset(0)
        acting = [NO_DISTURBANCE if s is None else Disturbance(strength=np.full(n, s)) for s in strengths]
        return [body.step(np.full(n, 0.7), imposed) for imposed in acting]

    def passive():
        data = mujoco.MjData(body.model)
        data.qpos[:], data.qvel[:] = body.data.qpos, body.data.qvel
        mujoco.mj_forward(body.model, data)
        return data.actuator_force.copy()

    paralysed = run(*[0.0] * 30)[-1]
    assert paralysed.activation.min() > 0.5
    np.testing.assert_allclose(paralysed.muscle_force, passive(), rtol=1e-9, atol=1e-9)
    healthy = run(*[None] * 30)[-1]
    assert np.abs(healthy.muscle_force).sum() > np.abs(paralysed.muscle_force).sum() + 1.0
    np.testing.assert_array_equal(run(*[1.0] * 30)[-1].table, healthy.table)
    gains = body.model.actuator_gainprm.copy()
    body.step(np.zeros(n), Disturbance(strength=np.full(n, 0.3)))
    body.step(np.zeros(n), NO_DISTURBANCE)
    np.testing.assert_array_equal(body.model.actuator_gainprm, gains)


def test_half_strength_is_half_the_active_force_of_that_muscle_alone():
    body = point_mass(BodyOptions())
    strength = np.array([0.5, 1.0, 1.0, 1.0])
    body.reset(0)
    for _ in range(20):
        state = body.step(np.full(4, 0.6), NO_DISTURBANCE)
    full = state.muscle_force
    body._set_strength(strength)
    mujoco.mj_fwdActuation(body.model, body.data)
    np.testing.assert_allclose(body.data.actuator_force, full * strength, rtol=1e-6)  # at L0 there is no passive force


def test_a_curl_field_does_no_work_and_a_viscous_one_takes_energy():
    """Kinetic energy of a mass without muscles: kept by a curl field, lost to a viscous one as exp(−2 b t / m)."""
    model = mujoco.MjModel.from_xml_path(str(bodies.MODELS / "point_mass.xml"))
    model.dof_damping[:] = 0.0
    model.actuator_gainprm[:, 2] = 1e-12
    model.actuator_biasprm[:, 2] = 1e-12
    body = MujocoBody("free mass", model, BodyOptions(dt=0.002))
    for law, expected in ((CW, 1.0), (ForceField.of(B=-2.0 * np.eye(3)), np.exp(-2 * 2.0 * 0.2))):
        body.reset(0)
        body.data.qvel[:] = [0.3, 0.2]
        mujoco.mj_step1(model, body.data)
        for _ in range(100):
            state = body.step(np.zeros(4), Disturbance(endpoint=law))
        left = (state.joint_velocity**2).sum() / 0.13
        assert left == pytest.approx(expected, rel=0.05)  # semi-implicit Euler: (b·dt)² a step


def test_a_clockwise_curl_field_bends_the_movement_to_the_right():
    paths = []
    for law in (NO_DISTURBANCE, Disturbance(endpoint=CW), Disturbance(endpoint=-1.0 * CW)):
        body = point_mass(BodyOptions())
        body.reset(0)
        for _ in range(30):
            state = body.step(np.array([0.0, 0.5, 0.0, 0.0]), law)  # `up`: +y, right of it is +x
        paths.append(state.endpoint_position)
    straight, cw, ccw = paths
    assert straight[1] > 0.05 and abs(straight[0]) < 1e-6
    assert cw[0] > 0.01
    np.testing.assert_allclose(cw * [-1, 1, 1], ccw, atol=1e-6)


def test_a_quaternion_has_no_velocity_of_its_scalar_part():
    """Names, loads and velocities of free and ball joints stay with their own degrees of freedom."""
    body = body_of(FREE)
    spec = body.spec
    turn = ("qw", "qx", "qy", "qz")
    names = [f"root/{a}" for a in ("x", "y", "z", *turn)] + [f"ball/{a}" for a in turn]
    assert spec.joints == (*names, "hinge")
    assert spec.command.quantity == "effort" and spec.fail == "relax"
    body.reset(0)
    body.data.qvel[:] = np.arange(1.0, 11.0)
    mujoco.mj_step1(body.model, body.data)
    state = body._state(np.zeros(1))
    np.testing.assert_array_equal(state.joint_velocity, [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 10])
    body.reset(0)
    torque = np.zeros(12)
    torque[[3, 7]] = 1.0  # a torque on the scalar part is none
    state = body.step(np.zeros(1), Disturbance(joint=ForceField.of(f0=torque, n=12)))
    assert not state.joint_velocity.any() and not state.joint_load.any()
    torque[:] = 0.0
    torque[-1] = 0.01
    damped = ForceField.of(f0=torque, B=np.diag([0.0] * 3 + [-5.0] + [0.0] * 8), n=12)
    state = body.step(np.zeros(1), Disturbance(joint=damped))
    assert state.joint_load.tolist() == torque.tolist() and state.joint_velocity[-1] > 0


def test_position_servos_are_commanded_by_joint_and_hold_when_in_doubt():
    servos = '<position name="s{0}" joint="{0}" kp="5" ctrlrange="-1 2"/>'
    spec = body_of(SERVOS.format(servos.format("b") + servos.format("a"))).spec
    assert spec.command.names == ("b", "a") and spec.command.quantity == "position" and spec.command.unit == "rad"
    assert spec.command.low == (-1, -1) and spec.command.high == (2, 2) and spec.fail == "hold"
    velocity = '<velocity name="s{0}" joint="{0}" kv="5" ctrlrange="-1 1"/>'
    spec = body_of(SERVOS.format(velocity.format("a") + velocity.format("b"))).spec
    assert spec.command.quantity == "effort" and spec.command.names == ("sa", "sb") and spec.fail == "relax"


def test_keyframes_of_a_servo_body_are_its_poses():
    """In the order of the command, within its limits; muscles have none, whatever their model has."""
    servos = "".join(f'<position name="s{j}" joint="{j}" kp="5" ctrlrange="-1 2"/>' for j in "ba")
    keys = '<keyframe><key name="bent" qpos="0.5 1.5"/><key qpos="0.1 0.1"/><key name="far" qpos="-2 3"/></keyframe>'
    spec = body_of(SERVOS.format(servos).replace("</mujoco>", keys + "</mujoco>")).spec
    assert spec.command.names == ("b", "a")
    assert spec.poses == {"bent": (1.5, 0.5), "far": (2.0, -1.0)}
    assert arm26(BodyOptions()).spec.poses == {}


@pytest.mark.parametrize(
    ("xml", "options", "sentence"),
    [
        (SERVOS.format('<motor name="m" joint="a"/>'), {}, "without ctrlrange .*: m"),
        (SERVOS.format(""), {}, "no actuators"),
        (FREE, {"dt": 0.003}, "3 ms is no whole multiple"),
        (FREE, {"dt": 0.001}, "no whole multiple"),
        (FREE, {"endpoint": "thumb"}, "no site 'thumb'; it has: endpoint"),
        (FREE, {"keyframe": "start"}, "no keyframe 'start'; it has: none"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused(xml, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        body_of(xml, **options)


def test_divergence_is_an_error_and_not_a_silent_new_start(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    body = arm26(BodyOptions())
    body.reset(0)
    with pytest.raises(EffectorError, match="'arm26' diverged .* reset"), caplog.at_level(logging.INFO, "mujoco"):
        for _ in range(100):
            body.step(np.full(6, 0.5), Disturbance(endpoint=ForceField.of(B=1e4 * np.eye(3))))
    assert np.isfinite(body.reset(0).table).all()
    assert body.step(np.zeros(6), NO_DISTURBANCE).time == pytest.approx(0.01)
    assert caplog.text and not list(tmp_path.iterdir())


def test_an_endpoint_and_a_keyframe_of_ones_own():
    key = "<keyframe><key name='far' qpos='5 0 0 1 0 0 0 1 0 0 0 0.3'/></keyframe>"
    xml = FREE.replace("</worldbody>", "</worldbody>" + key)
    xml = xml.replace('name="endpoint"', 'name="tip"')
    body = body_of(xml, endpoint="tip", keyframe="far")
    assert body.spec.endpoint == "tip" and body.spec.home == pytest.approx((5.1, 0, 0))
    assert body.reset(0).joint_position[[0, -1]] == pytest.approx([5, 0.3])
    assert "endpoint" not in body_of(xml).spec.sites


def test_keyframes_at_none_of_which_a_model_starts_are_told_of(tmp_path):
    path = tmp_path / "robot.xml"
    for name, options, told in (("open", {}, True), ("open", {"keyframe": "open"}, False), ("home", {}, False)):
        key = f"<keyframe><key name='{name}' qpos='5 0 0 1 0 0 0 1 0 0 0 0.3'/></keyframe>"
        path.write_text(FREE.replace("</worldbody>", "</worldbody>" + key))
        remarks = mjcf(bodies.MjcfOptions(file=str(path), **options)).spec.remarks
        assert any("at none of its keyframes (open): keyframe names one" in r for r in remarks) == told


def test_any_mjcf_by_path(tmp_path):
    path = tmp_path / "robot.xml"
    path.write_text(FREE)
    assert mjcf(bodies.MjcfOptions(file=str(path))).spec.name == "robot"
    for file in ("", str(tmp_path / "none.xml")):
        with pytest.raises(ConfigError, match="needs an existing file.*`switch-effector` --option file=PATH"):
            mjcf(bodies.MjcfOptions(file=file))
    for text in (FREE[:100], "<mujoco><worldbody><body><geom size='-1'/></body></worldbody></mujoco>"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="robot.xml cannot be loaded by MuJoCo") as refused:
            mjcf(bodies.MjcfOptions(file=str(path)))
        assert "\n" not in str(refused.value)


URDF = """<robot name="u"><link name="base"/><link name="arm"><inertial><origin xyz=".15 0 0"/><mass value="1"/>
<inertia ixx=".001" ixy="0" ixz="0" iyy=".008" iyz="0" izz=".008"/></inertial></link><link name="tool"/>
<joint name="j" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
<limit lower="-1.5" upper="1.5" effort="20" velocity="2"/></joint>
<joint name="flange" type="fixed"><parent link="arm"/><child link="tool"/><origin xyz=".3 0 .1"/></joint></robot>"""


@pytest.mark.parametrize(
    "file, text, name, place",
    [("u.urdf", URDF, "tool", (0.3, 0, 0.1)), ("u.urdf", URDF, "arm", (0, 0, 0)), ("m.xml", FREE, "trunk", (0, 0, 0)),
     ("m.xml", FREE, "endpoint", (0.1, 0, 0))],
)  # fmt: skip
def test_the_endpoint_of_a_file_may_be_a_body_or_a_link(tmp_path, file, text, name, place):
    path = tmp_path / file
    path.write_text(text)
    body = mjcf(bodies.MjcfOptions(file=str(path), endpoint=name))
    assert body.spec.endpoint == name and body.spec.home == pytest.approx(place)
    assert body.reset(0).endpoint_position == pytest.approx(place)
    with pytest.raises(ConfigError, match=r"no site or body 'nowhere' for its endpoint; sites: .*; bodies: \w"):
        mjcf(bodies.MjcfOptions(file=str(path), endpoint="nowhere"))


def test_a_joint_is_in_the_unit_of_its_kind():
    """Slides in m, hinges in rad, of a free joint x, y and z in m; whatever their order and choice."""
    model = mujoco.MjModel.from_xml_string(
        """<mujoco><worldbody><body><freejoint name="root"/><geom size=".1"/><body><joint name="rail" type="slide"/>
        <geom size=".1"/><body><joint name="elbow"/><geom size=".1"/></body></body></body></worldbody>
        <actuator><motor joint="elbow" ctrlrange="-1 1"/></actuator></mujoco>"""
    )
    units = MujocoBody("mixed", model, BodyOptions()).spec
    assert dict(zip(units.joints, units.joint_units, strict=True)) == {
        **{f"root/{a}": "m" for a in "xyz"}, **{f"root/q{a}": "1" for a in "wxyz"}, "rail": "m", "elbow": "rad",
    }  # fmt: skip
    some = MujocoBody("mixed", model, BodyOptions(), joints=("elbow", "rail")).spec
    assert some.joint_units == ("rad", "m")


def test_a_start_by_channel_moves_what_it_names_and_leaves_the_rest():
    body = body_of(FREE)
    home = body.reset(0).joint_position.copy()
    start = {"root/z": (2.0, 0.5), "root/qw": 0.0, "root/qx": (3.0, 0.25), "hinge": (0.3, -1.0)}
    state = body.reset(0, start)
    moved = dict(zip(body.spec.joints, zip(state.joint_position, state.joint_velocity, strict=True), strict=True))
    assert moved["root/z"] == (2.0, 0.5) and moved["root/qx"] == (1.0, 0.25) and moved["hinge"] == (0.3, -1.0)
    assert [moved[n][0] for n in body.spec.joints[7:11]] == home[7:11].tolist()
    np.testing.assert_array_equal(body.reset(0).joint_position, home)
    arm = arm26(BodyOptions())
    muscle = arm.spec.muscles[0]
    assert arm.reset(0, {f"{muscle}/activation": 0.4, "elbow": 1.0}).activation[0] == 0.4
    for bad, words in (
        ({"elbw": 0.1}, "unknown channel of a start 'elbw'.*did you mean 'elbow'"), ({muscle: 0.1}, "unknown channel"),
        ({"elbow": float("nan")}, "not finite"), ({"elbow": (0.1, float("inf"))}, "not finite"),
        ({f"{muscle}/activation": 1.5}, "outside 0 to 1"), ({f"{muscle}/activation": (0.5, 1.0)}, "which has none"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            arm.reset(0, bad)


@pytest.mark.parametrize("integrator", ["Euler", "RK4", "implicitfast"])
def test_a_saved_moment_goes_on_bit_for_bit_with_contacts_loads_and_weak_muscles(integrator):
    xml = PULLED.replace("INTEGRATOR", integrator)
    body, other = (body_of(xml, contacts=("touch",)) for _ in range(2))
    strength = np.array([0.5])
    disturbance = Disturbance(endpoint=ForceField.of(f0=[0.5, 0, 0]), strength=strength)
    body.reset(0)
    run = [body.step(np.array([u]), disturbance) for u in (0.2, 0.9, 0.4)]
    saved = body.get_state()
    run += [body.step(np.array([u]), disturbance) for u in (0.6, 0.1, 0.8)]
    assert run[2].group("contacts")[2, 0] > 0  # it lies on the floor
    for again in (body, other):
        state = again.set_state(saved)
        for field in ("table", "applied", "joint_load"):
            np.testing.assert_array_equal(getattr(state, field), getattr(run[2], field))
        for u, wanted in zip((0.6, 0.1, 0.8), run[3:], strict=True):
            np.testing.assert_array_equal(again.step(np.array([u]), disturbance).table, wanted.table)
    with pytest.raises(ConfigError, match="has a state of .* finite numbers, got shape"):
        body.set_state(saved[1:])


PULLED = """<mujoco><option timestep="0.002" integrator="INTEGRATOR" solver="CG" iterations="2" cone="elliptic"/>
<worldbody><geom type="plane" size="1 1 .1"/>
<site name="a" pos="0 0 .5"/><body pos="0 0 .0499"><joint name="x" type="slide" axis="1 0 0"/><joint name="z"
type="slide" axis="0 0 1"/><geom size=".05" mass=".3"/><site name="b" pos=".02 0 0"/><site name="endpoint" size=".06"/>
</body></worldbody><tendon><spatial name="t" range="0.2 0.6"><site site="a"/><site site="b"/></spatial></tendon>
<actuator><muscle name="m" tendon="t" force="2"/></actuator>
<sensor><touch name="touch" site="endpoint"/></sensor></mujoco>"""


def test_the_state_is_read_into_a_buffer_of_the_caller_whatever_was_in_it():
    one, other = body_of(FREE), body_of(FREE)
    table = np.full((3, len(one.spec.channels)), 7.0)
    one.reset(0), other.reset(0)
    for u in (0.5, -0.5):
        state = one.step(np.array([u]), NO_DISTURBANCE)
        other.advance(np.array([u]), NO_DISTURBANCE)
        assert other.read(table) is table
        np.testing.assert_array_equal(table, state.table)
    with pytest.raises(ConfigError, match="has no muscles that could be commanded by length"):
        body_of(FREE, muscle_command="length")
