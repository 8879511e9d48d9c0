"""Activation stays within 0 and 1 in long steps of the physics, and short ones are left to MuJoCo."""

import numpy as np
import pytest

from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.effectors.bodies import arm26
from myoprosthesis.effectors.mujoco_body import BodyOptions


@pytest.mark.parametrize("time_step, bounded", [(0.002, False), (0.01, True)])
def test_a_muscle_at_rest_that_is_wholly_excited_does_not_overshoot(time_step, bounded):
    body = arm26(BodyOptions(dt=0.01, time_step=time_step))
    assert bool(body.model.actuator_actlimited.all()) == bool(body.model.actuator_actlimited.any()) == bounded
    body.reset()
    activations = np.array([body.step(np.full(6, u), NO_DISTURBANCE).activation for u in [1.0] * 5 + [0.0] * 20])
    assert activations.max() <= 1.0 and activations.min() >= 0.0 and activations[4].min() > 0.8
    if bounded:
        body.model.actuator_actlimited[:] = False
        body.reset()
        assert body.step(np.ones(6), NO_DISTURBANCE).activation.max() > 1.05
