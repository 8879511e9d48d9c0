"""Trials drawn from a stage: their geometry, their times, their field."""

import pytest
import torch

from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.training.gradient import trial_sampler
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.torch_twin import Twin

STAGE = Stage("s", directions=4, distance=(0.02, 0.06), go=(0.1, 0.3), catch_rate=0.25, field=(0.5, 1.0))
CURRICULUM = Curriculum("c", (STAGE,), field=10.0)
N = 400


@pytest.fixture(scope="module")
def twin():
    return Twin(bodies.point_mass(BodyOptions()).model).float()


def draw(twin, seed=0):
    return trial_sampler.draw(twin, CURRICULUM, STAGE, N, torch.Generator().manual_seed(seed))


def test_targets_lie_in_the_stages_directions_and_distances(twin):
    trials = draw(twin)
    away = trials.target - trials.start
    distance, angle = away.norm(dim=0), torch.rad2deg(torch.atan2(away[1], away[0])) % 360
    assert distance.min() >= 0.02 and distance.max() <= 0.06
    assert set(angle.round().long().remainder(360).tolist()) == {0, 90, 180, 270}


def test_the_go_signal_is_in_its_range_and_as_often_missing_as_the_catch_rate_says(twin):
    trials = draw(twin)
    caught = trials.go >= trials.steps
    assert 0.15 < caught.float().mean() < 0.35
    assert trials.go[~caught].min() >= 10 and trials.go[~caught].max() <= 30
    assert (trials.cues()[:, 2].sum(0) == (trials.steps - trials.go).clamp(min=0)).all()


def test_the_goal_is_the_start_until_go(twin):
    trials = draw(twin)
    goal, k = trials.goal(), int(trials.go[0])
    assert torch.equal(goal[k - 1, :, 0], trials.start[:, 0]) and torch.equal(goal[k, :, 0], trials.target[:, 0])


def test_a_clockwise_field_pushes_to_the_right_of_the_motion():
    law = trial_sampler.curl(torch.tensor([3.0]))
    assert law[:, 0].tolist() == [
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        3.0,
        -3.0,
        0,
    ]  # F_x = 3 v_y, F_y = -3 v_x: moving up, pushed right


def test_the_same_seed_draws_the_same_trials(twin):
    one, two, other = draw(twin), draw(twin), draw(twin, 1)
    assert torch.equal(one.target, two.target) and torch.equal(one.law, two.law)
    assert not torch.equal(one.target, other.target)
