"""Actions behind commands: the logits of squashed ones, which are those of the network but for one factor and shift."""

import numpy as np
import pytest

from myoprosthesis.analysis.action_space import action_space
from myoprosthesis.analysis.synergies import subspace

LOW, HIGH = np.array([0.0, 0.0, -1.0]), np.array([1.0, 2.0, 1.0])
ACTION = np.random.default_rng(0).normal(0, 0.4, (500, 3)) @ [[1, 0.5, 0], [0, 1, 0.2], [0, 0, 0.3]]


def squashed(action):
    return LOW + (HIGH - LOW) / (1 + np.exp(-5 * (action - 0.5)))


def test_the_components_are_those_of_the_network():
    space = action_space(squashed(ACTION), LOW, HIGH)
    assert space.squashed
    assert np.allclose(space.action(squashed(ACTION)), 5 * (ACTION - 0.5), atol=1e-3)
    ours, theirs = subspace(space.action(squashed(ACTION))), subspace(ACTION)
    for k in (1, 2, 3):
        projected = space.command(ours.project(space.action(squashed(ACTION)), k))
        limits = ACTION.min(), ACTION.max()
        assert np.allclose(projected, squashed(np.clip(theirs.project(ACTION, k), *limits)), atol=1e-4)


def test_clipped_commands_are_taken_as_they_are():
    commands = np.clip(ACTION, LOW, HIGH)
    space = action_space(commands, LOW, HIGH)
    assert not space.squashed
    assert np.array_equal(space.action(commands), commands)
    assert space.command([[9.0, -9.0, 0.5]]).tolist() == [[commands.max(), commands.min(), 0.5]]


def test_saturated_commands_are_still_finite():
    commands = squashed(ACTION)
    commands[:5] = LOW
    assert np.isfinite(action_space(commands, LOW, HIGH).action(commands)).all()
    assert action_space(commands, LOW, HIGH).squashed


def test_no_command_is_refused():
    with pytest.raises(ValueError, match="commands"):
        action_space(np.zeros((0, 3)), LOW, HIGH)
