"""The command `myoprosthesis`."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import shlex
import sys

from myoprosthesis import __version__
from myoprosthesis.cli.commands import COMMAND_LINE, Commands, HelpFormatter
from myoprosthesis.cli.deprecated import present
from myoprosthesis.core.ending import bounded_end, end_at_once
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.terminal import accept_all_characters
from myoprosthesis.core.text import printable
from myoprosthesis.effectors.graphics import cannot_load

COMMANDS = {
    "steer": (
        *("swap", "rollback", "perturb", "switch-effector", "status"),
        *("estop", "resume", "reset", "pause", "continue", "step"),
    ),
    "policies": ("policies", "policy"),
    "catalogue": ("effectors", "perturbations", "tasks"),
    "file_keys": ("keys",),
    **{
        name: (name,)
        for name in (
            *("up", "watch", "picture", "render", "emulate", "hand", "train", "emg", "calibrate", "decode", "refit"),
            *("session", "record", "replay", "report", "hidden", "bench", "evaluate", "motion", "command", "console"),
        )
    },
}
"""Modules of this package with their commands; none imports what is heavy before it is run."""


def parser(name: str = "") -> argparse.ArgumentParser:
    """The command line of one command, or of all where `name` is none: `estop` does not wait for what others import."""
    top = argparse.ArgumentParser(
        prog="myoprosthesis",
        usage="myoprosthesis [-h] [--version] COMMAND …",
        description="A ROS 2 control stack for muscles and prosthetic hands. `myoprosthesis COMMAND --help` has more.",
        formatter_class=HelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"myoprosthesis {__version__}")
    commands = Commands(top)
    own = [module for module, names in COMMANDS.items() if name in names]
    with end_at_once():
        modules = [importlib.import_module(f"myoprosthesis.cli.{module}") for module in own or COMMANDS]
    for module in modules:
        module.add(commands)
    top.epilog = commands.listed()
    return top


def main(arguments: list[str] | None = None) -> None:
    """Run a command; bad input ends with one sentence and status 2, and Ctrl-C ends it within seconds."""
    accept_all_characters()
    with contextlib.suppress(ValueError, OSError):  # there is no standard error
        faulthandler.enable()  # where a library crashes, it is said in which line
    try:
        with bounded_end():
            words = present(sys.argv[1:] if arguments is None else arguments)
            namespace = parser(words[0] if words else "").parse_args(words)
            COMMAND_LINE.set(shlex.join(["myoprosthesis", *words]))
            sys.exit(namespace.func(namespace))
    except MyoError as error:
        print(f"error: {printable(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        if not (sentence := _of_environment(error)):
            raise
        print(f"error: {printable(sentence)}", file=sys.stderr)
        sys.exit(2)


def _of_environment(error: Exception) -> str:
    """The sentence for an error that a library raises for what stands in the environment; empty for any other."""
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return "a path begins with ~, and that home directory is not known: write it out"
    return cannot_load(error)


if __name__ == "__main__":
    main()
