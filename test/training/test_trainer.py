"""A training run: it learns, it can be cut and taken up again, and it survives a full disk."""

import pytest
import torch

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.reach_gradient import ReachGradient, reach_trainer
from myoprosthesis.training.gradient.torch_twin import Twin
from myoprosthesis.training.trainer import CHECKPOINT, HISTORY, LeaveBelow, Trainer

SHORT = Curriculum(
    "short",
    (
        Stage("first", batches=6, distance=(0.03, 0.06), go=(0.02, 0.05)),
        Stage(
            "second", batches=6, distance=(0.03, 0.06), go=(0.02, 0.05), field=(0.5, 1.0), learning_rate=(2e-3, 1e-4)
        ),
    ),
    field=8.0,
    trial=0.2,
    hidden=8,
    batch=8,
    evaluate_every=4,
)


def start(folder, curriculum=SHORT, seed=3) -> Trainer[ReachGradient]:
    twin = Twin(bodies.point_mass(BodyOptions()).model)
    return reach_trainer(twin, "point_mass", curriculum, curriculum.select(), seed, folder)


def never_stop(run, costs, row):
    return True


def test_a_run_learns_to_hold(tmp_path):
    stage = Stage("hold", batches=40, distance=(0.0, 0.0), learning_rate=(5e-3, 5e-3), start_radius=0.1, home_share=0.0)
    run = start(tmp_path, Curriculum("hold", (stage,), trial=0.3, hidden=16, batch=16, evaluate_every=10))
    assert run.train(never_stop)
    loss = [row["loss"] for row in run.progress.history]
    assert loss[-1] < 0.8 * loss[0]
    assert (tmp_path / HISTORY).read_text().count("\n") == len(loss) + 1


@pytest.mark.parametrize("cut", [3, 4, 8])
def test_an_interrupted_run_ends_bit_for_bit_like_a_whole_one(tmp_path, cut):
    whole = start(tmp_path / "whole")
    whole.train(never_stop)
    start(tmp_path / "cut").train(lambda run, costs, row: run.progress.total < cut)
    again = start(tmp_path / "cut")
    again.resume()
    assert again.progress.total == cut
    again.train(never_stop)
    for name, value in whole.algorithm.policy.state_dict().items():
        assert torch.equal(value, again.algorithm.policy.state_dict()[name]), name
    for name, value in whole.load_best().policy.state_dict().items():
        assert torch.equal(value, again.load_best().policy.state_dict()[name]), name
    assert [r["score"] for r in whole.progress.history] == [r["score"] for r in again.progress.history]


def test_the_best_policy_outlives_an_interruption(tmp_path):
    run = start(tmp_path)
    run.train(lambda run, costs, row: run.progress.total < 10)  # after the first evaluation of the last stage
    run.progress.best = -1.0  # nothing later is better
    run.save()
    best = {name: value.clone() for name, value in run.best_weights.items()}
    again = start(tmp_path)
    again.resume()
    again.train(never_stop)
    assert not torch.equal(again.algorithm.policy.w_in, best["w_in"]), "it went on training"
    for name, value in again.load_best().policy.state_dict().items():
        assert torch.equal(value, best[name]), name


def test_another_seed_is_another_run(tmp_path):
    one, two = start(tmp_path / "1", seed=1), start(tmp_path / "2", seed=2)
    assert not torch.equal(one.algorithm.policy.w_in, two.algorithm.policy.w_in)


def test_a_full_disk_leaves_the_old_checkpoint_intact(tmp_path, fill_disk, monkeypatch):
    run = start(tmp_path)
    run.save()
    before = (tmp_path / CHECKPOINT).read_bytes()
    fill_disk()
    run.update()
    with pytest.raises(ConfigError, match="No space left.*previous one is intact.*--resume"):
        run.save()
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([CHECKPOINT, HISTORY, "training.yaml"])
    monkeypatch.undo()
    run.save()
    again = start(tmp_path)
    again.resume()
    assert again.progress.total == 1


def test_resume_refuses_other_settings_damage_and_nothing(tmp_path):
    with pytest.raises(ConfigError, match="nothing to resume"):
        start(tmp_path).resume()
    start(tmp_path).save()
    with pytest.raises(ConfigError, match="other settings"):
        start(tmp_path, seed=4).resume()
    data = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(data[: len(data) // 2])
    with pytest.raises(ConfigError, match="cannot be read"):
        start(tmp_path).resume()


class Counter:
    """An algorithm that counts its updates: the smallest that a trainer can train."""

    def __init__(self) -> None:
        self.count = 0

    def update(self, stage, share):
        self.count += 1
        return {"loss": 1.0 / self.count}

    def evaluate(self, stage):
        return {"score": float(abs(self.count - 7))}

    def settings(self):
        return {"kind": "counter"}

    def weights(self):
        return {"count": self.count}

    def load_weights(self, weights):
        self.count = weights["count"]

    def state(self):
        return {"count": self.count}

    def load_state(self, state):
        self.count = state["count"]


def counting(folder, **options) -> Trainer:
    return Trainer(Counter(), (Stage("only", batches=20, least_batches=2),), folder, evaluate_every=1, **options)


def test_a_trainer_needs_nothing_of_an_algorithm_but_the_protocol(tmp_path):
    run = counting(tmp_path)
    assert run.train(never_stop)
    assert run.progress.total == 20 and run.progress.best == 0.0
    assert run.load_best().count == 7, "the best evaluation was after seven updates"


def test_patience_ends_the_last_stage(tmp_path):
    run = counting(tmp_path, rule=LeaveBelow(patience=3))
    assert run.train(never_stop) and run.progress.total == 10


def test_a_stage_is_left_once_its_score_is_reached(tmp_path):
    stages = (Stage("near", batches=20, least_batches=2, leave_below_mm=5.0), Stage("far", batches=4))
    run = Trainer(Counter(), stages, tmp_path, evaluate_every=1)
    assert run.train(never_stop)
    assert [(r["stage"], r["batch"]) for r in run.progress.history][-5:] == [("near", 3)] + [
        ("far", k) for k in (4, 5, 6, 7)
    ]
