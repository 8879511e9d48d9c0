"""`myoprosthesis report emg` and `report gait`: a walk, recorded or played, beside people's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from myoprosthesis.cli.figures import write_json
from myoprosthesis.cli.report_options import ReportOptions
from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library

EMG, GAIT = "emg", "gait"
"""The words before a recording of a walk, or a policy that walks."""
WALKED: Mapping[str, Any] = {"straight": 1.0, "trial_s": 12.0}
SPEEDS: Mapping[str, float] = {EMG: 1.4, GAIT: 1.3}
"""m/s, of trials that are compared with people: those of the data that are at hand walked so."""
GAIT_DATA = ("config", "recordings", "gait_falisse")
"""One person's walk over a force plate, which comes with the package."""


def emg(options: ReportOptions) -> int:
    """Compare muscles with people's EMG, and write the page."""
    from myoprosthesis.motion.people_emg import read_people
    from myoprosthesis.report import emg_report, gait_cycles
    from myoprosthesis.report.report import PAGE

    if len(options.folders) != 2 or not options.data:
        raise ConfigError("one recording or policy, and a folder of people's EMG, are needed: emg NAME --data FOLDER")
    for name, use in (("matplotlib", "pictures"), ("scipy", "intervals")):
        library(name, "report", use)
    people = read_people(Path(options.data))
    walk, out = _walk(options, EMG, gait_cycles.recorded, gait_cycles.played)
    numbers = emg_report.write_report(walk, people, out, options.seed)
    print(f"{numbers['walk']}: {numbers['cycles']} cycles beside {numbers['people']} people")
    for kind in ("excitation", "activation"):
        if kind in numbers:
            _print_similarity(kind, numbers[kind])
    top = numbers["ceiling"]
    print(f"  people among each other: r {top['median']:.2f} [{top['interval'][0]:.2f}, {top['interval'][1]:.2f}]")
    print(out / PAGE)
    write_json(options.json, numbers)
    return 0


def gait(options: ReportOptions) -> int:
    """Compare angles, moments and the force of the ground with people's, and write the page."""
    from myoprosthesis.motion.people_gait import read_gait
    from myoprosthesis.report import gait_mechanics, gait_report
    from myoprosthesis.report.report import PAGE

    if len(options.folders) != 2:
        raise ConfigError("one recording or policy is needed: gait NAME [--data FOLDER]")
    library("matplotlib", "report", "pictures")
    people = read_gait(Path(options.data) if options.data else share.root().joinpath(*GAIT_DATA))
    walk, out = _walk(options, GAIT, gait_mechanics.recorded, gait_mechanics.played)
    numbers = gait_report.write_report(walk, people, out)
    print(
        f"{numbers['walk']}: {numbers['cycles']} cycles at {numbers['speed']:.2f} m/s beside {numbers['people']} in "
        f"{numbers['data']}"
    )
    for name, one in numbers["signals"].items():
        if one["r"] is not None:
            unit, people_r = one["unit"], one["people_r"]
            print(f"  {name}: r {one['r']:.2f} (people {people_r:.2f}), RMSE {one['rmse']:.2f} {unit} "
                  f"(people {one['people_rmse']:.2f})")  # fmt: skip
    print(out / PAGE)
    write_json(options.json, numbers)
    return 0


def _walk(
    options: ReportOptions, word: str, recorded: Callable[[Path], Any], played: Callable[..., Any]
) -> tuple[Any, Path]:
    """The cycles of the recording or policy that is named, and the folder of the page."""
    from rich.console import Console
    from rich.progress import Progress

    from myoprosthesis.files import yaml_text
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    path = Path(options.folders[1]).expanduser()
    if path.suffix == ".mcap" or path.is_dir() and any(path.glob("*.mcap")):
        if options.option:
            raise ConfigError("--option is for a policy that is played; this is a recording")
        walk, beside = recorded(path), path.with_suffix("")
    else:
        file = store.find(options.folders[1])
        own = {"speed": [SPEEDS[word]] * 2, **WALKED}
        wanted = {**own, **yaml_text.assigned(options.option, "--option")}
        beside = file.parent
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            doing = bar.add_task("playing", total=1.0)
            walk = played(
                OnnxPolicy(file), file.parent.name, options.trials, wanted, options.seed, options.threads,
                lambda share: bar.update(doing, completed=share),
            )  # fmt: skip
    return walk, Path(options.out).expanduser() if options.out else beside / word


def _print_similarity(kind: str, own: dict[str, Any]) -> None:
    low, high = own["r_median_interval"]
    chance = max(part["p95"] for part in own["shuffled"].values())
    print(f"  {kind}: r {own['r_median']:.2f} [{low:.2f}, {high:.2f}], 95 % of shuffled below {chance:.2f}")
    print("    " + ", ".join(f"{muscle} {r:.2f}" for muscle, r in own["r_by_muscle"].items()))
