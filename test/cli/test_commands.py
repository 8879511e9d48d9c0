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
from myoprosthesis.core import share
from myoprosthesis.core.options import schema
from myoprosthesis.nodes.stop_socket import SESSION, StopServer
from myoprosthesis.stack.session_client import GOING_ON, PAUSING


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
    assert sorted(words) == sorted(grouped) and set(EXAMPLES) <= {name.partition(" ")[2] for name in PARSERS}
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


@pytest.mark.parametrize("name", [name for name in PARSERS if name != "myoprosthesis"])
def test_the_help_of_every_command_shows_an_example_of_it(name):
    assert re.search(rf"^examples:\n  {name}\b", PARSERS[name].format_help(), re.MULTILINE)


LEAVES = {n: p for n, p in PARSERS.items() if not any(isinstance(a, argparse._SubParsersAction) for a in p._actions)}


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_of_every_command_is_a_field_of_a_dataclass(name):
    """From which a form can be made as well: each has a schema with a description."""
    kinds = LEAVES[name].get_default("kinds")
    schemas = {key: entry for kind in kinds for key, entry in schema(kind)["properties"].items()}
    actions = {a.dest: a for a in LEAVES[name]._actions if not isinstance(a, argparse._HelpAction)}
    assert set(actions) <= set(schemas)
    for dest, action in actions.items():
        assert schemas[dest].get("description"), dest
        assert action.default == argparse.SUPPRESS
    json.dumps(schemas)


def test_a_list_that_is_given_empty_is_refused_and_not_taken_as_not_given(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["up", "reach", "--nodes", ""])
    assert "--nodes is empty: name one at least, or leave it out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "present"),
    [
        (["go", "--namespace", "nowhere_at_all"], "go is called continue now"),
        (["exchange", "nobody"], "exchange is called switch-effector now"),
        (["emg", "info", "nothing.csv", "--about", "none.yaml"], "--about is called --recording-info now"),
    ],
)
def test_former_names_work_and_say_what_they_are_called_now(words, present, capsys, monkeypatch):
    monkeypatch.setattr("myoprosthesis.stack.client.WAIT_S", 0.1)
    with pytest.raises(SystemExit) as end:
        main(words)
    error = capsys.readouterr().err
    assert error.startswith(f"deprecated: {present}") and "\nerror: " in error and end.value.code == 2


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


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("--turned", "--seconds", "3"), "--turned takes all of the recordings and does nothing else"),
        (("--unlabelled", "--seconds", "2"), "40 windows are too few to adapt 5 classes by"),
    ],
)
def test_a_decoder_is_adapted_to_the_seconds_that_were_asked_for(command_here, tmp_path, words, sentence):
    recordings = str(share.root() / "config" / "recordings" / "libemg_myo")
    done = command_here("decode", "adapt", "gestures_myo", "--with", recordings, "--out", str(tmp_path / "out"), *words)
    assert done.returncode == 2 and sentence in done.stderr
