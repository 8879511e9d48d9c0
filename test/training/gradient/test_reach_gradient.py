"""The reaching algorithm: its weights, its evaluation, its settings."""

import pytest
import torch

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.reach_gradient import reach_trainer
from myoprosthesis.training.gradient.torch_twin import Twin

STAGES = (Stage("first", batches=4), Stage("second", batches=4, learning_rate=(2e-3, 1e-4)))
CURRICULUM = Curriculum("short", STAGES, trial=0.2, hidden=8, batch=8)


def start(folder, seed=3):
    twin = Twin(bodies.point_mass(BodyOptions()).model)
    return reach_trainer(twin, "point_mass", CURRICULUM, CURRICULUM.select(), seed, folder)


def test_weights_of_another_body_are_refused(tmp_path):
    run = start(tmp_path)
    weights = run.algorithm.weights()
    with pytest.raises(ConfigError, match="w_rec"):
        run.start_from({**weights, "w_rec": torch.zeros(3, 3)})
    with pytest.raises(ConfigError, match="normaliser"):
        run.start_from({**weights, "mean": weights["mean"] + 1})
    other = {**weights, "w_out": weights["w_out"] + 1}
    run.start_from(other)
    assert torch.equal(run.algorithm.policy.w_out, other["w_out"])
    assert torch.equal(run.best_weights["w_out"], other["w_out"])


def test_the_learning_rate_of_a_stage_goes_from_its_first_to_its_last(tmp_path):
    algorithm = start(tmp_path).algorithm
    rates = []
    for share in (0.0, 0.5, 1.0):
        algorithm.update(STAGES[1], share)
        rates.append(algorithm.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([2e-3, 1.05e-3, 1e-4])


def test_an_evaluation_changes_nothing(tmp_path):
    one, two = start(tmp_path / "1").algorithm, start(tmp_path / "2").algorithm
    figures = one.evaluate(STAGES[0])
    assert figures["score"] == figures["error_mm"] + figures["bend_mm"] > 0
    assert one.update(STAGES[0], 0.0) == two.update(STAGES[0], 0.0)


def test_settings_name_the_stages_that_are_trained():
    twin = Twin(bodies.point_mass(BodyOptions()).model)
    run = reach_trainer(twin, "point_mass", CURRICULUM, CURRICULUM.select("second"), 3, None)
    settings = run.algorithm.settings()
    assert [s["name"] for s in settings["curriculum"]["stages"]] == ["second"] and settings["seed"] == 3
