"""A recording drives an emulated hand over the graph: what is decided, followed, told and refused."""

import time

import numpy as np
import pytest

from myoprosthesis.cli.main import main
from myoprosthesis.core import share
from myoprosthesis.hands import data_sheets
from myoprosthesis.nodes import diagnostic_status, topics

pytestmark = pytest.mark.realtime

RECORDING = share.root() / "config" / "recordings" / "libemg_myo"
SHEET = data_sheets.load("ability_hand")
HOLD = np.radians(3.0)
"""Where the machine is too busy for commands within 80 ms, a hand is held where it is measured, so near its target; a
gesture moves it by over a radian."""


def watched(stack):
    """The same stack, with what its other nodes tell and what the hand was told."""
    stack.others, stack.applied, stack.differences = {}, [], []

    def diagnosed(message):
        for one in message.status:
            stack.others.setdefault(one.name, []).append({**diagnostic_status.values(one), "text": one.message})

    node = stack.probe.node
    node.create_subscription(topics.DIAGNOSTICS.type, topics.DIAGNOSTICS.name, diagnosed, topics.DIAGNOSTICS.qos)
    deep = topics.reliable(5000)
    node.create_subscription(
        topics.APPLIED.type, topics.APPLIED.name, lambda m: stack.applied.append((stamp(m), tuple(m.position))), deep
    )
    apart = topics.DIFFERENCE
    node.create_subscription(apart.type, f"twin/{apart.name}", stack.differences.append, apart.qos)
    return stack


def stamp(message):
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def postures(stack, since):
    """What was applied from then on, however late it comes here; stamps are those of the samples behind it."""
    return [posture for then, posture in stack.applied if then >= since]


def travel_within(stack, seconds):
    """How far the target moves in so long from now on, rad, in the joint that moves most."""
    begun = time.time()
    assert stack.until(lambda: stack.applied[-1][0] > begun + seconds, seconds + 20.0)
    held = postures(stack, begun)
    assert len(held) > 10
    return float(np.ptp(held, axis=0).max())


def following(stack):
    return stack.diagnostics and stack.diagnostics[-1]["idle"] == "" and stack.diagnostics[-1]["ticks"] > 0


def told(stack, name):
    """The newest diagnostics of another node."""
    return stack.others[name][-1] if stack.others.get(name) else {}


def decisions(stack):
    return told(stack, "policy").get("events", {}).get("decisions", 0)


def drifts(stack):
    return told(stack, "policy").get("events", {}).get("drift_events", 0)


def played(stack, name):
    return stack.until(
        lambda: stack.policy and stack.policy[-1]["policy"] == name and stack.policy[-1]["text"] == "active", 15.0
    )


def refit(folder, *words):
    """A decoder of one's own for the shipped recording, fitted in this process."""
    with pytest.raises(SystemExit) as end:
        main(["decode", "fit", str(RECORDING), "--only", "R_[012]_", "--out", str(folder), *words])
    assert not end.value.code
    return str(folder / "policy.onnx")


@pytest.fixture(scope="module")
def stack(start):
    made = watched(start(stack="emg-hand"))
    try:
        yield made.ready()
    finally:
        made.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoders")
    return {
        "second": refit(folder / "second", "--model", "logistic"),
        "otherwise": refit(folder / "otherwise", "--mains-hz", "50"),
    }


# -- what a recording brings ------------------------------------------------------------------------------------


def played_through(stack, *repetitions):
    """Play repetitions of the recording to their end; what was decided under each prompt."""
    for node in ("policy", "emg"):
        assert stack.probe.change(node, "deactivate") and stack.probe.change(node, "cleanup")
    stack.words.clear(), stack.others.clear()
    assert stack.probe.set("emg", loop=False, repetitions=list(repetitions)) == ""
    for node in ("policy", "emg"):  # a decoder begins anew, with counts of its own
        assert stack.probe.change(node, "configure") and stack.probe.change(node, "activate")
    assert stack.until(lambda: told(stack, "emg").get("ended"), 60.0)
    stack.others.clear()
    return stack.until(lambda: told(stack, "policy"), 20.0)["prompted"]


def test_decisions_are_as_prompted_and_drift_is_told(start):
    """The model alone, as it takes the place of a hand; three times as fast as it was recorded."""
    made = watched(start({"emg": {"speed": 3.0}}, stack="emg-hand", effector="ability_hand_model"))
    warned = lambda: [w for w in made.words if "differs from what decoder" in w]  # noqa: E731

    def right(said):
        total = sum(sum(chosen.values()) for chosen in said.values())
        return sum(chosen.get(asked, 0) for asked, chosen in said.items()) / total, total

    try:
        said = played_through(made.ready(), "1", "2")  # as fitted
        assert set(said) == {"close", "extension", "flexion", "open", "rest"}
        assert right(said)[0] >= 0.99 and right(said)[1] > 150 and not drifts(made) and not warned()
        assert made.until(lambda: "older than" in made.report()["idle"], 5.0)  # no EMG, no commands
        said = played_through(made, "3")  # the band is turned
        # the recording goes on between two transitions: the first gesture, close, may be over by then
        assert set(said) | {"close"} == {"close", "extension", "flexion", "open", "rest"}
        assert right(said)[0] < 0.7 and warned()
        assert made.until(lambda: drifts(made) >= 1)
    finally:
        made.close()


# -- a stack that runs ------------------------------------------------------------------------------------------


def test_commands_are_followed_and_the_model_moves_beside(stack):
    assert stack.until(lambda: following(stack) and decisions(stack) > 40 and len(stack.differences) > 40, 20.0)
    assert told(stack, "policy")["policy"] == "gestures_myo" and told(stack, "emg")["fault"] == ""
    assert told(stack, "emulator")["refused"] == 0
    assert not stack.supervisor.restarts and stack.report()["device"]["frames_sent"] > 100


def test_at_rest_hand_and_model_stand_alike(stack):
    """While the forearm rests the posture is held; what moved has then come to stand."""

    def still():
        newest, posture = stack.applied[-1]
        moved = next((then for then, other in reversed(stack.applied) if other != posture), newest)
        return newest - moved > 1.5 and np.abs(posture).max() > 0.5

    def alike():
        newest = stack.differences[-1]
        apart = [v for n, v in zip(newest.name, newest.position, strict=True) if n.endswith("/apart")]
        return len(apart) == 6 and np.abs(apart).max() < np.radians(3.0)

    assert stack.until(lambda: still() and alike(), 180.0)  # at rest once in a round of the recording
    assert told(stack, "twin/effector")["apart"]["joint"] in SHEET.names


def test_another_decoder_is_swapped_in_and_back(stack, files):
    assert played(stack, "gestures_myo")
    assert stack.probe.set("policy", policy=files["second"]) == ""
    assert played(stack, files["second"]) and stack.policy[-1]["previous"] == "gestures_myo"
    n = decisions(stack)
    assert stack.until(lambda: decisions(stack) > n + 20 and following(stack), 10.0)
    assert stack.policy[-1]["step_over_bound"] is None or stack.policy[-1]["step_over_bound"] <= 1e-9
    ok, words = stack.probe.trigger("policy/rollback")
    assert ok and "gestures_myo" in words
    assert played(stack, "gestures_myo") and stack.probe.get("policy", "policy") == "gestures_myo"
    n = decisions(stack)
    assert stack.until(lambda: decisions(stack) > n + 20 and following(stack), 10.0)  # a hiccup of the hand may pass
    assert stack.report()["events"].get("non_finite", 0) == 0


REFUSED = {
    "otherwise": "was fitted on EMG with mains_hz = 50.0, here it is 0.0",
    "reach_null": "observes the effector, and this stack observes EMG: start a stack for it",
    "nobody": "unknown policy 'nobody': known are",
}


@pytest.mark.parametrize("name, sentence", REFUSED.items())
def test_what_cannot_be_played_here_is_refused_with_its_reason(stack, files, name, sentence):
    assert sentence in stack.probe.set("policy", policy=files.get(name, name))
    assert stack.probe.get("policy", "policy") == "gestures_myo" == stack.policy[-1]["policy"]
    assert sentence in stack.probe.set("policy", shadow=files.get(name, name))
    n = decisions(stack)
    assert stack.until(lambda: decisions(stack) > n + 10 and following(stack), 10.0)


def test_what_decisions_do_is_set_at_the_start(stack):
    assert "speed cannot be changed while the policy runs" in stack.probe.set("policy", speed=1.0)
    assert "cannot be changed while the node is configured" in stack.probe.set("emg", conditioning="")
    assert "cannot be changed while the hand is emulated" in stack.probe.set("emulator", hand="inspire_rh56")
    assert "unknown fault 'fire': known are" in stack.probe.set("emulator", fault="fire")
    assert "unknown perturbation 'nothing'" in stack.probe.set("perturbation", perturbation="nothing")


def test_the_emergency_stop_holds_until_resume(stack):
    assert stack.until(lambda: following(stack), 10.0)
    assert stack.probe.trigger("effector/estop")[0]
    assert stack.until(lambda: stack.report()["stopped"], 5.0) and stack.diagnostics[-1]["idle"] == "emergency stop"
    assert travel_within(stack, 4.0) == 0.0  # longer than a gesture
    held = stack.applied[-1][1]
    assert stack.probe.trigger("effector/resume")[0]
    assert stack.until(lambda: following(stack) and stack.applied[-1][1] != held, 20.0)


def test_a_turned_band_is_told_of_and_a_straight_one_is_not(stack):
    assert drifts(stack) == 0
    assert stack.probe.set("perturbation", perturbation="band_turned", options="{kinds: []}") != ""
    assert stack.probe.set("perturbation", perturbation="band_turned") == ""
    assert stack.until(lambda: drifts(stack), 30.0), told(stack, "policy")
    assert stack.until(lambda: any("differs from what decoder 'gestures_myo' was fitted on" in w for w in stack.words))
    assert stack.probe.set("perturbation", perturbation="null") == ""
    stack.spin(3.0)  # as long as the past of which the median is taken
    n = drifts(stack)
    stack.spin(4.0)
    assert drifts(stack) == n and stack.until(lambda: following(stack))


def test_what_grows_with_time_grows_from_when_it_was_asked_for(stack):
    """A fifth less each second leaves most of it after one; counted from the stack's start, it would leave none."""
    assert stack.until(lambda: decisions(stack) > 120, 20.0)
    levels = stack.probe.hear(topics.EMG_RAW)
    stack.spin(1.0)
    levels.clear()
    assert stack.probe.set("perturbation", perturbation="skin_dries", options="{gain: 60.0}") == ""
    stack.spin(1.0)
    assert stack.probe.set("perturbation", perturbation="null", options="") == ""
    last = np.concatenate([np.frombuffer(bytes(m.data), "<f4") for m in levels[-50:]])
    assert np.count_nonzero(last) > last.size / 2


def test_what_an_effector_cannot_do_is_refused_aloud(stack):
    assert "'curl_cw' cannot act in this stack" in stack.probe.set("perturbation", perturbation="curl_cw")
    assert "mains is given in V" in stack.probe.set("perturbation", perturbation="mains_50")  # these are counts
    assert stack.probe.get("perturbation", "perturbation") == "null"
    assert stack.probe.set("perturbation", perturbation="null") == ""
    assert stack.until(lambda: following(stack), 10.0)


def test_an_electrode_that_falls_off_makes_the_hand_hold(stack):
    assert stack.probe.set("perturbation", perturbation="electrode_off") == ""
    assert stack.until(lambda: told(stack, "emg").get("off"), 10.0)
    stack.spin(0.5)
    n = told(stack, "policy")["events"]["rejected"]
    assert travel_within(stack, 3.5) <= HOLD
    assert told(stack, "policy")["events"]["rejected"] > n + 40
    assert stack.probe.set("perturbation", perturbation="null") == ""
    assert stack.until(lambda: not told(stack, "emg")["off"], 10.0)
    held = stack.applied[-1][1]
    assert stack.until(lambda: stack.applied[-1][1] != held, 20.0)


def test_a_fault_by_the_emulators_parameter_and_back(stack):
    assert stack.until(lambda: following(stack), 10.0)
    stack.diagnostics.clear()
    assert stack.probe.set("emulator", fault="unplug:1") == ""
    assert stack.until(lambda: stack.diagnostics and "is gone" in stack.diagnostics[-1]["idle"], 5.0)
    assert stack.until(lambda: following(stack), 10.0)
    assert stack.until(lambda: all(any(f"fault unplug {w}" in t for t in stack.words) for w in ("begins", "is over")))
    assert stack.report()["device"]["recoveries"] >= 1 and not stack.supervisor.restarts
    assert stack.probe.set("emulator", fault="silence:30") == ""
    assert stack.until(lambda: "no answer" in stack.diagnostics[-1]["idle"], 5.0)
    assert stack.probe.set("emulator", fault="") == ""
    assert stack.until(lambda: following(stack), 10.0)


def test_an_effector_that_takes_no_postures_is_refused_before_the_hand_is_let_go(stack, command):
    done = command("switch-effector", "arm26")
    assert done.returncode == 2 and "gives postures" in done.stderr and "goes on" in done.stderr
    assert stack.until(lambda: following(stack), 10.0)
