"""`myoprosthesis up emg-hand` as a person uses it: a recording drives a hand, and what cannot is refused."""

import pytest

from myoprosthesis.core import share

pytestmark = pytest.mark.realtime

READY = "ready: the first tick closed"
HAND_KEYS = {
    "source", "samples", "decisions", "accuracy", "per_class", "rejection_rate", "drift_events", "decision_ms",
    "latency_ms", "frames_sent", "checksum_errors", "device_events", "watchdog_events", "emulated", "twin_apart",
    "timing", "emg_events", "decoder_gaps",
}  # fmt: skip


@pytest.mark.parametrize("hand", ["ability_hand", "inspire_rh56"])
def test_a_recording_drives_a_hand(up, figure_keys, hand):
    figures = up("emg-hand", "--hand", hand, "--duration", "6")
    assert (
        set(figures) >= figure_keys | HAND_KEYS and figures["effector"] == hand and figures["policy"] == "gestures_myo"
    )
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


def test_a_person_out_of_a_recording_reaches_the_postures_that_a_task_asks_for(up):
    """The decoder knows these repetitions, so that each posture is reached at the speed of the hand."""
    figures = up("emg-targets", "--trials", "4", "--seed", "2")
    (condition,) = figures["conditions"]
    assert figures["trials"] + figures["trials_lost"] == 4 and figures["trials"]  # a busy machine may lose one
    assert condition["policy"] == "gestures_myo" and condition["success_rate"] == 1.0
    assert {"time_s", "overshoots", "path_efficiency", "throughput", "error_deg"} <= set(condition["figures"])
    rows = [row for row in figures["by_trial"] if not row["lost"]]
    asked = {row["label"] for row in rows}
    assert asked <= {"close", "flexion", "extension", "open"}
    assert all(0.2 < row["time_s"] < 4.5 for row in rows if row["throughput"])
    decided = [set(c["per_class"]) for c in figures["decisions_by_condition"]]
    assert asked <= set.union(*decided)
    assert "of grip_targets" in figures["words"] and "throughput" in figures["words"]
    assert all(row["start_x_m"] is None and row["target_z_m"] is None for row in rows)  # there are no places
    assert len(figures["decisions_by_condition"]) == 1


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
    "simulated time": (("--lockstep",), "runs in real time: lockstep cannot be given"),
    "trials of no task": (("--trials", "3"), "has no task: trials cannot be given"),
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
