"""`myoprosthesis decode bench` and `decode adapt` from folders of recordings to figures and files."""

import csv
import hashlib
import json

import numpy as np
import pytest

from myoprosthesis.cli.main import main
from myoprosthesis.core import share
from myoprosthesis.policies.onnx_policy import read_contract

FLAGS = ("--rate", 200, "--unit", "counts", "--channels", "ch1,ch2", "--label-from", "([a-z]+)[0-9][.]csv",
         "--repetition-from", "([0-9])[.]csv")  # fmt: skip


def main_decode(*words):
    with pytest.raises(SystemExit) as end:
        main(["decode", *map(str, words)])
    return end.value.code


def bench(*words):
    return main_decode("bench", *words)


@pytest.fixture
def dataset(tmp_path):
    """Two people, two days, two gestures that differ in the strength of each channel."""
    rng = np.random.default_rng(0)
    for person in ("anna", "bert"):
        for day in ("day1", "day2"):
            folder = tmp_path / "set" / person / day
            folder.mkdir(parents=True)
            for label, strength in (("close", (30, 5)), ("open", (5, 30))):
                for k in (1, 2):
                    np.savetxt(folder / f"{label}{k}.csv", rng.normal(0, strength, (200, 2)).round(), "%d", ",")
    (tmp_path / "set" / "LICENSE").write_text("free")
    return tmp_path / "set"


def test_figures_of_every_fold(dataset, tmp_path, capsys):
    files = [tmp_path / f"f.{kind}" for kind in ("json", "csv", "png")]
    flags = [word for f in files for word in (f"--{f.suffix[1:]}", f)]
    assert bench(dataset, *FLAGS, "--protocol", "sessions", "--features", "zc", "mav,zc", *flags) == 0
    figures = json.loads(files[0].read_text())
    assert [(f["person"], f["held_out"]) for f in figures["folds"]] == [
        (p, d) for p in ("anna", "bert") for d in ("day1", "day2")
    ]  # fmt: skip
    names = [c["name"] for c in figures["candidates"]]
    assert names == ["lda zc", "lda mav,zc", "selected"]
    assert figures["mean_accuracy"] == figures["candidates"][-1]["mean_accuracy"] > 0.95
    assert {f["candidate"] for f in figures["folds"]} == {"lda mav,zc"}
    better = figures["candidates"][1]["difference"]
    assert 0 < better["low"] <= better["value"] <= better["high"]
    assert better["value"] == pytest.approx(
        np.mean([c["accuracy"] for c in figures["candidates"][1]["folds"]])
        - np.mean([c["accuracy"] for c in figures["candidates"][0]["folds"]])
    )
    assert len(list(csv.DictReader(files[1].open()))) == 3 * 4
    assert files[2].read_bytes()[:4] == b"\x89PNG"
    assert [f.rpartition("/")[2] for f in figures["left_out"]] == ["LICENSE"]
    assert "LICENSE" in capsys.readouterr().out


def test_one_candidate_is_what_is_reported(dataset, tmp_path):
    assert bench(dataset, *FLAGS, "--protocol", "people", "--features", "mav", "--json", tmp_path / "f.json") == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    assert [c["name"] for c in figures["candidates"]] == ["lda mav"]
    assert [f["held_out"] for f in figures["folds"]] == ["anna", "bert"]


def test_a_file_without_a_window_is_not_skipped(dataset, capsys):
    np.savetxt(dataset / "anna" / "day1" / "close3.csv", -7 - np.arange(20).reshape(10, 2) % 13, "%d", ",")
    assert bench(dataset, *FLAGS) != 0
    assert "close3.csv holds no labelled window" in capsys.readouterr().err


def test_a_file_in_no_session_is_not_skipped(dataset, capsys):
    here = (dataset / "anna" / "day1" / "close1.csv").read_bytes()
    (dataset / "close1.csv").write_bytes(here)
    assert bench(dataset, *FLAGS) != 0
    assert f"close1.csv is the same recording as {dataset}" in capsys.readouterr().err
    (dataset / "close1.csv").write_bytes(b"\n".join([here.splitlines()[0], *here.splitlines()[:0:-1], b""]))
    assert bench(dataset, *FLAGS) != 0
    assert "PERSON/SESSION/FILE" in capsys.readouterr().err


def test_without_a_repetition_to_choose_by(dataset, capsys):
    for file in dataset.rglob("*2.csv"):
        file.unlink()
    assert bench(dataset, *FLAGS, "--protocol", "days", "--features", "mav", "zc") != 0
    assert "nothing to choose features and model by" in capsys.readouterr().err
    assert bench(dataset, *FLAGS, "--protocol", "days", "--features", "mav") == 0


def test_adapt_writes_a_new_decoder_with_its_parentage(dataset, tmp_path, capsys):
    """The first day has one gain per electrode, the new one another: both gestures move across the boundary."""
    old, new = tmp_path / "old", tmp_path / "new"
    rng = np.random.default_rng(1)
    today = tmp_path / "today"
    today.mkdir()
    for label, strength in (("close", (30, 40)), ("open", (5, 240))):
        for k in (1, 2):
            np.savetxt(today / f"{label}{k}.csv", rng.normal(0, strength, (400, 2)).round(), "%d", ",")
    assert main_decode("fit", dataset, *FLAGS, "--features", "tdpsd,ring,log_cov", "--out", old) == 0
    before = (old / "policy.onnx").read_bytes()
    adapt = ("adapt", old / "policy.onnx", "--with", today, *FLAGS[:8], "--seconds", 3)
    assert main_decode(*adapt, "--out", new, "--json", tmp_path / "a.json") == 0
    parent = read_contract(new / "policy.onnx").result["adapted_from"]
    assert parent["sha256"] == hashlib.sha256(before).hexdigest()
    assert (parent["name"], parent["method"]) == ("old", "labelled") and parent["after"] > parent["before"]
    assert (old / "policy.onnx").read_bytes() == before
    assert json.loads((tmp_path / "a.json").read_text())["adapted_from"] == parent
    accuracy = {}
    for name in (old, new):
        words = ("evaluate", today, *FLAGS[:8], "--decoder", name / "policy.onnx", "--json", tmp_path / "e.json")
        assert main_decode(*words) == 0
        accuracy[name] = json.loads((tmp_path / "e.json").read_text())["accuracy"]
    assert accuracy[new] > accuracy[old] + 0.05
    assert main_decode(*adapt, "--out", new) != 0
    assert "not overwritten" in capsys.readouterr().err


def test_adapt_refuses_and_writes_nothing(dataset, tmp_path, capsys):
    old, out = tmp_path / "old", tmp_path / "new"
    assert main_decode("fit", dataset, *FLAGS, "--features", "log_cov", "--out", old) == 0
    adapt = ("adapt", old / "policy.onnx", "--out", out, *FLAGS[:4], *FLAGS[6:8], "--with")
    same = ("--channels", "ch1,ch2")
    for words, sentence in (
        ((dataset / "anna" / "day2", *same), "decoder stays"),
        ((dataset / "anna" / "day2" / "close1.csv", *same), "class 'open' does not occur"),
        ((dataset / "anna" / "day2", "--channels", "ch1"), "have 1 electrodes"),
        ((dataset / "anna" / "day2", *same, "--seconds", 0.5), "at least"),
    ):
        assert main_decode(*adapt, *words) != 0
        assert sentence in capsys.readouterr().err
        assert not out.exists()


def test_adaptation_in_the_bench_is_held_against_the_decoder_without_it(dataset, tmp_path, capsys):
    rng = np.random.default_rng(2)
    for file in sorted((dataset / "anna" / "day2").glob("*.csv")):  # its second electrode came loose
        strength = (30, 40) if file.name.startswith("close") else (5, 240)
        np.savetxt(file, rng.normal(0, strength, (200, 2)).round(), "%d", ",")
    flags = (*FLAGS, "--features", "tdpsd,log_cov", "--json", tmp_path / "f.json")
    assert bench(dataset, *flags, "--protocol", "days", "--adapt", "labelled") == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    anna, bert = figures["folds"]
    assert anna["accuracy"] > anna["before"] + 0.05
    assert abs(bert["accuracy"] - bert["before"]) < 0.1
    assert figures["candidates"][0]["mean_before"] == pytest.approx((anna["before"] + bert["before"]) / 2)
    assert figures["candidates"][0]["smallest_gain"] == min(f["accuracy"] - f["before"] for f in (anna, bert))
    assert "smallest gain" in capsys.readouterr().out
    assert (
        bench(dataset, *flags, "--protocol", "people", "--adapt", "unlabelled", "--repetition-from", "([12])[.]csv")
        == 0
    )
    folds = json.loads((tmp_path / "f.json").read_text())["folds"]
    assert [(f["person"], f["held_out"]) for f in folds] == [(p, d) for p in ("anna", "bert") for d in ("day1", "day2")]
    assert all("too few" in f["refused"] and f["accuracy"] == f["before"] for f in folds)  # of 1 s each
    assert bench(dataset, *flags, "--seconds", 5) != 0
    assert "--adapt labelled" in capsys.readouterr().err


def test_unlabelled_adaptation_refuses_and_writes_nothing(dataset, tmp_path, capsys):
    old, out = tmp_path / "old", tmp_path / "new"
    assert main_decode("fit", dataset, *FLAGS, "--features", "log_cov", "--out", old) == 0
    words = ("adapt", old / "policy.onnx", "--unlabelled", "--out", out, *FLAGS[:4], *FLAGS[6:8], "--with")
    assert main_decode(*words, dataset / "anna" / "day2" / "close1.csv", "--channels", "ch1,ch2") != 0
    assert "too few to adapt 2 classes" in capsys.readouterr().err
    assert not out.exists()


def test_unlabelled_adaptation_writes_its_method_and_its_checks(dataset, tmp_path):
    """Gains change from day to day; the day is one long recording without labels, whose movements take turns."""
    old, new = tmp_path / "old", tmp_path / "new"
    rng = np.random.default_rng(3)
    turns = [rng.normal(0, s, (400, 2)) * (1, 3) for _ in range(4) for s in ((30, 5), (5, 30))]
    np.savetxt(tmp_path / "today.csv", np.concatenate(turns).round(), "%d", ",")
    assert main_decode("fit", dataset, *FLAGS, "--features", "tdpsd,log_cov", "--out", old) == 0
    words = ("adapt", old / "policy.onnx", "--unlabelled", "--out", new, *FLAGS[:4], "--channels", "ch1,ch2", "--with")
    assert main_decode(*words, tmp_path / "today.csv") == 0
    parent = read_contract(new / "policy.onnx").result["adapted_from"]
    assert parent["method"] == "unlabelled" and parent["agreement_after"] >= parent["agreement_before"]
    assert parent["sha256"] == hashlib.sha256((old / "policy.onnx").read_bytes()).hexdigest()


def test_a_turned_band_is_found_and_undone(tmp_path, capsys):
    """Of the shipped sample the band of repetition 3 was worn the other way round; no label of it is used."""
    sample = share.root() / "config" / "recordings" / "libemg_myo"
    old, new = tmp_path / "old", tmp_path / "new"
    assert main_decode("fit", sample, "--only", "R_[012]_", "--out", old) == 0
    adapt = ("adapt", old / "policy.onnx", "--with", sample, "--out", new, "--turned")
    assert main_decode(*adapt, "--only", "R_3_", "--unlabelled") != 0
    assert "give --unlabelled afterwards" in capsys.readouterr().err
    assert main_decode(*adapt, "--only", "R_2_") != 0
    assert "the band sits as it did" in capsys.readouterr().err and not new.exists()
    assert main_decode(*adapt, "--only", "R_3_") == 0
    contract = read_contract(new / "policy.onnx")
    assert contract.decoding["band_reversed"] and contract.decoding["band_turn"] == pytest.approx(1.0, abs=0.3)
    assert contract.result["adapted_from"]["method"] == "turned"
    accuracy = {}
    for name in (old, new):
        words = ("--only", "R_3_", "--decoder", name / "policy.onnx", "--json", tmp_path / "e.json")
        assert main_decode("evaluate", sample, *words) == 0
        accuracy[name] = json.loads((tmp_path / "e.json").read_text())["accuracy"]
    assert accuracy[old] < 0.3 and accuracy[new] > 0.98
