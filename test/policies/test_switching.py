from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.observation_term import Term
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.policies.policy_controller import PolicyController
from myoprosthesis.policies.switching import ControllerSwitcher

SPEC = EffectorSpec(
    "arm", 0.002, Channels("effort", ("a", "b"), "1", (0.0, 0.0), (1.0, 1.0)), (), ("a", "b"), "tip", home=(0.0,) * 3
)
NAMES = (*SPEC.channels, "go")
RNG = np.random.default_rng


class Leaky:
    """Each action follows the x of the endpoint, with a memory of `leak`, around `level`."""

    def __init__(self, level, leak=0.9, names=("a", "b"), dt=0.002, terms=()):
        self.contract = Contract(
            name="leaky", effector="arm", observation=(Term("vision", ("endpoint/x", "endpoint/y")), *terms), dt=dt,
            action=Channels("effort", names, "1", (0.0, 0.0), (1.0, 1.0)), hidden=(("h", (1, 2)),),
        )  # fmt: skip
        self.level, self.leak, self.calls, self.hidden = np.array(level, float), leak, 0, np.zeros(2, np.float32)

    def reset(self):
        self.hidden = np.zeros(2, np.float32)

    def step(self, observation):
        self.calls += 1
        self.seen = observation.copy()
        self.hidden = (self.leak * self.hidden + (1 - self.leak) * observation[:2]).astype(np.float32)
        return self.level + 0.2 * self.hidden


def tables(n, seed=0):
    """Smooth wanderings of all channels, with every row filled."""
    return np.cumsum(RNG(seed).normal(0, 0.05, (n, 3, len(NAMES))), axis=0)


def moment():
    return Moment(RNG(0), seconds=SPEC.dt)


def switcher(policy=None, blend_s=0.1):
    made = ControllerSwitcher(SPEC, lambda name, policy: PolicyController(name, policy, SPEC, {"go": "1"}), blend_s)
    if policy is not None:
        made.switch(made.fit("first", policy))
    return made


def test_actions_come_in_the_effectors_order():
    command, fresh = switcher(Leaky([0.2, 0.7], names=("b", "a"))).update(np.zeros((3, len(NAMES))), moment())
    assert fresh and command.tolist() == pytest.approx([0.7, 0.2])


def test_a_slower_policy_is_held_between_its_periods():
    policy = Leaky([0.5, 0.5], dt=0.01)
    made = switcher(policy)
    commands, fresh = zip(*(made.update(t, moment()) for t in tables(50)), strict=True)
    assert policy.calls == 10 and list(fresh) == ([True] + [False] * 4) * 10
    assert all(len({tuple(c) for c in commands[k : k + 5]}) == 1 for k in range(0, 50, 5))
    assert len({tuple(c) for c in commands}) == 10


def test_a_swap_moves_the_command_by_no_more_than_its_bound():
    """In one tick at most the larger of the two policies' own steps plus |u_new − u_old|·dt/blend_s."""
    old, new, reference = Leaky([0.1, 0.9]), Leaky([0.9, 0.2], leak=0.5), (switcher(Leaky([0.1, 0.9])), switcher())
    made = switcher(old)
    reference[1].switch(reference[1].fit("new", Leaky([0.9, 0.2], leak=0.5)))
    commands, alone = [], []
    for k, table in enumerate(tables(300)):
        if k == 100:
            controller = made.fit("second", new)
            made.replay_history(controller)
            made.switch(controller)
        commands.append(made.update(table, moment())[0])
        alone.append([r.update(table, moment())[0] for r in reference])
    commands, alone = np.array(commands), np.array(alone)
    own = np.abs(np.diff(alone, axis=0)).max(axis=1)
    bound = own + np.abs(alone[1:, 1] - alone[1:, 0]) * SPEC.dt / 0.1
    assert (np.abs(np.diff(commands, axis=0)) <= bound + 1e-9).all()
    np.testing.assert_allclose(commands[:100], alone[:100, 0])
    np.testing.assert_allclose(commands[150:], alone[150:, 1], atol=1e-6)  # its memory was brought up to date
    assert np.abs(commands[110] - alone[110]).min() > 0.05  # and in between it is a mixture
    assert made.active is controller and made.previous.name == "first" and not made.fading


def test_a_candidate_catches_up_in_two_goes():
    made, seen = switcher(Leaky([0.5, 0.5])), tables(120)
    for table in seen[:100]:
        made.update(table, moment())
    late, always = Leaky([0.5, 0.5]), Leaky([0.5, 0.5])
    controller = made.fit("late", late)
    mark = made.replay_history(controller)
    for table in seen[100:]:
        made.update(table, moment())
    made.replay_history(controller, mark)
    for table in seen:
        always.step(table[0, 4:6].astype(np.float32))
    np.testing.assert_array_equal(late.hidden, always.hidden)
    made.reset()  # a trial begins: what was caught up belongs to the last one
    made.update(seen[0], moment())
    made.replay_history(controller, (0, 120))
    np.testing.assert_array_equal(late.hidden, made.active.policy.hidden)


def test_a_candidate_that_returns_nan_is_refused():
    made = switcher(Leaky([0.5, 0.5]))
    made.update(tables(1)[0], moment())
    with pytest.raises(ContractError, match="'bad' returns numbers that are not finite"):
        made.replay_history(made.fit("bad", Leaky([np.nan, 0.5])))


def test_one_change_at_a_time():
    made = switcher(Leaky([0.1, 0.1]))
    made.switch(made.fit("second", Leaky([0.9, 0.9])))
    with pytest.raises(ConfigError, match="one switch at a time"):
        made.switch(made.fit("third", Leaky([0.5, 0.5])))


def test_a_policy_that_does_not_fit_is_refused():
    with pytest.raises(ContractError, match="'arm'"):
        switcher().fit("other", Leaky([0, 0], names=("a", "c")))


def test_a_shadow_is_only_listened_to():
    made, alone = switcher(Leaky([0.1, 0.1])), switcher(Leaky([0.1, 0.1]))
    made.shadow = made.fit("shadow", Leaky([0.9, 0.9]))
    for table in tables(20):
        np.testing.assert_array_equal(made.update(table, moment())[0], alone.update(table, moment())[0])
    assert made.shadow.command.min() > 0.5


def test_a_rotation_turns_the_seen_endpoint_and_its_velocity_about_the_centre():
    policy = Leaky([0, 0], terms=(Term("speed", ("endpoint/x", "endpoint/y"), "velocity"),))
    made = switcher(policy)
    table = np.zeros((3, len(NAMES)))
    table[0, 4:6], table[1, 4:6] = [0.2, 0.35], [1.0, 0.5]
    made.perturb([PerturbationEntry("observation", "rotation", {"angle_rad": np.pi / 2, "centre": [0.1, 0.3]})])
    made.update(table, moment())
    np.testing.assert_allclose(policy.seen, [0.05, 0.4, -0.5, 1.0], atol=1e-6)  # counter-clockwise
    assert table[0, 4:6].tolist() == [0.2, 0.35]
    made.perturb([])
    made.update(table, moment())
    np.testing.assert_allclose(policy.seen, [0.2, 0.35, 1.0, 0.5], atol=1e-6)


def test_added_delays_and_noise_reach_their_term():
    policy = Leaky([0, 0], terms=(Term("goal", ("go",)),))
    made, seen = switcher(policy), tables(30)
    made.perturb(
        [
            PerturbationEntry("observation", "delay", {"vision": 0.004}),
            PerturbationEntry("observation", "delay", {"vision": 0.002}),
        ]
    )
    for table in seen[:20]:
        made.update(table, moment())
    np.testing.assert_allclose(policy.seen, [*seen[16][0, 4:6], seen[19][0, 7]], rtol=1e-6)
    made.perturb([PerturbationEntry("observation", "noise", {"goal": 0.1})])
    made.update(seen[20], moment())
    np.testing.assert_allclose(policy.seen[:2], seen[20][0, 4:6], rtol=1e-6)
    assert policy.seen[2] != np.float32(seen[20][0, 5])


def test_a_candidate_sees_what_the_active_one_sees():
    made = switcher(Leaky([0, 0]))
    made.perturb([PerturbationEntry("observation", "delay", {"vision": 0.004})])
    late = Leaky([0, 0])
    controller = made.fit("late", late)
    for table in tables(10):
        made.update(table, moment())
    made.replay_history(controller)
    np.testing.assert_array_equal(late.hidden, made.active.policy.hidden)


def test_actions_are_held_within_the_bounds_of_the_contract_and_that_is_counted():
    policy = Leaky([0.6, -3.0], names=("b", "a"))
    low, high = (0.3, 0.1), (0.5, 0.9)
    policy.contract = replace(policy.contract, action=Channels("effort", ("b", "a"), "1", low, high))
    made = switcher(policy)
    command, _ = made.update(np.zeros((3, len(NAMES))), moment())
    assert command.tolist() == [0.1, 0.5] and made.active.events == {"clipped": 1}
    policy.level = np.array([0.4, 0.5])
    made.update(np.zeros((3, len(NAMES))), moment())
    assert made.active.events == {"clipped": 1}
    wide = switcher(Leaky([9.0, -9.0]))
    wide.active.policy.contract = replace(
        wide.active.contract, action=Channels("effort", ("a", "b"), "1", (-10.0,) * 2, (10.0,) * 2)
    )
    wide = switcher(wide.active.policy)
    assert wide.update(np.zeros((3, len(NAMES))), moment())[0].tolist() == [
        9.0,
        -9.0,
    ]  # the guard clips it, and counts it


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_action_that_is_not_finite_is_never_clipped_to_a_bound(value):
    made = switcher(Leaky([0.5, value]))
    command, _ = made.update(np.zeros((3, len(NAMES))), moment())
    assert command[0] == 0.5 and np.isnan(command[1]) and made.active.events == {"non_finite": 1}
    with pytest.raises(ContractError, match="not finite"):
        made.replay_history(made.fit("second", Leaky([0.5, value])))
