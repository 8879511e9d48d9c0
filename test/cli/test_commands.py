"""The help of the command line: every command in a group, described, with examples that it takes."""

import argparse
import json
import re
import shlex
import subprocess
import sys

import pytest

from myoprosthesis.cli.commands import EXAMPLES, GROUPS
from myoprosthesis.cli.main import COMMANDS, main, parser
from myoprosthesis.nodes.session_client import GOING_ON, PAUSING
from myoprosthesis.nodes.stop_socket import SESSION, StopServer


def every(top, name="myoprosthesis"):
    """Every parser below one, by its words."""
    yield name, top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from every(below, f"{name} {word}")


PARSERS = dict(every(parser()))
LINES = [line.strip() for text in EXAMPLES.values() for line in text.splitlines() if line.strip()]


def test_every_command_stands_in_one_group_of_the_help():
    words = [name.split()[1] for name in PARSERS if name.count(" ") == 1]
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(words) == sorted(grouped) and set(EXAMPLES) <= set(grouped)
    text = parser().format_help()
    assert text.startswith("usage: myoprosthesis [-h] [--version] COMMAND") and "more:" not in text
    assert all(re.search(rf"^  {name} +\S", text, re.MULTILINE) for name in grouped)


@pytest.mark.parametrize("name", PARSERS)
def test_every_command_and_what_is_below_it_says_what_it_does(name):
    assert PARSERS[name].description


@pytest.mark.parametrize("line", LINES)
def test_every_example_is_taken(line):
    words = shlex.split(re.split(r"\s{2,}", line)[0])
    assert words[0] == "myoprosthesis"
    parser().parse_args(words[1:])


def test_a_command_imports_what_it_needs_and_no_more():
    """A stop must not wait for numpy, let alone for rclpy."""
    for module, names in COMMANDS.items():
        for name in names:
            (only,) = {n.split()[1] for n in dict(every(parser(name))) if n.count(" ") == 1} & {name}
            assert only == name and set(parser(name)._actions[-1].choices) == set(COMMANDS[module])
    text = "import sys\nfrom myoprosthesis.cli.main import parser\nfrom myoprosthesis.nodes import stop_socket\n"
    text += "parser('estop').parse_args(['estop'])\nprint(*{'numpy', 'rclpy', 'yaml', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "" and done.returncode == 0, done.stdout + done.stderr


def test_examples_are_shown_line_by_line():
    assert "  myoprosthesis swap reach_cw\n" in PARSERS["myoprosthesis swap"].format_help()


def test_a_session_is_held_at_once_whatever_it_does(command):
    """As while its learner is made ready, when no node of it is up yet."""
    asked = []

    def hold(pause):
        asked.append(pause)
        return PAUSING if pause else GOING_ON

    server = StopServer("busy", hold, SESSION)
    try:
        assert command("session", "pause", "--namespace", "busy").stdout == f"{PAUSING}\n"
        assert command("session", "continue", "--namespace", "busy").stdout == f"{GOING_ON}\n"
    finally:
        server.close()
    assert asked == [True, False]


def test_the_blocks_of_a_session_are_told_alike_to_people_and_in_figures(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["session", "check", "curl_adaptation", "--json", str(tmp_path / "blocks.json")])
    assert not end.value.code
    imposed = [b["perturbation"] for b in json.loads((tmp_path / "blocks.json").read_text())["blocks"]]
    assert "curl_cw" in imposed and "curl_cw" in capsys.readouterr().out
