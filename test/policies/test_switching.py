from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.term import Term
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


def player(policy=None, blend_s=0.1):
    made = ControllerSwitcher(SPEC, lambda name, policy: PolicyController(name, policy, SPEC, {"go": "1"}), blend_s)
    if policy is not None:
        made.commit(made.fit("first", policy))
    return made


def test_actions_come_in_the_effectors_order():
    command, fresh = player(Leaky([0.2, 0.7], names=("b", "a"))).play(np.zeros((3, len(NAMES))), RNG(0))
    assert fresh and command.tolist() == pytest.approx([0.7, 0.2])


def test_a_slower_policy_is_held_between_its_periods():
    policy = Leaky([0.5, 0.5], dt=0.01)
    made = player(policy)
    commands, fresh = zip(*(made.play(t, RNG(0)) for t in tables(50)), strict=True)
    assert policy.calls == 10 and list(fresh) == ([True] + [False] * 4) * 10
    assert all(len({tuple(c) for c in commands[k : k + 5]}) == 1 for k in range(0, 50, 5))
    assert len({tuple(c) for c in commands}) == 10


def test_a_swap_moves_the_command_by_no_more_than_its_bound():
    """In one tick at most the larger of the two policies' own steps plus |u_new − u_old|·dt/blend_s."""
    old, new, reference = Leaky([0.1, 0.9]), Leaky([0.9, 0.2], leak=0.5), (player(Leaky([0.1, 0.9])), player())
    made = player(old)
    reference[1].commit(reference[1].fit("new", Leaky([0.9, 0.2], leak=0.5)))
    commands, alone = [], []
    for k, table in enumerate(tables(300)):
        if k == 100:
            voice = made.fit("second", new)
            made.replay_history(voice)
            made.commit(voice)
        commands.append(made.play(table, RNG(0))[0])
        alone.append([r.play(table, RNG(0))[0] for r in reference])
    commands, alone = np.array(commands), np.array(alone)
    own = np.abs(np.diff(alone, axis=0)).max(axis=1)
    bound = own + np.abs(alone[1:, 1] - alone[1:, 0]) * SPEC.dt / 0.1
    assert (np.abs(np.diff(commands, axis=0)) <= bound + 1e-9).all()
    np.testing.assert_allclose(commands[:100], alone[:100, 0])
    np.testing.assert_allclose(commands[150:], alone[150:, 1], atol=1e-6)  # its memory was brought up to date
    assert np.abs(commands[110] - alone[110]).min() > 0.05  # and in between it is a mixture
    assert made.active is voice and made.previous.name == "first" and not made.fading


def test_a_candidate_catches_up_in_two_goes():
    made, seen = player(Leaky([0.5, 0.5])), tables(120)
    for table in seen[:100]:
        made.play(table, RNG(0))
    late, always = Leaky([0.5, 0.5]), Leaky([0.5, 0.5])
    voice = made.fit("late", late)
    mark = made.replay_history(voice)
    for table in seen[100:]:
        made.play(table, RNG(0))
    made.replay_history(voice, mark)
    for table in seen:
        always.step(table[0, 4:6].astype(np.float32))
    np.testing.assert_array_equal(late.hidden, always.hidden)
    made.reset()  # a trial begins: what was caught up belongs to the last one
    made.play(seen[0], RNG(0))
    made.replay_history(voice, (0, 120))
    np.testing.assert_array_equal(late.hidden, made.active.policy.hidden)


def test_a_candidate_that_returns_nan_is_refused():
    made = player(Leaky([0.5, 0.5]))
    made.play(tables(1)[0], RNG(0))
    with pytest.raises(ContractError, match="'bad' returns numbers that are not finite"):
        made.replay_history(made.fit("bad", Leaky([np.nan, 0.5])))


def test_one_change_at_a_time():
    made = player(Leaky([0.1, 0.1]))
    made.commit(made.fit("second", Leaky([0.9, 0.9])))
    with pytest.raises(ConfigError, match="one change at a time"):
        made.commit(made.fit("third", Leaky([0.5, 0.5])))


def test_a_policy_that_does_not_fit_is_refused():
    with pytest.raises(ContractError, match="'arm'"):
        player().fit("other", Leaky([0, 0], names=("a", "c")))


def test_a_shadow_is_only_listened_to():
    made, alone = player(Leaky([0.1, 0.1])), player(Leaky([0.1, 0.1]))
    made.shadow = made.fit("shadow", Leaky([0.9, 0.9]))
    for table in tables(20):
        np.testing.assert_array_equal(made.play(table, RNG(0))[0], alone.play(table, RNG(0))[0])
    assert made.shadow.command.min() > 0.5


def test_a_rotation_turns_the_seen_endpoint_and_its_velocity_about_the_centre():
    policy = Leaky([0, 0], terms=(Term("speed", ("endpoint/x", "endpoint/y"), "velocity"),))
    made = player(policy)
    table = np.zeros((3, len(NAMES)))
    table[0, 4:6], table[1, 4:6] = [0.2, 0.35], [1.0, 0.5]
    made.perturb([PerturbationEntry("observation", "rotation", {"angle_rad": np.pi / 2, "centre": [0.1, 0.3]})])
    made.play(table, RNG(0))
    np.testing.assert_allclose(policy.seen, [0.05, 0.4, -0.5, 1.0], atol=1e-6)  # counter-clockwise
    assert table[0, 4:6].tolist() == [0.2, 0.35]
    made.perturb([])
    made.play(table, RNG(0))
    np.testing.assert_allclose(policy.seen, [0.2, 0.35, 1.0, 0.5], atol=1e-6)


def test_added_delays_and_noise_reach_their_term():
    policy = Leaky([0, 0], terms=(Term("goal", ("go",)),))
    made, seen = player(policy), tables(30)
    made.perturb(
        [
            PerturbationEntry("observation", "delay", {"vision": 0.004}),
            PerturbationEntry("observation", "delay", {"vision": 0.002}),
        ]
    )
    for table in seen[:20]:
        made.play(table, RNG(0))
    np.testing.assert_allclose(policy.seen, [*seen[16][0, 4:6], seen[19][0, 7]], rtol=1e-6)
    made.perturb([PerturbationEntry("observation", "noise", {"goal": 0.1})])
    made.play(seen[20], RNG(0))
    np.testing.assert_allclose(policy.seen[:2], seen[20][0, 4:6], rtol=1e-6)
    assert policy.seen[2] != np.float32(seen[20][0, 5])


def test_a_candidate_sees_what_the_active_one_sees():
    made = player(Leaky([0, 0]))
    made.perturb([PerturbationEntry("observation", "delay", {"vision": 0.004})])
    late = Leaky([0, 0])
    voice = made.fit("late", late)
    for table in tables(10):
        made.play(table, RNG(0))
    made.replay_history(voice)
    np.testing.assert_array_equal(late.hidden, made.active.policy.hidden)


def test_actions_are_held_within_the_bounds_of_the_contract_and_that_is_counted():
    policy = Leaky([0.6, -3.0], names=("b", "a"))
    low, high = (0.3, 0.1), (0.5, 0.9)
    policy.contract = replace(policy.contract, action=Channels("effort", ("b", "a"), "1", low, high))
    made = player(policy)
    command, _ = made.play(np.zeros((3, len(NAMES))), RNG(0))
    assert command.tolist() == [0.1, 0.5] and made.active.events == {"clipped": 1}
    policy.level = np.array([0.4, 0.5])
    made.play(np.zeros((3, len(NAMES))), RNG(0))
    assert made.active.events == {"clipped": 1}
    wide = player(Leaky([9.0, -9.0]))
    wide.active.policy.contract = replace(
        wide.active.contract, action=Channels("effort", ("a", "b"), "1", (-10.0,) * 2, (10.0,) * 2)
    )
    wide = player(wide.active.policy)
    assert wide.play(np.zeros((3, len(NAMES))), RNG(0))[0].tolist() == [9.0, -9.0]  # the guard clips it, and counts it


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_action_that_is_not_finite_is_never_clipped_to_a_bound(value):
    made = player(Leaky([0.5, value]))
    command, _ = made.play(np.zeros((3, len(NAMES))), RNG(0))
    assert command[0] == 0.5 and np.isnan(command[1]) and made.active.events == {"non_finite": 1}
    with pytest.raises(ContractError, match="not finite"):
        made.replay_history(made.fit("second", Leaky([0.5, value])))
