"""Models of hands against their data sheets and against the emulated hands that answer the real bytes."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.effectors import hand_model
from myoprosthesis.effectors.hand_model import HandModelOptions
from myoprosthesis.hands import data_sheets

HANDS = [n.removesuffix("_model") for n in registry.names("effectors") if n.endswith("_model")]
DEGREE = np.radians(1.0)
GREETING = 10
"""Periods in which an emulated hand hears all that it wants to hear before it moves."""


def made(name, **options):
    return registry.factory("effectors", f"{name}_model")(HandModelOptions(**options))


def moved(body, target, seconds):
    """Joint positions of every tick, shape (n_ticks, n_joints)."""
    return np.array([body.step(target, NO_DISTURBANCE).joint_position for _ in range(round(seconds / body.spec.dt))])


def emulated(name, target, seconds):
    """The same of the emulated hand, commanded in the bytes of its protocol."""
    data = data_sheets.load(name)
    codec = registry.factory("hand_protocols", name)(data)
    hand = registry.factory("emulators", name)(data)
    path = []
    for k in range(GREETING + round(seconds / data.dt)):
        if k < 2:  # some can only be woken when it is known where they are
            hand.receive(codec.enable(), k * data.dt)
        for reply in hand.receive(codec.command(target if k >= GREETING else data.column("open")), k * data.dt):
            codec.parse(reply)
        hand.advance((k + 1) * data.dt)
        path.append(hand.motors.position.copy())
    return np.array(path[GREETING:])


@pytest.mark.parametrize("name", HANDS)
def test_the_same_command_drives_the_model_and_the_hand(name):
    model = made(name).spec
    real = registry.factory("effectors", name)(registry.options("effectors", name)()).spec
    for field in ("dt", "command", "joints", "rate_limit", "frame", "poses", "timeout_s"):
        assert getattr(model, field) == getattr(real, field), field
    assert model.fail == ("hold" if real.fail == "relax" else real.fail)
    assert model.pausable and model.endpoint and model.name == f"{name}_model"


@pytest.mark.parametrize("name", HANDS)
def test_it_comes_to_rest_where_the_emulated_hand_does(name):
    body = made(name)
    for grip, pose in body.spec.poses.items():
        body.reset(0)
        here, there = moved(body, np.array(pose), 1.5)[-1], emulated(name, np.array(pose), 1.5)[-1]
        np.testing.assert_allclose(here, pose, atol=DEGREE, err_msg=grip)
        np.testing.assert_allclose(here, there, atol=DEGREE, err_msg=grip)


@pytest.mark.parametrize("name", HANDS)
def test_it_is_beside_the_emulated_hand_all_the_way(name):
    """One motor law: apart only by the motion of 10 ms, as the hands are sampled and spoken to."""
    body, data = made(name), data_sheets.load(name)
    body.reset(0)
    apart = np.abs(moved(body, data.column("closed"), 1.5) - emulated(name, data.column("closed"), 1.5))
    assert (apart.max(axis=0) < 0.01 * data.column("speed")).all()


@pytest.mark.parametrize("name", HANDS)
def test_a_stroke_takes_as_long_as_the_data_sheet_says(name):
    body, data = made(name), data_sheets.load(name)
    for start, end in ((data.column("low"), data.column("high")), (data.column("high"), data.column("low"))):
        body.reset(0)
        moved(body, start, 2.0)
        states = [body.step(end, NO_DISTURBANCE) for _ in range(round(2.0 / body.spec.dt))]
        path = np.array([s.joint_position for s in states])
        np.testing.assert_allclose(path[-1], end, atol=DEGREE)
        fastest = np.abs([s.joint_velocity for s in states]).max(axis=0)
        assert (fastest <= 1.02 * data.column("speed")).all()
        for k, joint in enumerate(data.joints):
            done = (path[:, k] - start[k]) / (end[k] - start[k])
            times = np.interp([0.2, 0.7], done[: done.argmax() + 1], body.spec.dt * np.arange(done.argmax() + 1))
            assert np.diff(times)[0] == pytest.approx(0.5 * (joint.high - joint.low) / joint.speed, rel=0.1), joint.name


@pytest.mark.parametrize("name", HANDS)
def test_coupled_joints_turn_in_their_ratio_also_on_the_way(name):
    body, data = made(name), data_sheets.load(name)
    body.reset(0)
    for _ in range(round(1.0 / body.spec.dt)):
        body.step(data.column("closed"), NO_DISTURBANCE)
        for joint in data.joints:
            angle = body.data.joint(joint.name).qpos[0]
            for key, ratio in joint.coupled.items():
                passive = body.data.joint(f"{joint.name}_{key}").qpos[0]
                assert passive == pytest.approx(ratio * angle, abs=DEGREE)
    assert body.model.neq == sum(len(j.coupled) for j in data.joints)


@pytest.mark.parametrize("name", HANDS)
def test_it_starts_open_or_in_any_grip(name):
    for grip in ("open", "power"):
        body = made(name, keyframe=grip)
        start = body.reset(0)
        np.testing.assert_array_equal(start.joint_position, body.spec.poses[grip])
        np.testing.assert_array_equal(start.applied, body.spec.poses[grip])
        assert np.abs(moved(body, start.joint_position, 0.2) - start.joint_position).max() < 1e-9
    assert made(name).reset(0).joint_position.tolist() == list(made(name).spec.poses["open"])


@pytest.mark.parametrize("name", HANDS)
def test_fingers_close_towards_the_palm_and_the_thumb_opposes(name):
    """The palm looks to −y; the thumb stands on the side of +x and swings to −y."""
    body = made(name)
    tips = [body.model.site(i).name for i in range(body.model.nsite)]
    assert "thumb_tip" in tips and "index_tip" in tips

    def at(grip):
        mujoco.mj_resetDataKeyframe(body.model, body.data, body.model.key(grip).id)
        mujoco.mj_forward(body.model, body.data)
        return {tip: body.data.site(tip).xpos.copy() for tip in tips}

    start, hook, pinch = (at(g) for g in ("open", "hook", "pinch"))
    for tip in tips:
        if tip != "thumb_tip":
            assert hook[tip][2] < start[tip][2] - 0.03 and hook[tip][1] < start[tip][1] - 0.015
    assert start["thumb_tip"][0] > 0.05 and pinch["thumb_tip"][1] < start["thumb_tip"][1] - 0.02
    apart = np.linalg.norm(pinch["index_tip"] - pinch["thumb_tip"])
    assert apart < 0.025 < np.linalg.norm(start["index_tip"] - start["thumb_tip"])


@pytest.mark.parametrize("name", HANDS)
def test_a_push_on_a_finger_is_felt_and_gone_afterwards(name):
    body = made(name)
    target = np.array(body.spec.poses["open"])
    body.reset(0)
    for _ in range(round(0.3 / body.spec.dt)):
        pushed = body.step(target, Disturbance(endpoint=ForceField.of(f0=[0.0, -2.0, 0.0])))
    k = body.spec.joints.index("index") if "index" in body.spec.joints else None
    assert np.abs(pushed.joint_position - target).max() > 0.02
    if k is not None:
        assert np.abs(pushed.joint_position - target).argmax() == k
    assert np.abs(moved(body, target, 0.5)[-1] - target).max() < DEGREE


@pytest.mark.parametrize("name", HANDS)
def test_the_guard_limits_its_rate_as_the_real_one(name):
    body = made(name)
    guard, data = GuardedEffector(body), data_sheets.load(name)
    guard.reset(0)
    applied = np.array([guard.step(data.column("closed") * 1.5).applied for _ in range(20)])
    assert np.abs(np.diff(applied, axis=0)).max() == pytest.approx(data.rate_limit * data.dt)


def test_dynamixel_motors_hold_with_what_their_largest_current_gives():
    data = data_sheets.load("leap")
    stronger = data_sheets.load("leap", servos={**vars(data.servos), "current": 0.55})
    for made_of, current in ((data, data.servos.current), (stronger, 0.55)):
        model = hand_model.spec_of(made_of).compile()
        joint = model.joint("thumb_ip")
        np.testing.assert_allclose(model.jnt_actfrcrange[joint.id], [-0.517 * current, 0.517 * current])
        assert joint.damping[0] * data.joints[-1].speed == pytest.approx(0.517 * current)  # as fast without a load


def test_options_change_the_period_and_the_rate():
    body = made("ability_hand", dt=0.01, rate_limit=1.0)
    assert (body.spec.dt, body.spec.rate_limit) == (0.01, 1.0)
    assert body.reset(0).time == 0 and body.step(np.zeros(6), NO_DISTURBANCE).time == pytest.approx(0.01)
    with pytest.raises(ConfigError, match="4 ms is no whole multiple"):
        made("ability_hand", dt=0.004)
    with pytest.raises(ConfigError, match="no keyframe 'fist'; it has: open, power"):
        made("ability_hand", keyframe="fist")


def test_shapes_that_do_not_fit_the_data_sheet_are_refused(monkeypatch, tmp_path):
    data = data_sheets.load("ability_hand")
    text = (hand_model.MODELS / "ability_hand.xml").read_text()
    scene = (hand_model.MODELS / "hand_scene.xml").read_text()
    (tmp_path / "hand_scene.xml").write_text(scene)
    monkeypatch.setattr(hand_model, "MODELS", tmp_path)
    (tmp_path / "ability_hand.xml").write_text(text.replace('"ring_distal"', '"ring_far"'))
    with pytest.raises(ConfigError, match="differ in joints: ring_distal, ring_far"):
        hand_model.spec_of(data)
    (tmp_path / "ability_hand.xml").write_text(text.replace(' actuatorfrcrange="-0.6 0.6"', ""))
    with pytest.raises(ConfigError, match="'index' needs actuatorfrcrange='-F F'"):
        hand_model.spec_of(data)


@pytest.mark.parametrize("name", HANDS)
def test_a_ball_is_grasped_and_held_palm_down_upright_and_upside_down(name):
    body, free = made(name, object="ball"), made(name)
    assert replace(body.spec, braking=free.spec.braking, objects=(), sites=free.spec.sites) == free.spec
    assert body.spec.sites == (*free.spec.sites, "object")
    assert body.spec.objects == ("ball",) and body.spec.channels[: len(free.spec.channels)] == free.spec.channels
    start, power = np.array(body.spec.poses["open"]), np.array(body.spec.poses["power"])
    body.reset(0)
    stood = body.data.body("ball").xpos.copy()
    assert np.abs(moved(body, start, 0.5)[-1] - start).max() < 1e-6  # its own weight does not bend the hand
    assert np.linalg.norm(body.data.body("ball").xpos - stood) < 0.001
    for share in np.linspace(0, 1, round(1.0 / body.spec.dt)):
        body.step(start + share * (power - start), NO_DISTURBANCE)
    state = [body.step(power, NO_DISTURBANCE) for _ in range(round(1.0 / body.spec.dt))][-1]
    assert np.abs(state.joint_position - power).max() > 0.01 and np.abs(state.joint_effort).max() > 0.03
    held = body.data.body("ball").xpos.copy()
    body.model.geom("stand").conaffinity = 0
    for down in ((0, -9.81, 0), (0, 0, -9.81), (0, 0, 9.81)):
        body.model.opt.gravity[:] = down
        moved(body, power, 1.0)
        assert np.linalg.norm(body.data.body("ball").xpos - held) < 0.03
    moved(body, start, 1.0)
    assert np.linalg.norm(body.data.body("ball").xpos - held) > 0.1  # the open hand lets go
