"""`myoprosthesis`: the words of the command line."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys

from myoprosthesis import __version__
from myoprosthesis.cli.commands import Commands, HelpFormatter
from myoprosthesis.core.ending import bounded_end
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.terminal import accept_all_characters
from myoprosthesis.core.text import printable

WORDS = (
    *("up", "watch", "steer", "policies", "catalogue", "picture", "emulate", "hand", "train", "emg", "calibrate"),
    *("decode", "refit", "session", "record", "replay", "report", "hidden", "file_keys", "bench"),
)
"""Modules of this package; each adds its own words, and none imports what is heavy before it is run."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="myoprosthesis",
        usage="myoprosthesis [-h] [--version] COMMAND …",
        description="A ROS 2 control stack for muscles and prosthetic hands. `myoprosthesis COMMAND --help` has more.",
        formatter_class=HelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"myoprosthesis {__version__}")
    words = Commands(top)
    for word in WORDS:
        importlib.import_module(f"myoprosthesis.cli.{word}").add(words)
    top.epilog = words.listed()
    return top


def main(arguments: list[str] | None = None) -> None:
    """Run a command; bad input ends with one sentence and status 2, and Ctrl-C ends it within seconds."""
    accept_all_characters()
    try:
        with bounded_end():
            given = parser().parse_args(arguments)
            given.command = shlex.join(["myoprosthesis", *(sys.argv[1:] if arguments is None else arguments)])
            sys.exit(given.func(given))
    except MyoError as error:
        print(f"error: {printable(error)}", file=sys.stderr)
        sys.exit(2)
    except RuntimeError as error:
        if "home directory" not in str(error):
            raise
        print("error: a path begins with ~, and that home directory is not known: write it out", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
