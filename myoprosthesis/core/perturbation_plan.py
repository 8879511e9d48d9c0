"""The plan of perturbations for a span of time, and the message that carries it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.message import NAME_CHARS, PLAN_BYTES, read_object, reading
from myoprosthesis.core.nanoseconds import NS

SITES = ("endpoint", "joint", "muscle", "object", "body", "observation", "hidden", "emg")
"""Sites of a perturbation that some node of this package owns."""
RISING = {"rotation": ("angle_rad",), "noise": ()}
"""What of an entry at the observation rises along its ramp; (): all of its values."""


@dataclass(frozen=True)
class PerturbationEntry:
    """One perturbation at one site over one window of time; `values` belong to its `kind`.

    `law` (endpoint, joint): `ForceField.to_dict()`, for joints with `joints`, the names of its dimensions.
    `strength` (muscle): fraction of active force by muscle name. `fatigue` (muscle): rates `F`, `R` in 1/s, of the
    named `muscles` (none: all).
    `force` (object): `force` in N (x, y, z), on the named `objects`; `mass` (object): `factor` of their mass.
    `force` (body): the same on `bodies`, parts of a floating body; `load` (body): `kg` that they carry.
    `rotation`, `delay`, `noise`, `withhold` (observation). Those of site `hidden`: see
    `policies/hidden_perturbation.py`; of `emg`:
    see `emg/corruption.py`.
    The effect rises linearly over `ramp_s` from `from_ns`.
    """

    site: str
    kind: str
    values: Mapping[str, Any]
    from_ns: int = 0
    until_ns: int | None = None
    ramp_s: float = 0.0

    def __post_init__(self) -> None:
        if self.site not in SITES:
            raise ConfigError(f"no node owns the perturbation site {self.site!r}: known are {', '.join(SITES)}")
        if not isinstance(self.values, Mapping):
            raise ConfigError(f"the values of a perturbation are a mapping, got {self.values!r}")
        until_ns = self.from_ns if self.until_ns is None else self.until_ns
        if not (isinstance(self.from_ns, int) and isinstance(until_ns, int)):
            raise ConfigError(f"a perturbation's times are whole numbers, got {self.from_ns!r} and {until_ns!r}")
        if not (isinstance(self.ramp_s, (int, float)) and math.isfinite(self.ramp_s)):
            raise ConfigError(f"the ramp of a perturbation is a number, got {self.ramp_s!r}")

    def gain(self, now_ns: int, period_ns: int = 0) -> float:
        """0 outside the window, 1 inside, in between on the ramp; its mean over the `period_ns` that begin then."""
        if now_ns < self.from_ns or (self.until_ns is not None and now_ns >= self.until_ns):
            return 0.0
        if self.ramp_s <= 0:
            return 1.0
        begin, end = ((t - self.from_ns) / (self.ramp_s * NS) for t in (now_ns, now_ns + period_ns))
        return (_risen(end) - _risen(begin)) / (end - begin) if period_ns else min(1.0, begin)

    def observed(self, now_ns: int) -> PerturbationEntry | None:
        """An entry at the observation as it is now, on its ramp in part; None where it is not in force."""
        gain = self.gain(now_ns)
        if not gain:
            return None
        if gain == 1.0 or self.kind not in RISING:
            return self
        rising = RISING[self.kind] or tuple(self.values)
        return replace(self, values={k: gain * v if k in rising else v for k, v in self.values.items()})


def _risen(x: float) -> float:
    """The integral of a ramp from 0 at 0 to 1 at 1, up to `x`."""
    return 0.5 * x * x if x < 1 else x - 0.5


@dataclass(frozen=True)
class PerturbationPlan:
    """All perturbations from `from_ns` up to `until_ns`, under the `name` by which people know them."""

    name: str
    until_ns: int
    trial: int = -1
    entries: tuple[PerturbationEntry, ...] = ()
    from_ns: int = 0

    def __post_init__(self) -> None:
        if len(self.name) > NAME_CHARS:
            raise ConfigError(
                f"a perturbation has a name of {len(self.name)} characters, at most {NAME_CHARS} are read"
            )

    def at(self, *sites: str) -> tuple[PerturbationEntry, ...]:
        """The entries of some sites."""
        return tuple(e for e in self.entries if e.site in sites)

    def to_json(self) -> str:
        """The text of a message on `perturbation`."""
        text = json.dumps({"participant": "perturbation", **asdict(self)})
        if len(text) > PLAN_BYTES:
            raise ConfigError(f"perturbation {self.name!r} makes a plan of {len(text)} characters: {PLAN_BYTES} go")
        return text

    @classmethod
    def from_json(cls, text: str) -> PerturbationPlan:
        """Inverse of `to_json`."""
        with reading("a perturbation"):
            data = read_object(text, "a perturbation")
            entries = tuple(PerturbationEntry(**e) for e in data.get("entries", ()))
            return cls(
                name=str(data["name"]),
                until_ns=int(data["until_ns"]),
                trial=int(data.get("trial", -1)),
                entries=entries,
                from_ns=int(data.get("from_ns", 0)),
            )
