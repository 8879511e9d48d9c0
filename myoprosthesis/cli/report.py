"""`myoprosthesis report`: what a session shows, as one page; several beside each other; a policy; or a walk."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library

POLICY = "policy"
"""The word before the name of a policy."""
EMG = "emg"
"""The word before a recording of a walk, or a policy that walks."""
WALKED: Mapping[str, Any] = {"speed": [1.4, 1.4], "straight": 1.0, "trial_s": 12.0}
"""Options of trials that are compared with people, who walked at 1.4 m/s."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions(JsonArgument):
    """Options of `report`."""

    folders: tuple[str, ...] = argument(
        help="folder of a session; several are compared; policy NAME: analyses of a network that turns something; emg "
        "RECORDING or emg POLICY: muscles of a walk beside people's EMG",
        positional=True, nargs="+", metavar="[policy|emg] FOLDER",
    )  # fmt: skip
    out: str = argument("", "folder to write (FOLDER/report, or beside the first; or beside the policy)", metavar="DIR")
    seed: int = argument(0, "seed of the bootstrap, or of what trials of a policy draw", low=0)
    trials: int = argument(
        40, "with policy: trials of each direction; with the policy of emg: trials", low=10, high=10_000
    )
    option: tuple[str, ...] = argument(
        (), "with a policy: an option of the task; may be repeated", repeat=True, metavar="NAME=VALUE"
    )
    opposite: str = argument("", "with policy: the policy of the other direction, by default the same", metavar="NAME")
    data: str = argument(
        "", "with emg: folder of people's EMG, .RData of musclesyneRgies or a .csv for each person", metavar="FOLDER"
    )
    threads: int = argument(0, "with a policy: for the simulations; 0: one for each processor", low=0)


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("report", run, ReportOptions, help="the report of a session, or of several", description=__doc__ or "")


def run(options: ReportOptions) -> int:
    """Write the page, its pictures and tables; say the figures that matter."""
    check_writable(options.json)
    if options.folders[0] == POLICY and len(options.folders) > 1:
        return _policy(options)
    if options.folders[0] == EMG and (options.data or not Path(EMG).is_dir()):
        return _emg(options)
    if options.data:
        raise ConfigError("--data belongs to: report emg RECORDING_OR_POLICY")
    if options.option or options.opposite:
        raise ConfigError("--option and --opposite belong to: report policy NAME")
    from myoprosthesis.report.comparison import compare, default_place
    from myoprosthesis.report.report import FOLDER, PAGE, report

    folders = [Path(f).expanduser() for f in options.folders]
    own = folders[0] / FOLDER if len(folders) == 1 else default_place(folders)
    out = Path(options.out).expanduser() if options.out else own
    numbers = report(folders[0], out, options.seed) if len(folders) == 1 else compare(folders, out, options.seed)
    for one in numbers.get("sessions", [numbers]):
        _print(one)
    for difference in numbers.get("differences", ()):
        low, high = difference["interval"]
        print(f"{difference['session']} − {difference['reference']}, {difference['measure']}: "
              f"{difference['difference']:+.2f} mm [{low:.2f}, {high:.2f}]")  # fmt: skip
    print(out / PAGE)
    write_json(options.json, numbers)
    return 0


def _policy(options: ReportOptions) -> int:
    """Play a policy's trials, and write the page of its analyses."""
    from rich.console import Console
    from rich.progress import Progress

    from myoprosthesis.files import yaml_text
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.report.played_policy import play
    from myoprosthesis.report.policy_report import write_report
    from myoprosthesis.report.report import FOLDER, PAGE, folder_of

    if len(options.folders) != 2:
        raise ConfigError(f"one policy is needed, got {', '.join(options.folders[1:])}")
    for name, use in (("matplotlib", "pictures"), ("sklearn", "components and decoders")):
        library(name, "report", use)
    path = store.find(options.folders[1])
    out = folder_of(Path(options.out).expanduser() if options.out else path.parent / FOLDER)
    opposite = OnnxPolicy(store.find(options.opposite)) if options.opposite else None
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        doing = bar.add_task("playing", total=1.0)
        policy = play(
            OnnxPolicy(path), path.parent.name, options.trials, yaml_text.assigned(options.option, "--option"),
            opposite, options.seed, options.threads, lambda share: bar.update(doing, completed=share),
        )  # fmt: skip
    numbers = write_report(policy, out)
    print(f"{numbers['policy']}, {numbers['direction']}: score {numbers['score']:.2f} in {numbers['trials']} trials")
    for name, counts in numbers["components"].items():
        print(f"  {name}: " + ", ".join(f"{n} components for {float(s):.0%}" for s, n in counts.items()))
    curve = ", ".join(f"{k} → {score:.2f}" for k, score in numbers["inactivation"].items())
    print(f"  score by components of the action that are left: {curve}")
    if numbers["decodability"]:
        bands = ", ".join(f"{band} → {share:.2f}" for band, share in numbers["decodability"].items())
        print(f"  direction told from components: {bands}")
    for name, q in numbers["tangling"].items():
        print(f"  tangling of {name}: median {q['median']:.3g}, 90 % {q['p90']:.3g} 1/s²")
    print(out / PAGE)
    write_json(options.json, numbers)
    return 0


def _emg(options: ReportOptions) -> int:
    """Compare a walk with people, and write the page."""
    from rich.console import Console
    from rich.progress import Progress

    from myoprosthesis.files import yaml_text
    from myoprosthesis.motion.people_emg import read_people
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.report import emg_report, gait_cycles
    from myoprosthesis.report.report import PAGE

    if len(options.folders) != 2 or not options.data:
        raise ConfigError("one recording or policy, and a folder of people's EMG, are needed: emg NAME --data FOLDER")
    for name, use in (("matplotlib", "pictures"), ("scipy", "intervals")):
        library(name, "report", use)
    people = read_people(Path(options.data))
    path = Path(options.folders[1]).expanduser()
    if path.suffix == ".mcap" or path.is_dir() and any(path.glob("*.mcap")):
        if options.option:
            raise ConfigError("--option is for a policy that is played; this is a recording")
        walk, beside = gait_cycles.recorded(path), path.with_suffix("")
    else:
        file = store.find(options.folders[1])
        wanted = {**WALKED, **yaml_text.assigned(options.option, "--option")}
        beside = file.parent
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            doing = bar.add_task("playing", total=1.0)
            walk = gait_cycles.played(
                OnnxPolicy(file), file.parent.name, options.trials, wanted, options.seed, options.threads,
                lambda share: bar.update(doing, completed=share),
            )  # fmt: skip
    out = Path(options.out).expanduser() if options.out else beside / "emg"
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


def _print_similarity(kind: str, own: dict[str, Any]) -> None:
    low, high = own["r_median_interval"]
    chance = max(part["p95"] for part in own["shuffled"].values())
    print(f"  {kind}: r {own['r_median']:.2f} [{low:.2f}, {high:.2f}], 95 % of shuffled below {chance:.2f}")
    print("    " + ", ".join(f"{muscle} {r:.2f}" for muscle, r in own["r_by_muscle"].items()))


def _print(numbers: dict[str, Any]) -> None:
    print(f"{numbers['name']}: {numbers['trials']} trials, table sha256 {numbers['table_sha256']}")
    for fault in numbers["faults"]:
        print(f"  {fault}")
    for one in numbers["criteria"]:
        word = "met" if one["met"] else "not met"
        chance = "" if one["certain"] else ", but the confidence interval includes the criterion"
        print(f"  {one['title']}: {round(one['value'], 2) + 0.0:.2f} ({one['rule']}): {word}{chance}")
