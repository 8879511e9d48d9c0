"""The observation of a policy, built from tables of the state for training and for the node alike.

The kinds of its terms are in `core/observation_terms.py`; add one there, or by an entry point (`myoprosthesis.terms`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import FIELDS, Channels
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.observation_term import AnyTerm, Term, ticks

Array = NDArray[np.float64]
GoalAhead = Callable[[float], Mapping[str, float]]
"""The goal by channel, as it will be some seconds from now."""


class ObservationBuilder:
    """Builds the observation of a contract from tables of channels.

    A table has shape (3, n): rows position, velocity, effort; one column per name in `names`. Before the delay of a
    term has passed since `reset`, it sees the first table, as a body at rest would have been seen.
    """

    def __init__(
        self,
        terms: Sequence[AnyTerm],
        names: Sequence[str],
        dt: float,
        spare_s: float = 0.0,
        action: Channels | None = None,
    ) -> None:
        """Builder of the observation vector of `terms`.

        `dt` (s) is the policy's period, `spare_s` room for delays added later by `perturb`, and `action` what the
        policy returns, for terms that observe it.
        """
        self.names = {name: i for i, name in enumerate(names)}
        actions = action.names if action is not None else ()
        known: dict[str, Any] = {"state": self.names, "goal": self.names, "action": actions}
        for term in terms:
            for i in term.inputs:
                if i.channel not in known[i.source]:
                    raise ContractError(
                        f"observation term {term.name!r} needs channel {i.channel!r} of the {i.source}, which is not "
                        f"there; there are: {', '.join(known[i.source])}"
                    )
        self.terms, self.dt, self._width = tuple(terms), dt, 3 * len(names)
        ends = np.cumsum([t.size for t in terms])
        self._term_of = np.repeat(np.arange(len(terms)), [t.size for t in terms])
        acts = [any(i.source == "action" for i in t.inputs) for t in terms]
        self._acts = any(acts)
        self._lookback = np.maximum([ticks(t.lookback_s, dt) for t in terms], acts)
        plain = [t for t in terms if isinstance(t, Term)]
        self._at = np.flatnonzero(np.repeat([isinstance(t, Term) for t in terms], [t.size for t in terms]))
        """Where in the observation the terms of kind `channels` stand, which are gathered at once."""
        self._delays = np.repeat([ticks(t.delay_s, dt) for t in plain], [t.size for t in plain]).astype(np.intp)
        self._columns = np.array(
            [FIELDS.index(t.field) * len(names) + self.names[c] for t in plain for c in t.channels], np.intp
        )
        self._others = [
            (t, slice(end - t.size, end), _Past(self, k))
            for k, (t, end) in enumerate(zip(terms, ends, strict=True))
            if not isinstance(t, Term)
        ]
        self.length = int(self._lookback.max()) + 1 + int(np.ceil(spare_s / dt))
        self.ring = np.zeros((self.length, self._width))
        self._flat = self.ring.reshape(-1)
        self.goals: list[GoalAhead | None] = [None] * self.length
        self.action = {} if action is None else dict.fromkeys(action.names, 0)
        self._rest = np.zeros(0) if action is None else np.clip(0.0, *action.bounds())
        self.actions = np.zeros((self.length, self._rest.size))
        self.extra = np.zeros(len(terms), np.intp)
        """Ticks of delay that `perturb` adds to each term."""
        self._extra = np.zeros_like(self._delays)
        self._noise: Array | None = None
        self._withheld: NDArray[np.bool_] | None = None
        self._first = np.zeros(self.size)
        self.head, self._filled = 0, False

    @property
    def size(self) -> int:
        """Length of the observation."""
        return int(self._term_of.size)

    def reset(self) -> None:
        """Forget the past: the next table stands for all that came before it."""
        self._filled = False

    def perturb(
        self,
        delay_s: dict[str, float] | None = None,
        noise: dict[str, float] | None = None,
        withheld: Sequence[str] = (),
    ) -> None:
        """Add delays (s) and Gaussian noise (standard deviation, unit of the term) by term.

        Terms that are `withheld` keep their value at the reset. A call without arguments removes all of this.
        """
        extra = np.zeros(len(self.terms), np.intp)
        sd = np.zeros(len(self.terms))
        known = [t.name for t in self.terms]
        for name in withheld:
            if name not in known:
                raise ConfigError(f"the policy observes no {name!r}: it observes {', '.join(known)}")
        for changes, out in ((delay_s or {}, extra), (noise or {}, sd)):
            for name, value in changes.items():
                if name not in known:
                    raise ConfigError(f"the policy observes no {name!r}: it observes {', '.join(known)}")
                if not (np.isfinite(value) and value >= 0):
                    raise ConfigError(f"added delay or noise of {name!r} is {value}; it must be 0 or more")
                out[known.index(name)] = ticks(value, self.dt) if out is extra else value
        longest = int((self._lookback + extra).max())
        if longest >= self.length:
            raise ConfigError(
                f"an added delay makes {longest * self.dt:.3g} s in all; "
                f"at most {(self.length - 1) * self.dt:.3g} s is possible"
            )
        self.extra, self._extra = extra, extra[self._term_of[self._at]]
        self._noise = sd[self._term_of] if sd.any() else None
        held = np.array([t.name in withheld for t in self.terms])
        self._withheld = held[self._term_of] if held.any() else None

    def observe(
        self, table: Array, rng: np.random.Generator | None = None, goal: GoalAhead | None = None
    ) -> NDArray[np.float32]:
        """The observation, shape (size,), after the newest `table` (3, n).

        `goal` gives the goal from now on, and `rng` draws the noise that `perturb` adds.
        """
        first = not self._filled
        if first:
            self.ring[:] = table.reshape(-1)
            self.goals[:] = [goal] * self.length
            self.actions[:] = self._rest
            self._filled = True
        else:
            self.head = (self.head + 1) % self.length
            self.ring[self.head] = table.reshape(-1)
            self.goals[self.head] = goal
        rows = (self.head - self._delays - self._extra) % self.length
        seen = self._flat[rows * self._width + self._columns]
        if self._others:
            gathered, seen = seen, np.empty(self.size)
            seen[self._at] = gathered
            for term, place, past in self._others:
                seen[place] = term.observe(past)
        if first:
            self._first = seen
        if self._noise is not None:
            if rng is None:
                raise ConfigError("noise on the observation needs a random generator")
            seen = seen + self._noise * rng.standard_normal(seen.size)
        if self._withheld is not None:
            seen = np.where(self._withheld, self._first, seen)
        observation: NDArray[np.float32] = seen.astype(np.float32)
        return observation

    def act(self, action: Array) -> None:
        """The policy has answered the newest observation with this action, shape (n_action,)."""
        if self._acts:
            self.actions[self.head] = action


class _Past:
    """The past as one term of a builder sees it: later by the delay that a perturbation adds to the term."""

    def __init__(self, builder: ObservationBuilder, term: int) -> None:
        self._builder, self._term = builder, term
        self._columns: dict[tuple[Any, ...], NDArray[np.intp]] = {}
        self._ticks: dict[float, int] = {}

    def state(self, channels: Sequence[str], field: str = "position", delay_s: float = 0.0) -> Array:
        """See `Past.state`."""
        key = (*channels, field)
        if key not in self._columns:
            names = self._builder.names
            row = FIELDS.index(field) * len(names)
            self._columns[key] = np.array([row + names[channel] for channel in channels], np.intp)
        values: Array = self._builder.ring[self._row(delay_s), self._columns[key]]
        return values

    def goal(self, channels: Sequence[str], ahead_s: float = 0.0) -> Array:
        """See `Past.goal`."""
        goal = self._builder.goals[self._row(0.0)]
        if goal is None:
            return self.state(channels)
        values = goal(ahead_s)
        return np.array([values.get(channel, 0.0) for channel in channels])

    def action(self, channels: Sequence[str]) -> Array:
        """See `Past.action`."""
        names = list(self._builder.action)
        return self._builder.actions[self._row(self._builder.dt), [names.index(channel) for channel in channels]]

    def _row(self, delay_s: float) -> int:
        if delay_s not in self._ticks:
            self._ticks[delay_s] = ticks(delay_s, self._builder.dt)
        delay = self._ticks[delay_s] + int(self._builder.extra[self._term])
        if delay >= self._builder.length:
            raise ConfigError(f"{delay_s} s ago is longer than the lookback_s of the term")
        return (self._builder.head - delay) % self._builder.length
