"""`myoprosthesis up` as a person uses it: processes, words, figures, and nothing left behind."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

READY = "ready: the first tick closed"


def nodes_of(pid):
    """Processes whose parent was this one, by the mark that the supervisor leaves in their environment."""
    out = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if f"MYOPROSTHESIS_PARENT={pid}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    out.append(int(folder.name))
            except OSError:
                continue
    return out


@pytest.fixture(scope="module")
def background(tmp_path_factory):
    """Start `up` in the background; (process, its words so far)."""
    made, folder = [], tmp_path_factory.mktemp("words")

    def begin(*words):
        out = folder / f"words_{len(made)}.txt"
        with out.open("w") as f:
            process = subprocess.Popen(
                [sys.executable, "-m", "myoprosthesis.cli.main", "up", *words, "--quiet"], stdout=f, stderr=f
            )
        made.append(process)
        return process, out.read_text

    yield begin
    for process in made:
        if process.poll() is None:
            process.kill()
            process.wait()


def until(done, seconds=240.0):
    end = time.monotonic() + seconds
    while not (result := done()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


@pytest.fixture(scope="module")
def lockstep(command, tmp_path_factory):
    """Figures of short lockstep runs, by seed and repetition."""
    folder, runs = tmp_path_factory.mktemp("runs"), {}

    def figures(seed, again=0):
        if (seed, again) not in runs:
            file = folder / f"{seed}_{again}.json"
            words = ("--lockstep", "--trials", "4", "--seed", str(seed), "--perturbation", "curl_cw")
            table = folder / "trials.csv"
            done = command("up", *words, "--quiet", "--json", str(file), "--trials-csv", str(table))
            assert done.returncode == 0, done.stdout + done.stderr
            said = {"words": done.stdout + done.stderr, "csv": table.read_text()}
            runs[seed, again] = {**json.loads(file.read_text()), **said}
        return runs[seed, again]

    return figures


def test_the_figures_have_every_key(lockstep, figure_keys):
    figures = lockstep(0)
    assert set(figures) >= figure_keys
    assert figures["trials"] == 4 and figures["ticks"] == 400 and figures["missed_ticks"] == 0
    assert set(figures["endpoint_error_mm"]) == {"median", "p95"} and set(figures["command_age_ms"]) == {"p50", "p99"}
    assert figures["policy"] == "reach_null" and figures["perturbation"] == "curl_cw"
    assert re.fullmatch("[0-9a-f]{64}", figures["trace_sha256"]) and figures["real_time_factor"] > 0
    assert 0 <= figures["success_rate"] <= 1 and figures["lateral_deviation_mm"] > 10
    assert figures["trials_lost"] == 0 and figures["guard_events"] == {} and figures["restarts"] == {}


def test_ready_is_said_once_and_the_summary_is_a_page(lockstep):
    words = lockstep(0)["words"]
    assert words.count(READY) == 1
    assert "Summary" in words and len(words[words.index("Summary") :].splitlines()) < 40 and "Traceback" not in words


def test_every_trial_is_a_row_with_its_condition(lockstep):
    figures = lockstep(0)
    rows = list(csv.DictReader(figures["csv"].splitlines()))
    assert [(r["trial"], r["policy"], r["perturbation"]) for r in rows] == [
        (str(k), "reach_null", "curl_cw") for k in range(4)
    ]
    units = {"start_s", "end_s", "target_x_m", "endpoint_error_mm", "lateral_deviation_mm", "peak_speed_m_s"}
    assert units <= set(rows[0]) and [float(r["end_s"]) for r in rows] == [1.0, 2.0, 3.0, 4.0]
    (condition,) = figures["conditions"]
    assert condition["trials"] == 4 and condition["endpoint_error_mm"] == figures["endpoint_error_mm"]
    assert "Trials by condition" in figures["words"] and "round trip" not in figures["words"]


def test_one_seed_one_run(lockstep):
    """Bit-identical: all states and commands, and every trial's figures."""
    one, two, other = lockstep(0), lockstep(0, 1), lockstep(1)
    assert one["trace_sha256"] == two["trace_sha256"] != other["trace_sha256"]
    assert one["by_trial"] == two["by_trial"]


def test_with_the_time_of_clock_a_run_in_lockstep_ends_and_is_the_same(lockstep, up):
    words = ("reach", "--lockstep", "--trials", "4", "--seed", "0", "--perturbation", "curl_cw")
    figures = up(*words, "--use-sim-time")
    assert figures["trials"] == 4 and figures["trace_sha256"] == lockstep(0)["trace_sha256"]


def test_a_duration_in_lockstep_is_simulated_time(up):
    figures = up("--lockstep", "--duration", "2.5", "--effector", "point_mass")
    assert figures["ticks"] == 250 and figures["trials"] == 2 and figures["policy"] == "point_mass_null"


def test_a_duration_in_real_time_is_wall_time(up, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text("task: {trial_s: 0.5}\neffector: {seed: 4}\n")
    figures = up("--duration", "3", "--params", str(file), "--set", "policy.blend_s=0.3", "--task", "random_reach")
    assert figures["ticks"] == 300 and 3 <= figures["trials"] + figures["trials_lost"] <= 7
    assert figures["command_age_ms"]["p50"] < figures["command_age_ms"]["p99"] and figures["task"] == "random_reach"
    assert 0 < figures["real_time_factor"] <= 1.1


def ends_cleanly(process, words, sign):
    """A signal ends the stack and its four nodes, with a summary."""
    nodes = nodes_of(process.pid)
    assert len(nodes) == 4
    process.send_signal(sign)
    assert process.wait(90) == 0
    assert "Summary" in words() and "Traceback" not in words() and "killed" not in words()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in nodes)


@pytest.mark.parametrize("library", ["_multiarray_umath", "_rclpy_pybind11"])
def test_an_interrupt_while_it_loads_a_library(background, library):
    process, words = background("--effector", "point_mass")
    assert until(lambda: library in Path(f"/proc/{process.pid}/maps").read_text()), words()
    process.send_signal(signal.SIGINT)
    assert process.wait(90) in (0, 130, -signal.SIGINT), words()
    assert "Traceback" not in words(), words()
    assert until(lambda: not nodes_of(process.pid))


@pytest.fixture(scope="module")
def running(background):
    """A stack for the tests that follow, until the last one of them ends it."""
    process, words = background("--effector", "point_mass")
    assert until(lambda: READY in words())
    return process, words


def test_a_second_stack_is_refused_and_the_first_goes_on(running, command_here):
    process, words = running
    done = command_here("up", "--effector", "point_mass", "--quiet")
    assert done.returncode == 2 and "another effector publishes /state" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "starting" not in done.stdout  # so that its task and its policy disturb nobody
    node = [sys.executable, "-m", "myoprosthesis.nodes.effector_node", "--ros-args", "-p", "effector:=mirror"]
    alone = subprocess.run(node, capture_output=True, text=True, timeout=120)
    assert alone.returncode == 2 and "another effector publishes /state" in alone.stdout + alone.stderr
    assert process.poll() is None and "restarted" not in words(), words()


def test_steering_from_another_terminal(running, command, command_here, tmp_path):
    figures = tmp_path / "status.json"

    def said(*given, status=0, run=command):
        done = run(*given)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "point_mass_cw is played (before: point_mass_null)" in said("swap", "point_mass_cw")
    assert "is played" in said("swap", "point_mass_cw", run=command_here)  # already
    assert "unknown policy 'nobody'" in said("swap", "nobody", status=2, run=command_here)
    assert "takes 4" in said("swap", "reach_null", status=2, run=command_here)
    assert "from the next trial on" in said("perturb", "curl_cw", "--gain", "15", run=command_here)
    assert "outside -100 to 100" in said("perturb", "curl_cw", "--gain", "1e9", status=2, run=command_here)
    assert "unknown perturbation 'nobody'" in said("perturb", "nobody", status=2, run=command_here)
    said("estop")
    time.sleep(0.6)
    said("status", "--json", str(figures))
    status = json.loads(figures.read_text())
    assert status["idle"] == "emergency stop" and status["policy"] == "point_mass_cw"
    said("resume", run=command_here)
    assert "going back to point_mass_null" in said("rollback", run=command_here)


def test_terminated_it_ends_cleanly(running):
    process, words = running
    ends_cleanly(process, words, signal.SIGTERM)
    assert "restarted" not in words(), words()


def test_of_two_stacks_in_two_namespaces_one_is_killed_with_its_nodes_and_the_other_ends_when_interrupted(background):
    left, left_words = background("--effector", "point_mass", "--namespace", "left")
    right, right_words = background("--effector", "arm26", "--namespace", "right")
    assert until(lambda: "policy point_mass_null" in left_words()), left_words()
    assert until(lambda: "policy reach_null" in right_words()), right_words()
    assert len(nodes_of(left.pid)) == 4
    left.kill()
    left.wait()
    assert until(lambda: not nodes_of(left.pid)), nodes_of(left.pid)
    ends_cleanly(right, right_words, signal.SIGINT)


UNKNOWN = {
    ("--effector", "nobody", "--policy", "reach_null"): "unknown effector 'nobody': known are",
    ("--policy", "nobody"): "unknown policy 'nobody': known are",
    ("--perturbation", "nobody"): "unknown perturbation 'nobody': known are",
    ("--task", "nobody"): "unknown task 'nobody': known are",
    ("nobody",): "unknown stack 'nobody': known are",
    ("--set", "effector.nobody=1"): "unknown parameter 'nobody': known are",
    ("--params", "/nowhere.yaml"): "/nowhere.yaml cannot be read",
    ("--json", "/nowhere/figures.json"): "does not exist or cannot be written to",
    ("--seed", "-1"): "seed",
    ("--duration", "-1"): "duration",
    ("--namespace", "a b"): "is no namespace",
    ("--trials", "-1"): "trials",
}


@pytest.mark.parametrize("words, sentence", UNKNOWN.items(), ids=" ".join)
def test_bad_input_is_one_sentence_and_status_2(command_here, words, sentence):
    done = command_here("up", *words, "--quiet")
    said = done.stdout + done.stderr
    assert done.returncode == 2 and sentence in said and "Traceback" not in said, said


def test_what_a_node_refuses_is_one_sentence_and_status_2_as_well(command):
    done = command("up", "--effector", "point_mass", "--policy", "reach_null", "--quiet")
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "takes 4" in said and "Traceback" not in said, said
    assert "Summary" not in said or "1 lost" in said, said  # a busy machine may have lost a trial by then


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="a device that is always full")
def test_a_full_disk_is_said_after_the_summary(command):
    done = command("up", "--lockstep", "--trials", "1", "--quiet", "--json", "/dev/full")
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "/dev/full cannot be written" in said and "Summary" in said
    assert "Traceback" not in said and Path("/dev/full").is_char_device()


def test_steering_nothing_says_so(command_here, monkeypatch):
    monkeypatch.setattr("myoprosthesis.stack.client.WAIT_S", 0.1)
    for words in (("status",), ("swap", "reach_cw")):
        done = command_here(*words)
        said = done.stdout + done.stderr
        assert done.returncode == 2 and "is a stack up" in said and "Traceback" not in said
