"""The observation of a reaching policy: terms, normaliser and noise belong together."""

import pytest
import torch

from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.training.gradient import reach_observation
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.torch_twin import Twin

STAGE = Stage("s", vision_noise=0.002, length_noise=0.01, velocity_noise=0.1)
CURRICULUM = Curriculum("c", (STAGE,), vision_delay=0.07, proprioception_delay=0.02)


@pytest.fixture(scope="module")
def twin():
    return Twin(bodies.arm26(BodyOptions()).model).float()


def test_the_normaliser_has_a_value_for_each_observed_channel(twin):
    terms = reach_observation.terms(twin, CURRICULUM)
    mean, scale = reach_observation.normaliser(twin)
    assert mean.shape == scale.shape == (sum(len(t.channels) for t in terms),) and (scale > 0).all()
    assert {t.name: t.delay_s for t in terms} == {
        "target": 0.0, "go": 0.0, "vision": 0.07, "muscle_length": 0.02, "muscle_velocity": 0.02,
    }  # fmt: skip


def test_noise_is_on_the_senses_only_and_as_large_as_the_stage_says(twin):
    noise = reach_observation.noise(twin, STAGE, 200, 64, torch.Generator().manual_seed(0))
    spread = noise.std(dim=(0, 2))
    optimal = twin.muscles.constants.optimal_length[:, 0].float()
    assert (noise[:, :3] == 0).all(), "target and go signal are exact"
    torch.testing.assert_close(spread[3:5], torch.full((2,), 0.002), rtol=0.05, atol=0)
    torch.testing.assert_close(spread[5:11], 0.01 * optimal, rtol=0.05, atol=0)
    torch.testing.assert_close(spread[11:], 0.1 * optimal, rtol=0.05, atol=0)
