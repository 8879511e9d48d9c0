import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations import observation_kinds

START = (0.1, 0.3, 0.0)
TRIAL = TrialPlan(2, ns(2.0), ns(3.0), START, (0.16, 0.38, 0.0), ns(2.2))


def test_perturbations_of_the_senses_carry_their_values():
    (turned,) = observation_kinds.rotation(observation_kinds.RotationOptions(degrees=90.0), TRIAL)
    assert (turned.site, turned.kind) == ("observation", "rotation")
    assert turned.values == {"angle_rad": pytest.approx(np.pi / 2), "centre": [0.1, 0.3]}
    (late,) = observation_kinds.delay(observation_kinds.DelayOptions(terms=("vision", "muscle"), delay_s=0.03), TRIAL)
    assert (late.kind, late.values) == ("delay", {"vision": 0.03, "muscle": 0.03})
    (noisy,) = observation_kinds.noise(observation_kinds.NoiseOptions(sd=0.01), TRIAL)
    assert (noisy.kind, noisy.values) == ("noise", {"vision": 0.01})


@pytest.mark.parametrize("kind", [observation_kinds.DelayOptions, observation_kinds.WithholdOptions])
def test_what_is_there_or_not_has_no_ramp(kind):
    assert kind(start_s=0.2).start_s == 0.2
    with pytest.raises(ConfigError, match=r"it is there or not, and does not rise: ramp_s is 0\.4 s, leave it out"):
        kind(ramp_s=0.4)
