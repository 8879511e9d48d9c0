"""Supervision of processes, with processes that do nothing."""

import os
import signal
import sys
import time

import pytest

from myoprosthesis.core.errors import NodeFailed, NotStarted, ProcessDied
from myoprosthesis.stack import supervisor
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.supervisor import Supervisor, ros_text


@pytest.fixture
def keep(tmp_path, monkeypatch):
    """A supervisor of scripts: node name → Python text. The scripts are modules of a package of the test's own."""
    made = []

    def begin(**texts):
        for name, text in texts.items():
            (tmp_path / f"script_{name}.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(NodeSpec, "module", property(lambda self: f"script_{self.name}"))
        words = []
        keeper = Supervisor([NodeSpec(n, "", {}) for n in texts], lambda who, text: words.append((who, text)))
        made.append(keeper)
        keeper.start()
        return keeper, words

    yield begin
    for keeper in made:
        keeper.stop()


def until(done, seconds=60.0):
    end = time.monotonic() + seconds
    while not (result := done()) and time.monotonic() < end:
        time.sleep(0.01)
    return result


SLEEP = "import time\ntime.sleep(60)\n"


def test_a_process_that_dies_is_said_and_started_again(keep):
    keeper, words = keep(a=SLEEP, b=SLEEP)
    first = keeper.pids()
    os.kill(first["a"], signal.SIGKILL)
    assert until(lambda: keeper.poll() or keeper.restarts) == {"a": 1}
    assert any("died by signal 9" in text and who == "a" for who, text in words)
    assert keeper.pids()["a"] != first["a"] and keeper.pids()["b"] == first["b"]


def test_one_that_is_started_again_goes_on_with_what_it_is_given(keep):
    keeper, words = keep(a="import sys\nprint(sys.argv, flush=True)\n" + SLEEP)
    keeper._resumed = lambda name: {"first": 7}
    assert until(lambda: words) and "first:=7" not in words[0][1]
    os.kill(keeper.pids()["a"], signal.SIGKILL)
    assert until(lambda: keeper.poll() or any("first:=7" in text for _, text in words)), words


def test_one_that_cannot_live_is_given_up(keep):
    keeper, words = keep(a="raise SystemExit(1)\n")
    fault = until(keeper.poll)
    assert isinstance(fault, ProcessDied) and str(fault) == "a ended with status 1 and is not started again"
    assert keeper.restarts == {"a": 2}


def test_one_that_breaks_down_again_and_again_is_given_up_with_its_last_sentence(keep):
    """However long it takes to start, and whatever else it prints."""
    keeper, _ = keep(a="import time\ntime.sleep(0.3)\nprint('error: the node broke down')\nraise SystemExit(1)\n")
    fault = until(keeper.poll)
    assert str(fault) == "a ended with status 1 and is not started again: the node broke down"
    assert keeper.restarts == {"a": 2}


@pytest.mark.parametrize("end, why", [(1, "is not started again: no more"), (2, "was not started: no more")])
def test_the_stack_goes_on_without_a_console_that_cannot_live(keep, end, why):
    keeper, words = keep(a=SLEEP, console=f"print('error: no more')\nraise SystemExit({end})\n")
    assert until(lambda: keeper.poll() or "console" not in keeper.pids()) is True
    assert any(why in text and "the stack goes on without it" in text for _, text in words), words
    assert keeper.poll() is None and "a" in keeper.pids()


def test_deaths_long_ago_do_not_count(keep, monkeypatch):
    monkeypatch.setattr(supervisor, "WITHIN_S", 0.0)
    keeper, _ = keep(a="raise SystemExit(1)\n")
    assert until(lambda: keeper.poll() or keeper.restarts.get("a", 0) > 3) is True


def test_one_that_refuses_is_not_started_again(keep):
    keeper, words = keep(a="print('error: no such body')\nraise SystemExit(2)\n")
    fault = until(keeper.poll)
    assert isinstance(fault, NotStarted) and fault.node == "a" and not keeper.restarts
    assert until(lambda: ("a", "error: no such body") in words)


def test_one_whose_work_cannot_go_on_is_told_from_one_that_refuses(keep):
    keeper, _ = keep(a="print('the hand is gone')\nraise SystemExit(3)\n")
    fault = until(keeper.poll)
    assert isinstance(fault, NodeFailed) and str(fault) == "a failed: the hand is gone"


def test_the_effector_ends_last_and_a_deaf_one_is_killed(keep, monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE_S", 0.5)
    deaf = f"import signal\nsignal.signal(15, signal.SIG_IGN)\nprint('up')\n{SLEEP}"
    keeper, words = keep(effector=SLEEP, deaf=deaf)
    assert until(lambda: ("deaf", "up") in words)
    keeper.stop()
    assert ("deaf", "did not end when asked and was killed") in words
    assert not any(os.path.exists(f"/proc/{pid}") for pid in keeper.pids().values())
    keeper.stop()  # twice is safe


def test_an_interrupt_of_the_terminal_does_not_reach_them(keep):
    """Each has a session of its own, so that the supervisor alone says who ends when."""
    keeper, _ = keep(a=SLEEP)
    assert os.getsid(keeper.pids()["a"]) != os.getsid(0)


def test_what_is_remembered_is_given_again(keep):
    keeper, words = keep(a=f"import sys\nprint(sys.argv[1:])\n{SLEEP}")
    keeper.remember("a", {"gain": 7.5, "name": "x y", "none": ""})
    keeper.remember("nobody", {"gain": 1})
    assert until(lambda: words)
    os.kill(keeper.pids()["a"], signal.SIGKILL)
    assert until(lambda: keeper.poll() or len([w for w in words if "--ros-args" in w[1]]) == 2)
    again = [text for _, text in words if "--ros-args" in text][1]
    assert "gain:=7.5" in again and 'name:="x y"' in again and "none" not in again


@pytest.mark.parametrize(
    "value, text",
    [
        (1.0, "1.0"),
        (1e-7, "1e-07"),
        (3, "3"),
        (True, "true"),
        ("null", '"null"'),
        ("3", '"3"'),
        (["a", "b"], '["a", "b"]'),
        ((1.0, 2.5), "[1.0, 2.5]"),
    ],
)
def test_parameters_keep_their_type(value, text):
    import yaml

    assert ros_text(value) == text
    back = yaml.safe_load(ros_text(value))
    assert back == (list(value) if isinstance(value, tuple) else value) or (value == 1e-7 and float(back) == value)


def test_the_interpreter_is_this_one(keep):
    keeper, words = keep(a=f"import os, sys\nprint(os.path.realpath(sys.prefix))\n{SLEEP}")
    assert until(lambda: ("a", os.path.realpath(sys.prefix)) in words)
