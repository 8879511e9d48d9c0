"""`myoprosthesis report`: what a session shows, as one page; or several sessions beside each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("report", help="the report of a session, or of several", description=__doc__)
    p.add_argument("folders", nargs="+", metavar="FOLDER", help="folder of a session; several are compared")
    p.add_argument("--out", metavar="DIR", default="", help="folder to write (FOLDER/report, or beside the first)")
    p.add_argument("--seed", type=int, default=0, help="seed of the bootstrap (default 0)")
    add_json(p)
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Write the page, its pictures and tables; say the figures that matter."""
    check_writable(given.json)
    from myoprosthesis.report.comparison import compare, default_place
    from myoprosthesis.report.report import FOLDER, PAGE, report

    folders = [Path(f).expanduser() for f in given.folders]
    own = folders[0] / FOLDER if len(folders) == 1 else default_place(folders)
    out = Path(given.out).expanduser() if given.out else own
    numbers = report(folders[0], out, given.seed) if len(folders) == 1 else compare(folders, out, given.seed)
    for one in numbers.get("sessions", [numbers]):
        _tell(one)
    for difference in numbers.get("differences", ()):
        low, high = difference["interval"]
        print(f"{difference['session']} − {difference['reference']}, {difference['measure']}: "
              f"{difference['difference']:+.2f} mm [{low:.2f}, {high:.2f}]")  # fmt: skip
    print(out / PAGE)
    write_json(given.json, numbers)
    return 0


def _tell(numbers: dict[str, Any]) -> None:
    print(f"{numbers['name']}: {numbers['trials']} trials, table sha256 {numbers['table_sha256']}")
    for fault in numbers["faults"]:
        print(f"  {fault}")
    for one in numbers["criteria"]:
        word = "met" if one["met"] else "not met"
        chance = "" if one["certain"] else " (undecided: the interval includes the criterion)"
        print(f"  {one['title']}: {round(one['value'], 2) + 0.0:.2f} ({one['rule']}): {word}{chance}")
