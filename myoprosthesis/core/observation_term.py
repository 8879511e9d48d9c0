"""Terms of an observation: what a policy sees, each of a registered kind with its options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.channels import FIELDS
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.json_value import number, text
from myoprosthesis.core.options import build

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TermInput:
    """A channel that a term reads: its `field` of the state table, in `unit` (empty: in whatever unit it comes).

    `source` is `state` (the effector's channels and the task's), `goal` (the task's, also ahead of time) or `action`
    (those of the policy's own action).
    """

    channel: str
    field: str = "position"
    unit: str = ""
    source: str = "state"


class Past(Protocol):
    """What a term may read: the newest tick and those before it, as far as its `lookback_s`.

    Before the first tick all was as it was then, and the action was 0, or the bound nearest to it.
    """

    def state(self, channels: Sequence[str], field: str = "position", delay_s: float = 0.0) -> Array:
        """One row of the table as it was `delay_s` ago.

        Args:
            channels: names of the effector's channels and of the task's.
            field: `position`, `velocity` or `effort`.
            delay_s: a whole number of the policy's periods, s.

        Returns:
            Shape (n_channels,), in the units of the effector and the task.
        """
        ...

    def goal(self, channels: Sequence[str], ahead_s: float = 0.0) -> Array:
        """The goal as it will be `ahead_s` from now.

        Args:
            channels: names of the task's channels.
            ahead_s: how far ahead, s; any number.

        Returns:
            Shape (n_channels,), in the task's units; without a trial what the table has now.
        """
        ...

    def action(self, channels: Sequence[str]) -> Array:
        """The policy's action before this one, within its bounds.

        Args:
            channels: names out of the contract's action.

        Returns:
            Shape (n_channels,), in the units of the action.
        """
        ...


class TermKind(Protocol):
    """A kind of term, built from its options dataclass: a pure function of the past, for training and node alike."""

    @property
    def size(self) -> int:
        """How many numbers it observes."""
        ...

    @property
    def inputs(self) -> Sequence[TermInput]:
        """The channels that it reads; a policy is refused where one is missing, or in another unit."""
        ...

    @property
    def lookback_s(self) -> float:
        """The longest delay with which it reads the state, s: a whole number of the policy's periods."""
        ...

    def observe(self, past: Past) -> Array:
        """Observe.

        Args:
            past: the newest tick and those before it; it changes after the call.

        Returns:
            Finite numbers, shape (size,); the same ones for the same past.
        """
        ...


@dataclass(frozen=True)
class Term:
    """Term of kind `channels`: `channels` of the state table's row `field`, as they were `delay_s` ago."""

    kind: ClassVar[str] = "channels"
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

    @property
    def size(self) -> int:
        """See `TermKind.size`."""
        return len(self.channels)

    @property
    def inputs(self) -> Sequence[TermInput]:
        """See `TermKind.inputs`."""
        return [TermInput(channel, self.field, self.unit) for channel in self.channels]

    @property
    def lookback_s(self) -> float:
        """See `TermKind.lookback_s`."""
        return self.delay_s

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        return past.state(self.channels, self.field, self.delay_s)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, as contracts of format 1 have it."""
        return {**asdict(self), "channels": list(self.channels)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Term:
        """Inverse of `to_dict`."""
        return cls(
            text(data["name"], "the name of a term"),
            tuple(text(c, "a channel of a term") for c in data["channels"]),
            text(data.get("field", "position"), "the field of a term"),
            text(data.get("unit", ""), "the unit of a term"),
            number(data.get("delay_s", 0.0), "the delay_s of a term"),
        )


@dataclass(frozen=True)
class RegisteredTerm:
    """Term of a kind that is registered under the entry points `myoprosthesis.terms`, with the kind's own options."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", json.loads(json.dumps(dict(self.options))))  # as it comes from a file
        _ = self.function  # refuse it now, while a person is watching

    @cached_property
    def function(self) -> TermKind:
        """The kind with these options; raises `ContractError` for an unknown kind, or options that it does not take."""
        try:
            factory, options = registry.factory("terms", self.kind), registry.options("terms", self.kind)
            made: TermKind = factory(build(options, self.options, f"observation term {self.name!r}"))
        except ConfigError as error:
            raise ContractError(f"observation term {self.name!r} of kind {self.kind!r}: {error}") from error
        return made

    @property
    def size(self) -> int:
        """See `TermKind.size`."""
        return self.function.size

    @property
    def inputs(self) -> Sequence[TermInput]:
        """See `TermKind.inputs`."""
        return self.function.inputs

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of state and goal that it reads."""
        return tuple(i.channel for i in self.inputs if i.source != "action")

    @property
    def lookback_s(self) -> float:
        """See `TermKind.lookback_s`."""
        return self.function.lookback_s

    def observe(self, past: Past) -> Array:
        """See `TermKind.observe`."""
        return self.function.observe(past)


AnyTerm = Term | RegisteredTerm


def to_dict(term: AnyTerm) -> dict[str, Any]:
    """A term as plain data for JSON, as contracts of format 2 have it: name, kind, options."""
    if isinstance(term, RegisteredTerm):
        options = dict(term.options)
    else:
        options = {k: v for k, v in term.to_dict().items() if k != "name"}
    return {"name": term.name, "kind": term.kind, "options": options}


def from_dict(data: Mapping[str, Any]) -> AnyTerm:
    """Inverse of `to_dict`; raises `ContractError`."""
    name, kind = text(data["name"], "the name of a term"), text(data["kind"], "the kind of a term")
    options = dict(data.get("options", {}))
    term = RegisteredTerm(name, kind, options)  # which checks the options
    return Term.from_dict({"name": name, **options}) if kind == Term.kind else term


def ticks(delay_s: float, dt: float) -> int:
    """`delay_s` as a whole number of periods; raises when it is none (to a millionth of a period)."""
    if not (np.isfinite(delay_s) and np.isfinite(dt) and dt > 0):
        raise ConfigError(f"a delay of {delay_s} s in periods of {dt} s cannot be counted")
    n = round(delay_s / dt)
    if abs(delay_s - n * dt) > 1e-6 * dt:
        raise ConfigError(f"a delay of {delay_s} s is no whole number of periods of {dt} s; {n * dt:.6g} s would be")
    return n
