"""One simulation as an environment of gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium
import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.body_picture import View, render
from myoprosthesis.envs.batch_env import BatchEnv
from myoprosthesis.envs.env_config import EnvConfig


class Environment(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """A `BatchEnv` of one simulation, which is reset by its user. `render_mode`: `rgb_array`, or None."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 40}

    def __init__(
        self, config: EnvConfig, render_mode: str | None = None, picture: tuple[int, int] = (480, 360)
    ) -> None:
        """`picture`: width and height of what `render` returns."""
        if render_mode not in (None, "rgb_array"):
            raise ConfigError(f"render_mode {render_mode!r} is none of rgb_array, None")
        self.batch, self.render_mode, self._picture = BatchEnv(config, 1, 1), render_mode, picture
        self.metadata = {**self.metadata, "render_fps": round(1.0 / self.batch.body.spec.dt)}
        self.observation_space, self.action_space = self.batch.single_observation_space, self.batch.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin the next trial, or with `seed` the first one of that seed."""
        super().reset(seed=seed)
        observation, infos = self.batch.reset(seed=seed, options=options)
        return observation[0], infos

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One control period; `info` has `score`, `length` and the sums of rewards where the trial ended."""
        observation, rewards, terminated, truncated, infos = self.batch.step(np.asarray(action)[None])
        info: dict[str, Any] = {"diverged": bool(infos["diverged"][0])}
        if "episode" in infos:
            observation = infos["final_obs"]
            info |= {name: float(values[0]) for name, values in infos["episode"].items()}
        return observation[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """A picture of the simulation as it stands, (height, width, 3) RGB; after the end of a trial of the next."""
        if self.render_mode is None:
            return None
        model = self.batch.model(0)
        data = self.batch.data(0)
        mujoco.mj_forward(model, data)
        return render(model, data, *self._picture, View(-70.0, -50.0))

    def close(self) -> None:
        """Release the simulation."""
        self.batch.close()
