"""What a policy sees and what its action becomes, without a graph."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ContractError, Refused
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.observation import Term
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TASK_CHANNELS
from myoprosthesis.policies.policy_controller import PolicyController

SPEC = registry.factory("effectors", "point_mass")(registry.options("effectors", "point_mass")()).spec
TERMS = (Term("place", ("endpoint/x", "endpoint/y"), unit="m"), Term("goal", ("target/x", "target/y"), unit="m"))
CONTRACT = Contract("seeing", "point_mass", TERMS, SPEC.command, SPEC.dt)


class Seeing:
    """Answers with `action`; notes what it observes."""

    def __init__(self, contract=CONTRACT, action=None):
        self.contract, self.seen, self.hidden = contract, [], np.zeros(0)
        self.action = np.full(contract.action.size, 0.25) if action is None else action

    def reset(self):
        self.seen.clear()

    def step(self, observation):
        self.seen.append(np.array(observation))
        return self.action.copy()


def table(x=0.1, y=0.3, vx=0.0, target=(0.5, 0.6)):
    """Rows (3, n) of the effector's channels and of the task's."""
    names = (*SPEC.channels, *TASK_CHANNELS)
    out = np.zeros((3, len(names)))
    for name, value in (("endpoint/x", x), ("endpoint/y", y), ("target/x", target[0]), ("target/y", target[1])):
        out[0, names.index(name)] = value
    out[1, names.index("endpoint/x")] = vx
    return out


def moment(now_ns=0):
    return Moment(np.random.default_rng(0), now_ns, SPEC.dt)


def entry(site, kind, **values):
    return PerturbationEntry(site, kind, values, 0)


def test_a_policy_observes_the_channels_of_its_contract_by_name():
    policy = Seeing()
    PolicyController("p", policy, SPEC).update(table(), moment())
    np.testing.assert_allclose(policy.seen[0], [0.1, 0.3, 0.5, 0.6])


def test_the_action_comes_in_the_order_of_the_effector():
    turned = CONTRACT.action.names[::-1]
    contract = replace(CONTRACT, action=replace(CONTRACT.action, names=turned))
    action = np.arange(len(turned)) / 10.0
    command = PolicyController("p", Seeing(contract, action), SPEC).update(table(), moment())
    np.testing.assert_array_equal(command, action[::-1])


@pytest.mark.parametrize(("value", "event"), [(7.0, "clipped"), (np.nan, "non_finite"), (0.25, None)])
def test_an_action_out_of_bounds_is_clipped_and_one_that_is_not_finite_stays_so(value, event):
    action = np.full(CONTRACT.action.size, 0.25)
    action[0] = value
    controller = PolicyController("p", Seeing(action=action), SPEC)
    command = controller.update(table(), moment())
    assert dict(controller.events) == ({} if event is None else {event: 1})
    if event == "clipped":
        assert command[0] == CONTRACT.action.bounds()[1][0]
    else:
        np.testing.assert_array_equal(command, action)


def test_a_slower_policy_computes_in_every_period_of_its_own_and_holds_between():
    policy = Seeing(replace(CONTRACT, dt=3 * SPEC.dt))
    controller = PolicyController("p", policy, SPEC)
    fresh = []
    for _ in range(7):
        controller.update(table(), moment())
        fresh.append(controller.fresh)
    assert fresh == [True, False, False, True, False, False, True] and len(policy.seen) == 3
    controller.reset()
    controller.update(table(), moment())
    assert controller.fresh


def test_a_rotation_turns_the_endpoint_it_sees_about_its_centre_and_nothing_else():
    policy = Seeing()
    controller = PolicyController("p", policy, SPEC)
    controller.perturb([entry("observation", "rotation", angle_rad=np.pi / 2, centre=[0.1, 0.2])])
    controller.update(table(x=0.3, y=0.2), moment())
    np.testing.assert_allclose(policy.seen[0], [0.1, 0.4, 0.5, 0.6], atol=1e-12)


def test_a_withheld_term_stays_as_at_the_reset_until_it_is_given_back():
    policy = Seeing()
    controller = PolicyController("p", policy, SPEC)
    controller.update(table(), moment())
    controller.perturb([entry("observation", "withhold", terms=["goal"])])
    controller.update(table(target=(0.9, 0.9)), moment())
    controller.perturb([])
    controller.update(table(target=(0.9, 0.9)), moment())
    np.testing.assert_allclose([seen[2:] for seen in policy.seen], [(0.5, 0.6), (0.5, 0.6), (0.9, 0.9)])


@pytest.mark.parametrize(
    "bad, sentence",
    [
        (entry("observation", "delay", nothing=0.1), "nothing"),
        (entry("observation", "delay", place="long"), "a delay needs a number for each term"),
        (entry("observation", "rotation", angle_rad=np.inf, centre=[0, 0]), "a rotation needs an angle_rad"),
        (entry("observation", "shake", place=1.0), "cannot act at the observation"),
        (entry("hidden", "add", units=[0], amounts=[1.0], per="once"), "seeing"),
    ],
    ids=["unknown term", "no number", "not finite", "kind", "no hidden state"],
)
def test_what_cannot_act_is_refused_and_the_rest_acts(bad, sentence):
    policy = Seeing()
    controller = PolicyController("p", policy, SPEC)
    controller.update(table(), moment())
    with pytest.raises(Refused, match=sentence):
        controller.perturb([bad, entry("observation", "withhold", terms=["goal"])])
    controller.update(table(x=0.2, target=(0.9, 0.9)), moment())
    np.testing.assert_allclose(policy.seen[-1], [0.2, 0.3, 0.5, 0.6])


def test_a_policy_whose_contract_does_not_fit_is_refused():
    with pytest.raises(ContractError, match="elbow"):
        PolicyController("p", Seeing(replace(CONTRACT, observation=(Term("q", ("elbow",), unit="rad"),))), SPEC)
