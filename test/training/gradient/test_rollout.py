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
from myoprosthesis.training.gradient.rollout import Rollout, wants_compilation
from myoprosthesis.training.gradient.torch_twin import Twin

CURRICULUM = Curriculum("c", (Stage("s"),), hidden=12)


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
def test_twin_and_body_take_the_same_path(name, gain, tmp_path, lively):
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


def test_another_delay_takes_another_path(lively):
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


def test_compiled_and_plain_give_the_same_trial_and_the_same_gradient(lively):
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
