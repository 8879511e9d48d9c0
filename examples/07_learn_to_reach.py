"""PPO of stable-baselines3 learns to reach with two joints and six muscles; a first argument is the number of steps.

A few thousand steps show that it runs; after 60000, a minute or two, it ends 2 cm from the target instead of 24.
"""

import sys
from importlib.util import find_spec

import gymnasium
import numpy as np

import myoprosthesis.envs  # noqa: F401  which registers the environments

if find_spec("stable_baselines3") is None:
    sys.exit(print("skipped: stable_baselines3 is not installed (pip install stable-baselines3)"))

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

torch.set_num_threads(1)
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4096


def muscles() -> gymnasium.Env:
    """Actions from −1 to 1 instead of excitations from 0 to 1, as a Gaussian about 0 wants them."""
    env = gymnasium.make("myoprosthesis/Reach-v0", perturbation="null")
    return gymnasium.wrappers.RescaleAction(env, np.float32(-1.0), np.float32(1.0))


def mean_distance(trials: int = 20) -> float:
    """Metres from the target at the end of a trial, without exploration; the trials are always the same."""
    env, ends = muscles(), []
    for trial in range(trials):
        observation, _ = env.reset(options={"trials": [trial]})
        over = False
        while not over:
            action, _ = model.predict(vec.normalize_obs(observation), deterministic=True)
            observation, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
        ends.append(np.linalg.norm(observation[14:16]))
    return float(np.mean(ends))


vec = VecNormalize(make_vec_env(muscles, n_envs=8, seed=0), gamma=0.95)
options = {"n_steps": 256, "batch_size": 512, "gamma": 0.95, "learning_rate": 1e-3, "n_epochs": 5}
model = PPO("MlpPolicy", vec, seed=0, device="cpu", policy_kwargs={"log_std_init": -1.0}, **options)
before = mean_distance()
model.learn(steps)
vec.training = False
print(
    f"{model.num_timesteps} steps: {1e3 * before:.0f} mm from the target before, {1e3 * mean_distance():.0f} mm after"
)
