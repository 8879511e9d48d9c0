import pytest

from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import muscle_kinds

START = (0.1, 0.3, 0.0)
TRIAL = TrialPlan(2, ns(2.0), ns(3.0), START, (0.16, 0.38, 0.0), ns(2.2))


def test_a_fatigue_faster_than_life_scales_both_rates():
    (entry,) = muscle_kinds.fatigue(muscle_kinds.FatigueOptions(F=0.01, R=0.002, speed=50.0), TRIAL)
    assert entry.values == {"F": pytest.approx(0.5), "R": pytest.approx(0.1), "muscles": []}
