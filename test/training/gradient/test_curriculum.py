"""Curricula: what is refused, what is left out, what is drawn."""

import math
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

import myoprosthesis
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.gradient import trial_sampler
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage, load
from myoprosthesis.training.gradient.torch_twin import Twin

ROOT = Path(myoprosthesis.__file__).parents[1]
MODELS = Path(myoprosthesis.__file__).parent / "effectors" / "models"
SMALL = {"name": "small", "stages": [{"name": "one", "distance": [0.05, 0.1]}, {"name": "two", "field": [0.5, 1]}]}


@pytest.fixture(scope="module", params=["arm26", "point_mass"])
def twin(request):
    return Twin(mujoco.MjModel.from_xml_path(str(MODELS / f"{request.param}.xml"))).float()


def test_the_shipped_curriculum_goes_from_holding_to_the_field():
    curriculum = load(ROOT / "config" / "curricula" / "reach_curl.yaml")
    assert [s.name for s in curriculum.stages] == ["hold", "short", "eight_directions", "random_targets", "field"]
    assert (curriculum.vision_delay, curriculum.proprioception_delay) == (0.07, 0.02)
    assert [s.name for s in replace(curriculum, field=0.0).select()] == [s.name for s in curriculum.stages[:-1]]
    assert [s.name for s in curriculum.select("random_targets")] == ["random_targets", "field"]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"feild": 3}, ("feild", "field")),
        ({"stages": [{"name": "one", "distanse": [0, 1]}]}, ("one", "distanse", "distance")),
        ({"stages": [{"name": "one", "weights": {"jrek": 1}}]}, ("weights", "jrek", "jerk")),
        ({"stages": [{"name": "one", "distance": [0.1, 0.05]}]}, ("distance", "low to high")),
        ({"stages": [{"name": "one", "catch_rate": 1.5}]}, ("catch_rate", "1.5", "0 to 1")),
        ({"stages": [{"name": "one", "distance": [0.1]}]}, ("distance", "2 are needed")),
        ({"stages": [{"name": "one"}, {"name": "one"}]}, ("unique",)),
        ({"stages": []}, ("at least one",)),
        ({"stages": [{"distance": [0, 1]}]}, ("name", "needed")),
        ({"stages": "one"}, ("list",)),
    ],
)
def test_a_wrong_curriculum_is_refused_in_words(change, words):
    with pytest.raises(ConfigError) as caught:
        Curriculum.from_dict({**SMALL, **change})
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_names_the_others():
    with pytest.raises(ConfigError, match="reach_curl.yaml"):
        load(ROOT / "config" / "curricula" / "raech_curl.yaml")
    with pytest.raises(ConfigError, match="one, two"):
        Curriculum.from_dict(SMALL).select("three")


def test_plain_data_and_back():
    curriculum = Curriculum.from_dict(SMALL)
    assert Curriculum.from_dict(curriculum.to_dict()) == curriculum


def test_trials_keep_to_their_ranges(twin):
    stage = Stage(
        "s", distance=(0.05, 0.1), home_share=0.5, start_radius=0.08, field=(0.5, 1.0), go=(0.1, 0.3), catch_rate=0.25
    )
    curriculum = Curriculum("c", (stage,), field=-8.0)
    drawn = trial_sampler.draw(twin, curriculum, stage, 2000, torch.Generator().manual_seed(1))
    distance = (drawn.target - drawn.start).norm(dim=0)
    assert 0.05 <= distance.min() < 0.052 and 0.098 < distance.max() <= 0.1 + 1e-6
    home = torch.cat(twin.skeleton.endpoint(torch.tensor(twin.home)[:, None].unbind(0)))[:, None].float()
    away = (drawn.start - home).norm(dim=0)
    assert away.max() <= 0.08 + 1e-6 and abs((away < 1e-6).float().mean() - 0.5) < 0.05
    catch = drawn.go >= drawn.steps
    assert abs(catch.float().mean() - 0.25) < 0.04
    assert set(drawn.go[~catch].tolist()) <= set(range(10, 31))
    gain = drawn.law[7]
    assert gain.min() >= -8 and gain.max() <= -4 and torch.equal(drawn.law[8], -gain)
    reached = torch.stack(twin.skeleton.endpoint(drawn.start_q.unbind(0)))
    torch.testing.assert_close(reached, drawn.start, atol=1e-6, rtol=0)


def test_the_goal_is_the_start_until_go_and_always_in_catch_trials(twin):
    stage = Stage("s", catch_rate=0.5)
    drawn = trial_sampler.draw(twin, Curriculum("c", (stage,)), stage, 64, torch.Generator().manual_seed(2))
    goal, cues = drawn.goal(), drawn.cues()
    for i in range(64):
        for k in (0, 9, 10, 20, 30, 31, 99):
            gone = k >= drawn.go[i]
            assert torch.equal(goal[k, :, i], drawn.target[:, i] if gone else drawn.start[:, i])
            assert cues[k, 2, i] == float(gone)
    assert torch.equal(cues[0, :2], drawn.target), "the target is shown from the beginning"


def test_a_positive_field_pushes_to_the_right_of_the_motion():
    law = trial_sampler.curl(torch.tensor([10.0]))
    from myoprosthesis.training.gradient.torch_twin import field_force

    for angle in np.linspace(0, 2 * math.pi, 9):
        v = torch.tensor([[math.cos(angle)], [math.sin(angle)]])
        force = torch.stack(field_force(law, (torch.zeros(1), torch.zeros(1)), tuple(v)))[:, 0].numpy()
        right = np.array([math.sin(angle), -math.cos(angle)])
        np.testing.assert_allclose(force, 10 * right, atol=1e-5)
