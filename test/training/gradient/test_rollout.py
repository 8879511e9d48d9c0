"""The closed loop on the twin is the closed loop on the MuJoCo body."""

import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.training.gradient import evaluation, export, reach_observation, trial_sampler
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.loss import SMOOTH, terms, total
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.rollout import Rollout, Trace, wants_compilation
from myoprosthesis.training.gradient.torch_twin import Twin

CURRICULUM = Curriculum("c", (Stage("s"),), hidden=12)


def lively(twin: Twin) -> ReachPolicy:
    """An untrained policy that moves the body well about, so that every observation matters."""
    generator = torch.Generator().manual_seed(4)
    policy = ReachPolicy(*reach_observation.normaliser(twin), CURRICULUM.hidden, len(twin.muscles.names), generator)
    with torch.no_grad():
        policy.b_out += 2.5
        policy.w_out *= 2
    return policy


def contract(twin: Twin, body, curriculum=CURRICULUM) -> Contract:
    return Contract(
        name="lively",
        effector=body.spec.name,
        observation=reach_observation.terms(twin, curriculum),
        action=body.spec.command,
        dt=curriculum.dt,
        hidden=(("hidden", (1, curriculum.hidden)),),
    )


@pytest.mark.parametrize("name", ["arm26", "point_mass"])
@pytest.mark.parametrize("gain", [0.0, 15.0])
def test_twin_and_body_take_the_same_path(name, gain, tmp_path):
    """Delays, cues, normaliser, hidden state, field and physics, all at once; float32 against float64."""
    body = getattr(bodies, name)(BodyOptions())
    twin = Twin(body.model).float()
    policy = lively(twin)
    export.export(policy, contract(twin, body), tmp_path / "policy.onnx")
    real = evaluation.centre_out(OnnxPolicy(tmp_path / "policy.onnx"), body, gain)
    with torch.no_grad():
        path = Rollout(twin, policy, CURRICULUM)(trial_sampler.centre_out(twin, CURRICULUM, 8, 0.1, gain)).position
    assert np.ptp(real.path, axis=1).min() > 0.01, "the body must move for this to mean anything"
    np.testing.assert_allclose(path.permute(2, 0, 1).numpy(), real.path, atol=2e-4)


def test_another_delay_takes_another_path():
    """The case that must not pass: the agreement above notices one period of delay."""
    twin = Twin(bodies.arm26(BodyOptions()).model).float()
    test = trial_sampler.centre_out(twin, CURRICULUM, 8, 0.1, 0.0)
    with torch.no_grad():
        paths = [
            Rollout(twin, lively(twin), c)(test).position
            for c in (
                CURRICULUM,
                replace(CURRICULUM, vision_delay=0.08),
                replace(CURRICULUM, proprioception_delay=0.03),
            )
        ]
    assert (paths[1] - paths[0]).abs().max() > 1e-3
    assert (paths[2] - paths[0]).abs().max() > 1e-3


def test_every_weight_gets_a_gradient():
    twin = Twin(bodies.arm26(BodyOptions()).model).float()
    policy = lively(twin)
    drawn = trial_sampler.draw(twin, CURRICULUM, CURRICULUM.stages[0], 8, torch.Generator().manual_seed(0))
    drawn = replace(drawn, steps=30, go=torch.full((8,), 5))
    parts = terms(drawn, Rollout(twin, policy, CURRICULUM)(drawn), CURRICULUM.dt)
    total(parts, CURRICULUM.stages[0].weights).backward()
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_loss_is_what_it_says():
    """Trials to 0° and 45° that stand 3 mm to the right of their start and 4 mm on, by hand."""
    twin = Twin(bodies.point_mass(BodyOptions()).model).float()
    test = trial_sampler.centre_out(twin, CURRICULUM, 2, 0.1, 0.0)
    c = np.sqrt(0.5)
    on, right = torch.tensor([[1, c], [0, c]]), torch.tensor([[0, c], [-1, -c]])
    position = (test.start + 0.004 * on + 0.003 * right).float().expand(test.steps, 2, 2)
    flat = torch.zeros(test.steps, 2)
    trace = Trace(position, torch.zeros_like(position), flat + 0.25, flat + 0.04, flat)
    parts = {k: float(v) for k, v in terms(test, trace, 0.01).items()}

    def rounded(x: float) -> float:
        return float(np.hypot(x, SMOOTH)) - SMOOTH

    before, after = rounded(0.005), rounded(float(np.hypot(0.1 - 0.004, 0.003)))
    assert parts["distance"] == pytest.approx(0.2 * before + 0.8 * after, abs=1e-6)
    assert parts["waiting"] == pytest.approx(0.2 * before, abs=1e-6), "only before the go signal at 0.2 s"
    assert parts["lateral"] == pytest.approx(rounded(0.003), abs=1e-6)
    assert parts["effort"] == pytest.approx(0.25) and parts["hidden"] == pytest.approx(0.04)
    assert parts["jerk"] == 0 and parts["hidden_rate"] == 0


def test_compiled_and_plain_give_the_same_trial_and_the_same_gradient():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not wants_compilation("auto"):
            pytest.skip("nothing can be compiled here")
    curriculum = replace(CURRICULUM, trial=0.12)  # past the longest delay
    twin = Twin(bodies.point_mass(BodyOptions()).model).float()
    drawn = trial_sampler.draw(twin, curriculum, Stage("s", field=(8.0, 8.0)), 4, torch.Generator().manual_seed(0))
    found = []
    for compiled in (False, True):
        policy = lively(twin)
        trace = Rollout(twin, policy, curriculum, compiled)(drawn)
        trace.position.square().sum().backward()
        found.append((trace.position.detach(), *(p.grad for p in policy.parameters())))
    for plain, fast in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-3, atol=1e-6)


def test_compile_choices():
    assert wants_compilation("off") is False
    with pytest.raises(ConfigError, match="auto, on, off"):
        wants_compilation("yes")


@pytest.mark.parametrize("broken", ["no compiler", "no headers"])
def test_where_nothing_can_be_compiled_training_goes_on_without(monkeypatch, broken):
    def fails(*args, **kwargs):
        raise RuntimeError("Python.h: No such file or directory")

    if broken == "no compiler":
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.delenv("CXX", raising=False)
    else:
        monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++")
        monkeypatch.setattr(torch, "compile", fails)
    words = "no C\\+\\+ compiler" if broken == "no compiler" else "Python.h"
    with pytest.warns(UserWarning, match=words):
        assert wants_compilation("auto") is False
    with pytest.raises(ConfigError, match=words):
        wants_compilation("on")
