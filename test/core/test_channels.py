import json

import pytest

from myoprosthesis.core.channels import Channels, permutation
from myoprosthesis.core.errors import ContractError


def test_json_brings_it_back():
    channels = Channels("position", ("a", "b"), "rad", (-1.0, 0.0), (1.0, 2.5))
    assert Channels.from_dict(json.loads(json.dumps(channels.to_dict()))) == channels


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("torque", ("a",), "1", (0,), (1,)), "'torque' is none of position, velocity, effort"),
        (("effort", ("a", "b"), "1", (0,), (1, 1)), "2 channel names with 1 lower and 2 upper"),
        (("effort", ("a", "a"), "1", (0, 0), (1, 1)), "not unique: a, a"),
        (("effort", ("a",), "1", (1,), (1,)), "low < high"),
        (("effort", ("a",), "1", (0,), (float("inf"),)), "finite"),
        (("effort", ("a",), "1", (float("nan"),), (1,)), "finite"),
    ],
)
def test_faults_are_refused(given, sentence):
    with pytest.raises(ContractError, match=sentence):
        Channels(*given)


def test_permutation_finds_each_name():
    wanted, given = ("c", "a", "b"), ("a", "b", "c")
    order = permutation(wanted, given)
    assert tuple(given[i] for i in order) == wanted


def test_permutation_names_the_first_difference():
    with pytest.raises(ContractError, match="'z' is wanted but not there; there are: a, b"):
        permutation(("a", "z", "y"), ("a", "b"))
    with pytest.raises(ContractError, match="'b' is there but not wanted; wanted are: a"):
        permutation(("a",), ("a", "b", "c"))
