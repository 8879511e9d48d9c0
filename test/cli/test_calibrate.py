"""Calibrating and fitting anew, as a person does it, on the recording that is shipped."""

import json

import pytest

from myoprosthesis.emg.calibration import Calibration

# Two gestures in turn, five seconds each: rest is heard in the first, the contraction in the second.
SOURCE = ("--emg", "synthetic", "--emg-option", "gestures=rest,close", "--emg-option", "hold_s=5")
TIMES = ("--rest-s", "3", "--pause-s", "3", "--contract-s", "2.5", "--rounds", "1", "--yes")


def test_a_person_is_calibrated(command, tmp_path):
    file, figures = tmp_path / "anna.json", tmp_path / "figures.json"
    done = command("calibrate", "anna", *SOURCE, *TIMES, "--out", str(file), "--json", str(figures))
    assert done.returncode == 0, done.stderr
    made, told = Calibration.load(str(file)), json.loads(figures.read_text())
    assert set(made.maximum) == {f"ch{k}" for k in range(1, 9)} == set(told["maximum"])
    loudest = max(made.maximum, key=made.maximum.get)
    assert 5e-5 < made.maximum[loudest] < 5e-4 and made.maximum[loudest] > 5 * made.rest[loudest] > 0
    assert loudest not in told["weak"]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("--rest-s", "0.5"), "more than 1 s"),
        (("--rounds", "0"), "--rounds: '0' is below 1"),
        (("--emg", "nobody"), "unknown emg source"),
        (("--emg", "recording", "--emg-option", "file=/nowhere.csv"), "/nowhere.csv"),
        (("--emg-option", "labels=close", "--emg-option", "repetitions=0", "--rest-s", "60"), "ended before"),
    ],
)
def test_what_cannot_be_calibrated_is_said_in_one_sentence(command, tmp_path, words, sentence):
    done = command("calibrate", "anna", "--yes", "--out", str(tmp_path / "a.json"), *words)
    assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") <= 30
    assert "Traceback" not in done.stderr and not (tmp_path / "a.json").exists()
