"""A hand that bears the joints of a virtual one."""

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector import Device, Effector
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.effectors.bodies import BodyOptions, myohand
from myoprosthesis.effectors.retargeted import RetargetedHand, RetargetedOptions, mapped
from myoprosthesis.hands import data_sheets, grips, retargeting
from myoprosthesis.testing import check_effector

HANDS = [n.removesuffix("_model") for n in registry.names("effectors") if n.endswith("_model")]


OTHERS = [n for n in HANDS if f"{n}_model" != RetargetedOptions().hand]
"""Hands other than that of the options' default, which passes the check among all effectors (test_testing)."""


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_an_effector(name):
    check_effector(lambda: mapped(RetargetedOptions(hand=f"{name}_model")), 2.0)


@pytest.mark.parametrize("name", HANDS)
def test_it_bears_the_joints_of_the_virtual_hand(name):
    spec, virtual = mapped(RetargetedOptions(hand=f"{name}_model")).spec, myohand(BodyOptions()).spec
    assert spec.joints == spec.command.names == virtual.joints
    assert (spec.command.quantity, spec.command.unit, spec.pausable) == ("position", "rad", True)
    assert set(spec.poses) == set(grips.library()) and spec.name == f"{name}_model_as_myohand"


@pytest.mark.parametrize("name", HANDS)
def test_virtual_angles_move_the_hand_and_its_state_comes_back_as_virtual_angles(name):
    body = mapped(RetargetedOptions(hand=f"{name}_model"))
    data = data_sheets.load(name)
    for grip in ("power", "pinch"):
        body.reset(0)
        for _ in range(round(2.0 / body.spec.dt)):
            state = body.step(np.array(body.spec.poses[grip]), NO_DISTURBANCE)
        np.testing.assert_allclose(state.joint_position, body.spec.poses[grip], atol=0.02)
        np.testing.assert_allclose(state.applied, body.spec.poses[grip], atol=1e-9)
        there = [body._hand.data.joint(j).qpos[0] for j in data.names]
        np.testing.assert_allclose(there, grips.pose(data, grip), atol=0.01)


def test_velocity_is_the_derivative_and_effort_does_the_same_work():
    body = mapped(RetargetedOptions())
    inner, states, torques = body._hand, [body.reset(0)], []
    for _ in range(40):
        states.append(body.step(np.array(body.spec.poses["power"]), NO_DISTURBANCE))
        torques.append(inner._state(np.zeros(6)))
    position = np.array([s.joint_position for s in states])
    velocity = np.array([s.joint_velocity for s in states])
    numerical = (position[2:] - position[:-2]) / (2 * body.spec.dt)
    assert np.abs(velocity).max() > 1
    np.testing.assert_allclose(velocity[3:-1], numerical[2:], atol=0.06 * np.abs(velocity).max())
    for state, own in zip(states[1:], torques, strict=True):
        assert state.joint_effort @ state.joint_velocity == pytest.approx(own.joint_effort @ own.joint_velocity)


def test_the_hand_is_not_driven_faster_than_its_own_limit():
    body = mapped(RetargetedOptions())
    guard, joints = GuardedEffector(body), body._mapping
    guard.reset(0)
    low, high = body.spec.command.bounds()
    sent, steps = [], np.random.default_rng(3)
    body._hand.step, own = lambda c, i: sent.append(c) or own(c, i), body._hand.step
    for _ in range(100):
        guard.step(steps.uniform(low, high))
    fastest = np.abs(np.diff(sent, axis=0)).max() / body.spec.dt
    assert 0.3 * joints.hand.rate_limit < fastest <= joints.hand.rate_limit + 1e-9


def test_a_field_at_the_endpoint_passes_and_loads_on_joints_do_not():
    body = mapped(RetargetedOptions())
    assert body.spec.sites == ("endpoint",)
    body.reset(0)
    state = body.step(np.array(body.spec.poses["open"]), Disturbance(endpoint=ForceField.of(f0=[0.0, 0.5, 0.0])))
    np.testing.assert_allclose(state.load, [0.0, 0.5, 0.0])


class Lost:
    """A real hand that is gone."""

    fault = "unplugged"

    def __init__(self, spec):
        self.spec, self.idled, self.closed = spec, [], 0

    def reset(self, seed):
        return EffectorState(self.spec, 0.0, np.zeros((3, 6)), np.zeros(6))

    def step(self, command, imposed):
        raise AssertionError("a lost hand must not be commanded")

    def idle(self, command, imposed):
        self.idled.append(command)
        return self.reset(0)

    def close(self):
        self.closed += 1


def test_a_real_hand_stays_a_device():
    assert not isinstance(mapped(RetargetedOptions()), Device)
    real = mapped(RetargetedOptions(hand="ability_hand", options=("port=/dev/null", "rate_limit=2")))
    assert isinstance(real, Device) and isinstance(real, Effector) and real.fault == ""
    lost = Lost(registry.factory("effectors", "ability_hand")(registry.options("effectors", "ability_hand")()).spec)
    device = type(real)(lost, retargeting.load("myohand", data_sheets.load("ability_hand")), "myohand")
    guard = GuardedEffector(device)
    guard.reset(0)
    guard.step(np.zeros(23))
    assert guard.reason == "unplugged" and lost.idled[0].shape == (6,)
    guard.close()
    assert lost.closed == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hand": "arm26"}, "'arm26' has no data sheet of a hand; hands are: ability_hand, ability_hand_model"),
        ({"virtual": "myofoot"}, "unknown virtual hand 'myofoot'"),
        ({"options": ("keyframe",)}, "each is key=value"),
        ({"options": ("keyfrme=power",)}, "options of ability_hand_model: unknown option 'keyfrme'"),
        ({"options": ("dt=fast",)}, "dt: 'fast' is not a number"),
    ],
)
def test_what_cannot_be_mapped_is_refused(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mapped(RetargetedOptions(**options))


def test_a_body_with_other_joints_is_refused():
    joints = retargeting.load("myohand", data_sheets.load("inspire_rh56"))
    hand = registry.factory("effectors", "ability_hand_model")(registry.options("effectors", "ability_hand_model")())
    with pytest.raises(ConfigError, match="'ability_hand_model' is not commanded by the joints of Inspire RH56"):
        RetargetedHand(hand, joints, "myohand")
