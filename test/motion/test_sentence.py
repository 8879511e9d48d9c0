"""Commands in words."""

import math

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.way_step import WayStep
from myoprosthesis.motion.sentence import EXAMPLE, GRAMMAR, steps

RIGHT = math.pi / 2


@pytest.mark.parametrize(
    "text, meaning",
    {
        EXAMPLE: [WayStep(speed=1.2, for_s=5.0, gait="walk"), WayStep(turn=RIGHT), WayStep(faster=-0.2)],
        "walk faster, then turn left": [WayStep(faster=0.2, gait="walk"), WayStep(turn=RIGHT)],
        "Slower.": [WayStep(faster=-0.2)],
        "go slower by 0.1 m/s": [WayStep(faster=-0.1)],
        "0.3 m/s faster for 2 seconds": [WayStep(faster=0.3, for_s=2.0)],
        "turn right 45 deg and walk at 3.6 km/h": [WayStep(speed=1.0, turn=-RIGHT / 2, gait="walk")],
        "turn 30 degrees to the left": [WayStep(turn=RIGHT / 3)],
        "turn around, and then stop": [WayStep(turn=math.pi), WayStep(gait="stop")],
        "for 3 s then run": [WayStep(for_s=3.0), WayStep(gait="run")],
        "wait for 1 min; please walk at 1,3 m/s": [WayStep(for_s=60.0), WayStep(speed=1.3, gait="walk")],
        "run at 2.8 m/s": [WayStep(speed=2.8, gait="run")],
    }.items(),
)
def test_a_sentence_is_steps(text, meaning):
    for step, wanted in zip(steps(text), meaning, strict=True):
        values, own = wanted.to_dict(), step.to_dict()
        assert own == pytest.approx(values) if "gait" not in values else own.keys() == values.keys()
        assert all(own[k] == (pytest.approx(v) if isinstance(v, float) else v) for k, v in values.items())


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("jump", r"'jump' is not understood\. What works: walk, run, walk at 1\.2 m/s"),
        ("walk at 1.2", r"1\.2 has no unit"),
        ("walk at 1.2 m/s then hop like a frog", "'hop like a frog' is not understood"),
        ("turn left 90° and turn right 20°", "asks for turn twice at once: put 'then'"),
        ("wait", "'wait': nothing is asked for"),
        ("walk at 1 m/s for 0 s", "from above 0 to 3600 s"),
        ("  , then ", "there are no words"),
        ("not walk", "'not walk' is not understood"),
        ("turn left 90° slowly", "not understood"),
    ],
)
def test_words_that_are_none_of_it_are_refused_with_what_would_work(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        steps(text)


def test_all_that_the_grammar_names_is_understood():
    for clause in GRAMMAR.partition("; each")[0].replace(" (or 4.3 km/h)", "").split(", "):
        assert steps(f"{clause} for 5 s") and (clause == "wait" or steps(clause)), clause
