"""What a picture follows: a body that is free to go anywhere, and none that is fastened to the world."""

import mujoco
import pytest

from myoprosthesis.core import registry
from myoprosthesis.effectors.body_picture import floating_root


def model_of(name):
    return registry.factory("effectors", name)(registry.options("effectors", name)()).model


def test_the_root_of_legs_floats():
    model = model_of("myolegs")
    root = floating_root(model)
    assert model.jnt_type[model.body_jntadr[root]] == mujoco.mjtJoint.mjJNT_FREE
    assert model.body_subtreemass[root] > 70.0


@pytest.mark.parametrize("name", ["arm26", "myohand", "baoding_hand"])
def test_a_body_that_is_fastened_has_no_floating_root_though_balls_are_free(name):
    assert floating_root(model_of(name)) is None
