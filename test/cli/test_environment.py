"""Environments that are odd: a sentence, or it just works."""

import os
import subprocess
import sys

import pytest

ENCODINGS = {
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


def without(*names, **more):
    return {**{k: v for k, v in os.environ.items() if k not in names}, **more}


@pytest.mark.parametrize("words", [("status",), ("estop",), ("up", "--quiet"), ("perturb", "curl_cw")], ids=" ".join)
@pytest.mark.parametrize("domain", ["abc", "233"])
def test_no_domain_is_one_sentence(command_here, monkeypatch, words, domain):
    monkeypatch.setenv("ROS_DOMAIN_ID", domain)
    done = command_here(*words)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and f"ROS_DOMAIN_ID is '{domain}'" in said and "Traceback" not in said, said


def test_a_node_of_its_own_says_so_too():
    words = [sys.executable, "-m", "myoprosthesis.nodes.task_node"]
    done = subprocess.run(words, env=without(ROS_DOMAIN_ID="-1"), capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "error: ROS_DOMAIN_ID is '-1'" in said and "Traceback" not in said, said


@pytest.mark.parametrize("home", [None, "nowhere/home"], ids=["no home", "a home that is not there"])
def test_a_stack_needs_no_home(command, home, tmp_path):
    (tmp_path / "nowhere").touch()  # a file, so that nobody can make a folder there
    env = without("HOME", "ROS_HOME", "ROS_LOG_DIR", **({} if home is None else {"HOME": str(tmp_path / home)}))
    words = ("--effector", "point_mass", "--lockstep", "--trials", "1", "--quiet")
    done = command("up", *words, env=env)
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("words", [("perturbations",), ("policies",), ("session", "check", "rigid")], ids=" ".join)
def test_any_terminal_will_do(command, encoding, words):
    done = command(*words, env=without(**ENCODINGS[encoding]), encoding="latin-1")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


def test_a_home_that_nobody_has_is_one_sentence(command_here):
    done = command_here("record", "--repair", "~nobody_of_that_name/recording")
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
