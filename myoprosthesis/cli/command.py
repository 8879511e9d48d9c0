"""`myoprosthesis command`: ask a walk that runs for another speed and heading, in numbers or in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, NamespaceArgument, argument
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.cli.commands import Commands
    from myoprosthesis.core.way_step import WayStep

ABOUT = (
    "Ask the trial that runs for another speed and heading. The task limits both to its range, and says so; the answer "
    "comes once the walk goes on in that way. In words: walk, run, faster, slower, turn left 90°, turn around, stop, "
    "wait, each with 'for 5 s', with 'then' and 'and' between them."
)


@dataclass(frozen=True, kw_only=True)
class CommandOptions(JsonArgument, NamespaceArgument):
    """Options of `command`."""

    words: str = argument("", "what is asked for in words, such as 'walk faster, then turn left'", positional=True)
    speed: float | None = argument(None, "to walk at, m/s; 0: stop")
    heading: float | None = argument(None, "to turn to by the shorter side, deg, counter-clockwise from the x axis")
    turn: float | None = argument(None, "to turn by, deg to the left (below 0: to the right)")
    to: tuple[float, ...] = argument((), "a place to come to, x and y", "m", nargs=2, metavar=("X", "Y"))
    generator: str = argument("", "what makes a clip of the words, by the name of a plug-in; folder: clips in a folder")
    option: tuple[str, ...] = argument(
        (), "an option of the generator; may be repeated", repeat=True, metavar="NAME=VALUE"
    )


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "command", run, CommandOptions, help="ask a walk that runs for another speed and heading", description=ABOUT
    )


def run(options: CommandOptions) -> int:
    """Ask, and print what the task makes of it."""
    check_writable(options.json)
    asked = steps_of(options)

    from myoprosthesis.stack.client import StackClient
    from myoprosthesis.stack.way_client import WayClient

    with StackClient(options.namespace) as stack:
        done = WayClient(stack).command(asked)
    in_the_end = " in the end" if len(asked) > 1 else ""
    going = "stands" if not done["speed"] else f"walks at {done['speed']:.2f} m/s"
    when = f"from {done['trial_s']:.2f} s of trial {done['trial']} on"
    print(f"carried out {when}: it {going}, heading {done['heading_deg']:.0f} deg{in_the_end}")
    for note in done["notes"]:
        print(f"note: {note}")
    write_json(options.json, {"carried_out": True, **done, "steps": [step.to_dict() for step in asked]})
    return 0


def steps_of(options: CommandOptions) -> tuple[WayStep, ...]:
    """What is asked for; raises `ConfigError`."""
    from myoprosthesis.core.way_step import WayStep
    from myoprosthesis.motion import sentence

    numbers: dict[str, Any] = {"speed": options.speed, "heading": _rad(options.heading), "turn": _rad(options.turn)}
    numbers["to"] = options.to or None
    numbers = {name: value for name, value in numbers.items() if value is not None}
    if options.words and numbers:
        raise ConfigError(f"words and --{next(iter(numbers))} were given: say all of it in words, or in numbers")
    if options.option and not options.generator:
        raise ConfigError("--option is for a generator: name one with --generator")
    if options.generator:
        return (_generated(options),)
    if not options.words:
        more: dict[str, Any] = numbers
        if not more:
            raise ConfigError(
                f"nothing is asked for: give --speed, --heading, --turn, --to, or words: {sentence.EXAMPLE!r}"
            )
        return (WayStep(**more),)
    return sentence.steps(options.words)


def _generated(options: CommandOptions) -> WayStep:
    """The clip that a plug-in makes of the words."""
    from myoprosthesis.core import motion_clip, registry
    from myoprosthesis.core.location import anchored
    from myoprosthesis.core.options import build
    from myoprosthesis.core.way_step import WayStep
    from myoprosthesis.files import yaml_text

    if not options.words:
        raise ConfigError("a generator makes a clip of words: give them")
    kind = registry.options("motion_generators", options.generator)
    values = anchored(kind, yaml_text.assigned(options.option, "--option"), Path.cwd())
    generator = registry.factory("motion_generators", options.generator)(build(kind, values, options.generator))
    clip = motion_clip.read(generator.generate(options.words))
    return WayStep(clip=clip.name, sha256=clip.sha256)


def _rad(degrees: float | None) -> float | None:
    return None if degrees is None else math.radians(degrees)
