"""One trial of a stack that is over, and the columns of the table of trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from myoprosthesis.core.trial_record import EVENT

COLUMNS = (
    *(
        "trial",
        "label",
        "effector",
        "effector_options",
        "dt",
        "task_options",
        "policy",
        "perturbation",
        "catch",
        "scored",
        "lost",
        "states_missing",
        "start_s",
        "end_s",
    ),
    *(f"{point}_{axis}_m" for point in ("start", "target") for axis in "xyz"),
    *("success", "endpoint_error_mm", "lateral_deviation_mm", "peak_speed"),
)
"""What every row of the table of trials has, in this order; further figures of a task follow by name."""


@dataclass(frozen=True)
class TrialSetting:
    """What a trial was done with: figures of trials with another one are kept apart."""

    effector: str = ""
    effector_options: str = ""
    """Those that are not its defaults: `mass 2`."""
    dt: float | None = None
    """Period of the effector, s."""
    task_options: str = ""


@dataclass
class TrialOutcome:
    """One trial that is over: `values` are those of its event `end`, or of `lost`."""

    number: int
    from_ns: int
    until_ns: int
    values: dict[str, Any]
    lost: str = ""
    """Why it does not count; empty for one that was judged."""

    @property
    def scored(self) -> bool:
        """True for a movement to a target that was no catch trial."""
        return not self.lost and bool(self.values.get("scored", True)) and not self.values.get("catch", False)

    @property
    def setting(self) -> TrialSetting:
        """What it was done with, as far as its task said so."""
        dt, words = self.values.get("dt"), ("effector", "effector_options", "task_options")
        effector, own, task = (str(self.values.get(key) or "") for key in words)
        return TrialSetting(effector, own, dt if isinstance(dt, (int, float)) else None, task)

    @property
    def states_missing(self) -> int | None:
        """How many of its states the task did not hear; None where that is not known."""
        expected, samples = self.values.get("expected"), self.values.get("samples")
        known = isinstance(expected, int) and isinstance(samples, int)
        return max(0, expected - samples) if known else None  # type: ignore[operator]

    @property
    def own(self) -> dict[str, Any]:
        """The figures that only its task has."""
        return {k: v for k, v in self.values.items() if k not in EVENT and k not in COLUMNS}
