"""`render` as a person uses it: a stack is recorded, and drawn."""

import json

import numpy as np
import pytest

SIZE = ("--size", "96x72")


@pytest.fixture(scope="module")
def recording(command, tmp_path_factory):
    """One reach in a field, recorded in simulated time."""
    folder = tmp_path_factory.mktemp("film") / "recording"
    words = ("--lockstep", "--trials", "1", "--perturbation", "curl_cw", "--quiet", "--record", str(folder))
    done = command("up", "reach", *words)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_arm_and_its_target_are_seen_to_move(recording, drawing, command, tmp_path):
    from matplotlib.image import imread

    out, figures = tmp_path / "strip.png", tmp_path / "f.json"
    words = ("--stills", "2", "--no-caption", "--json", str(figures), *SIZE)
    done = command("render", str(recording), "--out", str(out), *words, env=drawing)
    assert done.returncode == 0, done.stderr
    first, last = np.split(imread(out)[..., :3][:, [*range(96), *range(100, 196)]], 2, axis=1)
    assert (first < 1).any() and np.abs(first - last).max() > 0.3
    assert json.loads(figures.read_text())["effector"] == "arm26" and json.loads(figures.read_text())["pictures"] == 2


def test_a_film_has_its_speed_and_its_length(recording, drawing, command, tmp_path):
    from PIL import Image

    out = tmp_path / "film.gif"
    words = ("--begin", "0.2", "--end", "0.7", "--fps", "10", "--speed", "0.5", *SIZE)
    done = command("render", str(recording), "--out", str(out), *words, env=drawing)
    assert done.returncode == 0, done.stderr
    assert Image.open(out).n_frames == 10 and "10 pictures, 0.50 s of arm26" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--out", "film.avi"), "a film ends with .mp4 or .gif"),
        (("--out", "s.png", "--size", "0x10"), "pixels as WIDTHxHEIGHT"),
        (("--out", "s.png", "--end", "99"), "the recording's states last"),
        (("--out", "s.png", "--begin", "0.5", "--end", "0.2"), "begin lies before end"),
        (("--out", "s.png", "--topic", "left/state"), "topic 'left/state' is not in it"),
        (("--out", "s.png", "--effector", "mirror"), "has no MuJoCo model to draw"),
    ],
)
def test_what_cannot_be_drawn_gets_one_sentence(recording, command_here, words, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command_here("render", str(recording), *words)
    assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert list(tmp_path.glob("*.png")) == []


def test_a_trial_of_a_policy_is_drawn_as_its_card_shows_it(drawing, command, tmp_path):
    from matplotlib.image import imread

    words = ("policy", "film", "point_mass_null", "--out", "s.png", "--stills", "2", "--size", "96x96")
    done = command(*words, env=drawing, cwd=tmp_path)
    assert done.returncode == 0 and "2 pictures, 1.00 s of point_mass" in done.stdout, done.stdout + done.stderr
    first, last = np.split(imread(tmp_path / "s.png")[20:, :, :3][:, [*range(96), *range(100, 196)]], 2, axis=1)
    assert np.abs(first - last).max() > 0.3, "it moves"


def test_a_decoder_plays_no_trial_that_could_be_drawn(command_here, tmp_path):
    done = command_here("policy", "film", "gestures_myo", "--out", str(tmp_path / "s.png"))
    assert done.returncode == 2 and "decodes EMG: myoprosthesis up emg-hand" in done.stderr
