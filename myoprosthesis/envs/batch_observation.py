"""The observation of many simulations, built of the same terms as that of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.observation_term import AnyTerm, ticks
from myoprosthesis.envs.batch_body import BatchBody
from myoprosthesis.envs.goal_batch import GoalBatch

Array = NDArray[np.float64]
Ids = NDArray[np.intp]


class BatchObservation:
    """Builds the observation of each simulation; implements `Past` with arrays (num, n)."""

    def __init__(
        self, terms: Sequence[AnyTerm], body: BatchBody, goals: GoalBatch, action: Channels, dt: float
    ) -> None:
        self.terms, self._body, self._goals, self._dt = tuple(terms), body, goals, dt
        self.size = sum(t.size for t in terms)
        self._length = 1 + max(ticks(t.lookback_s, dt) for t in terms)
        self._tables = np.zeros((self._length, body.num, len(body.columns)))
        self._goal = np.zeros((self._length, 2, body.num, len(goals.channels)))
        self._seconds = np.zeros(body.num)
        self._action_names = {name: k for k, name in enumerate(action.names)}
        self._rest = np.clip(0.0, *action.bounds())
        self._action = np.tile(self._rest, (body.num, 1))
        self._head = 0

    def begin(self, ids: Ids, table: Array, goal: tuple[Array, Array], seconds: Array) -> None:
        """These simulations begin now: all was before as it is."""
        self._tables[:, ids], self._goal[:, :, ids] = table[ids], np.stack(goal)[:, ids]
        self._action[ids] = self._rest
        self._seconds = seconds

    def advance(self, table: Array, goal: tuple[Array, Array], seconds: Array, action: Array) -> None:
        """A period has passed with this action, (num, n_action)."""
        self._head = (self._head + 1) % self._length
        self._tables[self._head], self._goal[self._head] = table, np.stack(goal)
        self._action, self._seconds = action, seconds

    def observe(self) -> NDArray[np.float32]:
        """(num, size) the newest observations."""
        return np.concatenate([t.observe(self) for t in self.terms], axis=-1, dtype=np.float32, casting="same_kind")

    def state(self, channels: Sequence[str], field: str = "position", delay_s: float = 0.0) -> Array:
        """See `Past.state`; (num, n_channels)."""
        row = (self._head - ticks(delay_s, self._dt)) % self._length
        if all(c in self._goals.channels for c in channels):
            columns = [self._goals.channels[c] for c in channels]
            return np.asarray(self._goal[row, 1 if field == "velocity" else 0][:, columns])
        if any(c in self._goals.channels for c in channels):
            raise ConfigError(f"one term reads channels of effector and task: {', '.join(channels)}")
        return np.asarray(self._tables[row][:, [self._body.columns[c, field] for c in channels]])

    def goal(self, channels: Sequence[str], ahead_s: float = 0.0) -> Array:
        """See `Past.goal`; (num, n_channels)."""
        columns = [self._goals.channels[c] for c in channels]
        at_s = np.rint((self._seconds + ahead_s) * NS) / NS  # in whole nanoseconds, as the policy node takes it
        values = self._goals.at(at_s)[0] if ahead_s else self._goal[self._head, 0]
        return np.asarray(values[:, columns])

    def action(self, channels: Sequence[str]) -> Array:
        """See `Past.action`; (num, n_channels)."""
        return self._action[:, [self._action_names[c] for c in channels]]

    def get_state(self) -> dict[str, Array]:
        """All that the next observations depend on."""
        return {
            "tables": self._tables.copy(), "goal": self._goal.copy(), "seconds": self._seconds.copy(),
            "action": self._action.copy(), "head": np.array([float(self._head)]),
        }  # fmt: skip

    def set_state(self, state: dict[str, Array]) -> None:
        """Continue from `get_state`."""
        self._tables[:], self._goal[:] = state["tables"], state["goal"]
        self._seconds, self._action = state["seconds"].copy(), state["action"].copy()
        self._head = int(state["head"][0])
