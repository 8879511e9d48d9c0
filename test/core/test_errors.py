"""Errors for people: a drawn tree, each of them a built-in too."""

import inspect
import re

import pytest

from myoprosthesis.core import errors

CLASSES = {n: k for n, k in vars(errors).items() if inspect.isclass(k) and issubclass(k, errors.MyoError)}
DRAWN = re.findall(r"^[ │├└─]*(\w+)(?: \((\w+)\))?(?:  .*)?$", errors.__doc__.split("\n\n")[1], re.MULTILINE)


def test_the_tree_is_drawn_whole():
    assert {name for name, _ in DRAWN} == set(CLASSES)


@pytest.mark.parametrize(("name", "builtin"), [pair for pair in DRAWN if pair[1]])
def test_code_that_knows_nothing_of_the_package_can_catch_it(name, builtin):
    kind = CLASSES[name]
    assert issubclass(kind, getattr(__import__("builtins"), builtin)) and issubclass(kind, errors.MyoError)
    assert str(kind("one sentence")) == "one sentence"


def test_what_people_meet_has_an_example():
    drawn_with_example = {name for name, kind in CLASSES.items() if "Example:" in (kind.__doc__ or "")}
    assert drawn_with_example == set(CLASSES) - {"MyoError", "StackError", "UnreadableRecording"}
