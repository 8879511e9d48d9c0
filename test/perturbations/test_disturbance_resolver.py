import re

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver
from myoprosthesis.perturbations.muscle_fatigue import Fatigue

MUSCLES = ("biceps", "triceps", "deltoid")
SPEC = EffectorSpec(
    "arm", 0.01, Channels("effort", MUSCLES, "1", (0.0,) * 3, (1.0,) * 3), ("shoulder", "elbow", "wrist"), MUSCLES,
    "tip", sites=("endpoint", "joint", "muscle"), home=(0.0, 0.0, 0.0),
)  # fmt: skip
REST = np.zeros(3)
A, B = ForceField.of(f0=[1.0, 2.0]), ForceField.of(B=[[0, 10], [-10, 0]])


def plan(*entries):
    return PerturbationPlan("p", ns(10), 0, entries)


def field(law, begin=0.0, end=10.0, ramp=0.0):
    return PerturbationEntry("endpoint", "law", law.to_dict(), ns(begin), ns(end), ramp)


def test_nothing_is_nothing():
    assert DisturbanceResolver(SPEC).at(plan(), 0, REST) is NO_DISTURBANCE


def test_fields_add_each_in_its_window_and_with_its_ramp():
    both = plan(field(A, 1, 3), field(B, 2, 4, ramp=1.0))
    imposer = DisturbanceResolver(SPEC)
    laws = [imposer.at(both, ns(t), REST).endpoint for t in (0.5, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0)]
    risen = [0.5 * SPEC.dt, 0.5 + 0.5 * SPEC.dt]  # the mean over the period that begins then
    for law, expected in zip(laws, [None, A, A + B * risen[0], A + B * risen[1], B, B, None], strict=True):
        assert (law is None) == (expected is None)
        if law is not None:
            np.testing.assert_allclose([*law.f, *law.K.ravel(), *law.B.ravel()],
                                       [*expected.f, *expected.K.ravel(), *expected.B.ravel()], rtol=1e-12)  # fmt: skip


@pytest.mark.parametrize("ramp", [0.004, 0.01, 0.033, 0.5])
def test_the_impulse_over_a_ramp_is_that_of_the_linear_rise(ramp):
    """Also of one that is shorter than a period, or ends within one."""
    imposer, n = DisturbanceResolver(SPEC), 100
    one = plan(field(ForceField(np.array([1.0, 0, 0]), np.zeros((3, 3)), np.zeros((3, 3))), 0.0, 10.0, ramp))
    impulse = sum(float(imposer.at(one, round(k * SPEC.dt * 1e9), REST).endpoint.f[0]) for k in range(n)) * SPEC.dt
    assert impulse == pytest.approx(n * SPEC.dt - ramp / 2, rel=1e-9)


def test_a_load_falls_on_the_joints_it_names():
    given = ForceField(np.array([1.0, 2.0]), np.array([[1.0, 2], [3, 4]]), np.eye(2))
    entry = PerturbationEntry("joint", "law", {**given.to_dict(), "joints": ["wrist", "shoulder"]})
    law = DisturbanceResolver(SPEC).at(plan(entry), 0, REST).joint
    np.testing.assert_array_equal(law.f, [2, 0, 1])
    np.testing.assert_array_equal(law.K, [[4, 0, 3], [0, 0, 0], [2, 0, 1]])
    np.testing.assert_array_equal(law.B, np.diag([1, 0, 1]))


def test_weaknesses_multiply_and_rise_over_their_ramp():
    weak = PerturbationEntry("muscle", "strength", {"muscles": ["triceps"], "strength": 0.5})
    all_weak = PerturbationEntry("muscle", "strength", {"muscles": [], "strength": 0.0}, ramp_s=1.0)
    imposer = DisturbanceResolver(SPEC)
    np.testing.assert_allclose(imposer.at(plan(weak), 0, REST).strength, [1, 0.5, 1])
    part = 0.75 - 0.5 * SPEC.dt
    np.testing.assert_allclose(imposer.at(plan(weak, all_weak), ns(0.25), REST).strength, [part, part / 2, part])
    np.testing.assert_allclose(imposer.at(plan(weak, all_weak), ns(2), REST).strength, 0)


def test_sensory_entries_are_not_the_bodys():
    assert (
        DisturbanceResolver(SPEC).at(plan(PerturbationEntry("observation", "noise", {"vision": 0.1})), 0, REST)
        is NO_DISTURBANCE
    )


F, R = 0.4, 0.1


def test_a_muscle_at_full_activation_tires_as_the_equation_says():
    """At activation 1 only rested units are left to be used: dM_F/dt = F (1 − M_F) − R M_F."""
    fatigue, dt = Fatigue(1), 0.001
    times = dt * np.arange(1, 10_001)
    left = np.array([fatigue.step(np.ones(1), {"F": F, "R": R}, dt)[0] for _ in times])
    np.testing.assert_allclose(left, 1 - F / (F + R) * (1 - np.exp(-(F + R) * times)), atol=1e-3)


def test_a_muscle_recovers_at_rest_and_one_that_rests_does_not_tire():
    fatigue, dt = Fatigue(2), 0.001
    for _ in range(3000):
        tired = fatigue.step(np.array([0.8, 0.0]), {"F": F, "R": R}, dt)
    assert tired[0] < 0.7 and tired[1] == 1.0
    for _ in range(5000):
        rested = fatigue.step(np.zeros(2), {"F": F, "R": R}, dt)
    assert 1 - rested[0] == pytest.approx((1 - tired[0]) * np.exp(-R * 5.0), rel=1e-3)


def test_strength_stays_between_0_and_1_at_any_speed():
    fatigue = Fatigue(1)
    for k in range(1000):
        strength = fatigue.step(np.array([k % 3 / 2.0]), {"F": 150.0, "R": 90.0}, 0.01)
        assert 0.0 <= strength[0] <= 1.0


def test_fatigue_is_kept_over_trials_until_the_reset():
    tiring = PerturbationEntry("muscle", "fatigue", {"F": F, "R": R})
    imposer = DisturbanceResolver(SPEC)
    strength = [imposer.at(plan(tiring), ns(0.01 * k), np.ones(3)).strength[0] for k in range(100)]
    after = imposer.at(plan(tiring), ns(1), np.ones(3)).strength[0]  # another plan, the next trial
    assert strength == sorted(strength, reverse=True) and after < strength[-1] < 0.8
    imposer.reset()
    assert imposer.at(plan(tiring), 0, np.ones(3)).strength[0] > 0.99


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (
            PerturbationEntry("joint", "law", {**ForceField.zero(1).to_dict(), "joints": ["thumb"]}),
            "no joint 'thumb'; it has: shoulder,",
        ),
        (PerturbationEntry("joint", "law", {**ForceField.zero(2).to_dict(), "joints": ["elbow"]}), "cannot be read"),
        (PerturbationEntry("joint", "law", ForceField.zero(2).to_dict()), "'joints'"),
        (PerturbationEntry("muscle", "strength", {"muscles": ["soleus"], "strength": 0.5}), "no muscle 'soleus'"),
        (PerturbationEntry("muscle", "strength", {"muscles": [], "strength": float("nan")}), "0 to 1, got nan"),
        (PerturbationEntry("muscle", "strength", {"muscles": [], "strength": 3.0}), "0 to 1, got 3.0"),
        (PerturbationEntry("muscle", "strength", {"strength": 0.5}), "'muscles'"),
        (PerturbationEntry("muscle", "fatigue", {"F": 0.1}), "'R'"),
        (PerturbationEntry("muscle", "fatigue", {"F": 0.1, "R": float("nan")}), "finite"),
        (PerturbationEntry("endpoint", "law", ForceField.zero(4).to_dict()), "3 dimensions, got 4"),
        (PerturbationEntry("endpoint", "law", {"f": [0, 0, 0]}), "written as f, K and B"),
        (PerturbationEntry("endpoint", "law", {"f": "abc", "K": 1, "B": 2}), "cannot be read"),
        (PerturbationEntry("endpoint", "strength", {"muscles": []}), "strength"),
        (PerturbationEntry("muscle", "cramp", {}), "'cramp' cannot act at the muscle"),
    ],
)
def test_what_a_body_cannot_do_is_refused_before_it_acts(entry, sentence):
    with pytest.raises(Refused, match=re.escape(sentence)):
        DisturbanceResolver(SPEC).check(plan(entry))


def test_an_effector_without_the_site_refuses():
    mirror = Mirror(MirrorOptions())
    with pytest.raises(Refused, match="cannot apply a perturbation at its endpoint"):
        DisturbanceResolver(mirror.spec).check(plan(field(A)))
    DisturbanceResolver(SPEC).check(plan(field(A), PerturbationEntry("muscle", "fatigue", {"F": F, "R": R})))
