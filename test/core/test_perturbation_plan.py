import json
from dataclasses import replace

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan

ENTRY = PerturbationEntry("endpoint", "law", {"f": [0.1, 1 / 3]}, ns(4.0), ns(5.0), 0.5)
PLAN = PerturbationPlan(
    "curl", ns(5.0), 4, (ENTRY, PerturbationEntry("muscle", "fatigue", {"F": 0.01, "R": 0.002})), ns(4.0)
)


def test_json_brings_plans_back():
    assert PerturbationPlan.from_json(PLAN.to_json()) == PLAN
    assert PerturbationPlan.from_json(PerturbationPlan("null", 7).to_json()) == PerturbationPlan("null", 7)


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", '{"trial": 1}', '{"name": "a", "until_ns": "soon"}'])
def test_damaged_plans_are_refused(text):
    with pytest.raises(ConfigError):
        PerturbationPlan.from_json(text)


def test_impossible_plans_are_refused():
    with pytest.raises(ConfigError, match="'elbow': known are endpoint"):
        replace(ENTRY, site="elbow")
    bad = {**json.loads(PLAN.to_json()), "entries": [{"site": "endpoint", "kind": "law", "values": {}, "colour": 1}]}
    with pytest.raises(ConfigError, match="colour"):
        PerturbationPlan.from_json(json.dumps(bad))


def test_an_entry_rises_over_its_ramp_and_ends():
    gains = [ENTRY.gain(ns(t)) for t in (3.9, 4.0, 4.1, 4.25, 4.5, 4.999, 5.0)]
    assert gains == pytest.approx([0, 0, 0.2, 0.5, 1, 1, 0])
    at_once = replace(ENTRY, ramp_s=0.0, until_ns=None)
    assert [at_once.gain(ns(t)) for t in (3.999, 4.0, 1e6)] == [0, 1, 1]


def test_entries_by_site():
    assert [e.kind for e in PLAN.at("muscle")] == ["fatigue"]
    assert PLAN.at("endpoint", "muscle") == PLAN.entries and PLAN.at("observation") == ()
