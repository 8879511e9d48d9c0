"""A task that has what README asks of one and no more, from a package of somebody else's, in whole stacks."""

import json
import os
import sys

import pytest

from myoprosthesis.testing import check_task

SOURCE = '''
from dataclasses import dataclass
from myoprosthesis.core.options import option
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan

@dataclass(frozen=True)
class WaitOptions:
    length_s: float = option(0.3, "length of a trial", "s", 0.05, 10.0)

class Wait:
    """Nothing to do."""
    def __init__(self, options: WaitOptions) -> None:
        self.given = options
    def plan(self, trial: int, from_ns: int) -> TrialPlan:
        until = from_ns + ns(self.given.length_s)
        return TrialPlan(trial, from_ns, until, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), from_ns, label="wait")
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The environment in which a package with such a task is installed."""
    (tmp_path / "waiting.py").write_text(SOURCE)
    info = tmp_path / "waiting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: waiting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[myoprosthesis.tasks]\nwait = waiting:Wait\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    sys.modules.pop("waiting", None)


@pytest.mark.parametrize("effector", ["point_mass", "mirror"], ids=["with an endpoint", "without an endpoint"])
def test_what_the_check_accepts_runs_in_a_stack(package, effector, command, sound, tmp_path):
    from waiting import Wait, WaitOptions

    check_task(Wait(WaitOptions()))
    policy, figures = tmp_path / "policy.onnx", tmp_path / "figures.json"
    policy.write_bytes(sound(effector))
    words = ("--effector", effector, "--policy", str(policy), "--task", "wait", "--lockstep", "--trials", "3")
    done = command("up", *words, "--quiet", "--json", str(figures), env=package)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "Traceback" not in said, said
    found = json.loads(figures.read_text())
    assert found["trials"] == 3 and found["trials_lost"] == 0 and found["success_rate"] is None
    assert (found["endpoint_error_mm"] is None) == (effector == "mirror")


def test_a_mistake_in_a_loop_ends_the_stack_with_its_sentence(package, command, sound, tmp_path):
    """Rather than that the effector waits for the node without end; it has been started again twice by then."""
    file = tmp_path / "waiting.py"
    file.write_text(file.read_text().replace("        until =", "        trial == 1 and nowhere\n        until ="))
    policy = tmp_path / "policy.onnx"
    policy.write_bytes(sound("point_mass"))
    words = ("--effector", "point_mass", "--policy", str(policy), "--task", "wait", "--lockstep", "--trials", "3")
    done = command("up", *words, "--quiet", env=package, timeout=120)
    last = (done.stdout + done.stderr).strip().splitlines()[-1]
    assert done.returncode != 0 and last.startswith("error: task ended with status 1 and is not started again: "), last
    assert "NameError: name 'nowhere' is not defined (waiting.py, line" in last


def test_a_task_that_reaches_says_that_it_needs_an_endpoint(command, sound, tmp_path):
    policy = tmp_path / "policy.onnx"
    policy.write_bytes(sound("mirror"))
    done = command("up", "--effector", "mirror", "--policy", str(policy), "--lockstep", "--trials", "1", "--quiet")
    said = done.stdout + done.stderr
    assert (
        done.returncode == 2
        and "task 'centre_out' cannot be done: it reaches, and effector 'mirror' has no endpoint" in said
    ), said
