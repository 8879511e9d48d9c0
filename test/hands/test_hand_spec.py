"""Data sheets and grips."""

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.files import yaml_text
from myoprosthesis.hands import data_sheets, grips
from myoprosthesis.hands.hand_spec import HandSpec


@pytest.mark.parametrize("name", data_sheets.names())
def test_every_hand_has_a_codec_an_emulator_and_an_effector(name):
    for kind in ("hand_protocols", "emulators", "effectors"):
        assert callable(registry.factory(kind, name))


@pytest.mark.parametrize("name", data_sheets.names())
@pytest.mark.parametrize("grip", grips.library())
def test_every_grip_is_within_the_limits_of_every_hand(name, grip):
    data = data_sheets.load(name)
    pose = grips.pose(data, grip)
    assert (pose >= data.column("low")).all() and (pose <= data.column("high")).all()


@pytest.mark.parametrize("name", data_sheets.names())
def test_power_closes_and_point_leaves_the_index_open(name):
    data = data_sheets.load(name)
    start, power, point = (grips.pose(data, g) for g in ("open", "power", "point"))
    np.testing.assert_array_equal(start, data.column("open"))
    for joint, o, pw, pt in zip(data.joints, start, power, point, strict=True):
        if joint.part == "index":
            assert pt == o
        if joint.part != "spread":
            assert (pw - o) * (joint.closed - o) > 0


def test_a_wrong_sheet_is_refused_with_all_its_faults():
    good = yaml_text.read_mapping(data_sheets.folder() / "ability_hand.yaml")
    joint = dict(good["joints"][0])
    for change, text in (
        ({"baud": "fast", "dt": -1}, "baud: 'fast' is not a whole number; dt: "),
        ({"joints": [{**joint, "open": 9.0}]}, "open: 9.0 is outside"),
        ({"joints": [{**joint, "open": 2.0}]}, "open 2.0 is outside 0.0 to 1.74"),
        ({"joints": [joint, joint]}, "unique names"),
        ({"joints": [{**joint, "gear": 3}]}, "unknown option 'gear'"),
    ):
        with pytest.raises(ConfigError, match=text):
            build(HandSpec, {**good, "name": "x", **change})
    with pytest.raises(ConfigError, match="unknown hand 'abilty_hand'.*did you mean 'ability_hand'"):
        data_sheets.load("abilty_hand")
    with pytest.raises(ConfigError, match="unknown grip 'fist'"):
        grips.pose(data_sheets.load("ability_hand"), "fist")
