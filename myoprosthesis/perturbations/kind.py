"""Protocol of a kind of perturbation, and the options that all kinds have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan


class PerturbationKind(Protocol):
    """A function that plans a perturbation for one trial."""

    def __call__(self, options: Any, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
        """Plan.

        Args:
            options: a frozen dataclass derived from `PerturbationTiming`, in SI units.
            trial: the trial that was announced: times in ns, start and target in m.

        Returns:
            Entries within the trial's times; none where there is nothing to do. The same arguments give the same ones.

        Raises:
            ConfigError: options that make no sense, such as a joint load without joints.
        """
        ...


@dataclass(frozen=True)
class PerturbationTiming:
    """Options common to all kinds: when within a trial, and how fast the effect rises."""

    start_s: float = option(0.0, "begin after the trial's start", "s", 0.0, 3600.0)
    duration_s: float = option(0.0, "length; 0: to the end of the trial", "s", 0.0, 3600.0)
    ramp_s: float = option(
        0.0, "linear rise from the beginning; on the body in steps of its period, each the mean over it", "s", 0.0,
        3600.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        if 0 < self.duration_s < self.ramp_s:
            raise ConfigError(
                f"its ramp_s of {self.ramp_s:g} s is longer than its duration_s of {self.duration_s:g} s: it would "
                "never act whole"
            )

    def entry(self, trial: TrialPlan, site: str, kind: str, values: dict[str, Any]) -> PerturbationEntry:
        """An entry at these times of `trial`, for a `site` and `kind` of `core.perturbation_plan`."""
        begin = trial.from_ns + ns(self.start_s)
        end = min(trial.until_ns, begin + ns(self.duration_s)) if self.duration_s else trial.until_ns
        return PerturbationEntry(site, kind, values, begin, end, self.ramp_s)

    def law(self, trial: TrialPlan, law: ForceField) -> tuple[PerturbationEntry, ...]:
        """A force field at the endpoint."""
        return (self.entry(trial, "endpoint", "law", law.to_dict()),)
