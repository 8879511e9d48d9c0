"""The largest push that a walk survives, found by halving, is one that trials of a stack survive, and no larger one."""

import numpy as np
import pytest
import yaml

from myoprosthesis.core.errors import Refused
from myoprosthesis.envs import push_limits
from myoprosthesis.envs.played_trials import played
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import OnnxPolicy

OPTIONS = {"seed": 1000, "speed": (1.2, 1.4)}


def test_the_limit_is_survived_and_one_more_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(push_limits, "AFTER_S", 2.0)
    policy = OnnxPolicy(store.find("walk"))
    limits = push_limits.push_limits(policy, range(2), options=OPTIONS, directions_deg=(180.0, 90.0), threads=1)
    assert limits.duration_s == pytest.approx(0.2, abs=0.02) and (limits.directions_deg, limits.trials) == (
        (180, 90),
        2,
    )
    direction, impulse = limits.worst
    assert impulse == min(limits.impulse_ns) and 0 < impulse < push_limits.MOST_NS and direction in (180.0, 90.0)
    survived = []
    for newtons in (impulse, impulse + 1):
        push = {"kind": "body_push", "newton": newtons / limits.duration_s, "direction_deg": direction, "start_s": 1.0}
        file = tmp_path / f"{newtons}.yaml"
        file.write_text(yaml.safe_dump({"kinds": [{**push, "duration_s": limits.duration_s}]}))
        trial = {**OPTIONS, "trial_s": 3.0 - policy.contract.dt}
        survived.append(all(r.success for r in played(policy, range(2), "", trial, 1, perturbation=str(file))))
    assert survived == [True, False]


def test_an_arm_has_no_pelvis_that_could_be_pushed():
    with pytest.raises(Refused, match="'arm26' has no pelvis that could be pushed: legs"):
        push_limits.push_limits(OnnxPolicy(store.find("reach_null")), range(1))


def test_a_policy_at_rest_or_as_it_is():
    policy = OnnxPolicy(store.find("reach_null"))
    seen = np.full(policy.contract.observation_size, 0.3, np.float32)
    policy.step(seen)
    rest, same = policy.branch(), policy.branch(rest=False)
    assert (rest.hidden == 0).all() and (same.hidden == policy.hidden).all() and same.hidden.any()
    np.testing.assert_array_equal(policy.step(seen), same.step(seen))
    same.step(seen)
    assert (policy.hidden != same.hidden).any()
