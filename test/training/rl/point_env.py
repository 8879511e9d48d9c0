"""A small environment: a point on a line is pushed to a target, for tests of everything but physics."""

from dataclasses import dataclass, fields

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.observation_term import Term
from myoprosthesis.core.options import build, option


@dataclass(frozen=True)
class PointTask:
    """Options of the task."""

    distance: tuple[float, float] = option((1.0, 1.0), "of the target from the start", "m", 0.0, 2.0)
    sides: int = option(1, "1: to the right; 2: to either side", "", 1, 2)


@dataclass(frozen=True)
class PointReward:
    """Weights of the reward."""

    effort: float = option(0.0, "squared force", "1", 0.0)


TYPES = {"task": PointTask, "reward": PointReward}


class PointEnv(VectorEnv):
    """x'' = 2u − 1 with friction; score: share of steps near the target. One random stream for each simulation."""

    options = {f"{component}.{f.name}": f.default for component, kind in TYPES.items() for f in fields(kind)}
    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, num_envs=8, length=30, fail_beyond=6.0, nan_at=-1):
        self.num_envs, self.length, self.fail_beyond, self.nan_at = num_envs, length, fail_beyond, nan_at
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self.single_action_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
        self.first, self.seed, self.count = 0, 0, 0
        self.x, self.v, self.target = np.zeros((3, num_envs))
        self.steps, self.near, self.trials, self.stage = np.zeros((4, num_envs), int)
        self.values = [dict(self.options)] * num_envs
        self.pending, self.starts = {}, {}

    def set_options(self, ids, values, stage):
        for component, kind in TYPES.items():
            build(kind, {k.partition(".")[2]: v for k, v in values.items() if k.startswith(f"{component}.")})
        for i in ids:
            self.pending[int(i)] = [{**self.options, **values}, stage]

    def _reset(self, ids):
        for i in ids:
            self.values[i], self.stage[i] = self.pending.pop(int(i), [self.values[i], self.stage[i]])
            rng = np.random.default_rng([self.seed, self.first + i, self.trials[i]])
            self.trials[i] += 1
            self.x[i] = rng.normal(0, 0.1)
            side = 1 if self.values[i]["task.sides"] == 1 else rng.choice([-1, 1])
            self.target[i] = rng.uniform(*self.values[i]["task.distance"]) * side
        self.v[ids] = self.steps[ids] = self.near[ids] = 0
        for i in set(ids.tolist()) & set(self.starts):
            self.x[i], self.v[i] = self.starts.pop(i)

    def _observation(self):
        return np.stack([self.x, self.v, self.target - self.x], axis=1).astype(np.float32)

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.seed, self.trials[:] = seed, 0
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, bool))
        self._reset(np.flatnonzero(mask))
        return self._observation(), {}

    def step(self, actions):
        force = 2 * actions[:, 0].astype(float) - 1
        self.v = 0.8 * self.v + 0.3 * force
        self.x = self.x + 0.5 * self.v
        gap = np.abs(self.target - self.x)
        self.steps += 1
        self.near += gap < 0.2
        reward = np.exp(-gap) - np.array([v["reward.effort"] for v in self.values]) * force**2
        terminated = np.abs(self.x) > self.fail_beyond
        truncated = (self.steps >= self.length) & ~terminated
        observation, infos, over = self._observation(), {}, np.flatnonzero(terminated | truncated)
        if over.size:
            figures = {"score": self.near / self.length, "length": self.steps.copy(), "stage": self.stage.copy()}
            infos = {"final_obs": observation.copy(), "episode": figures, "_episode": terminated | truncated}
            self._reset(over)
            observation = self._observation()
        self.count += 1
        if self.count == self.nan_at:
            observation[0] = np.nan
        return observation, reward, terminated, truncated, infos

    def get_state(self):
        names = ("x", "v", "target", "steps", "near", "trials", "stage")
        return {
            "count": self.count,
            "seed": self.seed,
            "values": [dict(v) for v in self.values],
            "starts": {str(i): list(v) for i, v in self.starts.items()},
            "pending": {str(i): list(v) for i, v in self.pending.items()},
            **{name: getattr(self, name).copy() for name in names},
        }

    def set_state(self, state):
        self.count, self.seed = state["count"], state["seed"]
        self.values = [dict(v) for v in state["values"]]
        self.pending = {int(i): list(v) for i, v in state["pending"].items()}
        self.starts = {int(i): list(v) for i, v in state["starts"].items()}
        for name in ("x", "v", "target", "steps", "near", "trials", "stage"):
            setattr(self, name, state[name].copy())

    def contract(self, name):
        action = Channels("effort", ("force",), "1", (0.0,), (1.0,))
        return Contract(name, "point", (Term("point", ("x", "v", "gap")),), action, 0.01)

    def states(self, ids):
        return np.stack([self.x[ids], self.v[ids]], axis=1)

    def start_from(self, ids, states):
        self.starts |= dict(zip(ids.tolist(), states.tolist(), strict=True))


gymnasium.register("myoprosthesis/Point-v0", vector_entry_point=PointEnv)
