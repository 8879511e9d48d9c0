"""A sweep over batch sizes: the same numbers whole or interrupted, and the comparisons that it makes of them."""

import json
from dataclasses import replace

import pytest
import torch

from myoprosthesis.cli.main import main
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.core.share import root
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.training.gradient import sweep
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage, load
from myoprosthesis.training.gradient.reach_gradient import reach_trainer
from myoprosthesis.training.gradient.sweep import SweepOptions
from myoprosthesis.training.gradient.torch_twin import Twin
from myoprosthesis.training.trainer import Trainer

STAGE = Stage("eight", directions=8, distance=(0.05, 0.05), go=(0.02, 0.05))
TINY = Curriculum("tiny", (STAGE,), trial=0.1, hidden=4, evaluate_every=3)
OPTIONS = SweepOptions((2, 4), 2, updates=4)


def make(batch, seed, folder):
    body = bodies.point_mass(BodyOptions())
    own = replace(TINY, batch=batch)
    return reach_trainer(Twin(body.model), "point_mass", own, own.select(), seed, folder)


def go_on(batch, seed, updates, row):
    return True


def test_a_sweep_interrupted_again_and_again_ends_in_the_same_numbers(tmp_path):
    whole = sweep.sweep(make, OPTIONS, tmp_path / "whole", go_on)
    assert [(r["batch"], r["seed"]) for r in whole if r["updates"] == 0] == [(2, 0), (2, 1), (4, 0), (4, 1)]
    made = []

    class Counted(Trainer):
        def update(self):
            made.append((self.algorithm.curriculum.batch, self.algorithm.seed, self.progress.total))
            return super().update()

    def counted(batch, seed, folder):
        run = make(batch, seed, folder)
        run.__class__ = Counted
        return run

    rows, stops = None, 0
    while rows is None:
        calls = []

        def report(batch, seed, updates, row, calls=calls):
            calls.append(updates)
            return len(calls) < 9

        rows = sweep.sweep(counted, OPTIONS, tmp_path / "cut", report)
        stops += rows is None
        assert stops < 20
    assert stops > 2 and sweep.table(rows) == sweep.table(whole)
    before = len(made)
    assert sweep.table(sweep.sweep(counted, OPTIONS, tmp_path / "cut", go_on)) == sweep.table(whole)
    assert len(made) == before, "what was finished is kept"


def test_a_longer_sweep_goes_on_from_a_shorter_one(tmp_path):
    sweep.sweep(make, OPTIONS, tmp_path / "grown", go_on)
    longer = replace(OPTIONS, updates=6)
    grown, whole = (sweep.sweep(make, longer, tmp_path / n, go_on) for n in ("grown", "whole"))
    for a, b in zip(grown, whole, strict=True):
        assert {k: v for k, v in a.items() if k != "loss"} == {k: v for k, v in b.items() if k != "loss"}


def test_a_cell_is_the_training_itself(tmp_path):
    rows = sweep.sweep(make, OPTIONS, tmp_path / "cells", go_on)
    alone = make(4, 1, tmp_path / "alone")
    losses = [alone.update()["loss"] for _ in range(4)]
    last = next(r for r in rows if (r["batch"], r["seed"], r["updates"]) == (4, 1, 4))
    assert last["error_mm"] == alone.evaluate()["error_mm"] and last["loss"] == pytest.approx(losses[-1])
    again = make(4, 1, tmp_path / "cells" / "batch_00004_seed_1")
    again.resume()
    for name, value in alone.algorithm.policy.state_dict().items():
        assert torch.equal(value, again.algorithm.policy.state_dict()[name]), name


@pytest.mark.parametrize(
    ("given", "lengths", "updates", "samples"),
    [
        ({"updates": 100}, [100, 100, 100], 100, 800),
        ({"samples": 3200}, [400, 100, 13], 13, 3200),
        ({"updates": 100, "samples": 3200}, [400, 100, 100], 100, 3200),
    ],
)
def test_lengths_and_where_cells_are_compared(given, lengths, updates, samples):
    options = SweepOptions((8, 32, 256), 1, **given)
    assert [options.length(b) for b in options.batches] == lengths
    assert (options.common_updates, options.common_samples) == (updates, samples)
    for batch in options.batches:
        at = options.evaluations(batch, 25)
        assert at[0] == 0 and at[-1] == options.length(batch) and {updates, samples // batch} <= set(at)


def test_curves_and_comparisons_of_known_rows():
    options = SweepOptions((1, 10), 3, updates=20, samples=100)
    rows = [
        {"batch": b, "seed": s, "updates": u, "error_mm": 100.0 / (b * (u + 1)) + s, "samples": b * u}
        for b in (1, 10) for s in (2, 0, 1) for u in options.evaluations(b, 20)
    ]  # fmt: skip
    curve = sweep.curves(rows)[10]
    assert curve["updates"] == [0, 1, 2, 5, 10, 20] and curve["samples"][-1] == 200
    assert curve["median"][0] == 11.0 and (curve["low"][0], curve["high"][0]) == (10.0, 12.0)
    found = sweep.comparisons(rows, options)
    assert [(r["batch"], r["updates"]) for r in found["equal_updates"]] == [(1, 20), (10, 20)]
    assert [(r["batch"], r["updates"], r["samples"]) for r in found["equal_samples"]] == [(1, 100, 100), (10, 10, 100)]
    assert found["equal_samples"][1]["median"] == pytest.approx(100 / 110 + 1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"batches": [8, 8], "updates": 5}, "different sizes are needed, got 8, 8"),
        ({"batches": [], "updates": 5}, "got none"),
        ({"batches": [0], "updates": 5}, "outside 1 to"),
        ({"seeds": 0, "updates": 5}, "outside 1 to"),
        ({}, "give updates, samples or both"),
    ],
)
def test_bad_options_are_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        build(SweepOptions, given, "sweep")


def test_a_curriculum_that_gives_no_comparison_is_refused():
    sweep.check(load(root() / "config" / "curricula" / "batch_sweep.yaml"))
    with pytest.raises(ConfigError, match="one stage, curriculum 'two' has 2: eight, more"):
        sweep.check(Curriculum("two", (STAGE, replace(STAGE, name="more"))))
    with pytest.raises(ConfigError, match=r"goes from 0\.002 to 0\.0001.*give \[0\.002, 0\.002\]"):
        sweep.check(Curriculum("falling", (replace(STAGE, learning_rate=(2e-3, 1e-4)),)))


TEXT = """
name: tiny
trial: 0.1
hidden: 4
evaluate_every: 2
stages:
  - {name: eight, directions: 8, distance: [0.05, 0.05], go: [0.02, 0.05], learning_rate: [1.0e-3, 1.0e-3]}
"""


def command(*words):
    with pytest.raises(SystemExit) as end:
        main(["train", "sweep", "--curriculum", "tiny.yaml", "--effector", "point_mass", "--compile", "off", "--quiet",
              *words])  # fmt: skip
    return end.value.code


def test_the_command_from_the_grid_to_the_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TEXT)
    words = ("--batches", "2", "4", "--seeds", "2", "--updates", "2", "--samples", "8")
    for out in ("one", "two"):
        assert command(*words, "--out", out, "--json", f"{out}.json") == 0
    assert "equal samples" in capsys.readouterr().out
    for name in ("sweep.csv", "sweep.json", "sweep.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    figures = json.loads((tmp_path / "one.json").read_text())
    assert [(r["batch"], r["updates"]) for r in figures["equal_samples"]] == [(2, 4), (4, 2)]
    assert len(figures["equal_updates"][0]["seeds"]) == 2
    head, *rows = (tmp_path / "one" / "sweep.csv").read_text().splitlines()
    assert head.startswith("batch,seed,updates,samples,loss,error_mm") and len(rows) == 2 * (4 + 3)
    assert command("--batches", "8", "--seeds", "1", "--updates", "1", "--out", "one") == 0  # others beside them
    (tmp_path / "tiny.yaml").write_text(TEXT.replace("hidden: 4", "hidden: 5"))
    assert command(*words, "--out", "one") == 2
    assert "choose another folder" in capsys.readouterr().err
    assert command("--batches", "2", "--out", "three") == 2 and "give updates" in capsys.readouterr().err
