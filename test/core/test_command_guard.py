from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.effectors.bodies import point_mass
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.testing import check_effector

NAN = float("nan")


class Recorder:
    """Two joints at `position` with `velocity`, whatever the command; keeps the commands that it got."""

    def __init__(
        self, fail="relax", rate_limit=None, quantity="position", position=(0.0, 0.0), low=-1.0, velocity=(0.0, 0.0)
    ):
        command = Channels(quantity, ("j1", "j2"), "rad", (low, low), (1.0, 1.0))
        self.spec = EffectorSpec("recorder", 0.01, command, ("j1", "j2"), fail=fail, rate_limit=rate_limit)
        self.position, self.velocity, self.got, self.closed = np.array(position), np.array(velocity), [], 0

    def _state(self, applied):
        return EffectorState(self.spec, 0.0, np.stack([self.position, self.velocity, np.zeros(2)]), applied)

    def reset(self, seed=0):
        return self._state(np.zeros(2))

    def step(self, command, imposed):
        self.got.append(command.copy())
        return self._state(command)

    def close(self):
        self.closed += 1


def guarded(**options):
    effector = Recorder(**options)
    guard = GuardedEffector(effector)
    guard.reset()
    return guard, effector


BAD = {
    "non_finite": (np.array([0.5, NAN]), {}, "not finite"),
    "wrong_size": (np.array([0.5]), {}, "1 values, 2 are needed"),
    "stale": (np.array([0.5, 0.5]), {"age_s": 0.081}, "older than 80 ms"),
    "idle": (np.array([0.5, 0.5]), {"idle": "the task is dead"}, "the task is dead"),
}


@pytest.mark.parametrize("event", BAD)
@pytest.mark.parametrize(
    ("fail", "expected"),
    [("relax", [0.0, 0.0]), ("hold", [0.1, -0.1]), ((0.9, -0.9), [0.9, -0.9]), (("hold", "relax"), [0.1, 0.0])],
)
def test_a_bad_command_becomes_the_fail_state_and_a_good_one_is_followed_again(event, fail, expected):
    command, how, reason = BAD[event]
    guard, effector = guarded(fail=fail, position=(0.1, -0.1))
    good = np.array([0.3, -0.2])
    guard.step(good)
    assert guard.reason == ""
    guard.step(command, **how)
    assert reason in guard.reason and guard.events == {event: 1}
    guard.step(good, age_s=0.08)
    assert guard.reason == ""
    np.testing.assert_array_equal(effector.got, [good, expected, good])


@pytest.mark.parametrize("command", [[np.inf, 0.0], [-np.inf, 0.0], [NAN, NAN]])
def test_what_is_not_finite_never_becomes_a_full_scale_command(command):
    guard, effector = guarded()
    guard.step(np.array(command))
    np.testing.assert_array_equal(effector.got[-1], [0, 0])


def test_an_age_that_is_not_a_number_is_too_old():
    guard, _ = guarded()
    guard.step(np.zeros(2), age_s=NAN)
    assert guard.events["stale"] == 1


def test_without_a_command_it_is_in_the_fail_state():
    guard, effector = guarded(fail="hold", position=(0.4, -0.4))
    assert guard.reason == "not started"
    guard.step(None)
    np.testing.assert_array_equal(effector.got[-1], [0.4, -0.4])  # where it is
    assert guard.reason == "no command yet"


def test_relax_is_0_or_the_bound_nearest_to_it():
    guard, effector = guarded(low=0.2)
    guard.step(None)
    np.testing.assert_array_equal(effector.got[-1], [0.2, 0.2])


def test_commands_are_clipped_and_that_is_counted():
    guard, effector = guarded()
    guard.step(np.array([5.0, -5.0]))
    guard.step(np.array([1.0, -1.0]))
    np.testing.assert_array_equal(effector.got, [[1, -1], [1, -1]])
    assert guard.events == {"clipped": 1} and guard.reason == ""


def test_the_rate_is_limited_from_where_the_joints_are():
    guard, effector = guarded(rate_limit=12.5, position=(0.5, 0.0))
    for _ in range(20):
        guard.step(np.array([-1.0, 1.0]))
    steps = np.diff([[0.5, 0.0], *effector.got], axis=0)
    assert np.abs(steps).max() == 0.125
    np.testing.assert_array_equal(effector.got[-1], [-1, 1])
    assert guard.events["rate_limited"] == 11  # 1.5 rad at 0.125 rad a period, the last step whole


def test_the_way_into_a_fail_pose_is_limited_too():
    guard, effector = guarded(fail=(1.0, 1.0), rate_limit=10.0)
    guard.step(None)
    np.testing.assert_allclose(effector.got[-1], [0.1, 0.1])


@pytest.mark.parametrize("position", [(3.0, -3.0), (NAN, 0.0)])
def test_within_limits_even_where_the_joints_are_not(position):
    guard, effector = guarded(rate_limit=10.0, fail="hold", position=position)
    for command in (None, np.array([1.0, 0.5])):
        guard.step(command)
    assert (np.abs(effector.got) <= 1.0).all()


def test_joint_positions_are_not_taken_for_efforts():
    guard, effector = guarded(quantity="effort", rate_limit=10.0, position=(0.8, -0.8))
    guard.step(np.array([0.0, 0.0]))
    np.testing.assert_array_equal(effector.got[-1], [0, 0])


def test_an_emergency_stop_stays_until_it_is_taken_off():
    guard, effector = guarded(fail="hold", rate_limit=10.0)
    far = np.array([1.0, 1.0])
    for _ in range(3):
        guard.step(far)
    guard.estop()
    for _ in range(50):
        guard.step(far)
    np.testing.assert_array_equal(effector.got[3:], np.zeros((50, 2)))  # where it is, not where it was to go
    assert guard.stopped and guard.reason == "emergency stop" and guard.events["estop"] == 1
    guard.reset()
    guard.step(far)
    assert guard.reason == "emergency stop"  # a reset does not take it off
    effector.position = np.array([-0.6, 0.2])  # somebody moves the hand meanwhile
    guard.step(far)
    guard.resume()
    guard.step(far)
    np.testing.assert_allclose(effector.got[-1], [-0.5, 0.3])
    assert guard.reason == "" and not guard.stopped


def test_a_hold_begins_once_and_where_the_joints_are_then():
    """Neither what moves them afterwards nor another reason moves the place; following a command again does."""
    guard, effector = guarded(fail="hold", velocity=(5.0, -5.0))
    guard.step(np.array([0.9, 0.9]))
    effector.position = np.array([0.2, 0.3])
    guard.step(np.array([0.9, 0.9]))
    guard.step(None)
    for k in range(5):  # it sags
        effector.position = effector.position - 0.01
        guard.step(np.array([0.9, 0.9]), age_s=1.0 + k, idle="the task is dead" if k > 2 else "")
    np.testing.assert_allclose(effector.got[2:], np.full((6, 2), [0.2, 0.3]))
    guard.step(np.array([0.9, 0.9]))
    guard.step(None)
    np.testing.assert_allclose(effector.got[-1], [0.15, 0.25])
    guard.reset()
    effector.position = np.array([-0.5, 0.5])
    guard.step(None)
    np.testing.assert_allclose(effector.got[-1], [0.15, 0.25])  # what reset returned counts


def test_what_holds_without_a_place_relaxes():
    guard, effector = guarded(fail="hold", quantity="effort", position=(0.4, 0.4), low=0.1)
    guard.step(np.array([0.9, 0.9]))
    guard.step(None)
    np.testing.assert_array_equal(effector.got[-1], [0.1, 0.1])


class Pushed(Recorder):
    """Keeps what acted on it."""

    def __init__(self):
        super().__init__()
        sites = ("endpoint", "joint", "muscle", "object", "body")
        self.spec, self.acted = replace(self.spec, sites=sites), []

    def step(self, command, imposed):
        self.acted.append(imposed)
        return super().step(command, imposed)


@pytest.mark.parametrize("why", ["stopped", *BAD])
def test_no_force_is_imposed_on_what_is_in_its_fail_state(why):
    """One that begins then would move it; what it is made of stays as it is."""
    effector = Pushed()
    guard = GuardedEffector(effector)
    guard.reset()
    law, three = ForceField.of(B=np.eye(3)), np.ones((1, 3))
    pushed = Disturbance(law, law, np.array([0.5]), three, np.array([2.0]), three, np.array([3.0]))
    guard.step(np.zeros(2), pushed)
    assert effector.acted[-1] is pushed
    if why == "stopped":
        guard.estop()
    command, options, _ = BAD.get(why, (np.zeros(2), {}, ""))
    guard.step(command, pushed, **options)
    acted = effector.acted[-1]
    assert guard.reason and (acted.endpoint, acted.joint, acted.object_force, acted.body_force) == (None,) * 4
    assert (acted.strength, acted.object_mass, acted.body_load) == (
        pushed.strength, pushed.object_mass, pushed.body_load
    )  # fmt: skip
    guard.resume()
    guard.step(np.zeros(2), pushed)
    assert effector.acted[-1] is pushed


def test_a_perturbation_that_it_cannot_apply_is_refused_aloud():
    guard, _ = guarded()
    with pytest.raises(Refused, match="cannot apply a perturbation at its endpoint; it can at: none"):
        guard.step(np.zeros(2), Disturbance(endpoint=ForceField.zero()))


def test_no_step_before_the_first_reset():
    with pytest.raises(ConfigError, match="not reset"):
        GuardedEffector(Recorder()).step(np.zeros(2))


def test_closing_closes():
    guard, effector = guarded()
    guard.close()
    assert effector.closed == 1


def test_a_guarded_effector_is_an_effector():
    check_effector(lambda: GuardedEffector(point_mass(BodyOptions())))


def test_muscles_are_not_rate_limited():
    guard = GuardedEffector(point_mass(BodyOptions()))
    guard.reset(0)
    assert guard.step(np.ones(4)).applied.tolist() == [1.0] * 4
    assert guard.spec == replace(guard.spec, rate_limit=None)


class Lost(Recorder):
    """A device: it can be lost, and is told when nobody commands it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.fault, self.idled = "", []

    def idle(self, command, imposed):
        self.idled.append(command.copy())
        return self._state(command)


def test_a_device_is_idle_instead_of_being_stepped_whatever_the_reason():
    device = Lost(fail="hold", position=(0.4, -0.4))
    guard = GuardedEffector(device)
    guard.reset()
    good = np.array([0.3, -0.2])
    guard.step(None)
    guard.step(good)
    for command, how, _ in BAD.values():
        guard.step(command, **how)
    guard.estop()
    guard.step(good)
    np.testing.assert_array_equal(device.got, [good])
    np.testing.assert_array_equal(device.idled, [[0.4, -0.4]] * (len(BAD) + 2))


def test_a_fault_of_a_device_comes_before_its_command_and_afterwards_it_starts_from_where_it_is():
    device = Lost(fail="hold", rate_limit=10.0)
    guard = GuardedEffector(device)
    guard.reset()
    for _ in range(5):
        guard.step(np.array([1.0, 1.0]))
    device.fault, device.position = "unplugged", np.array([-0.6, 0.2])
    for _ in range(3):
        guard.step(np.array([1.0, 1.0]))
    assert guard.reason == "unplugged" and guard.events["fault"] == 3 and len(device.got) == 5
    np.testing.assert_allclose(device.idled[-1], [-0.6, 0.2])
    device.fault = ""
    guard.step(np.array([1.0, 1.0]))
    assert guard.reason == ""
    np.testing.assert_allclose(device.got[-1], [-0.5, 0.3])


def test_an_emergency_stop_outlasts_a_fault():
    device = Lost()
    guard = GuardedEffector(device)
    guard.reset()
    guard.estop()
    device.fault = "unplugged"
    guard.step(np.zeros(2))
    device.fault = ""
    guard.step(np.zeros(2))
    assert guard.reason == "emergency stop" and device.got == []
    guard.resume()
    guard.step(np.zeros(2))
    assert len(device.got) == 1


def test_the_guard_knows_more_of_the_effector_than_it_says_and_leaves_it_as_it_is():
    effector = Recorder()
    spec = replace(effector.spec, timeout_s=0.5, fingerprint=(1.0,))
    guard = GuardedEffector(effector, spec)
    assert guard.spec is spec and guard.timeout_s == 0.5 and effector.spec.fingerprint == ()
    guard.reset()
    guard.step(np.zeros(2), age_s=0.4)
    assert not guard.reason


def test_a_start_of_ones_own_is_for_effectors_that_can_begin_anywhere():
    guard, _ = guarded()
    with pytest.raises(ConfigError, match="'recorder' has a start of its own"):
        guard.reset(0, {"j1": 0.5})
    body = GuardedEffector(point_mass(BodyOptions()))
    assert body.reset(0, {"x": 0.05}).joint_position[0] == 0.05


def test_a_command_that_is_not_finite_becomes_stale_as_any_other():
    guard = GuardedEffector(Mirror(MirrorOptions()))
    guard.reset()
    bad = np.array([0.1, np.nan])
    for k in range(30):
        guard.step(bad, age_s=0.01 * k)
        fresh = 0.01 * k <= guard.timeout_s
        assert ("not finite" in guard.reason) is fresh and ("older than 80 ms" in guard.reason) is not fresh
    assert guard.events["non_finite"] == 9 and guard.events["stale"] == 21
