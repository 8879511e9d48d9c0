"""The twin against MuJoCo, and against itself."""

from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

import myoprosthesis
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.training.gradient.torch_twin import Twin, TwinState, law_rows

MODELS = Path(myoprosthesis.__file__).parent / "effectors" / "models"
BODIES = ("arm26", "point_mass")
SPEED = {"arm26": 25.0, "point_mass": 6.0}
FIELD = ForceField.of(f0=[1, -2], K=[[-20, 3], [5, -30]], B=[[-1, 10], [-10, -2]], x0=[0.05, 0.3])
BATCH, CONTROL_STEPS = 16, 100


def load(name: str) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_path(str(MODELS / f"{name}.xml"))


def random_start(model: mujoco.MjModel, name: str, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """q, v (batch, 2) and act (batch, n_muscles), past the limits and up to speeds where muscles give out."""
    limits = model.tendon_lengthspring[-2:]
    q = rng.uniform(limits[:, 0] - 0.2, limits[:, 1] + 0.2, (BATCH, 2))
    return q, rng.normal(0, SPEED[name], (BATCH, 2)), rng.uniform(-0.05, 1.05, (BATCH, model.nu))


def mujoco_rollout(model, start, commands, law):
    """q, v, act and actuator lengths and velocities, each (time, batch, n), at every physics step."""
    out, jacobian = {k: [] for k in ("q", "v", "act", "length", "velocity")}, np.zeros((3, model.nv))
    data = [mujoco.MjData(model) for _ in range(BATCH)]
    for d, q, v, a in zip(data, *start, strict=True):
        d.qpos[:], d.qvel[:], d.act[:] = q, v, a
    for command in commands:
        for _ in range(5):
            for d, u in zip(data, command, strict=True):
                d.ctrl[:] = u
                mujoco.mj_step1(model, d)
                out["length"].append(d.actuator_length.copy())
                out["velocity"].append(d.actuator_velocity.copy())
                mujoco.mj_jacSite(model, d, jacobian, None, model.site("endpoint").id)
                d.qfrc_applied[:] = jacobian.T @ law.force(d.site("endpoint").xpos, jacobian @ d.qvel)
                mujoco.mj_step2(model, d)
                for key, value in (("q", d.qpos), ("v", d.qvel), ("act", d.act)):
                    out[key].append(value.copy())
    return {k: np.array(x).reshape(len(commands) * 5, BATCH, -1) for k, x in out.items()}


@pytest.fixture(scope="module", params=BODIES)
def rollout(request):
    """One second from random states, excitations redrawn every 10 ms, a field with all of its terms."""
    name, model, rng = request.param, load(request.param), np.random.default_rng(7)
    start = random_start(model, name, rng)
    commands = rng.uniform(-0.05, 1.05, (CONTROL_STEPS, BATCH, model.nu))
    return name, model, start, commands, mujoco_rollout(model, start, commands, FIELD)


def test_one_second_agrees_with_mujoco_in_every_state(rollout):
    _, model, start, commands, truth = rollout
    twin, law = Twin(model), law_rows(FIELD, BATCH)
    state = TwinState(*(torch.tensor(x.T) for x in start))
    for k, command in enumerate(commands):
        state = twin.step(state, torch.tensor(command.T), law)
        for got, key in zip(state, ("q", "v", "act"), strict=True):
            wanted = truth[key][5 * k + 4]
            np.testing.assert_allclose(got.numpy().T, wanted, rtol=0, atol=1e-9, err_msg=f"{key} at {k}")


def test_senses_agree_with_mujoco(rollout):
    _, model, start, _, truth = rollout
    sense = Twin(model).sense(TwinState(*(torch.tensor(x.T) for x in start)))
    np.testing.assert_allclose(sense.muscle_length.numpy().T, truth["length"][0], atol=1e-12)
    np.testing.assert_allclose(sense.muscle_velocity.numpy().T, truth["velocity"][0], atol=1e-12)
    data, jacobian = mujoco.MjData(model), np.zeros((3, model.nv))
    for i in range(BATCH):
        data.qpos[:], data.qvel[:] = start[0][i], start[1][i]
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_jacSite(model, data, jacobian, None, 0)
        np.testing.assert_allclose(sense.endpoint.numpy()[:, i], data.site_xpos[0, :2], atol=1e-12)
        velocity = (jacobian @ data.qvel)[:2]
        np.testing.assert_allclose(sense.endpoint_velocity.numpy()[:, i], velocity, atol=1e-12)


def test_the_rollout_visits_every_branch(rollout):
    """Every piece of every piecewise curve is used by some muscle at some time, and both sides of each limit."""
    _, model, _, commands, truth = rollout
    prm, low, high = model.actuator_gainprm[0], *model.actuator_lengthrange.T
    optimal = (high - low) / (prm[1] - prm[0])
    L = prm[0] + (truth["length"] - low) / optimal
    V = truth["velocity"] / (optimal * prm[6])
    lmin, lmax, c = prm[4], prm[5], prm[8] - 1

    def pieces(x, *edges):
        return set(np.unique(np.digitize(x, edges)))

    assert pieces(L, lmin, (1 + lmin) / 2, 1, (1 + lmax) / 2, lmax) == set(range(6)), "force-length"
    assert pieces(V, -1, 0, c) == set(range(4)), "force-velocity"
    rise = np.repeat(commands, 5, 0)[1:].clip(0, 1) - truth["act"][:-1]
    assert pieces(rise, 0) == {0, 1}, "activation up and down"
    assert pieces(commands, 0, 1) == {0, 1, 2}, "excitation clipped at both ends"
    for joint, (lower, upper) in enumerate(model.tendon_lengthspring[-2:]):
        assert pieces(truth["q"][..., joint], lower, upper) == {0, 1, 2}, f"limits of joint {joint}"


@pytest.mark.parametrize("name", BODIES)
def test_gradients_agree_with_finite_differences(name):
    model, rng = load(name), np.random.default_rng(3)
    twin, batch = Twin(model), 2
    law = law_rows(FIELD, batch)
    start = TwinState(
        torch.tensor(twin.home[:, None] + rng.normal(0, 0.1, (2, batch))),
        torch.tensor(rng.normal(0, 0.5, (2, batch))),
        torch.tensor(rng.uniform(0.1, 0.6, (model.nu, batch))),
    )

    def after_two_steps(q, v, act, u1, u2, law):
        state = twin.step(twin.step(TwinState(q, v, act), u1, law), u2, law)
        return torch.cat([*state, *twin.sense(state)])

    excitations = [torch.tensor(rng.uniform(0.05, 0.95, (model.nu, batch))) for _ in range(2)]
    inputs = [x.requires_grad_() for x in (*start, *excitations, law)]
    assert torch.autograd.gradcheck(after_two_steps, inputs, eps=1e-7, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", BODIES)
def test_every_muscle_pulls_as_its_name_says(name):
    """One muscle at a time from rest at home: flexors bend, extensors straighten, `up` pulls up."""
    expected = {
        "pectoralis": (+1, 0),
        "deltoid": (-1, 0),
        "brachioradialis": (0, +1),
        "triceps_lateral": (0, -1),
        "biceps": (+1, +1),
        "triceps_long": (-1, -1),
        "right": (+1, 0),
        "left": (-1, 0),
        "up": (0, +1),
        "down": (0, -1),
    }
    model = load(name)
    data = mujoco.MjData(model)
    for i in range(model.nu):
        mujoco.mj_resetDataKeyframe(model, data, model.key("home").id)
        data.act[i] = 0.5
        mujoco.mj_forward(model, data)
        torque = np.round(data.qfrc_actuator, 9)
        np.testing.assert_array_equal(np.sign(torque), expected[model.actuator(i).name])


def test_arm26_has_the_published_constants():
    """Nijhof & Kouwenhoven 2000; inertias about the proximal joint."""
    twin = Twin(load("arm26"))
    muscles, c = twin.muscles, twin.muscles.constants
    optimal, force = [0.134, 0.140, 0.092, 0.093, 0.137, 0.127], [838, 1207, 1422, 1549, 414, 603]
    np.testing.assert_allclose(c.optimal_length[:, 0], optimal)
    for pull, moment in ((c.pull_1, c.moment_1), (c.pull_2, c.moment_2)):
        np.testing.assert_allclose(pull[:, 0], -np.array(force) * moment[:, 0].numpy())
    home = c.length_at_zero + muscles.length(torch.tensor(twin.home)[:, None]) / c.optimal_length
    np.testing.assert_allclose(home, 1, atol=1e-9)
    np.testing.assert_allclose(twin.skeleton.inertia_1, 0.051 + 1.43 * 0.309**2)
    np.testing.assert_allclose(twin.skeleton.inertia_2, 0.057)


def test_a_body_with_other_physics_is_refused():
    text = (MODELS / "arm26.xml").read_text()
    for old, new, word in (
        ('gravity="0 0 0"', 'gravity="0 -9.81 0"', "gravity"),
        ('integrator="Euler"', 'integrator="RK4"', "Euler"),
        ('constraint="disable"', "", "constraints"),
        ('<joint type="hinge"', '<joint stiffness="2" type="hinge"', "joint springs"),
    ):
        assert old in text
        with pytest.raises(ConfigError, match=word):
            Twin(mujoco.MjModel.from_xml_string(text.replace(old, new)))
    with pytest.raises(ConfigError, match="0.008"):
        Twin(load("arm26"), control_dt=0.009)
