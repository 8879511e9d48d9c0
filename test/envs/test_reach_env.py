"""Reaching as an environment: under a field, bit for bit what the effector does."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import myoprosthesis.envs  # noqa: F401
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.effectors.bodies import arm26
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver

from .effector_comparison import is_the_effector_bit_for_bit


def many(num_envs=3, **options):
    return gymnasium.make_vec("myoprosthesis/Reach-v0", num_envs=num_envs, threads=1, **options)


@pytest.mark.filterwarnings("ignore")
def test_gymnasium_accepts_it():
    env = gymnasium.make("myoprosthesis/Reach-v0", trial_s=0.3, perturbation="curl_cw")
    check_env(env.unwrapped, skip_render_check=True)
    assert env.observation_space.shape == (17,) and env.action_space.shape == (6,)


@pytest.mark.parametrize("preset", ["null", "curl_cw", "curl_ccw", "force_channel", "push"])
@pytest.mark.parametrize("task", ["centre_out", "random_reach"])
def test_it_is_the_effector_bit_for_bit_under_the_same_field(task, preset):
    env, body = many(task=task, perturbation=preset), arm26(BodyOptions())
    planner, resolver = presets.planner(preset, {}), DisturbanceResolver(body.spec)
    actions = np.random.default_rng(0).uniform(0, 0.5, (100, 3, 6)).astype(np.float32)
    plans = {}

    def disturbance(trial, now_ns):
        plan = plans.setdefault(trial.trial, planner.plan(trial))
        return resolver.at(plan, now_ns, np.zeros(6))

    ends = [
        record.position[-1] for k, record, _ in is_the_effector_bit_for_bit(env, body, actions, disturbance) if k == 99
    ]
    assert len(ends) == 3


def test_a_field_pushes_to_the_right_of_the_motion():
    actions = np.random.default_rng(0).uniform(0, 0.5, (30, 1, 6)).astype(np.float32)
    ends = []
    for preset in ("null", "curl_cw"):
        env = many(1, perturbation=preset)
        env.reset(options={"trials": [0]})
        for action in actions:
            env.step(action)
        ends.append(env.columns("endpoint/x", "endpoint/y")[0])
    assert np.linalg.norm(ends[0] - ends[1]) > 1e-3


def test_what_cannot_be_imposed_is_refused():
    with pytest.raises(ConfigError, match="curl_"):
        many(1, perturbation="curl_cv")
    with pytest.raises(Refused, match="at the observation, which acts in a stack only"):
        many(1, perturbation="visuomotor_rotation")
