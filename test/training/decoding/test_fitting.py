"""Fitting and judging decoders: the figures that are promised, and that nothing leaks into them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core import share
from myoprosthesis.decoders.models import Lda, LdaOptions
from myoprosthesis.emg.recording import EmgRecording, Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.training.decoding.windows import repetitions, splits

ROOT = share.root()
SHIPPED = ROOT / "config" / "recordings" / "libemg_myo"
DATA = Path(os.environ.get("MYOPROSTHESIS_RECORDINGS", ROOT.parent / "shared" / "data" / "emg"))


@pytest.fixture(scope="module")
def words_run():
    """Words of `decode` that have been run as processes of their own."""
    return set()


@pytest.fixture
def decode(command, command_here, words_run, tmp_path):
    """`myoprosthesis decode …`; its figures. Each word once as a process, then in this one, which has all imported."""

    def run(*words, status=0):
        file = tmp_path / "figures.json"
        first = words[0] not in words_run
        words_run.add(words[0])
        done = (command if first else command_here)("decode", *(str(w) for w in words), "--json", str(file))
        assert done.returncode == status, done.stdout + done.stderr
        return (json.loads(file.read_text()) if status == 0 else {}), done.stdout + done.stderr

    return run


@pytest.fixture
def recordings():
    """The folder of a recording that is not shipped."""

    def find(name):
        if not (DATA / name).is_dir():
            pytest.skip(f"no recordings {name} in {DATA} (MYOPROSTHESIS_RECORDINGS)")
        return DATA / name, "--recording-info", ROOT / "config" / "recordings" / f"{name}.yaml"

    return find


def test_the_shipped_sample_is_decoded_and_a_turned_band_is_noticed(decode, tmp_path):
    out = tmp_path / "mine"
    figures, words = decode("fit", SHIPPED, "--only", "R_[012]_", "--out", out, "--png", tmp_path / "confusion.png")
    assert figures["judged"]["accuracy"] >= 0.99 and min(figures["judged"]["folds"].values()) >= 0.99
    assert len(figures["judged"]["folds"]) == 3 and figures["judged"]["windows"] == 852
    assert figures["export_gap"] < 1e-4
    assert (tmp_path / "confusion.png").stat().st_size > 5000
    assert "leave" not in words and (out / "card.md").read_text().startswith("# mine")
    known, _ = decode("evaluate", SHIPPED, "--only", "R_[012]_", "--decoder", out / "policy.onnx")
    assert known["drift_decisions"] == 0 and known["accuracy"] >= 0.99
    turned, words = decode("evaluate", SHIPPED, "--only", "R_3_", "--decoder", out / "policy.onnx")
    assert turned["accuracy"] < 0.5
    assert len(turned["drift_recordings"]) >= 3 and "drift: " in words


@pytest.mark.parametrize(("fitted", "other"), [("12", "0"), ("02", "1"), ("01", "2")])
def test_no_drift_is_told_of_in_a_repetition_that_was_not_fitted(decode, tmp_path, fitted, other):
    decode("fit", SHIPPED, "--only", f"R_[{fitted}]_", "--out", tmp_path / "mine")
    figures, _ = decode("evaluate", SHIPPED, "--only", f"R_{other}_", "--decoder", tmp_path / "mine" / "policy.onnx")
    assert figures["drift_decisions"] == 0 and figures["accuracy"] >= 0.99


def test_another_model_decodes_the_shipped_sample(decode):
    figures, _ = decode("evaluate", SHIPPED, "--only", "R_[012]_", "--model", "logistic")
    assert figures["accuracy"] >= 0.98


def test_eight_gestures_of_a_wrist(decode, recordings):
    one = (*recordings("myo_readings"), "--only", "45612-./[1-7][.]txt")  # a person's decoder is of that person
    assert decode("evaluate", *one)[0]["accuracy"] >= 0.965
    by_session = decode("evaluate", *one, "--by", "session", "--test", "45612-3")[0]
    assert by_session["accuracy"] >= 0.94


def test_five_fingers_on_their_own(decode, recordings):
    figures, _ = decode("evaluate", *recordings("cyton_fingers"))
    assert figures["accuracy"] >= 0.82
    assert all(share > figures["majority"][finger] for finger, share in figures["per_switch"].items())


def test_the_force_of_a_grip(decode, recordings):
    assert decode("evaluate", *recordings("grip_force"))[0]["r2"] >= 0.84
    assert decode("evaluate", *recordings("grip_force"), "--model", "mlp")[0]["r2"] >= 0.84
    pytest.importorskip("torch")
    two = (*recordings("grip_force"), "--only", "0[14]")  # a network takes 9 s for a file
    ridge, gru = (decode("evaluate", *two, "--model", model)[0]["folds"] for model in ("ridge", "gru"))
    assert len(gru) == 2 and all(gru[fold] > ridge[fold] + 0.003 for fold in ridge)


def test_windows_with_a_gap_in_them_are_counted_by_fit_and_evaluate(decode, tmp_path):
    rng, n = np.random.default_rng(0), 6000
    label = np.where(np.arange(n) // 1000 % 2, "fist", "rest")
    x = rng.normal(0, 1, (n, 2)) * np.where(label == "fist", 9, 1)[:, None]
    for lost in (0, 1):
        t = np.arange(n) / 1000 + lost * (np.arange(n) >= 2525)
        rows = "".join(f"{a:.3f},{b:.4f},{c:.4f},{d}\n" for a, (b, c), d in zip(t, x, label, strict=True))
        (tmp_path / f"{lost}.csv").write_text("time,EMG1,EMG2,label\n" + rows)
    said = ("--rate", 1000, "--unit", "uV", "--time", "time", "--label", "label")
    whole, words = decode("fit", tmp_path / "0.csv", *said, "--out", tmp_path / "mine")
    assert "gap in time" not in words
    gappy, words = decode("evaluate", tmp_path / "1.csv", *said)
    assert "4 windows have a gap in time in them, and do not count" in words
    assert f"fault: {tmp_path / '1.csv'}: 1 gap in time, 1.000 s in all" in words and gappy["faults"]["gaps"] == 1
    assert gappy["windows"] == whole["judged"]["windows"] - 4
    there = ("--decoder", tmp_path / "mine" / "policy.onnx")
    played, words = decode("evaluate", tmp_path / "1.csv", *said, *there)
    assert "4 windows have a gap in time in them, and do not count" in words and played["accuracy"] > 0.98
    assert "1 gap in time, 1.000 s in all" in words and played["faults"]["gaps"] == 1


def test_a_step_of_no_whole_number_of_samples_is_said_and_is_the_period_of_the_decoder(decode, tmp_path):
    """At 250 Hz, the rate of an OpenBCI board, the default of 0.05 s is 12.5 samples."""
    rng, n, rate = np.random.default_rng(0), 6000, 250
    label = np.where(np.arange(n) // 500 % 2, "fist", "rest")
    x = rng.normal(0, 1, (n, 2)) * np.where(label == "fist", 9, 1)[:, None]
    rows = "".join(f"{k / rate:.3f},{b:.4f},{c:.4f},{d}\n" for k, ((b, c), d) in enumerate(zip(x, label, strict=True)))
    (tmp_path / "a.csv").write_text("time,EMG1,EMG2,label\n" + rows)
    (tmp_path / "b.csv").write_text("time,EMG1,EMG2,label\n" + rows.replace(",fist", ",Fist"))
    layout = ("--rate", rate, "--unit", "uV", "--time", "time", "--label", "label")
    _, words = decode("fit", tmp_path / "a.csv", *layout, "--out", tmp_path / "mine")
    assert "a step of 0.05 s is 12.5 samples at 250 Hz: 12 are taken, 0.048 s" in words and "a window of" not in words
    file = tmp_path / "mine" / "policy.onnx"
    assert read_contract(file).dt == 0.048
    assert "window 0.2 s every 0.048 s" in (tmp_path / "mine" / "card.md").read_text()
    adapt = ("--with", tmp_path / "b.csv", *layout, "--unlabelled", "--out", tmp_path / "again")
    figures, _ = decode("adapt", tmp_path / "mine", *adapt)
    count, seconds = (n - 50) // 12 + 1, figures["adapted_from"]["seconds"]
    assert figures["windows"] == count and seconds == pytest.approx(count * 0.048) and seconds < n / rate


def test_faults_of_the_recordings_are_said_and_kept_with_the_decoder(decode, tmp_path):
    rng, n = np.random.default_rng(0), 4000
    label = np.where(np.arange(n) // 500 % 2, "fist", "rest")
    x = rng.normal(0, 1, (2, n, 2)) * np.where(label == "fist", 9, 1)[:, None]
    x[0] += 20 * np.sin(2 * np.pi * 50 * np.arange(n) / 1000)[:, None]  # hum in both channels of one file
    x[1, :, 1] = np.clip(x[1, :, 1], -12, 12)  # saturated in one of the other
    for k in range(2):
        rows = "".join(f"{a:.3f},{b:.3f},{c}\n" for (a, b), c in zip(x[k], label, strict=True))
        (tmp_path / f"{k}.csv").write_text("# rate: 1000\n# unit: uV\nEMG1,EMG2,label\n" + rows)
    files, out = (tmp_path / "0.csv", tmp_path / "1.csv"), tmp_path / "mine"
    figures, words = decode("fit", *files, "--label", "label", "--out", out)
    clipped = int((abs(x[1, :, 1]) == 12).sum())
    saturated, mains = f"{clipped} values are saturated (EMG2)", "mains at 50 Hz: EMG1, EMG2"
    assert f"fault: recordings: {saturated}" in words and mains in words
    assert figures["faults"]["saturated"] == [0, clipped] and figures["fault_sentences"] == [saturated, mains]
    card = (out / "card.md").read_text()
    assert f"Of the recordings: {saturated}.\n" in card and mains in card


def test_what_is_held_out_is_not_seen_by_the_fit(recording, cut):
    from myoprosthesis.training.decoding.fitting import fit

    w = cut([recording()])
    (_, train, test), *_ = splits(w, "repetition", ["odd"])
    fitted = fit(w.where(train), Lda(LdaOptions()), "classification", ("a", "b"))
    spoilt = w.x.copy()
    spoilt[test] = 1e6
    w2 = type(w)(**{**vars(w), "x": spoilt})
    again = fit(w2.where(train), Lda(LdaOptions()), "classification", ("a", "b"))
    assert np.array_equal(fitted.normaliser.mean, again.normaliser.mean)
    assert np.array_equal(fitted.network.layers[0][0], again.network.layers[0][0])


def refusal(words):
    """The one sentence of a refusal; before it nothing is said but what is wrong with the recordings."""
    *before, last = words.strip().splitlines()
    assert all(line.startswith("fault: ") for line in before) and last.startswith("error: ")
    return last


NOISE = np.random.default_rng(0).normal(0, 20, (800, 4)).round(2)


def write(folder, name="R_0_C_0_EMG.csv", rows=NOISE, header="emg_a,emg_b,emg_c,emg_d"):
    folder.mkdir(exist_ok=True)
    text = "\n".join(",".join(str(v) for v in row) for row in rows)
    (folder / name).write_text(f"{header}\n{text}\n" if header else text)


def pair(folder, **more):
    """Two classes in two repetitions, of which some file is as said."""
    for repetition in range(2):
        for gesture in range(2):
            write(folder, f"R_{repetition}_C_{gesture}_EMG.csv", NOISE * (1 + 3 * gesture) + repetition)
    write(folder, **more)


SAID = ("--rate", "200", "--unit", "uV", "--label-from", "C_([0-9])", "--repetition-from", "R_([0-9])")


@pytest.mark.parametrize(
    ("spoil", "options", "sentence"),
    [
        ({}, SAID[2:], "does not say its sampling rate"),
        ({"rows": np.where(np.arange(4) == 1, np.nan, NOISE)}, SAID, "'emg_b' holds values that are not finite"),
        ({"rows": NOISE * [1, 1, 0, 1]}, SAID, "channel 'emg_c' is flat"),
        (
            {"rows": NOISE[:, :3], "header": "emg_a,emg_b,emg_c", "name": "R_1_C_1.csv"},
            SAID,
            "channel 'emg_d' is wanted but not there",
        ),
        ({"rows": NOISE[:10]}, (*SAID, "--window-s", "0.01"), "at least 6"),
        ({}, SAID[:4], "no labelled window"),
        ({}, (*SAID, "--model", "svm"), "unknown decoder 'svm': known are conv, gru, lda, logistic, mlp, ridge"),
        ({}, (*SAID, "--model", "ridge"), "fits regression, not classification"),
        ({}, (*SAID, "--model-options", "rigde=3"), "unknown option 'rigde'"),
        ({}, (*SAID, "--features", "mav,hjorth"), "unknown feature 'hjorth'"),
        ({}, (*SAID, "--low-pass-hz", "300"), "below half the rate"),
        ({}, (*SAID, "--task", "regression"), "unit of the targets"),
        ({}, (*SAID, "--by", "time", "--test", "odd"), "has no use in a split by time"),
        ({}, (*SAID, "--decoder", "none.onnx", "--step-s", "0.3", "--by", "file"), "--by, --step-s cannot be"),
        ({}, (*SAID, "--rest", "nothing"), "none of the classes 0, 1"),
    ],
)
def test_bad_input_gets_one_sentence(decode, tmp_path, spoil, options, sentence):
    pair(tmp_path / "rec", **spoil)
    _, words = decode("evaluate", tmp_path / "rec", *options, status=2)
    assert sentence in refusal(words)


def force(folder, follows):
    """Three files of noise whose size is what is measured beside it, or is not."""
    rng, n = np.random.default_rng(0), 6000
    folder.mkdir()
    for k in range(3):
        level = 1.0 + np.abs(np.sin(np.arange(n) / (300.0 + 40 * k)))
        emg = rng.normal(0.0, 1.0, (n, 4)) * level[:, None]
        measured = level if follows else 1.0 + np.abs(np.cos(np.arange(n) / (90.0 + 25 * k)))
        rows = np.column_stack([emg, measured])
        np.savetxt(folder / f"{k}.csv", rows, "%.5f", ",", header="emg_a,emg_b,emg_c,emg_d,force", comments="")
    said = ("--rate", "1000", "--unit", "V", "--targets", "force", "--target-unit", "N", "--high-pass-hz", "0")
    return (folder, *said, "--task", "values", "--model", "ridge", "--by", "file")


def test_values_have_an_interval_and_what_the_emg_does_not_tell_is_not_written(decode, tmp_path):
    figures, words = decode("fit", *force(tmp_path / "good", True), "--out", tmp_path / "mine")
    interval = figures["judged"]["interval"]
    assert figures["judged"]["r2"] > 0.5 and 0.85 < interval["coverage"] < 0.95
    assert "90% of the held-out windows lie within force ± " in words and "by the other folds: " in words
    assert "further off" not in words
    _, words = decode("fit", *force(tmp_path / "bad", False), "--out", tmp_path / "none", status=2)
    assert "nothing is written: a decoder whose R² is -" in words and not (tmp_path / "none").exists()
    assert "0.csv" in words and "is further off than the mean of what was measured" in words


def test_a_part_whose_target_keeps_one_value_has_no_r2(decode, tmp_path):
    """A file at rest: nothing varies in it, and what it says of the decoder is how far off it is."""
    words = force(tmp_path / "rec", True)
    rows = [r.split(",") for r in (tmp_path / "rec" / "0.csv").read_text().splitlines()]
    rest = [rows[0], *([*r[:-1], "0.00"] for r in rows[1:])]
    (tmp_path / "rec" / "rest.csv").write_text("".join(f"{','.join(r)}\n" for r in rest[:1] + rest[:0:-1]))
    figures, text = decode("evaluate", *words)
    assert figures["folds"]["rest.csv"] is None and len(figures["folds"]) == 4
    others = [v for v in figures["folds"].values() if v is not None]
    assert figures["r2_worst"] == min(others) and figures["r2"] == np.median(others)
    assert "in rest.csv the targets keep one value, so that there is no R²" in text


def test_files_of_one_name_in_several_folders_are_folds_of_their_own(decode, tmp_path):
    """One of them is labelled wrongly: it is seen. So are sessions of one name of several people."""
    rng = np.random.default_rng(6)
    for k, place in enumerate(("anna/day1", "anna/day2", "ben/day1")):
        for run in (1, 2):
            x, label = labelled(("rest", "fist", "open"), rng)
            wrong = {"rest": "fist", "fist": "open", "open": "rest"}
            label = [wrong.get(n, n) for n in label] if (k, run) == (0, 1) else label
            (tmp_path / place).mkdir(parents=True, exist_ok=True)
            written(tmp_path / place / f"run{run}.csv", x, label)
    made, words = decode("evaluate", tmp_path, *FLAGS, "--by", "file")
    names = {f"{place}/run{run}.csv" for place in ("anna/day1", "anna/day2", "ben/day1") for run in (1, 2)}
    assert set(made["folds"]) == names and made["folds"]["anna/day1/run1.csv"] < 0.4 < 0.8 < made["fold_mean"] + 0.2
    assert made["fold_worst"] == made["folds"]["anna/day1/run1.csv"] and "anna/day1/run1.csv" in words
    people = ("--person-from", "/([a-z]+)/day", "--session-from", "(day.)", "--by", "session")
    assert set(decode("evaluate", tmp_path, *FLAGS, *people)[0]["folds"]) == {"anna/day1", "anna/day2", "ben/day1"}


def test_channels_in_another_order_are_matched_by_name(decode, tmp_path):
    loud = NOISE * [1, 5, 20, 50]
    rng = np.random.default_rng(5)
    for repetition in range(3):
        for gesture in range(2):
            order = [3, 1, 0, 2] if repetition == 2 else [0, 1, 2, 3]
            rows = rng.permutation(loud) * (1 + gesture * np.array([0, 3, 0, 2]))
            name = f"R_{repetition}_C_{gesture}_EMG.csv"
            write(tmp_path / "rec", name, rows[:, order], ",".join(f"emg_{'abcd'[k]}" for k in order))
    decode("fit", tmp_path / "rec", *SAID, "--only", "R_[01]", "--out", tmp_path / "mine")
    there = ("--decoder", tmp_path / "mine" / "policy.onnx")
    figures, _ = decode("evaluate", tmp_path / "rec", *SAID, "--only", "R_2", *there)
    assert figures["accuracy"] > 0.95 and figures["drift_decisions"] == 0
    for options, sentence in (
        ((*SAID, "--channels", "emg_a,emg_b,emg_c"), "knows EMG channel 'emg_d', which is not there"),
        (("--rate", "400", *SAID[2:]), "fitted in V at 200 Hz"),
        ((*SAID[:2], "--unit", "counts", *SAID[4:]), "is in counts"),
    ):
        _, words = decode("evaluate", tmp_path / "rec", *options, *there, status=2)
        assert sentence in words
    write(tmp_path / "other", "R_2_C_0_EMG.csv", loud, "emg_p,emg_q,emg_r,emg_s")
    _, words = decode("evaluate", tmp_path / "other", *SAID, *there, status=2)
    assert "knows EMG channel 'emg_a', which is not there; there are: emg_p, emg_q" in words


def test_a_decoder_is_not_judged_by_a_channel_that_is_off(decode, tmp_path):
    pair(tmp_path / "rec")
    decode("fit", tmp_path / "rec", *SAID, "--channels", "emg_a,emg_b,emg_c", "--out", tmp_path / "mine")
    there = ("--only", "R_0_C_0", "--decoder", tmp_path / "mine" / "policy.onnx")
    for k, value, sentence in ((1, np.nan, "'emg_b' holds values that are not finite"), (2, 5.0, "'emg_c' is flat")):
        rows = NOISE.copy()
        rows[:, k] = value
        write(tmp_path / "rec", "R_0_C_0_EMG.csv", rows)
        _, words = decode("evaluate", tmp_path / "rec", *SAID, *there, status=2)
        assert sentence in refusal(words) and "the decoder needs it" in refusal(words)
    rows = NOISE.copy()
    rows[:, 3] = 5.0  # one that the decoder does not know
    write(tmp_path / "rec", "R_0_C_0_EMG.csv", rows)
    decode("evaluate", tmp_path / "rec", *SAID, *there)


def labelled(labels, seed=0, seconds=9):
    """EMG of four channels at 1 kHz whose loudness goes by the label, half a second each."""
    rng, n = np.random.default_rng(seed), 1000 * seconds
    label = [labels[k // 500 % len(labels)] for k in range(n)]
    loud = {"rest": [3, 3, 3, 3], "fist": [40, 9, 5, 20], "open": [5, 30, 50, 9], "pinch": [20, 5, 9, 60], "": [3] * 4}
    x = rng.normal(0, 1, (n, 4)) * np.array([loud[name] for name in label])
    return x, label


def written(path, x, label, **columns):
    names = [f"EMG{k + 1}" for k in range(x.shape[1])]
    head = ",".join([*names, *columns, "label"])
    rows = zip(x, *columns.values(), label, strict=True)
    lines = [",".join([*(f"{v:.4f}" for v in row[0]), *map(str, row[1:])]) for row in rows]
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


FLAGS = ("--rate", 1000, "--unit", "uV", "--label", "label")


def test_a_recording_that_is_there_twice_is_refused_and_one_of_the_fit_is_told_of(decode, tmp_path):
    file = written(tmp_path / "a.csv", *labelled(("rest", "fist", "open")))
    (tmp_path / "copy.csv").write_bytes(file.read_bytes())
    for command in (("evaluate",), ("fit", "--out", tmp_path / "no")):
        _, words = decode(command[0], file, tmp_path / "copy.csv", *FLAGS, *command[1:], status=2)
        assert f"copy.csv is the same recording as {file}" in refusal(words)
    assert "is there twice" in refusal(decode("evaluate", file, file, *FLAGS, status=2)[1])
    assert "nosuch.csv does not exist" in refusal(
        decode("evaluate", file, tmp_path / "nosuch.csv", *FLAGS, status=2)[1]
    )
    lines = file.read_text().splitlines()
    piece = tmp_path / "piece.csv"
    piece.write_text("\n".join([lines[0], *lines[len(lines) // 3 :]]) + "\n")
    words = refusal(decode("evaluate", file, piece, *FLAGS, status=2)[1])
    assert f"{file}" in words and f"{piece}" in words and "s of samples in common: leave one of them out" in words
    made, words = decode("fit", file, *FLAGS, "--out", tmp_path / "mine")
    for sentence in (
        f"decoder in {tmp_path / 'mine'}, fitted on {made['windows']} windows of 1 recording\n",
        f"the ONNX file answers as the fitted model does, to within {made['export_gap']:.1g}\n",
        f"drift is reported beyond a median distance of {made['drift_beyond']:.2f} from the EMG of the fit\n",
    ):
        assert sentence in words
    figures, words = decode("evaluate", file, *FLAGS, "--decoder", tmp_path / "mine" / "policy.onnx")
    assert "was fitted on 1 of these 1 recordings" in words and figures["fitted_on"] == 1


def test_a_target_that_no_window_ends_at_is_said(decode, tmp_path):
    """As it is where force was sampled at a tenth of the rate and the cells between are left blank."""
    x, label = labelled(("rest", "fist"))
    force = ["1.0" if k % 10 == 0 else "" for k in range(len(x))]
    file = written(tmp_path / "a.csv", x, label, force=force)
    options = ("--rate", 1000, "--unit", "uV", "--targets", "force", "--target-unit", "N", "--out", tmp_path / "no")
    _, words = decode("fit", file, *options, status=2)
    assert f"force has a value at the end of none of its windows ({len(x) // 10} of {len(x)} samples have one)" in words


def test_what_contributes_nothing_is_refused(decode, tmp_path):
    file = written(tmp_path / "a.csv", *labelled(("rest", "fist", "open")))
    bare = written(tmp_path / "b.csv", labelled(("rest",), seed=1)[0], [""] * 9000)
    _, words = decode("fit", file, bare, *FLAGS, "--out", tmp_path / "mine", status=2)
    assert f"{bare} holds no labelled window of 0.2 s: leave it out" in refusal(words)
    x, label = labelled(("rest", "fist", "open"))
    label[600:750] = ["pinch"] * 150
    _, words = decode("fit", written(tmp_path / "c.csv", x, label), *FLAGS, "--out", tmp_path / "mine", status=2)
    assert "class 'pinch' has no window: it lasts 0.15 s at most" in refusal(words)
    assert not (tmp_path / "mine").exists()


def test_a_class_that_did_not_occur_has_no_score(decode, tmp_path):
    decode("fit", written(tmp_path / "a.csv", *labelled(("rest", "fist", "open"))), *FLAGS, "--out", tmp_path / "mine")
    two = written(tmp_path / "b.csv", *labelled(("rest", "fist"), seed=1))
    figures, words = decode("evaluate", two, *FLAGS, "--decoder", tmp_path / "mine" / "policy.onnx")
    assert figures["per_class"]["open"] is None and "open –" in words and "not in these recordings: open" in words


def test_targets_decide_the_same_whichever_file_is_first_and_missing_ones_are_counted(decode, tmp_path):
    flags = (
        *FLAGS[:4],
        "--task",
        "regression",
        "--targets",
        "force",
        "--target-unit",
        "N",
        "--by",
        "time",
        "--model",
        "ridge",
    )
    files = []
    for k, label in enumerate(("press", "")):
        x, _ = labelled(("rest", "fist"), seed=k)
        force = [round(float(v), 3) for v in np.abs(x).mean(axis=1)]
        if k:
            force[3000:8500] = [""] * 5500
        files.append(written(tmp_path / f"{k}.csv", x, [label or "press"] * 9000, force=force))
    said = [decode("evaluate", *order, *flags)[1] for order in (files, files[::-1])]
    assert all("110 windows have no value of force at their end, and do not count" in words for words in said)


def test_a_label_that_is_lost_for_a_moment_ends_no_repetition():
    spans = (
        Span("fist", 0, 250),
        Span("fist", 251, 500),
        Span("rest", 500, 700),
        Span("fist", 700, 900),
        Span("fist", 1200, 1400),
    )
    n = 1400
    recording = EmgRecording(np.ones((n, 1)), ("a",), 1000.0, "V", np.arange(n) / 1000, False, spans)
    assert repetitions(recording, RecordingFormat(), Path("a.csv")) == ["0", "0", "0", "1", "2"]
