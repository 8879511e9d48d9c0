"""Fitting anew in a running stack: recorded from the graph, compared beside the one that is played, swapped in."""

import json

import pytest

from myoprosthesis.cli.refit import _good_enough
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.policies.onnx_policy import OnnxPolicy

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def stack(start):
    """The model in the place of a hand: nothing here is about the wire."""
    made = start(stack="emg-hand", effector="ability_hand_model", namespace="refitted")
    try:
        yield made.ready()
    finally:
        made.close()


def refit(command, *words, least=("--least-accuracy", "0")):
    """Where the machine is too busy, samples do not come and nothing is fitted, as it should be: it is tried again."""
    for _ in range(4):
        done = command("refit", *words, "--yes", "--namespace", "refitted", "--seconds", "1", "--listen-s", "1", *least)
        if "nothing is fitted" not in done.stderr:
            break
    return done


def test_a_decoder_is_recorded_fitted_compared_and_swapped_in(stack, command, tmp_path):
    done = refit(command, "rest", "close", "open", "--out", str(tmp_path / "anna"), "--json", str(tmp_path / "f.json"))
    assert done.returncode == 0, done.stderr
    figures, file = json.loads((tmp_path / "f.json").read_text()), tmp_path / "anna" / "policy.onnx"
    assert figures["before"] == "gestures_myo" and figures["swapped"] and figures["compared"] > 10
    assert stack.until(lambda: stack.policy[-1]["policy"] == str(file) and stack.policy[-1]["text"] == "active")
    contract, old = OnnxPolicy(file).contract, OnnxPolicy(stack_policy()).contract
    assert contract.conditioning == old.conditioning and contract.emg_channels == old.emg_channels
    assert len(list((tmp_path / "anna" / "recordings").glob("round_*_class_*.csv"))) == 6
    assert stack.probe.trigger("policy/rollback")[0]
    assert stack.until(lambda: stack.policy[-1]["policy"] == "gestures_myo" and stack.policy[-1]["text"] == "active")


def stack_policy():
    from myoprosthesis.policies import store

    return store.find("gestures_myo")


@pytest.mark.parametrize(
    "classes, sentence",
    [(["rest"], "at least two"), (["rest", "rest"], "at least two"), (["rest", "a"], "moves nothing")],
)
def test_what_cannot_be_fitted_or_played_leaves_the_one_that_is_played(stack, command, tmp_path, classes, sentence):
    done = refit(command, *classes, "--out", str(tmp_path), "--rounds", "1")
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert sentence in done.stderr or any(sentence in w for w in stack.words)
    assert stack.policy[-1]["policy"] == "gestures_myo"


def test_without_a_stack_it_says_so(command_here, monkeypatch, tmp_path):
    monkeypatch.setattr("myoprosthesis.stack.client.WAIT_S", 0.1)
    done = command_here("refit", "rest", "close", "--yes", "--out", str(tmp_path), "--namespace", "nobody")
    assert done.returncode == 2 and "no EMG is published" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("accuracy", "sentence"), [(0.5, "50%.*at least 70%"), (None, "one round")])
def test_a_decoder_that_cannot_tell_its_classes_apart_is_not_played(accuracy, sentence):
    _good_enough(0.7, 0.7)
    _good_enough(accuracy, 0.0)
    with pytest.raises(ConfigError, match=f"nothing is swapped.*{sentence}"):
        _good_enough(accuracy, 0.7)
