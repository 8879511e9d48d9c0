"""The task of each of many simulations, and what its rewards weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, Refused, unknown
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.tasks.episodic import EpisodicTask, Moments

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
Settings = tuple[Mapping[str, Any], int]
"""Options by name, `task.<option>` and `reward.<name>`, and the stage of a curriculum that they are of."""


class TaskBatch:
    """The tasks of `num` simulations, which may have options of their own from one trial to the next."""

    def __init__(self, config: EnvConfig, spec: EffectorSpec, num: int) -> None:
        """Raises `ConfigError` for options, and `Refused` for a task without rewards or that the effector cannot do."""
        self._config, self._spec = config, spec
        self._factory = registry.factory("tasks", config.task)
        self._options: Any = build(registry.options("tasks", config.task), config.task_options, config.task)
        task = self._factory(self._options)
        if not isinstance(task, EpisodicTask):
            raise Refused(f"task {config.task!r} has no rewards: it cannot be learned as an environment")
        self.needs = tuple(task.needs(spec))
        """Channels of the state that the task looks at."""
        self.rewards = tuple(task.weights)
        """The names of its rewards."""
        self.options = {
            **{f"task.{f.name}": f.metadata.get("help", "") for f in fields(self._options)},
            **{f"reward.{name}": f"weight of the reward {name}" for name in task.weights},
        }
        """What `set_options` takes, and what it is."""
        weights = _weights(config.rewards, task.weights)
        self.own: Any = task.for_effector(spec)  # type: ignore[attr-defined]
        """The task of the configuration, for the effector."""
        self._tasks: list[Any] = [self.own] * num
        self._weights: list[Mapping[str, float]] = [weights] * num
        self.settings: list[Settings] = [({}, 0)] * num
        """Of each simulation, those of the trial that runs."""
        self.next: dict[int, Settings] = {}
        """By simulation, those that hold from its next trial on."""
        self._made: dict[str, tuple[Any, Mapping[str, float]]] = {}
        self._groups: list[tuple[Any, Mapping[str, float], Ids]] = []
        """The simulations by task and weights, which many of them share; empty where that has changed."""

    def set_options(self, ids: Ids | Sequence[int], values: Mapping[str, Any], stage: int) -> None:
        """Options that hold for these simulations from their next trial on; raises `ConfigError`."""
        self._task_of(values)
        for i in ids:
            self.next[int(i)] = (dict(values), stage)

    def plan(self, i: int, number: int) -> TrialPlan:
        """The trial of this number of simulation `i`, for which what was set for its next trial holds from now on."""
        if i in self.next:
            self.settings[i] = self.next.pop(i)
            self._tasks[i], self._weights[i] = self._task_of(self.settings[i][0])
            self._groups = []
        plan: TrialPlan = self._tasks[i].plan(number, 0)
        return plan

    def judge(self, moments: Moments) -> tuple[Array, Mapping[str, Array], Array, NDArray[np.bool_]]:
        """Rewards, their parts before the weights, how well it is solved, and which trials have failed.

        `moments` are those of all simulations, in their order."""
        n = len(self._tasks)
        total, solved, failed = np.zeros(n), np.zeros(n), np.zeros(n, bool)
        parts = {name: np.zeros(n) for name in self.rewards}
        self._groups = self._groups or self._grouped()
        for task, weights, rows in self._groups:
            now = moments if rows.size == n else _Rows(moments, rows)
            for name, values in task.rewards(now).items():
                parts[name][rows] = values
                total[rows] += weights[name] * values
            solved[rows], failed[rows] = task.solved(now), task.failed(now)
        return total, parts, solved, failed

    def _task_of(self, values: Mapping[str, Any]) -> tuple[Any, Mapping[str, float]]:
        """The task and the weights of its rewards: one for all that have the same options, to be judged at once."""
        key = repr(sorted(values.items()))
        if key not in self._made:
            self._made[key] = self._make(values)
        return self._made[key]

    def _make(self, values: Mapping[str, Any]) -> tuple[Any, Mapping[str, float]]:
        task: dict[str, Any] = {}
        rewards: dict[str, float] = {}
        for name, value in values.items():
            kind, _, rest = name.partition(".")
            if kind not in ("task", "reward") or not rest:
                raise ConfigError(f"option {name!r} of an environment begins with neither task. nor reward.")
            (task if kind == "task" else rewards)[rest] = value
        current = {f.name: getattr(self._options, f.name) for f in fields(self._options)} | task
        options = build(type(self._options), current, self._config.task)
        weights = _weights({**self._config.rewards, **rewards}, self.own.weights)
        return self._factory(options).for_effector(self._spec), weights

    def _grouped(self) -> list[tuple[Any, Mapping[str, float], Ids]]:
        groups: dict[tuple[int, int], list[int]] = {}
        for i, (task, weights) in enumerate(zip(self._tasks, self._weights, strict=True)):
            groups.setdefault((id(task), id(weights)), []).append(i)
        return [(self._tasks[ids[0]], self._weights[ids[0]], np.array(ids, np.intp)) for ids in groups.values()]


def _weights(changed: Mapping[str, float], own: Mapping[str, float]) -> dict[str, float]:
    for name in changed:
        if name not in own:
            raise unknown("reward", name, own)
    return {**own, **changed}


class _Rows:
    """Some of the simulations, as `Moments`."""

    def __init__(self, every: Moments, rows: Ids) -> None:
        self._every, self._rows = every, rows

    def columns(self, *channels: str, field: str = "position") -> Array:
        """See `Moments.columns`."""
        return self._every.columns(*channels, field=field)[self._rows]

    def goal(self, *channels: str, field: str = "position") -> Array:
        """See `Moments.goal`."""
        return self._every.goal(*channels, field=field)[self._rows]
