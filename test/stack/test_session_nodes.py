"""A session is refused, before anything starts, for all that would end it where a block begins."""

from __future__ import annotations

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.session_trials import plan
from myoprosthesis.stack import session_nodes
from myoprosthesis.stack.session_nodes import check_session


def check(*kinds, **changes):
    blocks = [{"name": "a", "trials": 2}, {"name": "b", "trials": 2, "kinds": kinds}]
    data = {"name": "some", "effector": "point_mass", "policy": "point_mass_null", "blocks": blocks, **changes}
    session = sessions.made(data)
    check_session(session, plan(session))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ({"kind": "weakness", "muscles": ["nosuch"]}, "block 'b': effector 'point_mass' has no muscle 'nosuch'"),
        ({"kind": "joint_load", "joints": ["nosuch"], "torque": 1.0}, "block 'b': .*'nosuch'"),
        ({"kind": "mains"}, "block 'b': it acts on EMG, and there is none in this stack"),
        ({"kind": "noise", "terms": ["nosuch"], "sd": 1.0}, "block 'b': the policy observes no 'nosuch'"),
        ({"kind": "hidden_silence", "units": [9999]}, "block 'b': .*9999"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_perturbation_that_nothing_can_apply_is_refused(kind, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check(kind)
    if kind["kind"] != "mains":
        with pytest.raises(ConfigError, match=sentence.replace("'b'", "'a'")):
            check(always=[kind])


def test_a_perturbation_is_checked_against_the_policy_of_its_own_block(sound, spoil, tmp_path):
    small = str(spoil(sound(), "sound", tmp_path))  # 8 units
    silence = {"kinds": [{"kind": "hidden_silence", "units": [20]}]}
    first, second = {"name": "a", "trials": 2}, {"name": "b", "trials": 2, "policy": "point_mass_null"}
    check(policy=small, blocks=[first, second | silence])
    with pytest.raises(ConfigError, match="block 'a': .*20"):
        check(policy=small, blocks=[first | silence, second])


@pytest.mark.parametrize("fault", ["returns NaN", "fails when run", "unknown operator"])
def test_a_network_that_cannot_be_played_is_refused_with_its_block(fault, sound, spoil, tmp_path):
    path = spoil(sound(), fault, tmp_path)
    with pytest.raises(ConfigError, match=f"block 'c': .*{path.parent.name}"):
        check(blocks=[{"name": "b", "trials": 2}, {"name": "c", "trials": 2, "policy": str(path)}])


def test_what_the_description_of_its_stack_refuses_is_refused(monkeypatch):
    def refuse(*_, **__):
        raise ConfigError("no such stack")

    monkeypatch.setattr(session_nodes, "describe", refuse)
    with pytest.raises(ConfigError, match="no such stack"):
        check({"kind": "curl"})
