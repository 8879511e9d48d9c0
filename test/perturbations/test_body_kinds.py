"""Pushes and loads as plans, and what an effector makes of them."""

import math

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.goal import CommandGoal
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.body_kinds import BodyLoadOptions, BodyPushOptions, body_load, body_push
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver
from myoprosthesis.perturbations.muscle_kinds import FatigueOptions, fatigue
from myoprosthesis.testing.perturbation import check_perturbation

MUSCLES = ("soleus_r", "soleus_l")
SPEC = EffectorSpec(
    "legs", 0.1, Channels("effort", MUSCLES, "1", (0.0,) * 2, (1.0,) * 2), ("knee",), MUSCLES,
    sites=("muscle", "body"), bodies=("pelvis", "calcn_r", "calcn_l"),
)  # fmt: skip
PLACE = (0.0, 0.0, 0.0)


def trial(*goals):
    return TrialPlan(0, ns(1.0), ns(11.0), PLACE, PLACE, None, goals=goals)


def at(seconds, *entries, activation=(0.0, 0.0)):
    plan = PerturbationPlan("p", ns(11.0), 0, entries, ns(1.0))
    resolver = DisturbanceResolver(SPEC)
    resolver.check(plan)
    return resolver.at(plan, ns(seconds), np.array(activation))


@pytest.mark.parametrize(
    "kind, options",
    [(body_push, BodyPushOptions()), (body_load, BodyLoadOptions()), (fatigue, FatigueOptions(muscles=("soleus_r",)))],
)
def test_kinds_pass_their_check(kind, options):
    check_perturbation(kind, options)


def test_a_push_is_as_seen_from_the_way_that_is_asked_for_when_it_begins():
    turning = CommandGoal(1.2, 0.5, 0.1, (0.0, 0.0))
    (entry,) = body_push(BodyPushOptions(newton=80.0, direction_deg=90.0, start_s=3.0), trial(turning))
    angle = 0.5 + 0.1 * 3.0 + math.pi / 2
    np.testing.assert_allclose(entry.values["force"], [80 * math.cos(angle), 80 * math.sin(angle), 0.0])
    assert (entry.from_ns, entry.until_ns) == (ns(4.0), ns(4.2))
    (plain,) = body_push(BodyPushOptions(newton=80.0, direction_deg=0.0), trial())
    np.testing.assert_allclose(plain.values["force"], [80.0, 0.0, 0.0], atol=1e-12)


def test_pushes_and_loads_act_in_their_time_on_the_part_that_is_named_and_add():
    push = body_push(BodyPushOptions(newton=10.0, direction_deg=0.0, start_s=1.0), trial())
    load = body_load(BodyLoadOptions(bodies=("calcn_l",), kg=2.0), trial())
    early, during, late = (at(t, *push, *push, *load) for t in (1.5, 2.1, 2.3))
    assert early.body_force is None and late.body_force is None
    np.testing.assert_allclose(during.body_force, [[20.0, 0.0, 0.0], [0.0] * 3, [0.0] * 3], atol=1e-12)
    assert late.body_load.tolist() == [0.0, 0.0, 2.0] and late.sites == ("body",)


def test_one_muscle_tires_and_the_other_does_not():
    entries = fatigue(FatigueOptions(muscles=("soleus_r",), speed=100.0), trial())
    plan = PerturbationPlan("p", ns(11.0), 0, entries, ns(1.0))
    resolver = DisturbanceResolver(SPEC)
    for k in range(20):
        strength = resolver.at(plan, ns(1.0 + 0.1 * k), np.ones(2)).strength
    assert strength[0] < 0.5 and strength[1] == 1.0
    old = (PerturbationEntry("muscle", "fatigue", {"F": 0.9, "R": 0.1}),)  # as recorded before: all tire
    strength = DisturbanceResolver(SPEC).at(PerturbationPlan("p", ns(9.0), 0, old), 0, np.ones(2)).strength
    assert strength[0] == strength[1] < 1.0


@pytest.mark.parametrize(
    "entry, sentence",
    [
        (PerturbationEntry("body", "force", {"bodies": ["head"], "force": [1, 0, 0]}), "no free part 'head'; it has: "),
        (PerturbationEntry("body", "force", {"bodies": [], "force": [1, 0, 0]}), "names its parts, such as bodies="),
        (PerturbationEntry("body", "force", {"bodies": ["pelvis"], "force": [1, 0]}), "has 3 finite numbers"),
        (PerturbationEntry("body", "load", {"bodies": ["pelvis"], "kg": -1.0}), "0 or more, got -1"),
        (PerturbationEntry("body", "law", {"bodies": ["pelvis"]}), "cannot"),
        (PerturbationEntry("muscle", "fatigue", {"F": 1.0, "R": 1.0, "muscles": ["x"]}), "no muscle 'x'"),
    ],
)
def test_what_cannot_act_is_refused(entry, sentence):
    with pytest.raises(Refused, match=sentence):
        DisturbanceResolver(SPEC).check(PerturbationPlan("p", 1, 0, (entry,)))


@pytest.mark.parametrize("name", ["push_pelvis", "loaded_foot", "weak_calf"])
def test_presets_for_legs_act_on_legs(name):
    DisturbanceResolver(SPEC).check(presets.planner(name, {}).plan(trial()))
