"""`myoprosthesis report`: what a session shows, as one page; several beside each other; a policy; or a walk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.report_options import ReportOptions
from myoprosthesis.cli.report_walk import EMG, GAIT, emg, gait
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library

POLICY = "policy"
"""The word before the name of a policy."""


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("report", run, ReportOptions, help="the report of a session, or of several", description=__doc__ or "")


def run(options: ReportOptions) -> int:
    """Write the page, its pictures and tables; say the figures that matter."""
    check_writable(options.json)
    if options.folders[0] == POLICY and len(options.folders) > 1:
        return _policy(options)
    for word, walk in ((EMG, emg), (GAIT, gait)):
        if options.folders[0] == word and (options.data or len(options.folders) > 1 or not Path(word).is_dir()):
            return walk(options)
    if options.data:
        raise ConfigError("--data belongs to: report emg RECORDING_OR_POLICY, and report gait RECORDING_OR_POLICY")
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
    if numbers.get("differences"):
        print(f"mean lateral deviation, positive {numbers['positive_to']}:")
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


def _print(numbers: dict[str, Any]) -> None:
    print(f"{numbers['name']}: {numbers['trials']} trials, table sha256 {numbers['table_sha256']}")
    for fault in numbers["faults"]:
        print(f"  {fault}")
    for one in numbers["criteria"]:
        word = "met" if one["met"] else "not met"
        chance = "" if one["certain"] else ", but the confidence interval includes the criterion"
        print(f"  {one['title']}: {round(one['value'], 2) + 0.0:.2f} ({one['rule']}): {word}{chance}")
