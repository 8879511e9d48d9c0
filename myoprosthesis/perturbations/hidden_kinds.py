"""Perturbations of a network's hidden state, at units or along axes: see `policies/hidden_perturbation.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from myoprosthesis.core import axes_file, share
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.kind import PerturbationTiming

SITE = "hidden"
PER = ("second", "once")


@dataclass(frozen=True)
class HiddenTiming(PerturbationTiming):
    """Common to the kinds that act on units, or on components: coordinates along axes from their mean."""

    units: tuple[int, ...] = option((), "numbers of the units, from 0; with components none: all", "", 0, 65535)
    components: tuple[int, ...] = option((), "instead of units: numbers of the file's axes, from 0", "", 0, 65535)
    axes: str = option("", "file of the axes (.npz, .csv), or the name of one in config/axes", file="name")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("units", "components"):
            named = getattr(self, name)
            if len(set(named)) < len(named):
                raise ConfigError(f"{name} names one twice: {', '.join(map(str, named))}")
        if self.units and self.components:
            raise ConfigError("units and components exclude each other: give one of them")
        if bool(self.components) != bool(self.axes):
            raise ConfigError("components need a file of axes, and axes need components: give both or neither")

    def where(self) -> dict[str, Any]:
        """What the message says of the place: numbers of units, or a mean and vectors."""
        if not self.components:
            return {"units": list(self.units)}
        axes = _axes(self.axes)
        n = len(axes.components)
        if max(self.components) >= n:
            raise ConfigError(f"axes {self.axes!r} has {n} components, 0 to {n - 1}; {max(self.components)} is none")
        chosen = axes.components[list(self.components)]
        return {"mean": axes.mean.tolist(), "axes": chosen.tolist()}

    def one_each(self, values: tuple[float, ...], what: str) -> list[float]:
        """Values for the named units or components: one for all, or one for each."""
        n = len(self.units or self.components)
        if len(values) > 1 and not n:
            raise ConfigError(f"{what}: one for all units; to give {len(values)}, name as many")
        if len(values) > 1 and len(values) != n:
            raise ConfigError(f"{what}: one for all or one for each of the {n} that are named, got {len(values)}")
        return list(values)


@dataclass(frozen=True)
class HiddenClampOptions(HiddenTiming):
    """Options of a clamp."""

    values: tuple[float, ...] = option((), "where to: one for all or one each; empty: where they are", "1", -1e3, 1e3)


@dataclass(frozen=True)
class HiddenAddOptions(HiddenTiming):
    """Options of an addition."""

    amounts: tuple[float, ...] = option((0.5,), "how much: one for all, or one each", "1", -1e3, 1e3)
    per: str = option("second", "added in each second, or once, at the beginning or along the ramp", choices=PER)


@dataclass(frozen=True)
class HiddenRotateOptions(HiddenTiming):
    """Options of a rotation."""

    units: tuple[int, ...] = option((), "the two units of the plane; with components none: 0 and 1", "", 0, 65535)
    degrees: float = option(90.0, "from the first of the two towards the second", "deg", -36000.0, 36000.0)
    per: str = option("once", "turned so far in each second, or once, at the beginning or along the ramp", choices=PER)
    centre: tuple[float, ...] = option((0.0, 0.0), "of units their values, of components from the mean", "1", -1e3, 1e3)


@dataclass(frozen=True)
class HiddenSilenceOptions(PerturbationTiming):
    """Options of units that fall silent."""

    units: tuple[int, ...] = option((), "numbers of the units, from 0; empty: all", "", 0, 65535)
    share: float = option(1.0, "share of them that is silenced, drawn by the seed", "1", 0.0, 1.0)
    seed: int = option(0, "seed; the same units in every trial", "", 0)


def hidden_clamp(options: HiddenClampOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Units or components held at a value, or where they are when the window begins; on the ramp drawn towards it."""
    values = {**options.where(), "values": options.one_each(options.values, "values")}
    return (options.entry(trial, SITE, "clamp", values),)


def hidden_add(options: HiddenAddOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """An amount added to units or components: so much in each second, or once."""
    amounts = options.one_each(options.amounts, "amounts")
    if not amounts:
        raise ConfigError("amounts: what is added is missing")
    return (options.entry(trial, SITE, "add", {**options.where(), "amounts": amounts, "per": options.per}),)


def hidden_rotate(options: HiddenRotateOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """The plane of two units or components turned about a centre: once, or so far in each second."""
    where = options.where()
    if where.get("units") == []:
        where = {"units": [0, 1]}
    if len(where.get("units") or where["axes"]) != 2:
        raise ConfigError("a plane is that of two units or of two components")
    if len(options.centre) != 2:
        raise ConfigError(f"the centre of a plane has two coordinates, got {len(options.centre)}")
    # turned once, only the rest of whole turns is seen; along a ramp or per second each of them is
    whole = options.per == "once" and options.ramp_s == 0
    angle = math.radians(math.remainder(options.degrees, 360.0) if whole else options.degrees)
    values = {**where, "angle_rad": angle, "per": options.per, "centre": list(options.centre)}
    return (options.entry(trial, SITE, "rotate", values),)


def hidden_silence(options: HiddenSilenceOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Units that say nothing any more, to the read-out as to each other."""
    values = {"units": list(options.units), "share": options.share, "seed": options.seed}
    return (options.entry(trial, SITE, "silence", values),)


def _axes(name: str) -> axes_file.AxesFile:
    try:
        shipped = share.root() / "config" / "axes" / name
        path = shipped if shipped.is_file() else Path(name).expanduser()
        stamp = path.stat().st_mtime_ns if path.is_file() else 0
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, a home that does not exist, a NUL
        raise ConfigError(f"axes {name[:80]!r} cannot be looked for: {str(error)[:60]}") from None
    return _cached(path, stamp)


@lru_cache(maxsize=8)
def _cached(path: Path, stamp_ns: int) -> axes_file.AxesFile:
    """Read once as long as the file is the same: every trial is planned."""
    return axes_file.read(path)
