"""A body with a task as an environment of gymnasium: many simulations at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from myoprosthesis.core import fingerprint, registry
from myoprosthesis.core.command_map import LOGISTIC, CommandMap
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.envs.batch_body import BatchBody
from myoprosthesis.envs.batch_observation import BatchObservation
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.envs.exchange import exchanged, exchanged_channels
from myoprosthesis.envs.goal_batch import GoalBatch
from myoprosthesis.envs.imposed_batch import ImposedBatch
from myoprosthesis.envs.task_batch import TaskBatch
from myoprosthesis.tasks.task import channels_of

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
CONTEST_ACTION = CommandMap(np.array(-1.0), np.array(1.0), 5.0, -2.5, LOGISTIC)
"""As MyoSuite makes excitations of actions, 1 / (1 + exp(−5 (a − 0.5)))."""
_STREAM = 0x656E76
"""Keeps the numbers of trials apart from other random numbers of the same seed."""


class BatchEnv(VectorEnv[Any, Any, Any]):
    """`num_envs` simulations; actions are those of the contract, such as excitations from 0 to 1.

    A trial ends where the task says that it has failed (terminated) or its time is over (truncated), and the next one
    begins in the same step (`AutoresetMode.SAME_STEP`). `infos` have `final_obs`, and for the trials that ended
    `episode`: `score`, `length`, `return`, `stage`, and `reward/<name>`, the sum of each reward before its weight;
    `diverged` are simulations that had to be reset because their numbers were none."""

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": ["rgb_array"]}

    def __init__(
        self,
        config: EnvConfig,
        num_envs: int = 64,
        threads: int = 0,
        seed: int = 0,
        first: int = 0,
        read: Sequence[tuple[str, str]] = (),
        judged: Sequence[str] = ("position",),
    ) -> None:
        """`first` is the number of the first simulation, where these are some of all.

        `threads`: for the simulations; 0: one per processor that this process may use.
        `read`: channels and fields that `columns` is to give, besides those that task and terms need; `judged`: the
        fields of the channels that the task needs, of which rewards take the positions alone.

        Raises `ConfigError` for what cannot be put together, `Refused` for a task that the effector cannot do."""
        self.config, self.num_envs, self.first = config, num_envs, first
        factory = registry.factory("effectors", config.effector)
        body = factory(build(registry.options("effectors", config.effector), config.effector_options, config.effector))
        if not isinstance(body, MujocoBody):
            raise ConfigError(f"effector {config.effector!r} is no simulated body: an environment needs one")
        self.body, spec = body, body.spec
        self._imposed = ImposedBatch(config.perturbation, spec, num_envs)
        self._tasks = TaskBatch(config, spec, num_envs)
        goals = tuple(channels_of(config.task))
        columns = [*read, *((c, field) for field in judged for c in self._tasks.needs)] + [
            (i.channel, i.field)
            for term in config.terms
            for i in term.inputs
            if i.source == "state" and i.channel not in goals
        ]
        self._bodies = BatchBody(body, num_envs, threads, columns)
        self._goals = GoalBatch(num_envs, goals)
        self._observation = BatchObservation(config.terms, self._bodies, self._goals, spec.command, spec.dt)
        n, low, high = self._observation.size, *spec.command.bounds()
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (n,), np.float32)
        self.command_map = CONTEST_ACTION if config.contest_action else CommandMap()
        """From an action of the environment to the effector's command."""
        ends = (np.full_like(low, -1.0), np.ones_like(high)) if config.contest_action else (low, high)
        self.single_action_space = gymnasium.spaces.Box(ends[0].astype(np.float32), ends[1].astype(np.float32))
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self._low, self._high = low, high
        self.observation_scale = np.concatenate(
            [np.full(t.size, config.scales.get(t.name, 1.0), np.float32) for t in config.terms]
        )
        """(n_obs,) factors of the observation of the environment that the contract's terms do not have."""
        self.action_centre = np.array(config.centre) if config.centre else None
        """(n_action,) about which a policy explores at first; None: the middle of the range."""
        self.action_guide = self._guide() if config.guide else None
        """(n_action, n_obs) what is added to it, in logits of the range; None: nothing."""
        self.teacher = config.teacher
        """Commands (k, n_action) for observations (k, n_obs); None: there is none."""
        self.options = self._tasks.options
        """What `set_options` takes, and what it is."""
        self._numbers = np.zeros(num_envs, np.int64)
        self._starts: dict[int, Array] = {}
        self._seed, self._count = seed, np.zeros(num_envs, np.int64)
        self._ticks, self._steps = np.zeros(num_envs, int), np.ones(num_envs, int)
        self._score, self._return = np.zeros(num_envs), np.zeros(num_envs)
        self._last = np.zeros_like(self._bodies.table)
        self._sums = {name: np.zeros(num_envs) for name in self._tasks.rewards}
        self.clipped = 0
        """Actions that were out of bounds so far."""

    def reset(
        self, *, seed: Any = None, options: Mapping[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a trial in every simulation; `seed`: from the first trial of that seed on.

        `options`: `reset_mask` (num_envs,) those that are to begin, `trials` the numbers of their trials, one each."""
        if not isinstance(seed, (int, np.integer, NoneType)):
            raise ConfigError("reset takes one seed, from which each simulation has its own numbers; no list of seeds")
        super().reset(seed=None if seed is None else int(seed))
        if seed is not None:
            self._seed = int(seed)
            self._count[:] = 0
        every = np.arange(self.num_envs)
        mask = None if options is None else options.get("reset_mask")
        ids = every if mask is None else np.flatnonzero(mask)
        trials = None if options is None else options.get("trials")
        self._begin(ids, trials)
        return self._observed(), {}

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Array, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """One control period of every simulation."""
        wanted = self.command_map(actions, self._low, self._high)
        command = np.clip(wanted, self._low, self._high)
        self.clipped += int((command != wanted).sum())
        diverged = ~np.isfinite(command).all(axis=1)
        command[diverged] = self._low
        if self._imposed.acts:
            self._bodies.disturb(self._imposed.at(self._ticks * ns(self.body.spec.dt)))
        diverged |= self._bodies.step(command)
        if diverged.any():
            self._bodies.reset(np.flatnonzero(diverged), [{}] * int(diverged.sum()))
        self._ticks += 1
        self._observe(command)
        rewards, terms, solved, failed = self._tasks.judge(self)
        rewards[diverged] = 0.0
        terminated = failed & ~diverged
        truncated = ((self._ticks >= self._steps) & ~terminated) | diverged
        self._score += solved / self._steps
        self._return += rewards
        for name, values in terms.items():
            self._sums[name] += values
        observation = self._observed()
        over = np.flatnonzero(terminated | truncated)
        infos: dict[str, Any] = {"diverged": diverged}
        if over.size:
            ended = np.zeros(self.num_envs, bool)
            ended[over] = True
            infos |= {"final_obs": observation, "_final_obs": ended, "episode": self._episode(), "_episode": ended}
            self._last[:] = self._bodies.table
            self._begin(over)
            observation = self._observed()
        return observation, rewards, terminated, truncated, infos

    def close_extras(self, **kwargs: Any) -> None:
        """Nothing to release: the simulations live in memory."""

    def set_options(self, ids: Ids | Sequence[int], values: Mapping[str, Any], stage: int = 0) -> None:
        """Options that hold for these simulations from their next trial on: `task.<option>` and `reward.<name>`.

        Raises `ConfigError` for a name that is not known, or a value that cannot be."""
        self._tasks.set_options(ids, values, stage)

    def impose(self, i: int, perturbation: str, options: Mapping[str, Any]) -> None:
        """What is imposed on simulation `i` from its next trial on, in the place of the configuration's perturbation.

        Raises `Refused` for what acts in a stack only."""
        self._imposed.set(i, perturbation, options)

    def start_from(self, ids: Ids, states: Array) -> None:
        """The next trials of these simulations begin in `states` (n, n_state), as from `states`."""
        for i, state in zip(ids, states, strict=True):
            self._starts[int(i)] = state

    def data(self, i: int) -> Any:
        """A `mujoco.MjData` of its own with simulation `i` as it stands."""
        return self._bodies.batch.get_data(i)

    def model(self, i: int) -> Any:
        """The `mujoco.MjModel` of simulation `i`."""
        return self._bodies.model(i)

    def get_state(self) -> dict[str, Any]:
        """All that the next steps depend on: arrays and plain data."""
        return {
            "physics": self._bodies.states(np.arange(self.num_envs)),
            "observation": self._observation.get_state(),
            "settings": [[dict(values), stage] for values, stage in self._tasks.settings],
            "next": {str(i): [dict(values), stage] for i, (values, stage) in self._tasks.next.items()},
            "starts": {str(i): state.copy() for i, state in self._starts.items()},
            "numbers": self._numbers.copy(), "count": self._count.copy(), "ticks": self._ticks.copy(),
            "score": self._score.copy(), "return": self._return.copy(), "seed": self._seed, "clipped": self.clipped,
            "sums": {name: values.copy() for name, values in self._sums.items()},
        }  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from `get_state` of an environment of the same configuration and size."""
        every = np.arange(self.num_envs)
        self._tasks.next.clear()
        for values, stage in {repr(entry): entry for entry in state["settings"]}.values():
            ids = [i for i, entry in enumerate(state["settings"]) if entry == [values, stage]]
            self.set_options(ids, values, stage)
        self._seed, self.clipped = state["seed"], state["clipped"]
        self._count[:], self._numbers[:] = state["count"], state["numbers"]
        self._bodies.set_objects(every, [self._adopt(i).start_state for i in range(self.num_envs)])
        for i, (values, stage) in state["next"].items():
            self.set_options([int(i)], values, stage)
        self._starts = {int(i): start.copy() for i, start in state["starts"].items()}
        self._bodies.put(every, state["physics"], own_time=True)
        self._ticks[:], self._score[:], self._return[:] = state["ticks"], state["score"], state["return"]
        for name, values in state["sums"].items():
            self._sums[name][:] = values
        self._bodies.read()
        self._goal_now = self._goals.at(self._ticks * ns(self.body.spec.dt) / NS)
        self._observation.set_state(state["observation"])

    @property
    def task(self) -> Any:
        """The task of the configuration, with all that depends on the effector."""
        return self._tasks.own

    @property
    def symmetry(self) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]] | None:
        """Orders and signs that exchange names; None: there are none.

        Order and signs (n_obs,) of an observation, and the order (n_action,) of an action.

        After the exchanged action the exchanged observation is followed by the exchanged next one."""
        c = self.config
        if not c.exchange:
            return None
        order, signs = exchanged(c.terms, c.exchange, c.turned, c.odd)
        return order, signs, exchanged_channels(self.body.spec.command.names, c.exchange)

    def states(self, ids: Ids) -> Array:
        """(n, n_state) where these simulations are, for `start_from`."""
        return self._bodies.states(ids)

    def contract(self, name: str) -> Contract:
        """The contract of a policy for this environment, without its results and hidden states."""
        spec = self.body.spec
        return Contract(
            name, spec.name, self.config.terms, spec.command, spec.dt, simulator=spec.simulator,
            fingerprint=fingerprint.fingerprint(self.body),
        )  # fmt: skip

    # -- Moments -----------------------------------------------------------------------------------------------

    def columns(self, *channels: str, field: str = "position") -> Array:
        """See `Moments.columns`: of every simulation now."""
        if not channels:
            return np.zeros((self.num_envs, 0))
        return self._bodies.table[:, [self._bodies.columns[c, field] for c in channels]]

    def last_columns(self, *channels: str, field: str = "position") -> Array:
        """What `columns` was, (num_envs, n), at the end of the trials of the newest step that ended any."""
        return self._last[:, [self._bodies.columns[c, field] for c in channels]]

    def goal(self, *channels: str, field: str = "position") -> Array:
        """See `Moments.goal`: of every simulation now."""
        return self._goal_now[1 if field == "velocity" else 0][:, [self._goals.channels[c] for c in channels]]

    # ------------------------------------------------------------------------------------------------------------

    def _guide(self) -> Array:
        n = self.body.spec.command.size
        return np.hstack([self.config.guide.get(t.name, np.zeros((n, t.size))) for t in self.config.terms])

    def _observed(self) -> NDArray[np.float32]:
        return self._observation.observe() * self.observation_scale

    def _adopt(self, i: int) -> TrialPlan:
        """What was set for the next trial holds, and the trial of this number is planned."""
        plan = self._tasks.plan(i, int(self._numbers[i]))
        self._goals.put(i, plan)
        self._imposed.put(i, plan)
        states = round((plan.until_ns - plan.from_ns) * 1e-9 / self.body.spec.dt)  # the start is one of them
        self._steps[i] = max(1, states - 1)
        return plan

    def _observe(self, command: Array) -> None:
        seconds = self._ticks * ns(self.body.spec.dt) / NS  # as in a stack, whose times are whole nanoseconds
        self._goal_now = self._goals.at(seconds)
        self._observation.advance(self._bodies.read(), self._goal_now, seconds, command)

    def _begin(self, ids: Ids, trials: Sequence[int] | None = None) -> None:
        """The next trial of these simulations."""
        starts = []
        for k, i in enumerate(ids.tolist()):
            words = (self._seed, _STREAM, self.first + i, int(self._count[i]))
            drawn = np.random.SeedSequence(words).generate_state(1)[0]
            self._numbers[i] = int(drawn if trials is None else trials[k])
            self._count[i] += 1
            starts.append(self._adopt(i).start_state)
        self._bodies.reset(ids, starts)
        moved = [i for i in ids.tolist() if i in self._starts]
        if moved:
            self._bodies.put(np.array(moved, np.intp), np.array([self._starts.pop(i) for i in moved]))
        self._ticks[ids] = 0
        self._score[ids] = self._return[ids] = 0.0
        for sums in self._sums.values():
            sums[ids] = 0.0
        seconds = self._ticks * ns(self.body.spec.dt) / NS  # as in a stack, whose times are whole nanoseconds
        self._goal_now = self._goals.at(seconds)
        self._observation.begin(ids, self._bodies.read(), self._goal_now, seconds)

    def _episode(self) -> dict[str, Array]:
        stages = np.array([float(stage) for _, stage in self._tasks.settings])
        own = {"score": self._score.copy(), "length": self._ticks.astype(float), "return": self._return.copy()}
        return {**own, "stage": stages, **{f"reward/{name}": sums.copy() for name, sums in self._sums.items()}}
