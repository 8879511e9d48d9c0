"""Folds of a benchmark hold out what they name, and what is held out does not choose the candidate."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.models import Lda, LdaOptions
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.benchmark import (
    Candidate,
    FoldScore,
    Origin,
    benchmark,
    evaluate,
    folds,
    mean_accuracy,
    origin_of,
    select,
)  # fmt: skip
from myoprosthesis.training.decoding.windows import Windows

ORIGINS = {f"{p}{s}": Origin(p, f"day{s}") for p in "AB" for s in (1, 2, 10)}


def made(seed=0, n=24):
    """Two classes in six files, two repetitions each; column 0 tells the class, column 1 nothing."""
    files = np.repeat(list(ORIGINS), n)
    label = np.tile(["a", "b"], len(files) // 2)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(len(files), 2))
    x[:, 0] += 3.0 * (label == "b")
    count = np.arange(len(files))
    return Windows(
        x, label, np.zeros((len(files), 0)), files, files, (count % 4 // 2).astype(str), count, count, count, count
    )


def candidates():
    model = Lda(LdaOptions())
    return [Candidate("noise", model, np.array([1])), Candidate("signal", model, np.array([0]))]


@pytest.mark.parametrize(
    ("protocol", "held_out"),
    [
        ("sessions", {"A1": "A2 A10", "A2": "A1 A10", "A10": "A1 A2", "B1": "B2 B10", "B2": "B1 B10", "B10": "B1 B2"},
         ),
        ("days", {"A2": "A1", "A10": "A1", "B2": "B1", "B10": "B1"}),
        ("people", {"A1 A2 A10": "B1 B2 B10", "B1 B2 B10": "A1 A2 A10"}),
    ],
)  # fmt: skip
def test_what_a_fold_holds_out(protocol, held_out):
    w = made()
    got = {}
    for fold in folds(w, ORIGINS, protocol):
        test, fitted = (list(dict.fromkeys(w.file[mask].tolist())) for mask in (fold.test, fold.train))
        assert not (fold.test & fold.train).any()
        got[" ".join(test)] = " ".join(fitted)
    assert got == held_out
    assert list(got) == list(held_out)  # day10 after day2


def test_repetitions_stay_within_their_session():
    w = made()
    parts = folds(w, ORIGINS, "repetitions")
    assert len(parts) == 12
    for fold in parts:
        assert set(w.file[fold.train].tolist()) == set(w.file[fold.test].tolist())
        assert not set(w.repetition[fold.train].tolist()) & set(w.repetition[fold.test].tolist())


def test_what_is_held_out_does_not_choose():
    """The held-out day is made such that the useless feature would be best there, and is not chosen for it."""
    w = made()
    fold = folds(w, ORIGINS, "sessions")[0]
    x = w.x.copy()
    x[fold.test] = x[fold.test][:, ::-1]
    turned = replace(w, x=x)
    noise, signal = (evaluate(turned, c, ("a", "b"), fold).accuracy for c in candidates())
    assert signal < 0.75
    assert select(turned, ORIGINS, candidates(), ("a", "b"), fold).name == "signal"
    x[fold.test] = np.nan
    assert select(replace(w, x=x), ORIGINS, candidates(), ("a", "b"), fold).name == "signal"
    everything = list(benchmark(made(), ORIGINS, candidates(), ("a", "b"), "people"))
    assert [choice.candidate for _, choice in everything] == ["signal", "signal"]
    assert all(choice in scores for scores, choice in everything)


def test_the_mean_is_over_people_however_many_folds_each_has():
    scores = [FoldScore(p, "", "", 1, 1, a) for p, a in (("A", 1.0), ("A", 1.0), ("A", 1.0), ("B", 0.5))]
    assert mean_accuracy(scores) == (0.75, {"A": 1.0, "B": 0.5})


def test_person_and_session_are_the_folders_or_what_patterns_find():
    folder, plain = Path("set"), RecordingFormat()
    assert origin_of(folder / "anna" / "day3" / "x.csv", folder, plain) == Origin("anna", "day3")
    assert origin_of(folder / "day3" / "x.csv", folder, plain) == Origin("set", "day3")
    named = RecordingFormat(person_from="([a-z]+)-", session_from="-([0-9]+)")
    assert origin_of(folder / "anna-3.csv", folder, named) == Origin("anna", "3")
    with pytest.raises(ConfigError, match="PERSON/SESSION/FILE"):
        origin_of(folder / "x.csv", folder, plain)
    with pytest.raises(ConfigError, match="finds nothing"):
        origin_of(folder / "x.csv", folder, named)


@pytest.mark.parametrize("protocol", ["sessions", "days", "people"])
def test_too_few_to_hold_out(protocol):
    w = made()
    with pytest.raises(ConfigError, match="only"):
        folds(w.where(w.file == "A1"), ORIGINS, protocol)


def test_a_class_that_is_not_fitted_names_the_fold():
    w = made()
    keep = ~((w.label == "b") & (w.file == "A1"))
    part = w.where(keep)
    fold = folds(part, ORIGINS, "days")[0]
    with pytest.raises(ConfigError, match="A day2 held out: class 'b' has no window"):
        evaluate(part, candidates()[0], ("a", "b"), fold)
