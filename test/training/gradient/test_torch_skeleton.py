"""Two-joint rigid bodies in torch, against MuJoCo."""

from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

import myoprosthesis
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.gradient.torch_skeleton import Slides, TwoLink, skeleton_of

MODELS = Path(myoprosthesis.__file__).parent / "effectors" / "models"


@pytest.fixture(params=["arm26", "point_mass"])
def body(request):
    """The model, its skeleton, and MuJoCo's data in a posture in motion."""
    model = mujoco.MjModel.from_xml_path(str(MODELS / f"{request.param}.xml"))
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = (0.4, 1.1), (2.0, -3.0)
    mujoco.mj_forward(model, data)
    return model, skeleton_of(model), data


def rows(x):
    return tuple(torch.tensor([float(v)], dtype=torch.float64) for v in x)


def values(out):
    return np.array([float(x) for x in out])


def test_inertia_and_bias_are_those_of_mujoco(body):
    model, skeleton, data = body
    full = np.zeros((2, 2))
    mujoco.mj_fullM(model, data, full)
    np.testing.assert_allclose(values(skeleton.mass(rows(data.qpos))), full[[0, 0, 1], [0, 1, 1]], atol=1e-12)
    bias = values(skeleton.bias(rows(data.qpos), rows(data.qvel)))
    np.testing.assert_allclose(bias, data.qfrc_bias, atol=1e-10)


def test_the_endpoint_moves_as_in_mujoco_and_its_force_acts_by_the_transpose(body):
    model, skeleton, data = body
    jacobian = np.zeros((3, model.nv))
    mujoco.mj_jacSite(model, data, jacobian, None, model.site("endpoint").id)
    q, v, force = rows(data.qpos), rows(data.qvel), np.array([0.7, -1.3])
    np.testing.assert_allclose(values(skeleton.endpoint(q)), data.site("endpoint").xpos[:2], atol=1e-12)
    np.testing.assert_allclose(values(skeleton.endpoint_velocity(q, v)), (jacobian @ data.qvel)[:2], atol=1e-12)
    np.testing.assert_allclose(values(skeleton.joint_force(q, rows(force))), jacobian[:2].T @ force, atol=1e-12)


def test_joints_at_is_the_inverse_of_the_endpoint(body):
    _, skeleton, data = body
    np.testing.assert_allclose(values(skeleton.joints_at(skeleton.endpoint(rows(data.qpos)))), data.qpos, atol=1e-9)


def test_out_of_reach_the_straight_arm_points_there():
    arm = TwoLink(0.3, 0.2, 1.0, 1.0, 0.1, (0.0, 0.0))
    shoulder, elbow = values(arm.joints_at(rows([3.0, 3.0])))
    assert elbow == 0.0 and shoulder == pytest.approx(np.pi / 4)


@pytest.mark.parametrize(
    "xml, what",
    [
        ('<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 0 1"/>', "both slides along x and y"),
        ('<joint type="hinge" axis="0 0 1"/><joint type="hinge" axis="0 1 0"/>', "two links along x"),
    ],
    ids=["slides", "hinges"],
)
def test_a_body_that_is_built_otherwise_is_refused(xml, what):
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><worldbody><body>{xml}<geom size="0.1" mass="1"/><site name="endpoint"/></body></worldbody></mujoco>'
    )
    with pytest.raises(ConfigError, match=f"the torch twin copies {what}.*built otherwise"):
        skeleton_of(model)


def test_a_point_on_slides_is_a_mass():
    model = mujoco.MjModel.from_xml_path(str(MODELS / "point_mass.xml"))
    skeleton = skeleton_of(model)
    assert isinstance(skeleton, Slides) and skeleton.m == pytest.approx(model.body_mass.sum())
