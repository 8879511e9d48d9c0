"""A learner between trials: it adapts a policy to what was measured, and can be cut and taken up at any trial."""

import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
import torch

from myoprosthesis.core import share
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.options import build
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.policies.policy_controller import PolicyController
from myoprosthesis.training import checkpoint
from myoprosthesis.training.adaptation.field_estimate import PractisedMovement
from myoprosthesis.training.adaptation.learner import Learner, LearnerOptions
from myoprosthesis.training.gradient import evaluation, export, reach_observation
from myoprosthesis.training.gradient.curriculum import Curriculum, Stage
from myoprosthesis.training.gradient.network import ReachPolicy
from myoprosthesis.training.gradient.torch_twin import Twin

CW = np.array([[0.0, 10.0], [-10.0, 0.0]])
QUICK = LearnerOptions(steps=2, batch=4, memory=3, learning_rate=1e-3)
SHIPPED = share.root() / "policies" / "point_mass_null" / "policy.onnx"


def twin() -> Twin:
    return Twin(bodies.point_mass(BodyOptions()).model)


@pytest.fixture
def policy(tmp_path):
    """An untrained policy of a mass in the plane."""
    body, plan = bodies.point_mass(BodyOptions()), Curriculum("c", (Stage("s"),), hidden=6)
    network = ReachPolicy(*reach_observation.normaliser(twin().float()), 6, 4, torch.Generator().manual_seed(1))
    contract = Contract(
        "begun",
        "point_mass",
        reach_observation.terms(twin(), plan),
        body.spec.command,
        0.01,
        (("hidden", (1, 6)),),
        result={"null": {}},
    )
    export.export(network, contract, tmp_path / "begun.onnx")
    return tmp_path / "begun.onnx"


def movement(trial: int, kind: str = "normal", n: int = 12, B: np.ndarray = CW) -> PractisedMovement:
    """As measured: random velocities, in a clockwise field."""
    velocity = np.random.default_rng(trial).normal(0, 0.2, (n, 3)) * [1, 1, 0]
    load = np.zeros((n, 3))
    load[:, :2] = velocity[:, :2] @ B.T
    target = 0.1 * np.array([np.cos(trial), np.sin(trial), 0.0])
    position = np.zeros((n, 3))
    return PractisedMovement(trial, np.zeros(3), target, 0.03, 0.01 * np.arange(n), position, velocity, load, kind)


def lived(learner: Learner, trials: range) -> Learner:
    for trial in trials:
        learner.observe(movement(trial, "channel" if trial == 2 else "normal"))
        learner.practise()
    return learner


def test_practice_in_a_measured_field_adapts_the_policy_and_leaves_an_after_effect(tmp_path):
    """On the MuJoCo body: less deviation in the field, and without it a deviation to the other side."""
    body = bodies.point_mass(BodyOptions())
    options = LearnerOptions(field_rate=1.0, retention=1.0, ridge=1e-3, steps=8, batch=8, memory=4, learning_rate=3e-3)
    learner = Learner(Twin(body.model), SHIPPED, options, seed=1)
    naive = aside(OnnxPolicy(SHIPPED), body, 10.0)
    assert naive > 25.0
    assert abs(aside(OnnxPolicy(SHIPPED), body, 0.0)) < 1.0
    for trial, angle in enumerate(np.pi / 2 * np.arange(4)):
        learner.observe(reached(OnnxPolicy(SHIPPED), body, trial, angle))
    assert learner.estimate.gain == pytest.approx(10.0, rel=0.1)
    learner.practise()
    learner.export(tmp_path / "adapted.onnx", "adapted")
    adapted = OnnxPolicy(tmp_path / "adapted.onnx")
    assert aside(adapted, body, 10.0) < 0.6 * naive
    assert aside(adapted, body, 0.0) < -0.4 * naive


def aside(policy: OnnxPolicy, body, gain: float) -> float:
    """Mean lateral deviation to four targets, mm."""
    made = evaluation.centre_out(policy, body, gain, directions=4, trial_s=0.7)
    return 1e3 * float(made.lateral_deviations().mean())


def reached(policy: OnnxPolicy, body, trial: int, angle: float) -> PractisedMovement:
    """A movement on the body in a clockwise field, with the load that it felt."""
    controller = PolicyController("", policy, body.spec)
    home = np.array(body.spec.home)
    target = home + 0.1 * np.array([np.cos(angle), np.sin(angle), 0.0])
    state, states = body.reset(0), []
    for k in range(70):
        goal = np.zeros((3, 4))
        goal[0] = [*target, float(k >= 20)]
        command = controller.update(np.concatenate([state.table, goal], axis=1), Moment(np.random.default_rng(0)))
        state = body.step(command, Disturbance(endpoint=evaluation.curl(10.0)))
        states.append(state)
    x, v, load = (
        np.array([getattr(s, name) for s in states]) for name in ("endpoint_position", "endpoint_velocity", "load")
    )
    return PractisedMovement(trial, home, target, 0.2, 0.01 * np.arange(1, 71), x, v, load)


def test_the_file_is_the_network_under_its_own_name(policy, tmp_path):
    learner = lived(Learner(twin(), policy, QUICK), range(2))
    learner.export(tmp_path / "1.onnx", "one")
    lived(learner, range(2, 4))
    digest = learner.export(tmp_path / "2.onnx", "two")
    one, two = OnnxPolicy(tmp_path / "1.onnx"), OnnxPolicy(tmp_path / "2.onnx")
    assert two.sha256 == digest != one.sha256
    assert (one.contract.name, two.contract.name) == ("one", "two")
    begun = OnnxPolicy(policy).contract
    assert replace(two.contract, name=begun.name, config_sha256="", result=begun.result) == begun
    assert two.contract.result == {}, "the scores of the policy that it began from are not its own"
    hidden = torch.zeros(6, 1)
    for k in range(20):
        observation = torch.sin(torch.arange(begun.observation_size) + k)[:, None]
        with torch.no_grad():
            action, hidden = learner.policy(observation, hidden)
        np.testing.assert_allclose(two.step(observation[:, 0].numpy()), action[:, 0].numpy(), atol=1e-5)
    for name, value in learner.policy.state_dict().items():
        assert torch.equal(export.weights(tmp_path / "2.onnx")[name], value), name


def test_a_learner_that_was_cut_goes_on_bit_for_bit(policy, tmp_path):
    whole = lived(Learner(twin(), policy, QUICK, seed=5), range(5))
    first = lived(Learner(twin(), policy, QUICK, seed=5), range(3))
    checkpoint.save(tmp_path / "learner.pt", first.state())
    second = Learner(twin(), policy, QUICK, seed=5)
    second.restore(checkpoint.load(tmp_path / "learner.pt"))
    lived(second, range(3, 5))
    assert second.export(tmp_path / "cut.onnx", "p") == whole.export(tmp_path / "whole.onnx", "p")
    assert (second.observed, second.estimate.gain) == (whole.observed, whole.estimate.gain)


def test_another_seed_practises_otherwise(policy, tmp_path):
    one, two = (lived(Learner(twin(), policy, QUICK, seed=seed), range(1)) for seed in (5, 6))
    assert not torch.equal(one.policy.w_in, two.policy.w_in)


def test_a_state_stays_as_it_was_while_the_learner_goes_on(policy, tmp_path):
    learner = lived(Learner(twin(), policy, QUICK), range(3))
    state = learner.state()
    lived(learner, range(3, 5))
    once = learner.export(tmp_path / "p.onnx", "p")
    for _ in range(2):
        learner.restore(state)
        lived(learner, range(3, 5))
        assert learner.export(tmp_path / "p.onnx", "p") == once


def test_another_process_learns_the_same_bits(policy, tmp_path):
    here = lived(Learner(twin(), policy, QUICK, seed=2), range(3)).export(tmp_path / "here.onnx", "p")
    program = """
        import importlib.util, pathlib, sys
        spec = importlib.util.spec_from_file_location("t", sys.argv[1])
        t = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(t)
        learner = t.lived(t.Learner(t.twin(), pathlib.Path(sys.argv[2]), t.QUICK, seed=2), range(3))
        print(learner.export(pathlib.Path(sys.argv[3]), "p"))
    """
    words = [sys.executable, "-c", textwrap.dedent(program), __file__, str(policy), str(tmp_path / "there.onnx")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == here


def test_the_estimate_follows_the_movements(policy):
    learner = Learner(twin(), policy, replace(QUICK, field_rate=0.5, retention=0.9, ridge=1e-6))
    learner.observe(movement(0))
    assert learner.estimate.gain == pytest.approx(5.0)
    learner.observe(movement(1, "channel"))
    assert learner.estimate.gain == pytest.approx(4.5)
    learner.observe(movement(2, "catch", B=0 * CW))
    assert learner.estimate.gain == pytest.approx(0.4 * 4.5)


def test_what_is_practised_is_what_was_done_lately_in_the_estimated_field(policy):
    options = replace(QUICK, batch=64, memory=2, go_jitter=0.01, no_go=0.25)
    learner = Learner(twin(), policy, options)
    for trial in range(4):
        learner.observe(movement(trial))
    drawn = learner._draw()
    assert drawn.steps == 12
    ends = {tuple(np.round(t, 6)) for t in drawn.target.T.numpy().astype(float)}
    assert ends == {tuple(np.round(movement(t).target[:2], 6)) for t in (2, 3)}
    assert set(drawn.go.tolist()) == {2, 3, 4, 12}
    torch.testing.assert_close(drawn.law[6:, 0], torch.from_numpy(learner.estimate.B.ravel()).float())
    assert not drawn.law[:6].any()
    assert drawn.law.std(dim=1).max() == 0


def test_a_movement_in_which_nobody_said_go_is_held(policy):
    learner = Learner(twin(), policy, replace(QUICK, no_go=0.0))
    learner.observe(replace(movement(0), go_s=np.inf))
    assert (learner._draw().go == 12).all()
    assert np.isfinite(learner.practise())


def test_faults_are_refused_with_their_reason(policy, tmp_path):
    learner = Learner(twin(), policy, QUICK)
    with pytest.raises(ConfigError, match="observe a movement first"):
        learner.practise()
    state = lived(learner, range(1)).state()
    for other in (Learner(twin(), policy, QUICK, seed=9), Learner(twin(), policy, replace(QUICK, steps=3))):
        with pytest.raises(ConfigError, match="another policy, other options or another seed"):
            other.restore(state)
    with pytest.raises(ConfigError, match="observes target, go, vision.*a learner needs.*of this body"):
        Learner(Twin(bodies.arm26(BodyOptions()).model), policy, QUICK)
    with pytest.raises(ConfigError, match="the gradient is not finite after 1 movements"):
        learner.estimate = replace(learner.estimate, B=np.full((2, 2), 1e30))
        learner.practise()


def test_options_come_from_yaml():
    options = build(LearnerOptions, {"field_rate": 0.2, "weights": {"lateral": 2.0}}, "learner")
    assert (options.field_rate, options.weights.lateral, options.steps) == (0.2, 2.0, LearnerOptions().steps)
    with pytest.raises(ConfigError, match="field_rate: 2 is outside 0 to 1.*learner_rate"):
        build(LearnerOptions, {"field_rate": 2, "learner_rate": 1}, "learner")
