"""`myoprosthesis watch`: a stack that others started, to its end."""

import re
import time
from types import SimpleNamespace

import pytest

from myoprosthesis.cli.watch import GRACE_S, over
from myoprosthesis.stack.reports import EffectorReport

pytestmark = pytest.mark.realtime


def options(trials=0, duration=0.0, lockstep=False):
    return SimpleNamespace(trials=trials, duration=duration, lockstep=lockstep)


def status(trials=0, ended=False, finished=False, ago=1.0, silent=None):
    """Of a run whose first tick was so long `ago`, and whose last report was so long ago, or then."""
    out = SimpleNamespace(trials=[None] * trials, ended=ended, effector=EffectorReport(finished=finished), ago=ago)
    out.silent = ago if silent is None else silent
    return out


OVER = {
    "nothing was asked for": (options(), status(trials=9), False),
    "the last trial": (options(trials=3), status(trials=3, ended=True), True),
    "the last trial, one of them not heard yet": (options(trials=3), status(trials=2, ended=True), False),
    "in lockstep the effector ends": (options(trials=3, lockstep=True), status(trials=3, ended=True), False),
    "and it has": (options(trials=3, lockstep=True), status(trials=3, ended=True, finished=True), True),
    "before the last trial is heard": (options(trials=3, lockstep=True), status(trials=2, finished=True), False),
    "a duration that has passed, by the effector": (options(duration=3.0), status(finished=True), True),
    "by our clock alone, which started later or earlier": (options(duration=3.0), status(ago=4.0), False),
    "an effector that never says so": (options(duration=3.0), status(ago=3.5 + GRACE_S), True),
    "one that reports, and was paused": (options(duration=3.0), status(ago=90.0, silent=1.0), False),
    "one that was paused and reports no more": (options(duration=3.0), status(ago=90.0, silent=1.0 + GRACE_S), True),
    "the trials before the duration": (options(trials=3, duration=60.0), status(trials=3, ended=True), True),
    "the duration before the trials": (options(trials=3, duration=2.0), status(trials=1, finished=True), True),
    "a duration of simulated time": (options(duration=3.0, lockstep=True), status(ago=4.0 + GRACE_S), False),
}


@pytest.mark.parametrize(("asked", "heard", "is_over"), OVER.values(), ids=OVER)
def test_when_a_run_is_over(asked, heard, is_over):
    heard.began, heard.reported = time.monotonic() - heard.ago, time.monotonic() - heard.silent
    assert over(heard, asked) is is_over


def test_it_ends_with_the_trials_and_says_what_up_says(start, command, tmp_path):
    stack = start({"task": {"trial_s": 0.5, "trials": 2}}, effector="point_mass", namespace="watched")
    try:
        figures = tmp_path / "figures.json"
        words = ("--namespace", "watched", "--trials", "2", "--task", "centre_out", "--quiet", "--json", str(figures))
        done = command("watch", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Summary" in done.stdout and "Traceback" not in done.stderr
        over, lost = re.search(r"(\d) of centre_out(?:, (\d) lost)?", done.stdout).groups()
        assert int(over) + int(lost or 0) == 2  # where the machine is busy one may be lost
        assert '"point_mass_null"' in figures.read_text()
        assert not stack.restarts and stack.ready()
        other = command("watch", "--namespace", "watched", "--lockstep", "--quiet")
        assert other.returncode == 2 and "the effector runs in real time" in other.stderr, other.stdout + other.stderr
    finally:
        stack.close()
