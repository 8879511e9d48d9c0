"""What is known of an effector, in JSON and back, and what is refused."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector_spec import CAPABILITIES, EffectorSpec
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.force_field import ForceField

SPEC = EffectorSpec(
    "arm", 0.01, Channels("effort", ("m1", "m2"), "1", (0.0, 0.0), (1.0, 1.0)), ("elbow",), ("m1", "m2"), "tip",
    fail=(0.1, 0.2), rate_limit=3.0, sites=("endpoint", "muscle"), home=(0.1, 0.2, 0.3), fingerprint=(1.0, 2.5),
    poses={"rest": (0.0, 0.0), "bent": (0.5, 1.0)},
)  # fmt: skip


def test_json_brings_it_back():
    assert EffectorSpec.from_json(SPEC.to_json()) == SPEC
    other = replace(SPEC, fail=("hold", 0.5), braking=(20.0, 0.0), rate_limit=None)
    assert EffectorSpec.from_json(other.to_json()) == other != SPEC


def test_one_word_or_number_stands_for_every_channel_and_each_may_have_its_own():
    for fail, each in (("hold", ("hold",) * 2), (0.5, (0.5,) * 2), (("relax", 0.5), ("relax", 0.5))):
        assert replace(SPEC, fail=fail).fail_each == each
    assert replace(SPEC, fail=("hold", "hold")).fail == "hold"
    assert replace(SPEC, braking=3).braking == (3.0, 3.0) and SPEC.braking == ()
    hash(replace(SPEC, fail="hold"))


CAPABLE = dict.fromkeys(CAPABILITIES, True)


@pytest.mark.parametrize("steppable", [False, True])
def test_a_specification_as_written_before_there_were_groups_and_capabilities_is_read(steppable):
    data = json.loads(SPEC.to_json())
    for key in ("groups", "root", "observed_sites", "objects", "contacts", *CAPABILITIES):
        del data[key]
    data["steppable"] = steppable
    assert EffectorSpec.from_json(json.dumps(data)) == replace(SPEC, **dict.fromkeys(CAPABILITIES, steppable))


def test_each_capability_has_a_name_and_the_old_word_for_all_still_works():
    some = replace(SPEC, resettable=True, deterministic=True)
    assert not some.steppable and EffectorSpec.from_json(some.to_json()) == some
    with pytest.warns(DeprecationWarning, match="say resettable, pausable, deterministic"):
        old = EffectorSpec("arm", 0.01, SPEC.command, ("elbow",), steppable=True)
    assert old == EffectorSpec("arm", 0.01, SPEC.command, ("elbow",), **CAPABLE) and old.steppable
    assert replace(old, pausable=False).pausable is False


@pytest.mark.parametrize(
    "bad",
    [{"dt": dt} for dt in (0.0, float("nan"), 1e-300, 10.0, 1e300)]
    + [{"fail": fail} for fail in ("rlax", (0.1,), (0.1, float("nan")), ("hold", "rlax"), ("hold", 1.5))]
    + [{"braking": braking} for braking in ((1.0,), -1.0, float("inf"))]
    + [{"poses": {"bent": pose}} for pose in ((0.5,), (0.5, 1.1), (-0.1, 0.0), (float("nan"), 0.0))],
)
def test_a_specification_that_would_fail_in_the_loop_is_refused(bad):
    with pytest.raises(ConfigError, match="'arm'"):
        replace(SPEC, **bad)


def test_poses_are_read_like_a_dict_and_cannot_be_changed():
    given = {"bent": [0.5, 1]}
    spec = replace(SPEC, poses=given)
    given["bent"].append(3.0)
    assert spec.poses["bent"] == (0.5, 1.0) and dict(spec.poses) == {"bent": (0.5, 1.0)}
    with pytest.raises(TypeError):
        spec.poses["bent"] = (0.0, 0.0)
    assert hash(spec) == hash(replace(SPEC, poses={"bent": (0.5, 1.0)})) != hash(SPEC)
    assert pickle.loads(pickle.dumps(spec)) == spec != SPEC
    with pytest.raises(ConfigError, match="pose 'bent' of effector 'arm' has 1.1 for m2, outside 0 to 1 1"):
        replace(SPEC, poses={"bent": (0.5, 1.1)})


def test_sites_that_it_does_not_have_are_refused():
    SPEC.require_sites(Disturbance(endpoint=ForceField.zero(), strength=np.ones(2)).sites)
    with pytest.raises(Refused, match="'arm' cannot apply a perturbation at its joint; it can at: endpoint, muscle"):
        SPEC.require_sites(Disturbance(endpoint=ForceField.zero(), joint=ForceField.zero(1)).sites)


def test_the_specification_states_the_units_of_every_channel():
    units = json.loads(SPEC.to_json())["units"]
    assert set(units) == set(SPEC.channels)
    for joint in SPEC.joints:
        assert units[joint] == ["rad", "rad/s", "N·m"]
    for muscle in SPEC.muscles:
        assert units[muscle] == ["m", "m/s", "N"] and units[f"{muscle}/activation"][0] == "1"
    with pytest.raises(ConfigError, match="each needs one of rad, m, 1"):
        replace(SPEC, joint_units=("deg",) * len(SPEC.joints))
