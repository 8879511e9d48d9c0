"""The loop of a decoder with the world in memory: when it commands, what it counts and says, and how it is changed."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.observation_term import Term
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.nodes import decoder_loop
from myoprosthesis.nodes.decoder_loop import DecoderLoop
from myoprosthesis.nodes.emg_block_codec import EmgSamples
from myoprosthesis.policies.switching import ControllerSwitcher

RATE, N, BEGAN = 1000.0, 10, 1_700_000_000_000_000_000
CONDITIONING = Conditioning(RATE, "V").to_dict()
STREAM = EmgStreamSpec(("a", "b"), RATE, CONDITIONING)
JOINTS = ("index", "thumb")
SPEC = EffectorSpec(
    "claw", 0.01, Channels("position", JOINTS, "rad", (0.0, -1.5), (1.5, 0.0)), JOINTS,
    poses={"open": (0.0, 0.0), "power": (1.4, -1.0), "pinch": (0.7, -1.4)},
)  # fmt: skip
STEP = 2.0 * N / RATE
"""What the posture moves with each block at full speed."""


class Louder:
    """Says `loud` when channel a is louder than b, else `open`; its novelty is the loudness of b."""

    hidden = np.zeros(0, np.float32)

    def __init__(self, loud="power"):
        self.contract = Contract(
            "louder", "emg", (Term("mav", ("a/mav", "b/mav")),),
            Channels("effort", (loud, "open", "novelty"), "1", (0.0,) * 3, (1.0, 1.0, 1e6)), 0.05,
            conditioning=CONDITIONING, decoding={"window_s": 0.1, "drift_beyond": 3.0, "drift_s": 0.2},
        )  # fmt: skip

    def reset(self):
        pass

    def step(self, observation):
        a, b = (float(x) for x in observation)
        return np.array([0.9 * (a > b), 0.9 * (a <= b), b]) + 0.0 * (a + b)


class World:
    """A port whose other side is the test."""

    def __init__(self):
        self.condition = threading.Condition()
        self.inbox, self.commands, self.shadows, self.decisions, self.said = [], [], [], [], []
        self.at, self.asked, self.follows = np.array([0.3, -0.3]), "", True
        self.turned_ns = self.over_ns = 2**62

    def wait(self, timeout_s):
        with self.condition:
            if not self.inbox:
                self.condition.wait(min(timeout_s, 0.01))

    def blocks(self):
        with self.condition:
            out, self.inbox[:] = list(self.inbox), []
        return out

    def posture(self):
        return self.at

    def following(self):
        return self.follows

    def imposed(self, stamp_ns):
        return "" if stamp_ns >= self.over_ns else "turned" if stamp_ns >= self.turned_ns else "null"

    def prompt(self, sent_ns):
        return self.asked

    def command(self, stamp_ns, command):
        self.commands.append((stamp_ns, command.copy()))

    def updated(self, stamp_ns, switcher):
        if switcher.shadow is not None and switcher.shadow.command is not None:
            self.shadows.append(switcher.shadow.command.copy())

    def decided(self, stamp_ns, controller):
        self.decisions.append((stamp_ns, controller.name, controller.decision))

    def say(self, level, text):
        self.said.append((level, text))

    def send(self, *blocks):
        with self.condition:
            self.inbox.extend(blocks)
            self.condition.notify()


def fit(switcher, loud="power", name="first"):
    return switcher.fit(name, Louder(loud))


@pytest.fixture
def made():
    loops = []

    def make(blend_s=0.1, active=True):
        world = World()
        switcher = ControllerSwitcher(
            SPEC, lambda name, p: DecoderController(name, p, SPEC, STREAM, PostureControlOptions()), blend_s
        )
        switcher.switch(fit(switcher))
        loop = DecoderLoop(switcher, world, STREAM)
        loop.active = active

        def thread(work):
            t = threading.Thread(target=work, daemon=True)
            t.start()
            return t

        loop.start(thread)
        loops.append(loop)
        return loop, world

    yield make
    for loop in loops:
        loop.stop()


def until(done, seconds=60.0):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.002)
    return done()


def stream(n, a=1.0, b=0.1, first=0, channels=("a", "b")):
    """So many blocks of a stream, each stamped when its first sample was taken."""
    rng = np.random.default_rng(first)
    return [
        EmgSamples(BEGAN + k * N * 1_000_000, channels, np.arange(N) / RATE, rng.normal(0, 1, (N, 2)) * [a, b])
        for k in range(first, first + n)
    ]


def test_each_block_is_answered_under_the_stamp_of_its_newest_sample(made):
    _, world = made()
    some = stream(40)
    world.send(*some)
    assert until(lambda: len(world.commands) == 40)
    assert [stamp for stamp, _ in world.commands] == [block.newest_ns for block in some]
    x = np.array([c for _, c in world.commands])
    np.testing.assert_array_equal(x[:9], np.tile(world.at, (9, 1)))  # until the first window is full
    steps = np.abs(np.diff(x, axis=0)).max(axis=1)
    assert steps.max() <= STEP + 1e-9 and steps[12] == pytest.approx(STEP)
    assert [stamp for stamp, _, _ in world.decisions] == [some[k].newest_ns for k in range(9, 40, 5)]
    assert {d.choice for _, _, d in world.decisions} == {"power"} and not world.said


@pytest.mark.parametrize("inside", [False, True])
def test_after_a_gap_in_time_a_decoder_begins_anew_and_the_hand_stays(made, inside):
    loop, world = made()
    some = stream(40)
    for k in range(20, 40):
        some[k] = replace(some[k], stamp_ns=some[k].stamp_ns + 10**9)
    if inside:  # the last block before the gap ends behind it
        joint = np.concatenate([some[19].times, some[20].times + (some[20].stamp_ns - some[19].stamp_ns) * 1e-9])
        some[19:21] = [replace(some[19], times=joint, values=np.concatenate([some[19].values, some[20].values]))]
    world.send(*some)
    assert until(lambda: len(world.commands) == len(some))
    decided = [k for k in (9, 14, 19, 29, 34, 39) if not (inside and k == 19)]
    assert [at for at, _, _ in world.decisions] == [stream(40)[k].newest_ns + (k > 19) * 10**9 for k in decided]
    x = np.array([command for _, command in world.commands])[-20:]
    assert np.ptp(x[:9], axis=0).max() == 0.0 and np.ptp(x[9:11], axis=0).max() > 0.0
    assert loop.events["gaps"] == 1


def test_no_command_without_emg_and_none_before_it_is_known_where_the_hand_is(made):
    loop, world = made()
    world.at = None
    world.send(*stream(20))
    assert until(lambda: not world.inbox)
    time.sleep(0.05)
    assert world.commands == [] and world.decisions == []
    world.at = np.array([np.nan, -0.3])
    world.send(*stream(20, first=20))
    assert until(lambda: not world.inbox)
    time.sleep(0.05)
    assert world.commands == [] and loop.errors == 0
    world.at = np.array([0.7, -0.1])
    world.send(*stream(1, first=40))
    assert until(lambda: world.commands) and world.commands[0][1].tolist() == [0.7, -0.1]
    time.sleep(0.05)
    assert len(world.commands) == 1


def test_inactive_it_decides_and_does_not_command(made):
    loop, world = made(active=False)
    world.send(*stream(30))
    assert until(lambda: len(world.decisions) == 5) and world.commands == []
    loop.active = True
    world.send(*stream(10, first=30))
    assert until(lambda: len(world.commands) == 10)


def test_other_channels_are_refused_said_once_and_come_back(made):
    loop, world = made()
    world.send(*stream(10), *stream(30, first=10, channels=("a", "c")))
    assert until(lambda: loop.errors == 30)
    assert world.said == [("error", "no command: the EMG has become another: a, c")] and len(world.commands) == 10
    world.send(*stream(10, first=40))
    assert until(lambda: len(world.commands) == 20)


def test_decisions_are_counted_by_what_was_asked_once_a_person_had_time(made, monkeypatch):
    loop, world = made()
    world.send(*stream(50))
    assert until(lambda: loop.events["decisions"] == 9) and loop.prompted == {}  # nobody asked
    world.asked = "power"
    world.send(*stream(50, first=50))
    assert until(lambda: loop.events["decisions"] == 19) and loop.prompted == {}  # too soon
    monkeypatch.setattr(decoder_loop, "JUDGED_AFTER_S", -1.0)
    world.send(*stream(50, first=100))
    assert until(lambda: loop.events["decisions"] == 29)
    world.asked = "open"
    world.send(*stream(50, a=0.1, b=1.0, first=150))
    assert until(lambda: loop.events["decisions"] == 39)
    assert dict(loop.prompted["power"]) == {"power": 10} and loop.prompted["open"]["open"] >= 8
    assert loop.prompted["open"].total() == 10 and loop.events["rejected"] == 0


def test_a_person_has_time_from_the_first_sample_on_that_is_asked_for(made):
    """Not from the first decision after it: a decision is due each 50 ms, and the block before it has the prompt."""
    loop, world = made()
    world.send(*stream(50))
    assert until(lambda: loop.events["decisions"] == 9)
    world.asked = "power"
    world.send(*stream(100, first=50))
    assert until(lambda: loop.events["decisions"] == 29)
    begins = BEGAN + 50 * N * 1_000_000
    judged = [t for t, *_ in world.decisions if t - begins > 0.5e9]
    assert loop.counts()["prompted"] == {"power": {"power": len(judged)}} and len(judged) == 10


def test_a_prompt_that_is_no_class_of_the_decoder_judges_nothing_and_is_told_of_once(made, monkeypatch):
    monkeypatch.setattr(decoder_loop, "JUDGED_AFTER_S", -1.0)
    loop, world = made()
    world.asked = "1"
    world.send(*stream(100))
    assert until(lambda: loop.events["decisions"] == 19) and loop.prompted == loop.decided == {}
    (words,) = [text for level, text in world.said if level == "warning"]
    assert words.startswith("the prompt '1' is none of the classes of decoder 'first', power, open: what is decided")
    world.asked = "power"
    world.send(*stream(100, first=100))
    assert until(lambda: loop.events["decisions"] == 39) and loop.prompted == {"power": {"power": 20}}


def test_decisions_are_of_the_perturbation_in_force_all_through_their_window(made, monkeypatch):
    """By stamps: all blocks come at once here, long after the change."""
    monkeypatch.setattr(decoder_loop, "JUDGED_AFTER_S", -1.0)
    loop, world = made()
    world.asked, world.turned_ns = "power", BEGAN + 60 * N * 1_000_000
    world.send(*stream(100))
    assert until(lambda: loop.events["decisions"] == 19)
    assert loop.decided == {"first": {"null": {"power": {"power": 9}}, "turned": {"power": {"power": 6}}}}
    assert loop.prompted == {"power": {"power": 19}}


def test_behind_the_end_of_what_is_imposed_it_is_no_other_condition(made, monkeypatch):
    """The plan of the last trial is over before the stack is."""
    monkeypatch.setattr(decoder_loop, "JUDGED_AFTER_S", -1.0)
    loop, world = made()
    world.asked, world.over_ns = "power", BEGAN + 60 * N * 1_000_000
    world.send(*stream(100))
    assert until(lambda: loop.events["decisions"] == 19)
    windows = 17  # but the two that began before it was known what is imposed
    assert loop.counts()["decided"] == {"first": {"null": {"power": {"power": windows}}}}


def test_holes_are_rejected_counted_and_hold_the_hand(made):
    loop, world = made()
    world.send(*stream(30))
    assert until(lambda: len(world.commands) == 30)
    holes = [replace(block, values=block.values * [1.0, np.nan]) for block in stream(30, first=30)]
    world.send(*holes)
    assert until(lambda: len(world.commands) == 60) and loop.events["rejected"] == 6
    x = np.array([c for _, c in world.commands])
    assert np.isfinite(x).all() and len({tuple(p) for p in x[35:]}) == 1


def test_what_is_decided_while_the_hand_does_not_follow_is_not_made_up_for(made):
    _, world = made()
    world.send(*stream(30))
    assert until(lambda: len(world.commands) == 30)
    world.follows, world.at = False, np.array([0.2, -0.2])
    world.send(*stream(30, first=30))
    assert until(lambda: len(world.commands) == 60)
    x = np.array([c for _, c in world.commands])
    assert np.abs(x[30:] - world.at).max() <= STEP + 1e-9  # "power" is decided all the time
    world.follows = True
    world.send(*[replace(block, values=block.values * np.nan) for block in stream(30, first=60)])
    assert until(lambda: len(world.commands) == 90)
    x = np.array([c for _, c in world.commands])
    assert np.abs(x[60:] - world.at).max() <= 6 * STEP  # the electrodes are off: the hand stays


def test_drift_is_said_once_each_time_it_comes(made):
    loop, world = made()
    world.send(*stream(60, b=8.0, a=20.0))
    assert until(lambda: len(world.decisions) == 11)
    assert loop.events["drift_events"] == 1
    assert [level for level, _ in world.said] == ["warning"]
    assert "differs from what decoder 'first' was fitted on" in world.said[0][1]
    world.send(*stream(60, first=60))
    assert until(lambda: len(world.decisions) == 23) and len(world.said) == 1
    world.send(*stream(60, b=8.0, a=20.0, first=120))
    assert until(lambda: loop.events["drift_events"] == 2) and len(world.said) == 2


def test_a_decoder_is_changed_for_another_and_nothing_jumps(made):
    loop, world = made(blend_s=0.1)
    world.send(*stream(60))
    assert until(lambda: len(world.commands) == 60)
    done, failed = [], []
    loop.switch(fit(loop.switcher, "pinch", "second"), lambda: done.append(True), failed.append)
    for k in range(60, 260):
        world.send(*stream(1, first=k))
        assert until(lambda n=k + 1: len(world.commands) == n)
    assert done == [True] and failed == [] and loop.switcher.name == "second"
    x = np.array([c for _, c in world.commands])
    np.testing.assert_allclose(x[-1], SPEC.poses["pinch"], atol=1e-9)
    assert np.abs(np.diff(x, axis=0)).max() <= 3 * STEP + 1e-9 and loop.switcher.step_over_bound <= 1e-9
    assert {name for _, name, _ in world.decisions} == {"first", "second"} and world.said == []


def test_who_is_forgotten_does_not_come(made):
    loop, world = made()
    world.send(*stream(20))
    assert until(lambda: len(world.commands) == 20)
    done = []
    loop.switch(fit(loop.switcher, "pinch", "second"), lambda: done.append(True), done.append)
    loop.request(loop.cancel_switch)
    for k in range(20, 60):
        world.send(*stream(1, first=k))
        assert until(lambda n=k + 1: len(world.commands) == n)
    assert done == [] and loop.switcher.name == "first"


def test_a_shadow_is_heard_from_where_the_hand_is_and_moves_nothing(made):
    loop, world = made()
    loop.set_shadow(fit(loop.switcher, "pinch", "shadow"), lambda: None, lambda why: None)
    for k in range(200):
        world.send(*stream(1, first=k))
        assert until(lambda n=k + 1: len(world.commands) == n)
    assert until(lambda: world.shadows)
    np.testing.assert_allclose(world.shadows[-1], SPEC.poses["pinch"], atol=1e-9)
    np.testing.assert_allclose(world.commands[-1][1], SPEC.poses["power"], atol=1e-9)
    loop.set_shadow(None, lambda: None, lambda why: None)
    world.send(*stream(5, first=200))
    assert until(lambda: len(world.commands) == 205)
    assert loop.switcher.shadow is None


def test_a_shadow_that_still_replays_is_dropped_for_the_next(made):
    loop, world = made()
    world.send(*stream(20))
    assert until(lambda: len(world.commands) == 20)
    outcomes = []
    loop.set_shadow(fit(loop.switcher, "pinch", "first"), lambda: outcomes.append("first"), outcomes.append)
    loop.set_shadow(None, lambda: outcomes.append("none"), outcomes.append)
    for k in range(20, 60):
        world.send(*stream(1, first=k))
        assert until(lambda n=k + 1: len(world.commands) == n)
    assert outcomes == ["none"] and loop.switcher.shadow is None


def test_a_busy_machine_makes_a_swap_late_and_not_never(made, monkeypatch):
    """Where no time is left for its replay, a controller still comes nearer to the present with each block."""
    monkeypatch.setattr("myoprosthesis.nodes.policy_swaps.REPLAY", 0.0)
    loop, world = made()
    world.send(*stream(60))
    assert until(lambda: len(world.commands) == 60)
    done = []
    loop.switch(fit(loop.switcher, "pinch", "second"), lambda: done.append(True), done.append)
    for k in range(60, 300):
        world.send(*stream(1, first=k))
        assert until(lambda n=k + 1: len(world.commands) == n)
    assert done == [True] and loop.switcher.name == "second"
