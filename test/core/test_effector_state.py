"""The views of a state are the columns of their names."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import POSE, EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError

SPEC = EffectorSpec(
    "arm", 0.01, Channels("effort", ("m1", "m2"), "1", (0.0, 0.0), (1.0, 1.0)), ("elbow",), ("m1", "m2"), "tip",
    sites=("endpoint", "muscle"), home=(0.1, 0.2, 0.3),
)  # fmt: skip


def test_the_place_of_a_target_is_that_of_its_joint_and_what_has_none_has_no_number():
    command = Channels("position", ("b", "grip", "a"), "rad", (-1.0,) * 3, (1.0,) * 3)
    spec = EffectorSpec("arm", 0.01, command, ("a", "b"))
    table = np.array([[0.1, 0.2], [1.0, 2.0], [0.0, 0.0]])
    state = EffectorState(spec, 0.0, table, np.zeros(3))
    np.testing.assert_array_equal(state.measured, [0.2, np.nan, 0.1])
    np.testing.assert_array_equal(state.measured_velocity, [2.0, np.nan, 1.0])
    own = EffectorState(spec, 0.0, table, np.zeros(3), measured=np.zeros(3), measured_velocity=np.ones(3))
    assert own.measured.tolist() == [0.0] * 3 and own.measured_velocity.tolist() == [1.0] * 3
    efforts = replace(spec, command=Channels("effort", ("b", "a"), "1", (-1.0,) * 2, (1.0,) * 2))
    assert np.isnan(EffectorState(efforts, 0.0, table, np.zeros(2)).measured).all()


def test_the_views_of_a_state_are_the_columns_of_its_names():
    table = np.arange(24.0).reshape(3, 8)
    state, column = EffectorState(SPEC, 0.0, table, np.zeros(2)), SPEC.channels.index
    assert SPEC.channels == (
        "elbow", "m1", "m2", "m1/activation", "m2/activation", "endpoint/x", "endpoint/y", "endpoint/z",
    )  # fmt: skip
    assert (state.joint_position, state.joint_velocity, state.joint_effort) == (0, 8, 16)
    for view, row, name in (
        (state.muscle_length, 0, "m1"), (state.muscle_velocity, 1, "m1"), (state.muscle_force, 2, "m1"),
        (state.activation, 0, "m1/activation"), (state.endpoint_position, 0, "endpoint/x"),
        (state.endpoint_velocity, 1, "endpoint/x"), (state.load, 2, "endpoint/x"),
    ):  # fmt: skip
        np.testing.assert_array_equal(view, table[row, column(name) : column(name) + view.size])
    without = EffectorState(replace(SPEC, endpoint=""), 0.0, table[:, :5], np.zeros(2))
    assert without.endpoint_position.size == without.endpoint_velocity.size == without.load.size == 0


def test_every_group_is_seen_by_its_name_wherever_its_columns_are():
    spec = replace(
        SPEC, joints=tuple(f"base/{a}" for a in POSE) + ("elbow",), joint_units=("m",) * 3 + ("1",) * 4 + ("rad",),
        root="base", observed_sites=("thumb",), objects=("ball", "cup"), contacts=("pad",),
    )  # fmt: skip
    assert [(g, len(n)) for g, n in spec.groups.items()] == [
        ("root", 7), ("joints", 1), ("muscles", 2), ("activation", 2), ("sites", 6), ("objects", 14), ("contacts", 1),
    ]  # fmt: skip
    table = np.random.default_rng(0).normal(size=(3, len(spec.channels)))
    state = EffectorState(spec, 0.0, table, np.zeros(2))
    for group, names in spec.groups.items():
        np.testing.assert_array_equal(state.group(group), table[:, [spec.channels.index(n) for n in names]])
    for view, name in (
        (state.site("thumb"), "thumb/x"),
        (state.object("cup"), "cup/x"),
        (state.load[None], "endpoint/x"),
    ):
        assert view[-1, 0] == table[2, spec.channels.index(name)]
    assert state.object("cup").shape == (3, 7) and state.group("nothing").shape == (3, 0)
    assert state.joint_position.size == 8 and set(spec.units) == set(spec.channels)
    assert EffectorSpec.from_json(spec.to_json()) == spec
    with pytest.raises(ConfigError, match="floating base 'base' of effector 'arm' needs its pose as the first joints"):
        replace(spec, joints=spec.joints[1:], joint_units=())
