"""`emg info`: what it tells of a recording, as text, as JSON and as a picture."""

from __future__ import annotations

import json

import numpy as np
import pytest

from myoprosthesis.cli.main import main

N = 400
SAMPLES = np.round(np.random.default_rng(0).normal(0, 20, (N, 2)), 2)
COMMANDS = ["rest"] * 100 + ["fist #1"] * 100 + [""] * 100 + ["rest"] * 100


@pytest.fixture
def file(tmp_path):
    """Stamps in pairs at 200 Hz with a gap of 100 samples, two channels in µV, labels, and a column of noise."""
    path = tmp_path / "my.csv"
    places = np.arange(N) + 100 * (np.arange(N) >= 200)
    rows = (
        f"{k // 2 / 100:.2f},{a},{b},{a * b:.3f},{w}" for k, (a, b), w in zip(places, SAMPLES, COMMANDS, strict=True)
    )
    path.write_text("t,EMG1,EMG2,noise,what\n" + "\n".join(rows) + "\n")
    return path


WORDS_OF_FILE = ["--rate", "200", "--unit", "uV", "--time", "t", "--label", "what"]


def info(capsys, path, *words, status=0):
    with pytest.raises(SystemExit) as end:
        main(["emg", "info", str(path), *words])
    assert end.value.code == status
    out = capsys.readouterr()
    return out.err if status else out.out


def test_figures_as_json(file, tmp_path, capsys):
    info(capsys, file, *WORDS_OF_FILE, "--json", str(tmp_path / "my.json"))
    said = json.loads((tmp_path / "my.json").read_text())
    assert (said["channels"], said["rate"], said["unit"], said["file_unit"]) == (["EMG1", "EMG2"], 200.0, "V", "uV")
    assert (said["samples"], said["seconds"], said["stamped"]) == (N, 2.0, True)
    assert said["labels"] == {"rest": 1.0, "fist #1": 0.5}
    spans = [("rest", 0.0, 0.5), ("fist #1", 0.5, 1.0), ("rest", 2.0, 2.5)]  # the gap is half a second
    assert [s[0] for s in said["label_spans"]] == [s[0] for s in spans]
    assert np.allclose([s[1:] for s in said["label_spans"]], [s[1:] for s in spans], atol=0.0051)
    assert said["unlabelled"] == pytest.approx(0.5)
    assert said["rms"] == pytest.approx(list(1e-6 * SAMPLES.std(axis=0))) and said["mean"] == pytest.approx(
        list(1e-6 * SAMPLES.mean(axis=0))
    )
    assert (said["faults"]["gaps"], said["faults"]["jumps"]) == (1, 0)
    assert said["faults"]["lost_s"] == pytest.approx(0.5)
    assert any("noise" in remark for remark in said["remarks"])


def test_samples_at_which_a_target_has_no_value_are_counted(tmp_path, capsys):
    rows = "".join(f"{k},{x[0]},{'' if 50 <= k < 90 else 2.5}\n" for k, x in enumerate(SAMPLES))
    (tmp_path / "a.csv").write_text("n,EMG1,force\n" + rows)
    words = ("--rate", "200", "--unit", "uV", "--targets", "force", "--json", str(tmp_path / "a.json"))
    assert "targets: force (40 samples without a value)" in info(capsys, tmp_path / "a.csv", *words)
    assert json.loads((tmp_path / "a.json").read_text())["targets_missing"] == {"force": 40}


def test_the_spans_of_a_label_are_as_long_as_its_samples(tmp_path, capsys):
    path = tmp_path / "my.csv"
    stamps = np.arange(N) / 200 + 3.0 * (np.arange(N) >= 150)
    path.write_text("t,EMG1,what\n" + "".join(f"{t:.3f},{k % 7},fist\n" for k, t in enumerate(stamps)))
    info(capsys, path, *WORDS_OF_FILE, "--json", str(tmp_path / "my.json"))
    said = json.loads((tmp_path / "my.json").read_text())
    assert [pytest.approx(s[1:], abs=1e-9) for s in said["label_spans"]] == [[0.0, 0.75], [3.75, 5.0]]
    assert said["labels"] == {"fist": 2.0} and said["unlabelled"] == 0.0


def test_the_words_have_the_unit_of_the_file_and_what_was_left_out(file, capsys):
    out = info(capsys, file, *WORDS_OF_FILE)
    assert "mean, uV" in out and f"{SAMPLES[:, 0].std():.4g}" in out
    assert "labels: fist #1 0.5 s, rest 1.0 s, without a label 0.5 s" in out
    assert "left out: noise" in out and "1 gap in time, 0.500 s" in out


def test_a_channel_without_a_value_has_no_figures(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("EMG1,EMG2\n" + "1,nan\n2,nan\n3,nan\n")
    out = info(capsys, tmp_path / "a.csv", "--rate", "200", "--unit", "V", "--json", str(tmp_path / "a.json"))
    assert "–" in out and "3 values are not finite (EMG2)" in out
    assert json.loads((tmp_path / "a.json").read_text())["mean"] == [2.0, None]


def test_a_column_of_words_taken_for_emg_is_told_how_to_name(file, capsys):
    out = info(capsys, file, "--rate", "200", "--unit", "uV", "--channels", "EMG1,what", status=2)
    assert "'rest' in column 'what' is no number; if these are labels say --label what" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--channels", "EMG1,EMG3"], "unknown column 'EMG3'"),
        (["--ignore", "fist"], "ignore: unknown label 'fist': known are fist #1, rest; did you mean"),
        (["--label-names", "hand=fist"], "label_names: none of hand is a label"),
        (["--only", "other"], "no recording whose path has the pattern 'other'"),
        (["--dataset", "emg"], "dataset has no use in a .csv file"),
        (["--rate", "0"], "does not say its sampling rate"),
        (["--time-unit", "ms"], "give --time-unit s"),
    ],
)
def test_what_does_not_go_with_the_file_is_refused(file, capsys, words, sentence):
    assert sentence in info(capsys, file, *WORDS_OF_FILE, *words, status=2)


def test_names_with_blanks_and_ignored_labels(file, tmp_path, capsys):
    text = file.read_text().replace("EMG1", "EMG biceps").replace("EMG2", "EMG triceps")
    (tmp_path / "b.csv").write_text(text)
    words = ["--channels", "EMG biceps, EMG triceps", "--ignore", "fist #1", "--label-names", "rest=at rest"]
    info(capsys, tmp_path / "b.csv", *WORDS_OF_FILE, *words, "--json", str(tmp_path / "b.json"))
    said = json.loads((tmp_path / "b.json").read_text())
    assert said["channels"] == ["EMG biceps", "EMG triceps"] and said["labels"] == {"at rest": 1.0}


def test_the_picture_says_which_recording_its_axes_and_its_scales(file, tmp_path, capsys, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))[1])
    (tmp_path / "z.csv").write_text(file.read_text())
    out = info(capsys, tmp_path, *WORDS_OF_FILE, "--png", str(tmp_path / "my.png"))
    assert f"drawn in {tmp_path / 'my.png'}: {file}, the first of 2 recordings" in out
    assert (tmp_path / "my.png").stat().st_size > 5000
    axes = drawn[0].axes
    assert axes[-1].get_xlabel() == "time, s; each channel has a scale of its own"
    assert [a.get_ylabel() for a in axes] == ["EMG1\nµV", "EMG2\nµV"]
    assert np.abs(axes[0].lines[0].get_ydata()).max() == pytest.approx(np.abs(SAMPLES[:, 0]).max())


def test_control_characters_and_markup_in_names_are_text(tmp_path, capsys):
    name = "EMG [/red]"
    (tmp_path / "a.csv").write_text(f"{name},what\n" + "1,[bold]x\n2,[bold]x\n3.5,[bold]x\n")
    out = info(capsys, tmp_path / "a.csv", "--rate", "200", "--unit", "V", "--label", "what")
    assert name in out and "[bold]x 0.0 s" in out


def test_no_escape_sequence_of_a_file_reaches_the_terminal(tmp_path, capsys):
    import h5py
    import numpy as np

    escape = "\x1b[31m\x1b]0;owned\x07"
    (tmp_path / "a.csv").write_text("EMG\x1b[2J,what\n" + "".join(f"{k % 7},\x1b[31mfist\n" for k in range(400)))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["emg"] = np.random.default_rng(0).normal(size=(400, 2))
        file["emg"].attrs.update({"rate": 200, "unit": "uV", "channels": [f"EMG{escape}", "EMG2"]})
    out = info(capsys, tmp_path / "a.csv", "--rate", "200", "--unit", "uV", "--label", "what")
    assert "fist" in out and "\x1b" not in out
    out = info(capsys, tmp_path / "b.h5")
    assert "owned" in out and "\x1b" not in out and "\x07" not in out


def test_a_line_break_in_a_label_is_shown_as_one(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("EMG1,what\n" + "".join(f'{k % 7},"two\nlines"\n' for k in range(400)))
    out = info(capsys, tmp_path / "a.csv", "--rate", "200", "--unit", "uV", "--label", "what")
    assert "labels: two\\nlines 2.0 s" in out
