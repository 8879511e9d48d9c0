"""What is asked of a way, and the message that carries it."""

import json
import math

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.way_step import MOST_STEPS, WayStep, from_json, named_in, to_json

STEPS = (
    WayStep(speed=1.2, for_s=5.0, gait="walk"), WayStep(turn=math.pi / 2), WayStep(clip="limp", sha256="ab"),
    WayStep(heading=0.0), WayStep(speed=0.0), WayStep(to=(1.0, -2.0), speed=1.0),
)  # fmt: skip


def test_a_message_has_what_was_asked_and_no_more():
    assert from_json(to_json(STEPS, "7")) == ("7", STEPS)
    assert json.loads(to_json(STEPS[1:2]))["steps"] == [{"turn": math.pi / 2}]
    assert WayStep(heading=0.0).to_dict() == {"heading": 0.0}


def test_one_step_may_come_alone_and_as_a_goal_of_kind_command():
    assert from_json('{"speed": 1.4, "heading": 0.5}') == ("", (WayStep(speed=1.4, heading=0.5),))
    goal = '{"kind": "command", "speed": 1.4, "heading": 0.5, "turn_rate": 0.1, "place": [0, 0]}'
    assert from_json(goal) == ("", (WayStep(speed=1.4, heading=0.5),))


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('{"to": [1]}', "two finite numbers, x and y in m, got"),
        ('{"to": ["a", 1]}', "two finite numbers"),
        ('{"to": [1, 2], "turn": 1.0}', "goes with a speed above 0 alone"),
        ('{"to": [1, 2], "speed": 0}', "goes with a speed above 0 alone"),
        ("{}", "nothing is asked for: give a speed"),
        ('{"sped": 1.0}', "unknown key 'sped'"),
        ('{"speed": NaN}', "the number NaN is not finite"),
        ('{"speed": "fast"}', "speed is asked to be fast: a finite number is needed"),
        ('{"speed": -1.0}', "0 m/s or more, got -1: turn by 180 deg"),
        ('{"speed": 1.0, "faster": 0.1}', "both were given"),
        ('{"heading": 1.0, "turn": 0.1}', "both were given"),
        ('{"speed": 1.0, "for_s": 0}', "from above 0 to 3600 s, got 0"),
        ('{"gait": "hop"}', "unknown gait 'hop'"),
        ('{"clip": "limp"}', "by name and sha256"),
        ('{"steps": []}', "a list of 1 to 50 steps"),
        ('{"steps": 3}', "a list of 1 to 50 steps"),
        ('{"steps": [1]}', "cannot be read"),
        ('{"turn": null}', "turn is asked to be None"),
        (to_json(STEPS * MOST_STEPS), "a list of 1 to 50 steps"),
        ("[1]", "must be a JSON object"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        from_json(text)


def test_the_name_of_a_message_is_known_even_where_the_rest_makes_no_sense():
    assert named_in('{"id": "7", "speed": -1}') == "7" and named_in("no json") == ""
