"""`myoprosthesis motion`: recorded walks as clips that the legs of muscles can follow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import COMMAND_LINE, Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.table import FigureTable
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.motion_clip import FOLDERS

if TYPE_CHECKING:
    from myoprosthesis.motion.retarget import Retargeted

SPEEDS = (0.3, 4.0)
"""m/s, of clips that are made of another one."""


@dataclass(frozen=True, kw_only=True)
class MotionImportOptions(JsonArgument):
    """Options of `motion import`."""

    file: str = argument(
        help="movement of a person: .mot, .sto, .mat, .npz or .csv, joints by OpenSim's names, or .c3d or .bvh",
        positional=True,
    )
    out: str = argument(help="folder of the clips", metavar="DIR")
    name: str = argument("", "of the clip; by default that of the file")
    units: str = argument("", "of angles, where the file does not say", choices=("", "deg", "rad"))
    rate: float = argument(0.0, "samples a second, of a file without times", "Hz", low=0.0)
    begin: float | None = argument(None, "leave out what is before", "s", flags=("--from",))
    until: float | None = argument(None, "leave out what is after", "s")
    rename: tuple[str, ...] = argument(
        (), "a column of the file by the name of a joint; may be repeated", repeat=True, metavar="THEIRS=OURS"
    )
    symmetric: bool = argument(False, "the mean of the walk and the same in a mirror")
    speed: tuple[float, ...] = argument(
        (), "clips at these speeds in place of its own", "m/s", *SPEEDS, nargs="+", metavar="V"
    )
    licence: str = argument("", "of the recording, such as CC-BY-4.0")
    cite: str = argument("", "how it is cited")
    source: str = argument("", "where the file comes from; by default its name")


def add(commands: Commands) -> None:
    """Add the commands."""
    own = commands.group(
        "motion", "recorded walks as clips that legs can follow", "Recorded walks, as clips that legs can follow."
    )
    own.add(
        "import", import_motion, MotionImportOptions, help="a clip from a file of joint angles",
        description="Takes the mean stride of a recording, brings it onto the MyoSim legs, and writes a clip with a "
        "picture of how it went. Units in doubt, other names, gaps, jumps, and feet that never touch the floor are "
        "refused with what would work.",
    )  # fmt: skip
    own.add(
        "vary", vary_clip, MotionVaryOptions, help="clips of people who were never recorded, made of one",
        description="Draws people whose angles, excursions and shapes differ from a clip as those of people do from "
        "one another, and writes a clip of each at each speed: for a policy that is to follow people it has not seen. "
        f"Name the folder in {FOLDERS} to train on them.",
    )  # fmt: skip
    own.add("list", list_clips, MotionListOptions, help="the clips that there are, and their licences")


@dataclass(frozen=True, kw_only=True)
class MotionVaryOptions(JsonArgument):
    """Options of `motion vary`."""

    clip: str = argument(help="whose gait is changed, such as walk_1.2", positional=True)
    out: str = argument(help="folder of the clips", metavar="DIR")
    name: str = argument("varied", "of the clips, before the number of the person")
    people: int = argument(40, "that are drawn", low=1, high=9999)
    speed: tuple[float, ...] = argument(
        (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8),
        "of the clips of each",
        "m/s",
        *SPEEDS,
        nargs="+",
        metavar="V",
    )
    seed: int = argument(0, "of what is drawn", low=0)


@dataclass(frozen=True, kw_only=True)
class MotionListOptions(JsonArgument):
    """Options of `motion list`."""


def import_motion(options: MotionImportOptions) -> int:
    """Import a file; without a licence with a warning."""
    check_writable(options.json)
    from myoprosthesis.cli.motion_picture import picture
    from myoprosthesis.files.atomic import write_atomic
    from myoprosthesis.motion.clip_folder import UNLICENSED, sha256, write_clip
    from myoprosthesis.motion.legs import Legs
    from myoprosthesis.motion.retarget import RetargetOptions, at_speeds, retargeted

    path, folder = Path(options.file).expanduser(), Path(options.out).expanduser()
    name = options.name or path.stem
    _check_name(name)
    legs = Legs()
    made = retargeted(
        path,
        RetargetOptions(
            options.units, options.rate, float("-inf") if options.begin is None else options.begin,
            float("inf") if options.until is None else options.until, _renamed(options.rename), options.symmetric,
        ),
        legs,
    )  # fmt: skip
    origin = {
        "source": options.source or path.name,
        "sha256_of_source": sha256(path),
        "licence": options.licence or UNLICENSED,
        "cite": options.cite or UNLICENSED,
        "made_by": COMMAND_LINE.get(),
        "remarks": list(made.remarks),
    }
    gaits = at_speeds(legs, made.gait, options.speed) if options.speed else [made.gait]
    names = _names(name, options.speed) or [name]
    paths = [write_clip(folder, n, legs, gait, origin) for n, gait in zip(names, gaits, strict=True)]
    write_atomic(folder / f"{name}.png", picture(name, legs, made))
    for remark in made.remarks:
        print(f"  {remark}")
    if not options.licence:
        print(
            f"warning: nothing says under which licence {path.name} is: do not pass the clip on; --licence and --cite "
            "write it beside the clip", file=sys.stderr,
        )  # fmt: skip
    print(_sentence(made))
    print(f"clips in {folder}: {', '.join(p.stem for p in paths)}; {name}.png shows them")
    write_json(options.json, _figures(made, paths))
    return 0


def vary_clip(options: MotionVaryOptions) -> int:
    """Draw people, and write their clips."""
    check_writable(options.json)
    import numpy as np
    from tqdm import tqdm

    from myoprosthesis.core import motion_clip
    from myoprosthesis.motion.clip_folder import about, write_clip
    from myoprosthesis.motion.legs import Legs
    from myoprosthesis.motion.varied import gait_of, varied

    _check_name(options.name)
    clip = motion_clip.read(motion_clip.find(options.clip))
    legs, folder = Legs(), Path(options.out).expanduser()
    gait, own = gait_of(legs, clip), about(motion_clip.find(options.clip))
    paths: list[Path] = []
    kept: dict[str, Any] = {k: own[k] for k in ("source", "sha256_of_source", "licence", "cite") if k in own}
    remark = f"no recording: {options.clip} with angles, excursions and shapes changed at random"
    origin = {**kept, "made_by": COMMAND_LINE.get(), "remarks": [remark]}
    for person in tqdm(range(options.people), unit="person", disable=None):
        gaits = varied(legs, gait, options.speed, np.random.default_rng((options.seed, person)))
        names = _names(f"{options.name}_{person:02d}", options.speed)
        paths += [write_clip(folder, name, legs, g, origin) for name, g in zip(names, gaits, strict=True)]
    print(f"{len(paths)} clips of {options.people} people in {folder}: {FOLDERS}={folder} lets them be found")
    write_json(options.json, {"clips": [str(path) for path in paths]})
    return 0


def _names(name: str, speeds: Sequence[float]) -> list[str]:
    """Names of clips at these speeds, which must differ in them: walk_1.2, walk_1.25."""
    names = [f"{name}_{speed:.1f}" if round(speed, 1) == speed else f"{name}_{speed:g}" for speed in speeds]
    if len(set(names)) < len(names):
        raise ConfigError(f"--speed: {' '.join(f'{s:g}' for s in speeds)} has a speed twice: leave one out")
    return names


def _figures(made: Retargeted, paths: list[Path]) -> dict[str, Any]:
    gait = made.gait
    return {
        "clips": [str(path) for path in paths], "strides": made.recorded.count, "duration_s": gait.duration_s,
        "speed": gait.speed, "recorded_speed": made.recorded_speed, "slip_mm_s": gait.slip_mm_s,
        "stance_share": gait.contacts.mean(axis=0).tolist(), "remarks": list(made.remarks),
    }  # fmt: skip


def _sentence(made: Retargeted) -> str:
    gait, own = made.gait, made.recorded_speed
    recorded = f"{own:.2f} m/s in the recording" if own > 0.2 else "on a treadmill in the recording"
    right, left = (100.0 * share for share in gait.contacts.mean(axis=0))
    return (
        f"{made.recorded.count} stride{'s' * (made.recorded.count != 1)} of {gait.duration_s:.2f} s: "
        f"{gait.speed:.2f} m/s on these legs, {recorded}; feet on the floor {right:.0f} and {left:.0f} % of the time"
    )


def _check_name(name: str) -> None:
    if not name.replace("_", "").replace(".", "").replace("-", "").isalnum():
        raise ConfigError(f"the name of a clip has letters, digits and . _ - only, got {name!r}: give one with --name")


def _renamed(pairs: tuple[str, ...]) -> dict[str, str]:
    out = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not (theirs and equals and ours):
            raise ConfigError(f"--rename {pair}: a name of the file and one of ours are needed, as THEIRS=OURS")
        out[theirs] = ours
    return out


def list_clips(options: MotionListOptions) -> int:
    """List them."""
    check_writable(options.json)
    from myoprosthesis.core import motion_clip
    from myoprosthesis.motion.clip_folder import UNLICENSED, about

    rows: list[dict[str, Any]] = []
    for name in motion_clip.names():
        path = motion_clip.find(name)
        beside = about(path)
        rows.append(
            {
                "clip": name, "speed_m_s": beside.get("speed_m_s"), "duration_s": beside.get("duration_s"),
                "licence": beside.get("licence", UNLICENSED), "source": beside.get("source", ""),
            }
        )  # fmt: skip
    from myoprosthesis.cli.table_console import table_console

    table = FigureTable("clip", "m/s", "s", "licence", "source")
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value or "") for value in row.values()))
    table_console().print(table)
    write_json(options.json, {"clips": rows})
    return 0
