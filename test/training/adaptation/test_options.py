"""Options of a learner as a session's file has them."""

import yaml

from myoprosthesis.training.adaptation import options
from myoprosthesis.training.adaptation.options import LearnerOptions


def test_on_and_off_are_words_although_yaml_makes_them_truths():
    for text, choice in (("off", "off"), ("on", "on"), ("'off'", "off"), ("auto", "auto")):
        assert options.read(yaml.safe_load(f"compile: {text}")) == (LearnerOptions(), choice)
