"""No process outlives the tests that started it."""

import os
import subprocess
import sys
import time
from pathlib import Path

REAPER = Path(__file__).with_name("reaper.py")
SLEEP = "import sys, time; time.sleep(float(sys.argv[1]))"


def sleeper(mark, seconds, *words):
    name, _, value = mark.partition("=")
    command = [sys.executable, "-c", SLEEP, str(seconds), *words]
    return subprocess.Popen(command, env={**os.environ, name: value}, start_new_session=True)


def test_what_is_left_is_killed_and_told_and_nothing_else():
    mark = f"MARK_OF_A_TEST={os.getpid()}"
    left, ends, helper, other = (
        sleeper(mark, 60, "forgotten"), sleeper(mark, 0.5), sleeper(mark, 60, "helper"), sleeper(f"{mark}0", 60)
    )  # fmt: skip
    try:
        reaper = subprocess.Popen(
            [sys.executable, str(REAPER), mark, "3", "helper"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        time.sleep(0.5)
        assert left.poll() is None  # as long as the tests run
        told, _ = reaper.communicate()
        assert told.split()[0] == str(left.pid) and told.strip().endswith("60 forgotten") and told.count("\n") == 1
        assert left.wait(60) == -9 and ends.wait(60) == 0 and helper.poll() is None and other.poll() is None
    finally:
        for process in (left, ends, helper, other):
            process.kill()
            process.wait()


def test_processes_of_tests_have_the_mark():
    here = subprocess.run(
        [sys.executable, "-c", "import os; print(os.environ['MYOPROSTHESIS_TESTS'])"], capture_output=True, text=True
    )
    assert here.stdout.strip() == str(os.getpid())
