"""Legs that walk after a clip: the environment beside the effector, its mirror, and its start."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import myoprosthesis.envs  # noqa: F401
from myoprosthesis.core import registry
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.leg_names import COMPARED
from myoprosthesis.core.options import build
from myoprosthesis.envs import legs_imitation
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.envs.played_trials import effector_options
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver
from myoprosthesis.tasks.walk_channels import of_reference

from .effector_comparison import is_the_effector_bit_for_bit

TASK = {"speed": (0.8, 1.8), "turn_deg_s": (-30.0, 30.0), "heading_deg": (-180.0, 180.0), "noise": 0.02}


@pytest.fixture(scope="module")
def body():
    config = legs_imitation.config()
    options = build(registry.options("effectors", "myolegs"), config.effector_options, "myolegs")
    return registry.factory("effectors", "myolegs")(options)


def actions(steps, num, seed=0):
    return np.random.default_rng(seed).uniform(0.0, 0.3, (steps, num, 80)).astype(np.float32)


def test_an_episode_is_that_of_the_effector_bit_for_bit(body):
    """Contacts, the turning way and the reference ahead of time included; a trial ends early."""
    env = BatchEnv(legs_imitation.config(**TASK, trial_s=0.4, most_apart=0.1), 2, 1)
    ends = list(is_the_effector_bit_for_bit(env, body, actions(13, 2)))
    assert all(k > 2 for k, *_ in ends) and any(0.0 < r.figures["held"] < 1.0 for *_, r in ends)
    assert all(r.figures["joint_rmse_deg"] > 0.1 for *_, r in ends)


def test_a_trial_begins_as_the_reference_is_and_moves():
    env = BatchEnv(legs_imitation.config(**{**TASK, "noise": 0.0}), 8, 1)
    env.reset(seed=3)
    rewards = env.task.rewards(env)
    for name in ("posture", "places", "velocity", "motion", "upright", "way"):
        assert rewards[name] == pytest.approx(1.0, abs=2e-4), name
    hips = ("hip_flexion_r", "hip_flexion_l")  # ankles give way under the weight until their muscles are active
    before, slopes = env.columns(*hips), env.columns(*hips, field="velocity")
    assert env.goal(*of_reference(COMPARED)) == pytest.approx(env.columns(*COMPARED), abs=1e-12)
    env.step(np.full((8, 80), 0.02, np.float32))
    moved = (env.columns(*hips) - before) / env.body.spec.dt
    assert np.corrcoef(moved.ravel(), slopes.ravel())[0, 1] > 0.95


def test_a_foot_is_to_bear_when_that_of_the_reference_does():
    env = BatchEnv(legs_imitation.config(**{**TASK, "noise": 0.0}), 4, 1)
    env.reset(seed=3)
    feet = ("reference/foot_r", "reference/foot_l")
    for _ in range(3):
        env.step(np.full((4, 80), 0.02, np.float32))
        load = np.stack([env.columns(f"{side}_foot", f"{side}_toes", field="effort").sum(axis=1) for side in "rl"], 1)
        expected = 1.0 - np.abs(np.tanh(load / 100.0) - env.goal(*feet)).mean(axis=1)
        assert env.task.rewards(env)["floor"] == pytest.approx(expected)
        assert load.max() > 100.0 and expected.min() < expected.max()


@pytest.mark.filterwarnings("ignore")
def test_gymnasium_accepts_it():
    env = gymnasium.make("myoprosthesis/LegsImitation-v0")
    check_env(env.unwrapped, skip_render_check=True)
    assert env.action_space.low.tolist() == [0.0] * 80


def test_what_is_seen_in_a_mirror_is_what_follows_mirrored_actions():
    """Half a cycle later the reference is its own mirror image; so is what follows, contact forces included."""
    env = BatchEnv(legs_imitation.config(speed=(1.2, 1.2), straight=1.0), 2, 1)
    order, signs, swapped = env.symmetry
    assert (order[order] == np.arange(len(order))).all() and (swapped[swapped] == np.arange(80)).all()
    for i, phase in enumerate((0.37, 0.87)):
        env.set_options([i], {"task.phase": (phase, phase)})
    observation, _ = env.reset(seed=0)
    ends = np.cumsum([term.size for term in env.config.terms])
    for action in actions(6, 1):
        for own, image in zip(
            *(np.split(x, ends[:-1]) for x in (observation[0][order] * signs, observation[1])), strict=True
        ):
            assert np.linalg.norm(own - image) < 0.02 * np.linalg.norm(image) + 1e-3
        assert np.abs(observation[0] - observation[1]).max() > 0.5
        observation, *_ = env.step(np.concatenate([action, action[:, swapped]]))


def test_a_state_is_continued_bit_for_bit():
    """What the touch sensors measured in the step before is a part of it."""
    first, second = (BatchEnv(legs_imitation.config(**TASK), 2, 1) for _ in range(2))
    first.reset(seed=5)
    for action in actions(4, 2):
        first.step(action)
    second.reset(seed=0)
    second.set_state(first.get_state())
    contacts = first._observed()
    np.testing.assert_array_equal(second._observed(), contacts)
    for action in actions(12, 2, 1):
        one, other = first.step(action), second.step(action)
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_a_push_at_the_pelvis_is_that_of_a_stack_bit_for_bit(body):
    """As the preset of a stack plans it, resolved period by period; each simulation may have its own."""
    env = BatchEnv(legs_imitation.config(**TASK, trial_s=0.4, most_apart=0.3), 2, 1)
    pushes = [{"newton": 300.0, "direction_deg": side, "start_s": 0.1, "duration_s": 0.1} for side in (90.0, -30.0)]
    for i, push in enumerate(pushes):
        env.impose(i, "body_push", push)
    resolver, acted = DisturbanceResolver(body.spec), []

    def disturbance(plan, now_ns):
        acting = resolver.at(presets.planner("body_push", pushes[plan.trial]).plan(plan), now_ns, np.zeros(80))
        acted.append(acting.body_force is not None)
        return acting

    ends = list(is_the_effector_bit_for_bit(env, body, actions(13, 2), disturbance))
    assert len(ends) == 2 and 6 <= sum(acted) <= 8  # of four periods each, less those after a fall
    env.impose(0, "null", {})
    env.reset(options={"trials": [0, 1]})
    still = BatchEnv(legs_imitation.config(**TASK, trial_s=0.4, most_apart=0.3), 2, 1)
    still.reset(options={"trials": [0, 1]})
    for action in actions(6, 2):
        apart = env.step(action)[0] - still.step(action)[0]
    assert not apart[0].any() and apart[1].any()


def test_a_load_on_a_foot_is_refused_where_many_walk_at_once():
    with pytest.raises(Refused, match="has load at the body, which acts in a stack only"):
        BatchEnv(replace(legs_imitation.config(), perturbation="loaded_foot"), 1, 1)


def test_muscles_may_be_commanded_by_length_bit_for_bit():
    """By a reflex of each substep, as the effector has it; targets are first about the standing posture."""
    config = legs_imitation.config(muscle_command="length", **TASK, trial_s=0.4, most_apart=0.2)
    contract = BatchEnv(config, 1, 1).contract("by_length")
    assert effector_options(contract, "walk").items() <= config.effector_options.items()
    assert config.effector_options["reflex_kp"] == 10.0 * config.effector_options["reflex_kd"] == 5.0
    body = registry.factory("effectors", "myolegs")(
        build(registry.options("effectors", "myolegs"), config.effector_options, "myolegs")
    )
    env = BatchEnv(config, 2, 1)
    assert env.single_action_space.contains(env.action_centre.astype(np.float32))
    low, high = env.single_action_space.low, env.single_action_space.high
    targets = env.action_centre + np.random.default_rng(0).normal(0.0, 0.005, (9, 2, 80))
    ends = list(is_the_effector_bit_for_bit(env, body, np.clip(targets.astype(np.float32), low + 1e-3, high - 1e-3)))
    assert len(ends) == 2 and all(k > 2 for k, *_ in ends)
    excited = env.columns("soleus_r/activation", "soleus_l/activation")
    assert excited.min() > 0.0 and excited.max() <= 1.0
