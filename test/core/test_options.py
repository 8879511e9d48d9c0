from dataclasses import dataclass, fields
from typing import Any

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import assignments, build, describe, option, schema, variant


@dataclass(frozen=True)
class Sample:
    needed: float = option(help="a number", unit="s", low=0.0, high=2.0)
    count: int = option(3, "how many", low=1, high=9)
    on: bool = option(False)
    name: str = option("a", choices=("a", "b"))
    vector: tuple[float, ...] = option((0.0, 0.0), low=-1.0, high=1.0)
    pair: tuple[int, str] = option((1, "x"))
    names: tuple[str, ...] = option(())
    table: dict[str, float] = option({"a": 1.0})
    free: dict = option({})
    list_of: tuple[dict, ...] = option(())
    fail: str | tuple[float, ...] = option("relax")
    limit: float | None = option(None)
    anything: Any = option(None)


def test_defaults_are_taken_and_not_shared():
    a, b = build(Sample, {"needed": 1.0}), build(Sample, {"needed": 1.0})
    assert a == b and a.table == {"a": 1.0} and a.table is not b.table


def test_a_variant_is_what_differs_from_the_defaults():
    assert variant(build(Sample, {"needed": 2.0})) == "needed 2"  # which has no default
    made = build(Sample, {"needed": 0.1 + 0.2, "vector": [1, -1, 0.5], "table": {"a": 1.0}, "on": True, "limit": 3})
    assert variant(made) == "needed 0.3, on True, vector 1, -1, 0.5, limit 3"


def test_values_are_converted():
    made = build(
        Sample,
        {
            "needed": "0.5", "count": 4.0, "on": "true", "name": "b", "vector": [1, -1, 0.5], "pair": [2, "y"],
            "names": "shoulder, elbow", "table": {"b": 2}, "free": {"x": [1]}, "list_of": [{"kind": "curl"}],
            "fail": [0.0, 1.0], "limit": 3,
        },
    )  # fmt: skip
    assert made == Sample(
        0.5, 4, True, "b", (1.0, -1.0, 0.5), (2, "y"), ("shoulder", "elbow"), {"b": 2.0}, {"x": [1]},
        ({"kind": "curl"},), (0.0, 1.0), 3.0,
    )  # fmt: skip
    assert build(Sample, {"needed": 0, "limit": None, "fail": "hold"}).fail == "hold"


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("needed", NAN, "not a finite number"),
        ("needed", "nan", "not a finite number"),
        ("needed", 2.5, "2.5 is outside 0 to 2 s"),
        ("needed", True, "not a number"),
        ("needed", "soon", "'soon' is not a number"),
        ("needed", None, "None is not a number"),
        ("needed", [1.0], "not a number"),
        ("count", 2.5, "not a whole number"),
        ("count", "many", "'many' is not a whole number"),
        ("count", INF, "not a whole number"),
        ("count", 10, "outside 1 to 9"),
        ("on", 1, "not true or false"),
        ("on", "yes please", "not true or false"),
        ("name", "c", "none of a, b"),
        ("name", 5, "not text"),
        ("vector", [0.0, NAN], "not a finite number"),
        ("vector", [0.0, 3.0], "outside -1 to 1"),
        ("vector", 0.5, "0.5 is not a list"),
        ("vector", {"x": 1}, "not a list"),
        ("pair", [1, "x", 2], "3 values; 2 are needed"),
        ("table", {"a": NAN}, "not a finite number"),
        ("table", [1], "not a mapping"),
        ("free", "text", "not a mapping"),
        ("list_of", {"kind": "curl"}, "not a list"),
        ("list_of", ["curl"], "'curl' is not a mapping"),
        ("fail", [NAN], "not a finite number"),
        ("limit", "none", "not a number"),
    ],
)
def test_faults_say_what_was_given(key, value, sentence):
    with pytest.raises(ConfigError, match=f"Sample: {key}: .*{sentence}"):
        build(Sample, {"needed": 1.0, key: value})


def test_every_fault_is_listed():
    with pytest.raises(ConfigError) as caught:
        build(Sample, {"count": "x", "on": 3, "colour": "red", "vectr": [1]}, "the sample")
    text = str(caught.value)
    assert text.startswith("the sample: ")
    for part in ("count: ", "on: ", "unknown option 'colour'", "did you mean 'vector'?", "needed: is needed"):
        assert part in text


def test_not_a_mapping_is_refused():
    with pytest.raises(ConfigError, match="not a mapping of options"):
        build(Sample, [("needed", 1.0)])


def test_an_options_class_may_have_rules_of_its_own():
    @dataclass(frozen=True)
    class Range:
        low: int = option(0)
        high: int = option(1)

        def __post_init__(self):
            if self.low > self.high:
                raise ConfigError(f"low {self.low} is above high {self.high}")

    with pytest.raises(ConfigError, match="the range: low 5 is above high 1"):
        build(Range, {"low": 5}, "the range")


def test_help_names_unit_bounds_and_default():
    text = {f.name: describe(f) for f in fields(Sample)}
    assert text["needed"] == "a number [0 to 2 s]"
    assert text["count"] == "how many [1 to 9; default 3]"
    assert text["name"] == "a | b; default a"


def test_a_schema_says_type_bounds_choices_unit_and_default():
    s = schema(Sample)
    p = s["properties"]
    assert s["required"] == ["needed"] and s["additionalProperties"] is False
    assert p["needed"] == {"type": "number", "minimum": 0.0, "maximum": 2.0, "description": "a number", "unit": "s"}
    assert p["count"]["type"] == "integer" and p["count"]["default"] == 3
    assert p["name"]["enum"] == ["a", "b"] and p["on"] == {"type": "boolean", "default": False}
    assert p["vector"]["items"] == {"type": "number", "minimum": -1.0, "maximum": 1.0}
    assert [i["type"] for i in p["pair"]["prefixItems"]] == ["integer", "string"]
    assert p["limit"]["anyOf"] == [{"type": "number"}, {"type": "null"}] and p["table"]["default"] == {"a": 1.0}


def test_a_fault_names_an_option_as_a_person_knows_it():
    with pytest.raises(ConfigError, match="the command: --count: .*'many' is not a whole number"):
        build(Sample, {"needed": 1, "count": "many"}, "the command", {"count": "--count"})


@pytest.mark.parametrize("pair", ["dt", "=1", ""])
def test_assignments_are_name_and_value(pair):
    assert assignments(["a=1", "b = x=y"], "--option") == {"a": "1", "b": "x=y"}
    with pytest.raises(ConfigError, match="--option takes name=value, got"):
        assignments(["a=1", pair], "--option")
