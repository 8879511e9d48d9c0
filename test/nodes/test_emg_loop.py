"""The loop of an EMG front end with the world in memory: what it tells, disturbs, refuses and says."""

import re
import threading
import time

import numpy as np
import pytest

from myoprosthesis.core.errors import Refused
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.emg.conditioning import Conditioner, Conditioning, off_is_nan
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.source import EmgBlock, SourceSpec
from myoprosthesis.nodes.emg_loop import EmgLoop

RATE, N, BEGAN = 1000.0, 10, 1_700_000_000_000_000_000
CHANNELS = ("a", "b", "c")
SETTINGS = Conditioning(RATE, "V", flat_s=0.05)
BLOCK_NS = round(N / RATE * 1e9)


class Source:
    """Gives the blocks that the test lays down, one at each reading."""

    spec = SourceSpec("test", CHANNELS, RATE, "V")

    def __init__(self):
        self.laid, self.given, self.fault, self.ended, self.closed = [], 0, "", False, False

    def lay(self, samples, spans=(), times=None, late_ns=0):
        stamp = BEGAN + len(self.laid) * BLOCK_NS
        times = np.arange(len(samples)) / RATE if times is None else times
        self.laid.append(EmgBlock(samples, times, stamp, stamp + round((times[-1] - times[0]) * 1e9) + late_ns, spans))

    def read(self):
        if self.given == len(self.laid):
            return None
        self.given += 1
        return self.laid[self.given - 1]

    def close(self):
        self.closed = True


class Person(Source):
    """One who can do everything but a fist."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def ask(self, label):
        self.asked.append((label, time.time_ns()))
        if label == "fist":
            raise Refused("nothing is recorded of a fist")


class World:
    """A port whose other side is the test."""

    def __init__(self):
        self.spoken, self.told, self.prompts, self.said, self.planned = [], [], [], [], []

    def trials(self):
        out, self.planned[:] = list(self.planned), []
        return out

    def wait(self, timeout_s):
        pass

    def plans(self):
        out, self.spoken[:] = list(self.spoken), []
        return out

    def publish(self, block, raw, conditioned):
        self.told.append((block, raw.copy(), conditioned))

    def prompt(self, text):
        self.prompts.append(text)

    def say(self, level, text):
        self.said.append((level, text))


@pytest.fixture
def made():
    loops = []

    def make(source=None):
        source, world = source or Source(), World()
        loop = EmgLoop(source, Conditioner(SETTINGS, CHANNELS), world, 0.001)

        def thread(work):
            t = threading.Thread(target=work, daemon=True)
            t.start()
            return t

        loop.begin = lambda: loop.start(thread)
        loops.append(loop)
        return loop, source, world

    yield make
    for loop in loops:
        loop.stop()


def until(done, seconds=60.0):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.002)
    return done()


def noise(seed=0, n=N):
    return np.random.default_rng(seed).normal(0, 1e-4, (n, 3))


def lay(source, n, seed=0):
    for k in range(n):
        source.lay(noise(seed + k))


def plan(kind="channel_dropout", from_block=0, name="imposed", **values):
    values = values or {"share": 1.0, "channels": ["b"]}
    entry = PerturbationEntry("emg", kind, values, BEGAN + from_block * BLOCK_NS)
    return PerturbationPlan(name, 2**62, -1, (entry,), BEGAN + from_block * BLOCK_NS)


def test_who_does_what_is_asked_for_is_asked_from_the_go_signal_to_the_end_of_the_trial(made):
    loop, source, world = made(Person())
    now, ms = time.time_ns(), 1_000_000
    nowhere = (0.0, 0.0, 0.0)
    go_ns = now + 500 * ms
    trials = [("close", go_ns), ("fist", go_ns + 300 * ms), ("open", None)]
    for k, (label, go) in enumerate(trials):
        from_ns = now + 400 * ms + k * 300 * ms
        world.planned.append(TrialPlan(k, from_ns, from_ns + 300 * ms, nowhere, nowhere, go, label=label))
    loop.begin()
    assert until(lambda: len(source.asked) == 4)
    labels, times = zip(*source.asked, strict=True)
    assert labels == ("close", "", "fist", "")  # a trial without a go signal asks for nothing
    assert times[0] >= go_ns and times[1] >= now + 700 * ms and times[2] >= go_ns + 300 * ms
    assert world.said == [("error", "nothing is recorded of a fist")] and loop.events["asked_in_vain"] == 1


def test_a_source_that_cannot_be_asked_is_not(made):
    loop, source, world = made()
    world.planned.append("a plan that nobody reads")
    lay(source, 3)
    loop.begin()
    assert until(lambda: len(world.told) == 3) and len(world.planned) == 1


def test_every_block_is_conditioned_once_and_told_in_order(made):
    loop, source, world = made()
    lay(source, 30)
    loop.begin()
    assert until(lambda: len(world.told) == 30) and loop.events["samples"] == 30 * N
    whole = Conditioner(SETTINGS, CHANNELS).filter(np.concatenate([b.samples for b in source.laid]))
    np.testing.assert_array_equal(np.concatenate([c.filtered for _, _, c in world.told]), whole.filtered)
    np.testing.assert_array_equal(np.concatenate([c.envelope for _, _, c in world.told]), whole.envelope)
    assert all(np.array_equal(raw, block.samples) for block, raw, _ in world.told)
    assert world.said == [] and loop.statistics.summary()["arrived_to_published_ms"]


def test_what_is_imposed_begins_at_the_time_of_a_sample_and_not_of_its_place_in_the_block(made):
    """A block with a gap that came late: four samples, 50 ms of nothing, six more; the plan begins within the gap."""
    loop, source, world = made()
    times = 7.0 + np.r_[0:4, 54:60] / RATE
    source.lay(noise(), times=times, late_ns=30_000_000)
    entry = PerturbationEntry("emg", "channel_dropout", {"share": 1.0, "channels": ["b"]}, BEGAN + 20_000_000)
    world.spoken.append(PerturbationPlan("off", 2**62, -1, (entry,), BEGAN))
    loop.begin()
    assert until(lambda: world.told)
    block, raw, _ = world.told[0]
    assert (block.stamps_ns - BEGAN).tolist() == [1_000_000 * k for k in (*range(4), *range(54, 60))]
    assert raw[:4, 1].all() and not raw[4:, 1].any()
    assert until(lambda: "arrived_to_published_ms" in loop.statistics.summary())
    late = loop.statistics.summary()["taken_to_arrived_ms"]
    assert late["p50"] == pytest.approx(30.0, rel=0.02)


def test_inactive_it_reads_and_tells_nothing(made):
    loop, source, world = made()
    loop.active = False
    lay(source, 5)
    loop.begin()
    assert until(lambda: source.given == 5) and world.told == []
    loop.active = True
    lay(source, 1)
    assert until(lambda: len(world.told) == 1)


def test_a_fault_is_said_once_and_its_end_once(made):
    loop, source, world = made()
    loop.begin()
    source.fault = "no bytes for 300 ms"
    assert until(lambda: world.said)
    time.sleep(0.1)
    assert world.said == [("warning", "no EMG: no bytes for 300 ms")]
    source.fault = ""
    assert until(lambda: len(world.said) == 2) and world.said[1] == ("info", "EMG comes again")
    source.fault = "unplugged"
    assert until(lambda: len(world.said) == 3) and loop.events["faults"] == 2
    assert world.said[2] == ("warning", "no EMG: unplugged")


def test_the_end_is_said_once(made):
    loop, source, world = made()
    loop.begin()
    source.ended = True
    assert until(lambda: world.said)
    time.sleep(0.1)
    assert world.said == [("info", "the recording has ended")]


def test_a_changed_prompt_is_told_and_an_equal_one_is_not(made):
    loop, source, world = made()
    for label in ("close", "close", "open", "", "", "close"):
        source.lay(noise(), (Span(label, 0, N),) if label else ())
    source.lay(noise(9), (Span("close", 0, 4), Span("rest", 4, N)))  # in two parts, each under its own
    loop.begin()
    assert until(lambda: len(world.told) == 8) and until(lambda: len(world.prompts) == 5)
    assert world.prompts == ["close", "open", "", "close", "rest"]
    last = [block for block, _, _ in world.told[-2:]]
    assert [len(b) for b in last] == [4, N - 4] and [b.prompt for b in last] == ["close", "rest"]
    np.testing.assert_array_equal(np.concatenate([b.samples for b in last]), noise(9))
    assert last[1].stamps_ns[0] - last[0].stamps_ns[0] == round(4e9 / RATE)


def test_an_electrode_that_stands_still_is_said_and_given_as_no_number(made):
    loop, source, world = made()
    lay(source, 10)
    for k in range(20):
        still = noise(k)
        still[:, 1] = 3e-4
        source.lay(still)
    lay(source, 20, seed=50)
    loop.begin()
    assert until(lambda: len(world.told) == 50)
    assert world.said == [("warning", "electrodes off: b"), ("info", "electrodes on")] and loop.off == ()
    assert loop.events["lead_off"] == 1
    heard = np.concatenate([off_is_nan(c) for _, _, c in world.told])
    off = np.concatenate([c.off for _, _, c in world.told])
    assert off[:, 1].any() and not off[:, [0, 2]].any() and not off[:100].any() and not off[-100:].any()
    np.testing.assert_array_equal(np.isnan(heard), off)
    filtered = np.concatenate([c.filtered for _, _, c in world.told])
    np.testing.assert_array_equal(heard[~off], filtered[~off])


def test_what_is_imposed_is_done_from_its_time_on(made):
    loop, source, world = made()
    world.spoken.append(plan(from_block=5))
    lay(source, 12)
    loop.begin()
    assert until(lambda: len(world.told) == 12)
    raw = np.concatenate([r for _, r, _ in world.told])
    whole = np.concatenate([b.samples for b in source.laid])
    assert not raw[5 * N :, 1].any() and np.array_equal(raw[: 5 * N], whole[: 5 * N])
    np.testing.assert_array_equal(raw[:, [0, 2]], whole[:, [0, 2]])
    world.spoken.append(PerturbationPlan("null", 2**62, -1, (), BEGAN + 12 * BLOCK_NS))
    assert until(lambda: not world.spoken)
    lay(source, 10, seed=90)
    assert until(lambda: len(world.told) == 22)
    np.testing.assert_array_equal(world.told[-1][1], source.laid[-1].samples)
    assert [text for _, text in world.said] == ["electrodes off: b", "electrodes on"]


REFUSED = {
    "unknown channel": (plan(share=1.0, channels=["d"]), "unknown EMG channel 'd': known are a, b, c"),
    "unknown kind": (plan("earthquake", share=1.0), "unknown perturbation of EMG 'earthquake'"),
    "other unit": (plan("noise", sd=1.0, unit="counts", channels=[], seed=0, stream=0), "given in counts.*in V"),
    "no number": (plan(share=float("nan"), channels=["b"]), "a finite number is needed"),
    "a figure missing": (plan(channels=["b"]), "it has no .share."),
}


@pytest.mark.parametrize("imposed, sentence", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_imposed_is_refused_aloud_once_and_left_out(made, imposed, sentence):
    loop, source, world = made()
    world.spoken.append(imposed)
    lay(source, 20)
    loop.begin()
    assert until(lambda: len(world.told) == 20)
    assert [level for level, _ in world.said] == ["error"] and loop.refused
    assert re.search(f"the perturbation is refused: .*{sentence}", world.said[0][1])
    assert all(np.array_equal(raw, block.samples) for block, raw, _ in world.told)
    world.spoken.append(plan(from_block=20))
    assert until(lambda: not world.spoken)
    lay(source, 3)
    assert until(lambda: len(world.told) == 23) and loop.refused == ""
    assert not world.told[-1][1][:, 1].any()


def test_entries_for_others_are_none_of_its_business(made):
    loop, source, world = made()
    law = PerturbationEntry("endpoint", "law", {"f": [1.0, 0, 0]})
    world.spoken.append(PerturbationPlan("push", 2**62, -1, (law,)))
    lay(source, 5)
    loop.begin()
    assert until(lambda: len(world.told) == 5) and world.said == []


def test_stopped_it_lets_the_source_go(made):
    loop, source, _ = made()
    loop.begin()
    loop.stop()
    assert source.closed
    loop.stop()
