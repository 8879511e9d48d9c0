"""Reaches listed in a CSV file, one row per trial."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.options import build, option
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.tasks.centre_out import CentreOut, CentreOutOptions
from myoprosthesis.tasks.reaching import ReachingTask


@dataclass(frozen=True)
class Reach:
    """One trial of a list: where to, relative to the start, and when."""

    x: float = option(0.0, "target from the start", "m", -10.0, 10.0)
    y: float = option(0.0, "target from the start", "m", -10.0, 10.0)
    go_s: float = option(0.2, "go signal after the trial's start; as long as the trial or longer: never", "s", 0.0)
    trial_s: float = option(1.0, "length of the trial", "s", 0.05, 3600.0)
    label: str = option("", "name for people")


@dataclass(frozen=True)
class ListedOptions:
    """Options of a list of reaches."""

    file: str = option("", "CSV with one row for each trial: x, y, go_s, trial_s, label", file="path")
    home: tuple[float, ...] = option((), "start of the movements; empty: the effector's start", "m", -10.0, 10.0)
    radius: float = option(
        0.01, "a trial is a success when the endpoint ends this near: mean of its last 0.1 s", "m", 1e-4, 1.0
    )
    between: str = option("reset", "how the next trial gets to its start", choices=("reset", "return"))


class Listed(ReachingTask):
    """The reaches of a file in order, over and over."""

    def __init__(self, options: ListedOptions) -> None:
        """Reads the file; raises `ConfigError` where it is no such list."""
        self.options: ListedOptions = options
        self._reaches = read(Path(options.file).expanduser())

    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        """See `Task.plan`."""
        returns = self.options.between == "return"
        movement, back = divmod(trial, 2) if returns else (trial, 0)
        reach = self._reaches[movement % len(self._reaches)]
        home = tuple(self.options.home) + (0.0,) * (3 - len(self.options.home))
        target = (home[0] + reach.x, home[1] + reach.y, home[2])
        go_ns = from_ns + ns(reach.go_s) if reach.go_s < reach.trial_s else None
        until_ns = from_ns + ns(reach.trial_s)
        if back:
            ends = (from_ns, until_ns, target, home, from_ns)
            return TrialPlan(trial, *ends, reset=False, scored=False, label="return")
        return TrialPlan(trial, from_ns, until_ns, home, target, go_ns, not returns or trial == 0, label=reach.label)

    @staticmethod
    def centre_out(options: CentreOutOptions) -> Callable[[int], tuple[int, Reach]]:
        """The reaches of centre-out: which target the movement of a number goes to, and the reach."""
        task = CentreOut(options)

        def reach(movement: int) -> tuple[int, Reach]:
            angle, distance, label = task.reach(movement)
            x, y = distance * math.cos(angle), distance * math.sin(angle)
            return int(label.split()[-1]), Reach(x, y, options.go_s, options.trial_s, label)

        return reach


def write(path: Path, reaches: Iterable[Reach]) -> None:
    """Write a list that `read` reads."""
    path.write_bytes(csv_text((f.name for f in fields(Reach)), *map(astuple, reaches)).encode())


def read(path: Path) -> list[Reach]:
    """The reaches in a file; every fault is a `ConfigError` that names the row."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the list of reaches {str(path)!r} cannot be read: {error}; give task.file a CSV") from error
    if not rows:
        raise ConfigError(f"the list of reaches {path} has no rows")
    return [build(Reach, _numbers(row), f"{path}, row {i}") for i, row in enumerate(rows, 2)]


def _numbers(row: dict[str, str]) -> dict[str, object]:
    return {k: v for k, v in row.items() if v is not None and (v != "" or k == "label")}
