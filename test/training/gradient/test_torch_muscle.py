"""Muscle curves and tendon springs in torch, against MuJoCo's own functions and by their shapes."""

from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

import myoprosthesis
from myoprosthesis.training.gradient import torch_muscle
from myoprosthesis.training.gradient.torch_muscle import Muscles, Spring, moment_of

ARM = Path(myoprosthesis.__file__).parent / "effectors" / "models" / "arm26.xml"


@pytest.fixture(scope="module")
def model():
    return mujoco.MjModel.from_xml_path(str(ARM))


@pytest.fixture(scope="module")
def muscles(model):
    return Muscles(model).double()


def swept(model, low, high, n=201):
    """The same values for every muscle, (n_muscles, n), and one row of them."""
    x = np.linspace(low, high, n)
    return torch.tensor(np.tile(x, (model.nu, 1))), x


def test_force_length_and_velocity_are_those_of_mujoco(model, muscles):
    """MuJoCo gives their product: with activation 1, at rest for one and at the optimal length for the other."""
    c = muscles.constants
    lengths, x = swept(model, 0.3, 1.9)
    velocities, v = swept(model, -1.5, 1.8)
    by_length, by_velocity = torch_muscle.force_length(lengths, c), torch_muscle.force_velocity(velocities, c)
    for i in range(model.nu):
        prm, (low, high) = model.actuator_gainprm[i], model.actuator_lengthrange[i]
        optimal = (high - low) / (prm[1] - prm[0])

        def gain(length, velocity, i=i, prm=prm, low=low, optimal=optimal):
            at = low + (length - prm[0]) * optimal
            force = mujoco.mju_muscleGain(
                at, velocity * prm[6] * optimal, model.actuator_lengthrange[i], model.actuator_acc0[i], prm[:9]
            )
            return -force / prm[2]

        np.testing.assert_allclose(by_length[i], [gain(a, 0.0) for a in x], atol=1e-9)
        np.testing.assert_allclose(by_velocity[i], [gain(1.0, b) for b in v], atol=1e-9)


def test_passive_force_is_that_of_mujoco(model, muscles):
    lengths, x = swept(model, 0.5, 1.9)
    passive = torch_muscle.passive_force(lengths, muscles.constants)
    for i in range(model.nu):
        prm, (low, high) = model.actuator_gainprm[i], model.actuator_lengthrange[i]
        optimal = (high - low) / (prm[1] - prm[0])
        bias = [
            -mujoco.mju_muscleBias(
                low + (a - prm[0]) * optimal, model.actuator_lengthrange[i], model.actuator_acc0[i], prm[:9]
            )
            / prm[2]
            for a in x
        ]
        np.testing.assert_allclose(passive[i], bias, atol=1e-9)


def test_activation_follows_as_in_mujoco(model, muscles):
    rng = np.random.default_rng(3)
    excitation, act = rng.uniform(-0.2, 1.2, (2, model.nu, 50))
    rate = muscles.activation_rate(torch.tensor(excitation), torch.tensor(act))
    for i in range(model.nu):
        prm = model.actuator_dynprm[i, :3]
        wanted = [mujoco.mju_muscleDynamics(u, a, prm) for u, a in zip(excitation[i], act[i], strict=True)]
        np.testing.assert_allclose(rate[i], wanted, rtol=1e-9, atol=1e-9)


def test_a_tendon_pulls_against_its_moment_and_its_length_is_linear_in_the_joints(model, muscles):
    data = mujoco.MjData(model)
    data.qpos[:] = 0.4, 1.1
    mujoco.mj_forward(model, data)
    q = tuple(torch.tensor([x]) for x in data.qpos)
    np.testing.assert_allclose(muscles.length(q)[:, 0], data.actuator_length, atol=1e-12)
    still = (torch.zeros(1).double(),) * 2
    for i in range(model.nu):
        act = torch.zeros(model.nu, 1).double()
        act[i] = 1.0
        pull = np.array([float(f) for f in muscles.joint_force(q, still, act)])
        rest = np.array([float(f) for f in muscles.joint_force(q, still, 0 * act)])
        moment = np.array(moment_of(model, int(model.actuator_trnid[i, 0])))
        assert ((pull - rest) * moment <= 0).all() and np.any((pull - rest) * moment < 0)


def test_a_spring_is_slack_between_its_bounds():
    spring = Spring((1.0, -1.0), 10.0, -0.2, 0.3)
    q = (torch.tensor([0.0, 0.5, -0.5]), torch.tensor([0.1, 0.0, 0.0]))
    np.testing.assert_allclose(spring.tension(q), [0.0, -2.0, 3.0], atol=1e-6)
