"""A decoder that is adapted to its use in a stack: swapped in without a jump, undone, and not done again then."""

import json
import time

import pytest

from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.policies.onnx_policy import read_contract

pytestmark = pytest.mark.realtime

QUIET = "kinds:\n  - {kind: channel_dropout, share: 0.6}\n"
"""All channels fall to 0.4 of their size."""


@pytest.fixture(scope="module")
def stack(start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    settings = {
        "emg": {"speed": 3.0},
        "policy": {"adapt": "unlabelled", "adapt_every_s": 12.0, "adapt_folder": str(folder)},
    }
    quiet = folder / "quiet.yaml"
    quiet.write_text(QUIET)
    made = start(settings, stack="emg-hand", effector="ability_hand_model", perturbation=str(quiet))
    made.folder, made.others, made.applied = folder, {}, []

    def diagnosed(message):
        for one in message.status:
            made.others[one.name] = diagnostic_status.values(one)

    node = made.probe.node
    node.create_subscription(topics.DIAGNOSTICS.type, topics.DIAGNOSTICS.name, diagnosed, topics.DIAGNOSTICS.qos)
    try:
        yield made.ready()
    finally:
        made.close()


def events(stack):
    return stack.others.get("policy", {}).get("events", {})


def test_the_decoder_is_swapped_for_one_that_was_adapted_to_its_use(stack):
    assert stack.until(lambda: events(stack).get("adaptation_adapted"), 120.0), stack.words[-5:]
    adapted = stack.until(
        lambda: stack.policy[-1]["text"] == "active" and "adapted_from" in json.dumps(stack.policy[-1])
    )
    assert adapted, (stack.policy[-2:], stack.words[-5:])
    played = stack.policy[-1]
    assert played["policy"].startswith(str(stack.folder)) and played["previous"] == "gestures_myo"
    assert played["step_over_bound"] is None or played["step_over_bound"] <= 1e-9
    assert read_contract(played["file"]).result["adapted_from"]["method"] == "in use"
    told = stack.until(lambda: any("decoder 'gestures_myo' is adapted to the" in w for w in stack.words))
    assert told, stack.words[-5:]
    assert stack.probe.get("policy", "policy") == played["policy"]


def test_what_a_person_takes_back_is_not_done_again(stack):
    ok, words = stack.probe.trigger("policy/rollback")
    assert ok and "going back to gestures_myo; it is not adapted any more" in words
    assert stack.until(lambda: stack.policy[-1]["policy"] == "gestures_myo" and stack.policy[-1]["text"] == "active")
    assert stack.probe.get("policy", "adapt") == ""
    before, until = dict(events(stack)), time.monotonic() + 15.0
    assert stack.until(lambda: time.monotonic() > until)
    assert {k: n for k, n in events(stack).items() if k.startswith("adaptation")} == {
        k: n for k, n in before.items() if k.startswith("adaptation")
    }


def test_it_is_switched_on_again_and_its_options_are_set_at_the_start(stack):
    assert "adapt_every_s cannot be changed while the policy runs" in stack.probe.set("policy", adapt_every_s=1.0)
    assert "one of" in stack.probe.set("policy", adapt="labelled")
    assert stack.probe.set("policy", adapt="unlabelled") == ""
    n = events(stack).get("adaptation_adapted", 0)
    assert stack.until(lambda: events(stack).get("adaptation_adapted", 0) > n, 120.0), stack.words[-5:]
