"""The tasks of many simulations: whose options hold when, and who is judged by what."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.bodies import arm26
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.envs import reach
from myoprosthesis.envs.task_batch import TaskBatch


class Still:
    """Moments of three simulations at rest."""

    def columns(self, *channels, field="position"):
        return np.arange(3.0)[:, None] * np.ones(len(channels)) * (field == "position")

    def goal(self, *channels, field="position"):
        return np.zeros((3, len(channels)))


@pytest.fixture(scope="module")
def spec():
    return arm26(BodyOptions()).spec


@pytest.fixture
def batch(spec):
    return TaskBatch(reach.config(), spec, 3)


def test_options_hold_from_the_next_trial_on(batch):
    before = batch.plan(1, 0)
    batch.set_options([1], {"task.trial_s": 0.7}, stage=2)
    assert batch.settings[1] == ({}, 0) and batch.next == {1: ({"task.trial_s": 0.7}, 2)}
    assert batch.plan(0, 0).until_ns == before.until_ns
    assert batch.plan(1, 1).until_ns == 700_000_000 and batch.settings[1] == ({"task.trial_s": 0.7}, 2)
    assert not batch.next and batch.plan(1, 2).until_ns == 700_000_000


def test_each_simulation_is_judged_by_its_own_weights(batch):
    whole, parts, solved, failed = batch.judge(Still())
    name = next(name for name in batch.rewards if parts[name][[0, 2]].any())
    batch.set_options([0, 2], {f"reward.{name}": 100.0}, stage=0)
    for i in range(3):
        batch.plan(i, 0)
    total, again, *_ = batch.judge(Still())
    for other in batch.rewards:
        np.testing.assert_array_equal(again[other], parts[other])
    more = 100.0 - batch.own.weights[name]
    np.testing.assert_allclose(total - whole, more * parts[name] * [1.0, 0.0, 1.0])
    assert solved.shape == failed.shape == (3,)


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"trial_s": 1.0}, "begins with neither task. nor reward."),
        ({"task.trial": 1.0}, "unknown option 'trial'.*did you mean 'trial_s'"),
        ({"task.trial_s": -1.0}, "trial_s: -1.0 is outside"),
        ({"reward.luck": 1.0}, "unknown reward 'luck'"),
    ],
)
def test_options_that_cannot_be_are_refused_when_they_are_set(batch, values, sentence):
    with pytest.raises(ConfigError, match=sentence):
        batch.set_options([0], values, stage=0)
    assert not batch.next
