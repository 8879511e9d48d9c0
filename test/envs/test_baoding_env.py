"""Baoding balls as an environment: the contest's numbers, and the same physics as the effector's own."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import myoprosthesis.envs  # noqa: F401
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation_terms import carried
from myoprosthesis.effectors.baoding_hand import PALM, BaodingHandOptions, baoding_hand
from myoprosthesis.envs import baoding
from myoprosthesis.envs.batch_env import BatchEnv

from .effector_comparison import is_the_effector_bit_for_bit

NOISY = {"noise": 0.5, "ball_noise": 0.002, "phase": 2}


def many(num_envs=3, **options):
    return gymnasium.make_vec(
        "myoprosthesis/Baoding-v0", num_envs=num_envs, vectorization_mode="vector_entry_point", threads=1, **options
    )


def excitations(steps, num_envs=3):
    return np.random.default_rng(0).uniform(0, 0.12, (steps, num_envs, 39)).astype(np.float32)


@pytest.mark.filterwarnings("ignore")
def test_gymnasium_accepts_it():
    env = gymnasium.make("myoprosthesis/Baoding-v0")
    check_env(env.unwrapped, skip_render_check=True)
    assert env.observation_space.shape == (86,) and env.action_space.low.tolist() == [-1.0] * 39


def test_observation_and_action_are_those_of_the_contest():
    env = many(1)
    observation, _ = env.reset(seed=0)
    targets, errors = observation[0, 35:41], observation[0, 41:47]
    np.testing.assert_allclose(observation[0, :3], [-1.57, 0, 0], atol=1e-6)
    np.testing.assert_allclose(observation[0, 23:26], [-0.227, -0.511, 1.452], atol=1e-6)
    np.testing.assert_allclose(observation[0, 29:32], [-0.256, -0.552, 1.442], atol=1e-6)
    np.testing.assert_allclose(errors, targets - observation[0, [23, 24, 25, 29, 30, 31]], atol=1e-6)
    after, *_ = env.step(np.full((1, 39), -1.0))
    np.testing.assert_allclose(after[0, 28], -9.81 * 0.025 * 0.025, rtol=0.03)  # a fall of one period, m per period
    excited = 1 / (1 + np.exp(7.5))
    np.testing.assert_allclose(env._bodies.batch.bind("ctrl"), excited, rtol=1e-6)
    # the targets of the first step are those of the start: 135 degrees on the ellipse in the frame of the palm
    place = np.array([-0.0125 + 0.025 * np.cos(0.75 * np.pi), -0.07 + 0.028 * np.sin(0.75 * np.pi), -0.02])
    palm = env.columns(*(f"{PALM}/{part}" for part in ("x", "y", "z", "qw", "qx", "qy", "qz")))
    np.testing.assert_allclose(after[0, 35:38], carried(place, palm[0]), atol=1e-6)


def test_it_is_the_effector_bit_for_bit_and_is_judged_as_the_task_does():
    env = many(observation="policy", **NOISY, trial_s=1.5)
    body = baoding_hand(BaodingHandOptions())
    for k, record, result in is_the_effector_bit_for_bit(env, body, excitations(60)):
        assert result.success == (k == 60 and not env.task.done(record))


def test_a_state_is_continued_bit_for_bit():
    env, other = many(observation="policy", **NOISY), many(observation="policy", **NOISY)
    env.reset(seed=3)
    for action in excitations(20):
        env.step(action)
    env.set_options([1], {"task.direction": "cw", "reward.solved": 2.0}, 4)
    for action in excitations(40):
        env.step(action)
    other.reset(seed=9)
    other.set_state(env.get_state())
    for action in excitations(60):
        here, there = env.step(action), other.step(action)
        for a, b in zip(here[:4], there[:4], strict=True):
            np.testing.assert_array_equal(a, b)
    assert env.get_state()["settings"][1] == [{"task.direction": "cw", "reward.solved": 2.0}, 4]


def test_a_part_of_the_simulations_is_what_it_is_in_all_of_them():
    every, part = many(4, observation="policy", **NOISY), many(2, observation="policy", first=2, **NOISY)
    first, second = every.reset(seed=5)[0], part.reset(seed=5)[0]
    np.testing.assert_array_equal(first[2:], second)
    for action in excitations(40, 4):
        np.testing.assert_array_equal(every.step(action)[0][2:], part.step(action[2:])[0])


def test_balls_that_change_places_are_followed_by_balls_that_did():
    """Two equal balls, exchanged with their targets: the exchanged observation is that of the exchanged trial."""
    env = BatchEnv(baoding.config("policy", noise=0.0), 2, 1)
    env.set_options([1], {"task.start_deg": (135.0 - 180.0, 135.0 - 180.0)})
    env.reset(seed=0)
    order, signs, actions = env.symmetry
    assert (actions == np.arange(39)).all()
    for body in (env._bodies,):  # the second simulation begins with the balls exchanged
        qpos = body.batch.bind("qpos")
        qpos[1, 23:30], qpos[1, 30:37] = qpos[0, 30:37].copy(), qpos[0, 23:30].copy()
    for action in excitations(8, 1):
        observation, *_ = env.step(np.repeat(action, 2, axis=0))
    np.testing.assert_allclose(observation[0][order] * signs, observation[1], atol=1e-5)
    assert (order[85:88] == [88, 89, 90]).all() and signs[109:112].tolist() == [-1, -1, 1]


def test_one_that_diverges_is_reset_and_counted():
    env = many(2, observation="policy")
    env.reset(seed=0)
    env._bodies.batch.bind("qvel")[1, 0] = np.nan
    observation, reward, terminated, truncated, infos = env.step(excitations(1, 2)[0])
    assert infos["diverged"].tolist() == [False, True] and truncated.tolist() == [False, True] and not terminated.any()
    assert np.isfinite(observation).all() and np.isfinite(infos["final_obs"]).all() and reward[1] == 0.0


def test_what_is_not_known_is_refused():
    env = many(1)
    with pytest.raises(ConfigError, match="takes one seed"):
        env.reset(seed=[1])
    with pytest.raises(ConfigError, match="begins with neither"):
        env.set_options([], {"period_s": (5.0, 5.0)})
    with pytest.raises(ConfigError, match="priod_s"):
        env.set_options([], {"task.priod_s": (5.0, 5.0)})
    with pytest.raises(ConfigError, match="solvd"):
        env.set_options([], {"reward.solvd": 1.0})
    with pytest.raises(ConfigError, match="observation"):
        many(1, observation="everything")
    with pytest.raises(ConfigError, match="lower end"):
        many(1, period_s=(6.0, 4.0))
