"""`myoprosthesis hidden`: axes that can be used, effects that are the same each time."""

import json
import re

import numpy as np
import pytest

from myoprosthesis.cli.hidden import _movements
from myoprosthesis.cli.main import main
from myoprosthesis.core import axes_file, share
from myoprosthesis.training.gradient.evaluation import Reaches


def hidden(*words):
    with pytest.raises(SystemExit) as end:
        main(["hidden", *words])
    return end.value.code


def test_the_shipped_axes_are_those_of_the_shipped_policy(tmp_path, capsys):
    assert hidden("axes", "--out", str(tmp_path / "mine.csv")) == 0
    made, shipped = (
        axes_file.read(p) for p in (tmp_path / "mine.csv", share.root() / "config" / "axes" / "reach_null.csv")
    )
    np.testing.assert_allclose(made.components, shipped.components, atol=1e-3)
    np.testing.assert_allclose(made.mean, shipped.mean, atol=1e-4)
    assert "4 axes of 64 units" in capsys.readouterr().out


def test_an_effect_in_figures_the_same_twice(tmp_path, capsys):
    files = [tmp_path / n for n in ("a.json", "b.json")]
    for file in files:
        assert hidden("effect", "hidden_lesion", "--json", str(file)) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    figures = json.loads(files[0].read_text())
    assert figures["endpoint_error"]["low"] > 0.005 and len(figures["return_s"]) == 8
    out = capsys.readouterr().out
    assert "change of endpoint error: +" in out
    assert re.search(r"largest distance of the hidden state from that without the perturbation: \d+\.\d\d\n", out)
    back = sum(s is not None for s in figures["return_s"])
    assert f"it came back to below 10 % of that in {back} of 8 reaches" in out


def test_an_effect_is_measured_on_the_states_of_a_trial_as_a_stack_publishes_them():
    """From the state at its beginning to the last one before its end."""
    path = np.random.default_rng(0).normal(0, 0.1, (3, 20, 2))
    reaches = Reaches(path, np.zeros_like(path), np.array([0.1, 0.2]), np.ones((3, 2)), 0.01, np.zeros((3, 20, 4)))
    movements = _movements(reaches)
    assert (movements.position[:, 0] == [0.1, 0.2]).all()
    np.testing.assert_array_equal(movements.position[:, 1:], path[:, :-1])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("effect", "curl_cw"), "acts at the endpoint"),
        (("effect", "null"), "does nothing"),
        (("effect", "hidden_silence", "--set", "{units: [64]}"), "64 is none"),
        (("effect", "hidden_frozen", "--set", "{axes: none.csv}"), "none.csv cannot be read"),
        (("effect", "hidden_clamp", "--policy", "gestures_myo"), ""),
        (("axes", "--out", "none/mine.csv"), "cannot be written"),
        (("axes", "--out", "mine.txt"), "ends with"),
    ],
)
def test_bad_input_ends_with_a_sentence(tmp_path, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert hidden(*words) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1 and not list(tmp_path.iterdir())
