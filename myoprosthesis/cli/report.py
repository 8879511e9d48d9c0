"""`myoprosthesis report`: what a session shows, as one page; or several sessions beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json


@dataclass(frozen=True, kw_only=True)
class ReportOptions(JsonArgument):
    """Options of `report`."""

    folders: tuple[str, ...] = argument(
        help="folder of a session; several are compared", positional=True, nargs="+", metavar="FOLDER"
    )
    out: str = argument("", "folder to write (FOLDER/report, or beside the first)", metavar="DIR")
    seed: int = argument(0, "seed of the bootstrap", low=0)


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add("report", run, ReportOptions, help="the report of a session, or of several", description=__doc__ or "")


def run(options: ReportOptions) -> int:
    """Write the page, its pictures and tables; say the figures that matter."""
    check_writable(options.json)
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


def _print(numbers: dict[str, Any]) -> None:
    print(f"{numbers['name']}: {numbers['trials']} trials, table sha256 {numbers['table_sha256']}")
    for fault in numbers["faults"]:
        print(f"  {fault}")
    for one in numbers["criteria"]:
        word = "met" if one["met"] else "not met"
        chance = "" if one["certain"] else ", but the confidence interval includes the criterion"
        print(f"  {one['title']}: {round(one['value'], 2) + 0.0:.2f} ({one['rule']}): {word}{chance}")
