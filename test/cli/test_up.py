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

from myoprosthesis.core import share

KEYS = {
    "trials", "success_rate", "endpoint_error_mm", "lateral_deviation_mm", "real_time_factor", "ticks",
    "missed_ticks", "command_age_ms", "policy", "perturbation", "trace_sha256",
}  # fmt: skip


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


@pytest.fixture
def background(tmp_path):
    """Start `up` in the background; (process, its words so far)."""
    made = []

    def begin(*words):
        out = tmp_path / f"words_{len(made)}.txt"
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


def test_the_figures_have_every_key(lockstep):
    figures = lockstep(0)
    assert set(figures) >= KEYS
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


def test_killed_it_leaves_no_node_behind(background):
    process, words = background("--effector", "point_mass")
    assert until(lambda: READY in words())
    assert len(nodes_of(process.pid)) == 4
    process.kill()
    process.wait()
    assert until(lambda: not nodes_of(process.pid)), nodes_of(process.pid)


def test_a_second_stack_is_refused_and_the_first_goes_on_until_it_is_terminated(background, command):
    process, words = background("--effector", "point_mass")
    assert until(lambda: READY in words())
    done = command("up", "--effector", "point_mass", "--quiet")
    assert done.returncode == 2 and "another effector publishes /state" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "starting" not in done.stdout  # so that its task and its policy disturb nobody
    node = [sys.executable, "-m", "myoprosthesis.nodes.effector_node", "--ros-args", "-p", "effector:=mirror"]
    alone = subprocess.run(node, capture_output=True, text=True, timeout=120)
    assert alone.returncode == 2 and "another effector publishes /state" in alone.stdout + alone.stderr
    assert process.poll() is None
    ends_cleanly(process, words, signal.SIGTERM)
    assert "restarted" not in words(), words()


def test_two_stacks_in_two_namespaces(background):
    left, left_words = background("--effector", "point_mass", "--namespace", "left")
    right, right_words = background("--effector", "arm26", "--namespace", "right")
    assert until(lambda: "policy point_mass_null" in left_words()), left_words()
    assert until(lambda: "policy reach_null" in right_words()), right_words()
    for process in (left, right):
        process.send_signal(signal.SIGINT)
    assert left.wait(90) == right.wait(90) == 0


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
    assert done.returncode == 2 and "takes 4" in said and "Traceback" not in said and "Summary" not in said, said


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="a device that is always full")
def test_a_full_disk_is_said_after_the_summary(command):
    done = command("up", "--lockstep", "--trials", "1", "--quiet", "--json", "/dev/full")
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "/dev/full cannot be written" in said and "Summary" in said
    assert "Traceback" not in said and Path("/dev/full").is_char_device()


def test_steering_from_another_terminal_until_an_interrupt(background, command, command_here, tmp_path):
    process, words = background("--effector", "point_mass")
    assert until(lambda: READY in words())
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
    assert "from the next trial on" in said("perturb", "curl_cw", "--gain", "15")
    assert "outside -100 to 100" in said("perturb", "curl_cw", "--gain", "1e9", status=2, run=command_here)
    assert "unknown perturbation 'nobody'" in said("perturb", "nobody", status=2, run=command_here)
    said("estop")
    time.sleep(0.6)
    said("status", "--json", str(figures))
    status = json.loads(figures.read_text())
    assert status["idle"] == "emergency stop" and status["policy"] == "point_mass_cw"
    said("resume")
    assert "going back to point_mass_null" in said("rollback")
    ends_cleanly(process, words, signal.SIGINT)


def test_steering_nothing_says_so(command_here, monkeypatch):
    monkeypatch.setattr("myoprosthesis.stack.client.WAIT_S", 0.1)
    for words in (("status",), ("swap", "reach_cw")):
        done = command_here(*words)
        said = done.stdout + done.stderr
        assert done.returncode == 2 and "is a stack up" in said and "Traceback" not in said


# -- from EMG to a hand -----------------------------------------------------------------------------------------

HAND_KEYS = KEYS | {
    "source", "samples", "decisions", "accuracy", "per_class", "rejection_rate", "drift_events", "decision_ms",
    "latency_ms", "frames_sent", "checksum_errors", "device_events", "watchdog_events", "emulated", "twin_apart",
    "timing", "emg_events",
}  # fmt: skip


@pytest.mark.parametrize("hand", ["ability_hand", "inspire_rh56"])
def test_a_recording_drives_a_hand(up, hand):
    figures = up("emg-hand", "--hand", hand, "--duration", "6")
    assert set(figures) >= HAND_KEYS and figures["effector"] == hand and figures["policy"] == "gestures_myo"
    assert figures["source"] == "recording" and figures["emulated"] and figures["restarts"] == {}
    assert figures["samples"] >= 700 and figures["decisions"] == pytest.approx(figures["samples"] / 10, rel=0.2)
    assert figures["accuracy"] >= 0.99 and figures["per_class"] and figures["drift_events"] == 0
    assert figures["rejection_rate"] == 0 and figures["checksum_errors"] == 0 and figures["frames_sent"] > 100
    assert figures["latency_ms"]["p50"] <= figures["latency_ms"]["p99"] and figures["decision_ms"]["p50"] > 0
    assert set(figures["twin_apart"]) == {"joint", "rad"} and figures["guard_events"].get("non_finite", 0) == 0
    words = figures["words"]
    assert words.count(READY) == 1 and "as prompted" in words and "Traceback" not in words
    assert "used again as soon as" not in words  # its port is closed at the end and not lost


def test_one_s_own_recording_with_what_it_does_not_say_beside_it(up, tmp_path):
    """The shipped recording under other names, without its gestures' names; the model in place of a hand."""
    lines = (share.root() / "config" / "recordings" / "libemg_myo" / "R_0_C_0_EMG.csv").read_text()
    (tmp_path / "mine.csv").write_text(lines * 5)
    (tmp_path / "recording.yaml").write_text("rate: 200\nunit: counts\n")
    words = ("--file", str(tmp_path / "mine.csv"), "--emg-option", "loop=true", "--hand", "ability_hand_model")
    figures = up("emg-hand", *words, "--duration", "4")
    assert figures["samples"] > 300 and figures["decisions"] > 20 and not figures["emulated"]
    assert figures["accuracy"] is None and figures["per_class"] == {}  # nobody knows what was asked for


OWN = "emg_a,emg_b,emg_c\n" + "1,2,3\n4,5,6\n" * 200
MODEL = ("--hand", "ability_hand_model")
"""Two processes fewer than a hand and its emulator."""
REFUSED = {
    "no such port": (("--port", "/nonexistent"), "there is no port /nonexistent"),
    "no rate": (
        (*MODEL, "--file", "OWN"),
        "own.csv does not say its sampling rate: give it, such as --rate 1000 (to a stack",
    ),
    "no recording": (
        (*MODEL, "--file", "FOLDER/nowhere.csv"),
        "nowhere.csv does not exist, and none of that name is shipped",
    ),
    "other channels": (
        (*MODEL, "--file", "OWN", "--emg-option", "layout={rate: 200, unit: counts}"),
        "decoder 'gestures_myo' knows EMG channel 'ch1', which is not there; there are: emg_a, emg_b, emg_c",
    ),
    "another rate": ((*MODEL, "--emg", "synthetic"), "was fitted on EMG with rate = 200.0, here it is 1000.0"),
    "another unit": ((*MODEL, "--emg-option", "layout={unit: V}"), "unit = 'counts', here it is 'V'"),
    "no EMG in the policy": (("--policy", "reach_null"), "policy 'reach_null' "),  # which node says it first
    "no posture": (("--hand", "arm26"), "gives postures, effector 'arm26' takes effort"),
    "no meaning": (
        (*MODEL, "--set", "policy.grips=[close=fist]"),
        "of decoder 'gestures_myo' moves nothing of effector",
    ),
    "no YAML": (("--emg-option", "layout={"), "option of the EMG 'layout' is not YAML"),
    "a task": (("--task", "centre_out"), "runs in real time, without a task: task cannot be given"),
}


def test_a_port_that_is_none_is_one_sentence_and_status_2(command):
    """Which its node says: nobody else opens the port of a hand."""
    done = command("up", "emg-hand", "--port", "/dev/null", "--quiet", "--duration", "20")
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "Traceback" not in said and said.count("error: ") == 1, said
    assert "/dev/null cannot be used as a serial port" in said[said.index("error: ") :]


@pytest.mark.parametrize("words, sentence", REFUSED.values(), ids=REFUSED)
def test_what_cannot_drive_a_hand_is_one_sentence_before_anything_starts(command_here, tmp_path, words, sentence):
    (tmp_path / "own.csv").write_text(OWN)
    given = [w.replace("OWN", str(tmp_path / "own.csv")).replace("FOLDER", str(tmp_path)) for w in words]
    done = command_here("up", "emg-hand", *given, "--quiet", "--duration", "20")
    said = done.stdout + done.stderr
    assert done.returncode == 2 and sentence in said and "Traceback" not in said and "starting" not in said, said
    assert said.count("error: ") == 1 and sentence in said[said.index("error: ") :]
