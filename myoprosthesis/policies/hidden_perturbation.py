"""Perturbation of a policy's recurrent state: the entries of site `hidden` of a plan.

The state is changed after each step of the network and before the action is read from it, so that the action and all
later steps see the changed one. Entries act in the order of the plan. On the ramp an effect grows with its gain: a
clamp and a silence draw the state so far towards their value, an addition or a rotation per second goes so fast, and
one that is done once is spread over the ramp. What is added is not clipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import axes_file
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.message import reading
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.text import brief

Array = NDArray[np.float64]
SITE = "hidden"
KINDS = ("clamp", "add", "rotate", "silence")


@dataclass
class _Units:
    """Some units of the state: coordinates that can be read and written."""

    units: NDArray[np.intp]

    @property
    def size(self) -> int:
        return int(self.units.size)

    def read(self, state: Array) -> Array:
        """Coordinates (size,) in a state (n_units,)."""
        return state[self.units]

    def write(self, state: Array, before: Array, after: Array) -> None:
        """Change the state, whose coordinates are `before`, so that they are `after`."""
        state[self.units] = after


@dataclass
class _Axes:
    """Some axes in the space of the units; what lies across them is left as it is."""

    mean: Array
    vectors: Array

    @property
    def size(self) -> int:
        return len(self.vectors)

    def read(self, state: Array) -> Array:
        """Coordinates (size,) from the mean."""
        coordinates: Array = self.vectors @ (state - self.mean)
        return coordinates

    def write(self, state: Array, before: Array, after: Array) -> None:
        """Move the state by the difference."""
        state += (after - before) @ self.vectors


@dataclass
class _FittedEntry:
    """One entry, fitted to a network; `held` and `gain` are what it remembers within its window."""

    entry: PerturbationEntry
    place: _Units | _Axes
    figures: dict[str, Any]
    held: Array | None = None
    gain: float = field(default=0.0)

    def forget(self) -> None:
        self.held, self.gain = None, 0.0

    def inside(self, now_ns: int) -> bool:
        until_ns = self.entry.until_ns
        return now_ns >= self.entry.from_ns and (until_ns is None or now_ns < until_ns)

    def apply(self, state: Array, now_ns: int, dt: float) -> None:
        """Change `state` (n_units,) in place."""
        if not self.inside(now_ns):
            self.forget()
            return
        before, gain = self.place.read(state), self.entry.gain(now_ns)
        share = gain * dt if self.figures.get("per") == "second" else gain - self.gain
        kind, self.gain = self.entry.kind, gain
        if self.held is None:
            self.held = before.copy() if self.figures.get("values") is None else self.figures["values"]
        if gain == 0.0:
            return
        if kind == "clamp":
            after = self.held if gain == 1.0 else before + gain * (self.held - before)
        elif kind == "silence":
            after = (1.0 - gain) * before
        elif kind == "add":
            after = before + share * self.figures["amounts"]
        else:
            angle = share * self.figures["angle_rad"]
            x, y = before - self.figures["centre"]
            c, s = np.cos(angle) - 1.0, np.sin(angle)  # what changes, so that a turn by 0 changes no bit
            after = before + np.array([c * x - s * y, s * x + c * y])
        self.place.write(state, before, after)


class HiddenPerturbation:
    """Applies entries to the recurrent state of one network, and keeps what they remember within their windows."""

    def __init__(self, name: str, n_units: int, dt: float) -> None:
        """`dt` (s) is the period of the policy `name`, which has `n_units` recurrent units."""
        self.name, self.n_units, self.dt = name, n_units, dt
        self._fitted: list[_FittedEntry] = []

    @property
    def idle(self) -> bool:
        """True when no entry acts, now or later."""
        return not self._fitted

    def reset(self) -> None:
        """Forget what entries remember, as at the start of a trial."""
        for act in self._fitted:
            act.forget()

    def set_entries(self, entries: Sequence[PerturbationEntry]) -> None:
        """Apply these entries of site `hidden` from now on; one that was applied already keeps its memory.

        Raises `Refused` for the first that cannot be applied; all others are.
        """
        before, fitted = list(self._fitted), []
        refusals: list[str] = []
        for entry in entries:
            at = next((i for i, act in enumerate(before) if act.entry == entry), None)
            try:
                with reading(f"a perturbation of kind {brief(entry.kind)!r}"):
                    fitted.append(self._fit(entry) if at is None else before.pop(at))
            except MyoError as error:
                refusals.append(str(error))
        self._fitted = fitted
        if refusals:
            raise Refused(refusals[0])

    def apply(self, state: NDArray[np.float32], now_ns: int) -> NDArray[np.float32]:
        """The changed state, a new array (n_units,), of the one after a step that answers what was seen at `now_ns`."""
        out = state.astype(float)
        for act in self._fitted:
            act.apply(out, now_ns, self.dt)
        return out.astype(np.float32)

    def _fit(self, entry: PerturbationEntry) -> _FittedEntry:
        if not self.n_units:
            raise ConfigError(f"policy {self.name!r} has no recurrent state, so that none can be disturbed")
        if entry.kind not in KINDS:
            raise ConfigError(f"a perturbation of kind {entry.kind!r} cannot act at the hidden state")
        try:
            place = self._place(entry)
            return _FittedEntry(entry, place, self._figures(entry, place.size))
        except MyoError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ConfigError(f"a perturbation of kind {entry.kind!r} cannot be read: {error!r}") from None

    def _place(self, entry: PerturbationEntry) -> _Units | _Axes:
        values = entry.values
        if "axes" in values:
            axes = axes_file.check(values["mean"], values["axes"])
            if axes.mean.size != self.n_units:
                raise ConfigError(
                    f"policy {self.name!r} has {self.n_units} recurrent units, the axes are of {axes.mean.size}"
                )
            return _Axes(axes.mean, axes.components)
        named = values["units"]
        if not all(isinstance(u, int) and not isinstance(u, bool) for u in named) or len(set(named)) < len(named):
            raise ValueError(f"units are different whole numbers, got {named!r}")
        if named and not 0 <= min(named) <= max(named) < self.n_units:
            wrong = next(u for u in named if not 0 <= u < self.n_units)
            last = self.n_units - 1
            raise ConfigError(f"policy {self.name!r} has {self.n_units} recurrent units, 0 to {last}; {wrong} is none")
        units = np.array(named or range(self.n_units), np.intp)
        if entry.kind == "silence":
            share, seed = _number(values["share"]), values["seed"]
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"a share is 0 to 1, got {share}")
            drawn = np.random.default_rng(seed).permutation(units.size)[: round(share * units.size)]
            units = units[np.sort(drawn)]
        return _Units(units)

    @staticmethod
    def _figures(entry: PerturbationEntry, n: int) -> dict[str, Any]:
        values = entry.values
        if entry.kind == "clamp":
            return {"values": _each(values["values"], n) if len(values["values"]) else None}
        if entry.kind == "silence":
            return {}
        if values["per"] not in ("second", "once"):
            raise ValueError(f"per is second or once, got {values['per']!r}")
        if entry.kind == "add":
            return {"amounts": _each(values["amounts"], n), "per": values["per"]}
        if n != 2:
            raise ValueError(f"a plane is that of two units or components, got {n}")
        return {
            "angle_rad": _number(values["angle_rad"]), "centre": _each(values["centre"], 2), "per": values["per"],
        }  # fmt: skip


def _number(value: Any) -> float:
    if not np.isfinite(value):
        raise ValueError(f"{value!r} is not finite")
    return float(value)


def _each(values: Any, n: int) -> Array:
    """`n` finite numbers, from as many or from one for all."""
    numbers = np.array(values, float)
    if numbers.ndim != 1 or numbers.size not in (1, n) or not np.isfinite(numbers).all():
        raise ValueError(f"one finite number or {n} are needed, got {values!r}")
    each: Array = np.broadcast_to(numbers, (n,)).copy()
    return each
