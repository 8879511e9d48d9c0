"""A body stands where its recording says it was."""

import dataclasses

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.films.placed_body import PlacedBody
from myoprosthesis.films.recorded_motion import RecordedMotion


def body(name):
    return registry.factory("effectors", name)(registry.options("effectors", name)())


def moved(name, command, ticks=20):
    """A body that was commanded, its generalised positions and activations by tick, and what a recording has of it."""
    one = body(name)
    one.reset(0)
    rows, positions = [], []
    for _ in range(ticks):
        state = one.step(command(one.spec), NO_DISTURBANCE)
        rows.append(state.table[0])
        positions.append(np.concatenate([one.data.qpos, one.data.act]))
    stamps = np.arange(ticks) * 10_000_000
    return positions, RecordedMotion(name, one.spec.channels, stamps, np.array(rows))


def excitation(spec):
    return np.linspace(0.0, 0.6, spec.command.size)


@pytest.mark.parametrize("name", ["arm26", "hand_ball"])
def test_joints_objects_and_activations_are_those_of_the_recording(name):
    positions, motion = moved(name, excitation)
    placed = PlacedBody(motion)
    for k in (19, 0, 7):
        data = placed.at(k * 10_000_000)
        assert np.concatenate([data.qpos, data.act]) == pytest.approx(positions[k], abs=1e-9)


def test_joints_that_follow_others_are_where_these_want_them():
    positions, motion = moved("ability_hand_model", lambda spec: np.array(spec.poses["power"]), ticks=150)
    data = PlacedBody(motion).at(150 * 10_000_000)
    assert data.qpos == pytest.approx(positions[-1], abs=0.02), "the constraints are soft"
    assert np.abs(data.qpos).max() > 0.5


def test_an_object_is_as_large_as_in_its_trial():
    _, motion = moved("hand_ball", excitation)
    (ball,) = body("hand_ball").spec.objects
    here = (0.0, 0.0, 0.0)
    plan = TrialPlan(0, 100_000_000, 10**9, here, here, None, initial={f"{ball}/radius": 0.031})
    placed = PlacedBody(dataclasses.replace(motion, plans=(plan,)))
    radius = [placed.at(now) and placed.body.model.geom_size[:, 0].copy() for now in (0, 150_000_000)]
    assert 0.031 in radius[1] and 0.031 not in radius[0]


def test_what_cannot_be_drawn_is_refused():
    _, motion = moved("arm26", excitation, ticks=2)
    for effector, sentence in (
        ("mirror", "effector 'mirror' has no MuJoCo model to draw"),
        ("myohand", "the recording has no pro_sup_r, deviation_r, flexion_r …, which 'myohand' is drawn from"),
    ):
        with pytest.raises(Refused, match=sentence):
            PlacedBody(motion, effector)
    with pytest.raises(Refused, match="does not say which body it is of; name one with --effector"):
        PlacedBody(dataclasses.replace(motion, effector=""))
