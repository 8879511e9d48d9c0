"""`myoprosthesis decode compare` from recordings to the report: twice the same, and what does not fit."""

import csv
import hashlib
import json

import pytest

from myoprosthesis.cli.main import main
from myoprosthesis.core import share

SHIPPED = str(share.root() / "config" / "recordings" / "libemg_myo")


def decode(*words):
    with pytest.raises(SystemExit) as end:
        main(["decode", *map(str, words)])
    return end.value.code


@pytest.fixture(scope="module")
def decoders(tmp_path_factory):
    """Two decoders that were fitted on repetition 0 of the shipped recording."""
    place = tmp_path_factory.mktemp("decoders")
    for model, features in (("lda", "mav,zc,wl"), ("logistic", "mav")):
        out = place / model
        assert decode("fit", SHIPPED, "--only", "R_[01]_", "--rest", "rest", "--model", model, "--features", features,
                      "--out", out) == 0  # fmt: skip
    return [place / "lda" / "policy.onnx", place / "logistic"]


def test_a_decoder_that_was_fitted_on_these_trials_is_named(decoders, tmp_path, capsys):
    words = ("compare", "--decoders", *decoders, "--hands", "ability_hand_model", "--out", tmp_path / "out")
    assert decode(*words, "--only", "R_[13]_C_[01]_", "--json", tmp_path / "f.json") == 0
    said = capsys.readouterr()
    for name in ("lda", "logistic"):
        assert f"warning: {name} was fitted on 2 of these 4 recordings" in said.err
    assert {d["fitted_on"] for d in json.loads((tmp_path / "f.json").read_text())["decoders"].values()} == {2}
    assert all(name in said.out for name in ("logistic", "active error", "tracking, rad"))  # in a pipe none is cut
    assert "active_error" not in said.out and "goal_rad" not in said.out
    assert decode(*words, "--only", "R_3_C_[01]_") == 0
    assert "warning" not in capsys.readouterr().err


def test_the_same_command_twice_gives_the_same_files(decoders, tmp_path, capsys):
    words = ("compare", "--only", "R_[23]_C_[01]_", "--decoders", *decoders, "--hands", "ability_hand_model",
             "leap_model")  # fmt: skip
    for name in ("one", "two"):
        assert decode(*words, "--out", tmp_path / name, "--json", tmp_path / f"{name}.json") == 0
    for name in ("decisions.csv", "movements.csv", "compare.json", "compare.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    said = capsys.readouterr().out
    figures = json.loads((tmp_path / "one.json").read_text())
    for name, digest in figures["sha256"].items():
        assert hashlib.sha256((tmp_path / "one" / name).read_bytes()).hexdigest() == digest
        assert said.count(digest) == 2
    rows = list(csv.DictReader((tmp_path / "one" / "decisions.csv").open()))
    assert len(rows) == 2 * 4 and {r["decoder"] for r in rows} == {"lda", "logistic"}
    assert len(list(csv.DictReader((tmp_path / "one" / "movements.csv").open()))) == 2 * 2 * 4
    by = figures["by_decoder"]["lda"]
    mine = [r for r in rows if r["decoder"] == "lda"]
    n = sum(int(r["windows"]) for r in mine)
    assert by["windows"] == n
    assert by["accuracy"] == pytest.approx(sum(float(r["accuracy"]) * int(r["windows"]) for r in mine) / n)
    assert by["by_repetition"]["2"]["accuracy"] > by["by_repetition"]["3"]["accuracy"], "the band is turned in 3"
    other = next(d for d in figures["differences"] if (d["measure"], d["under"]) == ("accuracy", ""))
    pairs = [
        float(a["accuracy"]) - float(b["accuracy"])
        for a in rows for b in rows
        if (a["decoder"], b["decoder"]) == ("lda", "logistic") and a["trial"] == b["trial"]
    ]  # fmt: skip
    assert other["trials"] == 4 and other["difference"] == pytest.approx(sum(pairs) / 4)
    assert other["low"] <= other["difference"] <= other["high"]


def test_what_does_not_fit_ends_it_unless_skipped(decoders, tmp_path, capsys):
    words = ("compare", SHIPPED, "--only", "R_2_C_[01]_", "--out", tmp_path / "out")
    assert decode(*words, "--decoders", decoders[1], "reach_null", "nobody") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and "reach_null: policy 'reach_null' is no decoder" in said[0] and "nobody" in said[1]
    assert "2 of 3 decoders" in said[2] and not (tmp_path / "out").exists()
    assert decode(*words, "--decoders", decoders[1], "reach_null", "--skip", "--json", tmp_path / "out.json") == 0
    figures = json.loads((tmp_path / "out.json").read_text())
    assert list(figures["by_decoder"]) == ["logistic"] and figures["left_out"] == ["reach_null"]
    assert figures["differences"] == [] and "left out: reach_null" in capsys.readouterr().err
    assert decode(*words, "--decoders", "reach_null", "--skip") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--hands", "arm26"), "has no pose 'open'"),
        (("--hands", "leap_model", "leap_model"), "a hand is named twice"),
        (("--grips", "close"), "pairs as close=power"),
        (("--only", "R_9_"), "no recording whose path"),
    ],
)
def test_bad_input_ends_with_a_sentence(tmp_path, capsys, words, sentence):
    assert decode("compare", "--decoders", "gestures_myo", "--out", tmp_path / "out", *words) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "out").exists()
