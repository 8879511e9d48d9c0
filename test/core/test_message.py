"""What comes in messages is read within bounds, or refused in one sentence."""

from __future__ import annotations

import json
import math

import pytest

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.message import PLAN_BYTES, brief, read_object, read_value, reading
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TrialPlan

TRIAL = {"trial": 5, "from_ns": 1, "until_ns": 2, "start": [0, 0, 0], "target": [0.1, 0, 0], "go_ns": None}
PERTURBATION = {"name": "x", "until_ns": 10**13, "from_ns": 0, "entries": []}
ENTRY = {"site": "muscle", "kind": "strength", "values": {}, "from_ns": 0}
TRIALS = {
    "deep": "[" * 100_000,
    "deep within bounds": "[" * 60_000,
    "deep objects": json.dumps(TRIAL)[:-1] + ', "label": ' + '{"a":' * 100 + "1" + "}" * 100 + "}",
    "10**400": json.dumps(TRIAL | {"target": [10**400, 0, 0]}),
    "times beyond 64 bits": json.dumps(TRIAL | {"from_ns": -(10**400), "until_ns": 10**400}),
    "nan": json.dumps(TRIAL | {"target": [math.nan, 0, 0]}),
    "1e999": json.dumps(TRIAL).replace("0.1", "1e999"),
    "texts": json.dumps(TRIAL | {"target": ["a", "b", "c"]}),
    "a number for a place": json.dumps(TRIAL | {"start": 5}),
    "a list of lists": json.dumps(TRIAL | {"target": [[1], [2], [3]]}),
    "three characters for a place": json.dumps(TRIAL | {"target": "abc"}),
    "yes for a number": json.dumps(TRIAL | {"trial": True}),
    "an object for a label": json.dumps(TRIAL | {"label": {"a": 1}}),
    "a text for yes": json.dumps(TRIAL | {"last": "yes"}),
    "nothing": "",
    "a list": "[]",
    "unknown keys": '{"a": 1}',
    "too long": json.dumps(TRIAL | {"label": "x" * PLAN_BYTES}),
}
PERTURBATIONS = {
    "deep": '{"name":' + '{"a":' * 3000 + "1" + "}" * 3000 + "}",
    "entries of numbers": json.dumps(PERTURBATION | {"entries": [1]}),
    "entries an object": json.dumps(PERTURBATION | {"entries": {"a": 1}}),
    "a time in words": json.dumps(PERTURBATION | {"until_ns": "abc"}),
    "a value beyond 64 bits": json.dumps(PERTURBATION | {"entries": [ENTRY | {"values": {"strength": 10**400}}]}),
    "a ramp in words": json.dumps(PERTURBATION | {"entries": [ENTRY | {"ramp_s": "x"}]}),
    "a hundred thousand entries": json.dumps(PERTURBATION | {"entries": [ENTRY] * 100_000}),
    "no name": json.dumps({"until_ns": 1}),
}


@pytest.mark.parametrize("text", TRIALS.values(), ids=TRIALS)
def test_a_trial_that_cannot_be_read_is_one_short_sentence(text):
    with pytest.raises(MyoError) as caught:
        TrialPlan.from_json(text)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", PERTURBATIONS.values(), ids=PERTURBATIONS)
def test_a_perturbation_that_cannot_be_read_is_one_short_sentence(text):
    with pytest.raises(MyoError) as caught:
        PerturbationPlan.from_json(text)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 100_000, "null", "3", "{}", '{"dt": 1e999}', '{"command": {"names": 3}}'])
def test_a_specification_that_cannot_be_read_is_a_sentence(text):
    with pytest.raises(MyoError, match="the effector's specification"):
        EffectorSpec.from_json(text)


def test_a_plan_that_nobody_would_read_is_not_sent():
    entries = PerturbationPlan.from_json(json.dumps(PERTURBATION | {"entries": [ENTRY] * 100})).entries
    assert PerturbationPlan("x", 1, entries=entries).to_json()
    with pytest.raises(MyoError, match="characters"):
        PerturbationPlan("x", 1, entries=entries * 100).to_json()


def test_values_stay_texts_where_they_are_none():
    assert read_value("[1, 2.5, null]") == [1, 2.5, None]
    assert math.isnan(read_value("NaN"))
    for text in ("abc", "[" * 100_000, "1" + "0" * 400, '{"a":' * 900 + "1" + "}" * 900):
        assert read_value(text) is text


def test_numbers_up_to_64_bits_are_read_exactly():
    assert read_object('{"a": 9223372036854775807, "b": -9223372036854775808}', "x") == {"a": 2**63 - 1, "b": -(2**63)}
    with pytest.raises(MyoError, match="more than 64 bits"):
        read_object('{"a": 9223372036854775808}', "x")


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError(), OverflowError("x" * 9999), IndexError()])
def test_whatever_goes_wrong_is_a_short_sentence(error):
    with pytest.raises(MyoError) as caught, reading("a block"):
        raise error
    assert str(caught.value).startswith("a block cannot be read: ") and len(str(caught.value)) < 200


def test_a_brief_text_is_one_line():
    assert brief("a\n b\tc") == "a b c" and len(brief("x" * 1000)) == 121


def test_plans_far_ahead_do_not_pile_up():
    schedule = Schedule()
    for k in range(1000):
        schedule.add(PerturbationPlan("x", k + 1, from_ns=k))
    assert len(schedule.plans) <= 101 and schedule.plans[-1].from_ns == 999
