"""What is said of physics that have changed since a policy was trained."""

import re
from dataclasses import replace

import pytest

from myoprosthesis.cli.policies import physics_words
from myoprosthesis.core import registry, share
from myoprosthesis.core.errors import PhysicsChanged
from myoprosthesis.policies.onnx_policy import read_contract


@pytest.mark.parametrize(
    ("simulator", "words"),
    [
        ("mujoco 3.0.0", r"\(mujoco 3.0.0, now mujoco 3.17"),
        ("mujoco 3.17", r"\(by mujoco 3.17 as now, with other options, such as dt\)"),
    ],
)
def test_the_simulator_is_blamed_only_where_it_is_another(simulator, words):
    contract = read_contract(share.root() / "policies" / "reach_null" / "policy.onnx")
    spec = registry.factory("effectors", "arm26")(registry.options("effectors", "arm26")()).spec
    other = replace(spec, simulator="mujoco 3.17", fingerprint=tuple(2 * x for x in contract.fingerprint))
    with pytest.raises(PhysicsChanged, match=words):
        replace(contract, simulator=simulator).check_physics(other)
    told = physics_words(False, replace(contract, simulator=simulator), other)
    assert told.startswith("changed since training (") and re.search(words, told)
    assert physics_words(True, contract, other) == "as when it was trained"
