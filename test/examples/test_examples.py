"""The scripts in examples/ run as they stand, each in a process of its own, and print what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@pytest.fixture
def run_example():
    """Run one script; its standard output. The commands that it calls are those of this environment."""

    def run(name: str) -> str:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / name)],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_a_reach_arrives_at_all_targets(run_example):
    output = run_example("01_reach.py")
    assert "trials of reach_null, 100% on target" in output, output
    assert float(NUMBER.findall(output.splitlines()[1])[0]) < 5.0, output


def test_a_curl_field_deviates_who_does_not_expect_it(run_example):
    lines = run_example("02_field.py").splitlines()
    deviations = [float(line.split(":")[1].removesuffix("mm")) for line in lines]
    naive, pushed, after_effect, adapted = deviations
    assert abs(naive) < 5.0 and abs(adapted) < 5.0, lines
    assert pushed > 20.0 and after_effect < -20.0, "right of the motion is positive, and an after-effect is mirrored"


def test_emg_moves_the_emulated_hand(run_example):
    pytest.importorskip("scipy")
    output = run_example("03_emg_hand.py")
    decisions, states = map(int, NUMBER.findall(output.splitlines()[0]))
    assert decisions > 0 and states > 0, output
    ranges = [[float(x) for x in NUMBER.findall(line.split("from")[1])] for line in output.splitlines()[1:]]
    assert any(high - low > 0.5 for low, high in ranges), f"no joint of the hand moved: {output}"


def test_an_effector_of_your_own_follows(run_example):
    assert run_example("04_own_effector.py").splitlines()[-1] == "0.03 s: 0.30 m, 10.0 m/s"


def test_a_task_of_your_own_has_two_sides(run_example):
    output = run_example("05_own_task.py")
    assert "left" in output and "right" in output and "go at 1.2 s" in output, output


def test_a_recording_opens_in_pandas(run_example):
    pytest.importorskip("pandas")
    output = run_example("06_recording.py")
    assert re.search(r"^/state +sensor_msgs/msg/JointState +\d+ messages", output, re.MULTILINE), output
    peaks = [float(x) for x in NUMBER.findall(output.splitlines()[-1].split(":")[1])]
    assert len(peaks) == 4 and all(0.1 < p < 2.0 for p in peaks), output


def test_stable_baselines3_learns_in_an_environment(run_example):
    output = run_example("07_learn_to_reach.py")
    if output.startswith("skipped: "):
        pytest.skip(output)
    steps, before, after = map(float, NUMBER.findall(output))
    assert steps == 4096 and before > 0 and after > 0, output


def test_a_recording_opens_in_rerun(run_example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = run_example("08_rerun.py")
    if output.startswith("skipped: "):
        pytest.skip(output)
    assert output == "121 pictures of arm26, 4.0 s: 9 shapes, 8 tendons\n"
    assert (tmp_path / "reach.rrd").read_bytes()[:3] == b"RRF"


def test_a_policy_of_your_own_is_checked(run_example):
    assert run_example("09_own_policy.py") == "spring: 6 observations to 4 muscles, checked\n"


def test_every_example_is_numbered_run_here_and_listed_in_the_documentation():
    names = sorted(f.name for f in EXAMPLES.glob("*.py"))
    source = Path(__file__).read_text(encoding="utf-8")
    page = (EXAMPLES.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    assert [int(name[:2]) for name in names] == list(range(1, len(names) + 1))
    assert [n for n in names if f'run_example("{n}")' not in source] == [], "these are run by no test"
    assert [n for n in names if n not in page] == [], "these are not in docs/examples.md"
