"""The observation a policy sees: named terms of the state, each with its own delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import FIELDS
from myoprosthesis.core.errors import ConfigError, ContractError


@dataclass(frozen=True)
class Term:
    """`channels` of the state table's row `field`, as they were `delay_s` ago."""

    name: str
    channels: tuple[str, ...]
    field: str = "position"
    unit: str = ""
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        if self.field not in FIELDS:
            known = ", ".join(FIELDS)
            raise ContractError(f"observation term {self.name!r} reads {self.field!r}, which is none of {known}")
        if not self.channels:
            raise ContractError(f"observation term {self.name!r} names no channels")
        if not (np.isfinite(self.delay_s) and self.delay_s >= 0):
            raise ContractError(f"observation term {self.name!r} has delay {self.delay_s} s; it must be 0 or more")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "channels": list(self.channels)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Term:
        """Inverse of `to_dict`."""
        return cls(
            str(data["name"]),
            tuple(str(c) for c in data["channels"]),
            str(data.get("field", "position")),
            str(data.get("unit", "")),
            float(data.get("delay_s", 0.0)),
        )


def ticks(delay_s: float, dt: float) -> int:
    """`delay_s` as a whole number of periods; raises when it is none (to a millionth of a period)."""
    if not (np.isfinite(delay_s) and np.isfinite(dt) and dt > 0):
        raise ConfigError(f"a delay of {delay_s} s in periods of {dt} s cannot be counted")
    n = round(delay_s / dt)
    if abs(delay_s - n * dt) > 1e-6 * dt:
        raise ConfigError(f"a delay of {delay_s} s is no whole number of periods of {dt} s; {n * dt:.6g} s would be")
    return n


class ObservationBuilder:
    """Builds the vector of a contract from tables of channels, for training and for the node alike.

    A table has shape (3, n): rows position, velocity, effort; one column per name in `names`. Before
    `delay_s` has passed since `reset`, a term sees the first table, as a body at rest would have been seen.
    """

    def __init__(self, terms: Sequence[Term], names: Sequence[str], dt: float, spare_s: float = 0.0) -> None:
        """`spare_s` is room for delays added later by `perturb`."""
        where = {name: i for i, name in enumerate(names)}
        for term in terms:
            for channel in term.channels:
                if channel not in where:
                    raise ContractError(
                        f"observation term {term.name!r} needs channel {channel!r}, which is not there; "
                        f"there are: {', '.join(names)}"
                    )
        self.terms, self.dt = tuple(terms), dt
        self._width = 3 * len(names)
        self._delays = np.concatenate([np.full(len(t.channels), ticks(t.delay_s, dt)) for t in terms]).astype(np.intp)
        self._columns = np.concatenate(
            [[FIELDS.index(t.field) * len(names) + where[c] for c in t.channels] for t in terms]
        ).astype(np.intp)
        self._term_of = np.concatenate([[i] * len(t.channels) for i, t in enumerate(terms)]).astype(np.intp)
        self._length = int(self._delays.max()) + 1 + int(np.ceil(spare_s / dt))
        self._ring = np.zeros((self._length, self._width))
        self._flat = self._ring.reshape(-1)
        self._extra = np.zeros_like(self._delays)
        self._noise: NDArray[np.float64] | None = None
        self._withheld: NDArray[np.bool_] | None = None
        self._first = np.zeros(self._width)
        self._head, self._filled = 0, False

    @property
    def size(self) -> int:
        """Length of the observation."""
        return int(self._columns.size)

    def reset(self) -> None:
        """Forget the past: the next table stands for all that came before it."""
        self._filled = False

    def perturb(
        self,
        delay_s: dict[str, float] | None = None,
        noise: dict[str, float] | None = None,
        withheld: Sequence[str] = (),
    ) -> None:
        """Add delays (s) and Gaussian noise (standard deviation, unit of the term) by term, and hold terms that are
        `withheld` at what they were at the reset; none takes them off."""
        extra = np.zeros(len(self.terms), np.intp)
        sd = np.zeros(len(self.terms))
        known = [t.name for t in self.terms]
        for name in withheld:
            if name not in known:
                raise ConfigError(f"the policy observes no {name!r}: it observes {', '.join(known)}")
        for given, out in ((delay_s or {}, extra), (noise or {}, sd)):
            for name, value in given.items():
                if name not in known:
                    raise ConfigError(f"the policy observes no {name!r}: it observes {', '.join(known)}")
                if not (np.isfinite(value) and value >= 0):
                    raise ConfigError(f"added delay or noise of {name!r} is {value}; it must be 0 or more")
                out[known.index(name)] = ticks(value, self.dt) if out is extra else value
        longest = int((self._delays + extra[self._term_of]).max())
        if longest >= self._length:
            raise ConfigError(
                f"an added delay makes {longest * self.dt:.3g} s in all; "
                f"at most {(self._length - 1) * self.dt:.3g} s is possible"
            )
        self._extra = extra[self._term_of]
        self._noise = sd[self._term_of] if sd.any() else None
        held = np.array([t.name in withheld for t in self.terms])
        self._withheld = held[self._term_of] if held.any() else None

    def observe(self, table: NDArray[np.float64], rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        """Take in the newest `table` (3, n) and return the observation, shape (size,)."""
        if self._filled:
            self._head = (self._head + 1) % self._length
            self._ring[self._head] = table.reshape(-1)
        else:
            self._ring[:] = self._first = table.reshape(-1).copy()
            self._filled = True
        rows = (self._head - self._delays - self._extra) % self._length
        seen = self._flat[rows * self._width + self._columns]
        if self._noise is not None:
            if rng is None:
                raise ConfigError("noise on the observation needs a random generator")
            seen = seen + self._noise * rng.standard_normal(seen.size)
        if self._withheld is not None:
            seen = np.where(self._withheld, self._first[self._columns], seen)
        return seen.astype(np.float32)
