"""The effector's loop with the world in memory: what it waits for, follows and refuses."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.nodes import lockstep_effector_loop
from myoprosthesis.nodes.lockstep_effector_loop import LockstepEffectorLoop
from myoprosthesis.nodes.realtime_effector_loop import RealtimeEffectorLoop

DT_NS = 10_000_000
NAMES = ("joint1", "joint2")
ZERO = (0.0, 0.0, 0.0)


def arm():
    return registry.factory("effectors", "arm26")(registry.options("effectors", "arm26")())


class World:
    """A port whose other side is the test."""

    def __init__(self):
        self.condition = threading.Condition()
        self.inbox, self.spoken, self.published, self.done, self.said = [], [], [], [], []
        self.living, self.writers = {"task", "perturbation"}, {b"policy", b"teleop"}
        self.answer, self.words_of_following, self.arrivals = None, [], {}

    def wait(self, timeout_s):
        with self.condition:
            if not (self.inbox or self.spoken):
                self.condition.wait(max(0.0, timeout_s))

    def _emptied(self, box):
        with self.condition:
            out, box[:] = list(box), []
        return out

    def commands(self):
        return self._emptied(self.inbox)

    def arrival_ns(self, stamp_ns):
        return self.arrivals.get(stamp_ns)

    def plans(self):
        return self._emptied(self.spoken)

    def alive(self, party):
        return party in self.living

    def present(self, writer):
        return writer in self.writers

    def name_of(self, writer):
        return f"/{writer.decode()}"

    def publish(self, stamp_ns, state):
        self.published.append((stamp_ns, state))
        if self.answer is not None:
            for command in self.answer(stamp_ns, state):
                self.send(command)

    def following(self, said):
        self.words_of_following.append(said)

    def applied(self, stamp_ns, state):
        self.done.append((stamp_ns, state.applied.copy()))

    def say(self, level, text):
        self.said.append((level, text))

    def send(self, *commands):
        with self.condition:
            self.inbox.extend(commands)
            self.condition.notify()

    def speak(self, *plans):
        with self.condition:
            self.spoken.extend(plans)
            self.condition.notify()

    def words(self):
        return " | ".join(text for _, text in self.said)


def command(stamp_ns, names, values, writer=b""):
    """A message as a port returns it: whatever the effector's quantity, the values are there."""
    return JointStateFrame(stamp_ns, tuple(names), values, values, values), writer


def follow(stamp_ns, state):
    """A policy: each state is answered under its own stamp."""
    return [command(stamp_ns, NAMES, np.array([0.01, -0.02]) * (1 + stamp_ns // DT_NS))]


@pytest.fixture
def made():
    loops = []

    def make(effector=None, **options):
        world = World()
        guard = GuardedEffector(effector or Mirror(MirrorOptions(rate_limit=1e4)))
        kind = LockstepEffectorLoop if options.pop("lockstep", True) else RealtimeEffectorLoop
        loop = kind(guard, world, **options)

        def thread(work):
            t = threading.Thread(target=work, daemon=True)
            t.start()
            return t

        loop.begin = lambda: loop.start(thread)
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


def still(loop, seconds=0.05):
    before = loop.tick
    time.sleep(seconds)
    return loop.tick == before


def trial(k, from_tick, until_tick, **more):
    return TrialPlan(k, from_tick * DT_NS, until_tick * DT_NS, ZERO, (0.1, 0.0, 0.0), from_tick * DT_NS, **more)


def nothing(until_tick, from_tick=0):
    return PerturbationPlan("null", until_tick * DT_NS, 0, (), from_tick * DT_NS)


# -- lockstep ---------------------------------------------------------------------------------------------------


def test_every_state_waits_for_its_own_command(made):
    loop, world = made()
    loop.begin()
    assert until(lambda: world.published) and world.published[0][0] == 0 and still(loop)
    world.send(command(DT_NS, NAMES, np.array([1.0, 1.0])), command(-1, NAMES, np.array([1.0, 1.0])))
    assert still(loop) and loop.tick == 0  # neither answers this state
    world.send(command(0, NAMES, np.array([0.1, 0.2])), command(DT_NS, NAMES, np.array([1.0, 1.0])))
    assert until(lambda: loop.tick == 1) and still(loop)
    assert world.done[0][0] == 0 and world.done[0][1].tolist() == [0.1, 0.2]
    assert world.published[-1][0] == DT_NS


def test_a_party_that_is_there_and_does_not_answer_for_long_is_named(made, monkeypatch):
    monkeypatch.setattr(lockstep_effector_loop, "SLOW_S", 0.5)
    loop, world = made(participants=("task",))
    world.answer = follow
    loop.begin()
    assert until(
        lambda: world.words() == "paused at 0.000 s: waiting for task, for more than 0.5 s, though it is alive"
    )
    world.speak(trial(0, 0, 5))
    assert until(lambda: loop.tick == 5)


def test_no_tick_overtakes_a_party(made):
    """A tick runs only when every party has spoken beyond it; they may speak in any order, and late."""
    loop, world = made(participants=("task", "perturbation"))
    world.answer = follow
    loop.begin()
    assert until(lambda: loop.waiting_for == "task") and loop.tick == 0
    world.speak(nothing(7))
    assert still(loop, 0.15) and loop.tick == 0
    world.speak(trial(0, 0, 5), trial(1, 5, 9))
    assert until(lambda: loop.tick == 7) and still(loop)
    assert until(lambda: loop.waiting_for == "perturbation")
    assert "waiting for" not in world.words()  # it is there, and takes its time
    world.living = {"task"}
    assert until(lambda: "waiting for perturbation" in world.words())
    world.speak(nothing(20, 7))
    assert until(lambda: loop.tick == 9) and still(loop)
    assert until(lambda: loop.waiting_for == "task")
    assert [stamp for stamp, _ in world.done] == [k * DT_NS for k in range(9)]


def test_the_run_ends_with_the_last_trial(made):
    loop, world = made(participants=("task",))
    world.answer = follow
    world.speak(trial(0, 0, 3), trial(1, 3, 6, last=True))
    loop.begin()
    assert until(lambda: loop.finished) and loop.tick == 6 and still(loop, 0.15)
    assert loop.waiting_for == "" and not loop.error


def test_a_duration_ends_it_too(made):
    loop, world = made(duration_s=0.25)
    world.answer = follow
    loop.begin()
    assert until(lambda: loop.finished) and loop.tick == 25 and still(loop)


def test_a_policy_that_comes_late_is_told_the_state_again(made):
    loop, world = made()
    loop.begin()
    assert until(lambda: len(world.published) > 2)
    assert {stamp for stamp, _ in world.published} == {0} and loop.waiting_for == "policy"
    world.answer = follow
    assert until(lambda: loop.tick > 20)


def test_what_is_told_again_while_a_plan_is_awaited_is_the_same_state_under_its_stamp(made):
    """The body has gone on by a tick; a recording has one state under each stamp."""
    loop, world = made(participants=("perturbation",))
    world.answer = follow
    world.speak(nothing(7))
    loop.begin()
    assert until(lambda: loop.waiting_for == "perturbation" and len(world.published) > 10)
    world.speak(nothing(99, 7))
    assert until(lambda: loop.tick > 12)
    by_stamp = {}
    for stamp, state in world.published:
        by_stamp.setdefault(stamp, set()).add(tuple(state.joint_position))
    assert all(len(places) == 1 for places in by_stamp.values()), by_stamp
    assert len({stamp for stamp, _ in world.published}) < len(world.published)  # it was told again
    assert len({next(iter(places)) for places in by_stamp.values()}) > 5  # it moves


def test_duplicates_move_nothing_twice(made):
    loop, world = made(duration_s=0.2)
    world.answer = lambda stamp, state: follow(stamp, state) * 3
    loop.begin()
    assert until(lambda: loop.finished) and loop.tick == len(world.done) == 20


def test_paused_means_paused_and_a_step_is_one_tick(made):
    loop, world = made()
    world.answer = follow
    loop.begin()
    assert until(lambda: loop.tick > 5)
    loop.request(lambda: setattr(loop, "paused", True))
    assert until(lambda: loop.paused) and (time.sleep(0.05) or still(loop))
    at = loop.tick
    loop.step()
    assert until(lambda: loop.tick == at + 1) and still(loop)
    loop.step(3)
    assert until(lambda: loop.tick == at + 4) and still(loop, 0.15) and loop.waiting_for == ""
    loop.request(lambda: setattr(loop, "paused", False))
    assert until(lambda: loop.tick > at + 10)
    loop.step(50)  # while time runs: none of them is left for later
    loop.request(lambda: setattr(loop, "paused", True))
    assert until(lambda: loop.paused) and (time.sleep(0.05) or still(loop, 0.15))


def test_the_first_tick_waits_for_a_recorder_that_is_to_receive_everything(made):
    loop, world = made(recorded=True)
    world.answer = follow
    loop.begin()
    assert until(lambda: loop.waiting_for == "recorder") and still(loop, 0.3) and loop.tick == 0
    assert world.published and not world.said  # one that comes is given its time
    loop.begin_recorded()
    assert until(lambda: loop.tick > 5) and loop.waiting_for == ""


def test_the_same_answers_give_the_same_trace(made):
    def trace(scale, seed):
        loop, world = made(duration_s=0.3, seed=seed)
        world.answer = lambda stamp, state: [command(stamp, NAMES, np.array([scale, -scale]) * np.sin(stamp))]
        loop.begin()
        assert until(lambda: loop.finished)
        return loop.trace_sha256()

    assert trace(0.1, 0) == trace(0.1, 0) != trace(np.nextafter(0.1, 1), 0)


def test_a_body_begins_each_trial_at_its_start(made):
    loop, world = made(participants=("task",))
    world.answer = follow
    world.speak(trial(0, 0, 4), trial(1, 4, 8, reset=False), trial(2, 8, 12, last=True))
    loop.begin()
    assert until(lambda: loop.finished)
    at = {stamp // DT_NS: state.joint_position.tolist() for stamp, state in world.published}
    assert at[0] == at[8] == [0.0, 0.0] and at[4] != [0.0, 0.0]


def test_a_task_begun_anew_is_a_new_trial(made):
    """A task that was restarted numbers from 0 again: the body goes to its start all the same."""
    loop, world = made(participants=("task",))
    world.answer = follow
    world.speak(trial(0, 0, 100))
    loop.begin()
    assert until(lambda: loop.tick == 100)
    world.speak(trial(0, 101, 110, last=True))
    assert until(lambda: loop.finished)
    at = {stamp // DT_NS: state.joint_position.tolist() for stamp, state in world.published}
    assert at[101] == [0.0, 0.0] != at[100]


# -- what is refused --------------------------------------------------------------------------------------------


def test_a_command_in_another_order_means_the_same(made):
    loop, world = made(duration_s=0.04)
    orders = [NAMES, NAMES[::-1]]
    told = {"joint1": 0.3, "joint2": -0.4}

    def mixed(stamp, state):
        names = tuple(orders[(stamp // DT_NS) % 2])
        return [command(stamp, names, np.array([told[n] for n in names]))]

    world.answer = mixed
    loop.begin()
    assert until(lambda: loop.finished)
    assert {tuple(applied) for _, applied in world.done} == {(0.3, -0.4)}


BAD = {
    "missing name": (("joint1",), [0.1], "'joint2' is wanted but not there", "wrong_names"),
    "unknown name": (("joint1", "joint2", "tail"), [0.1, 0.2, 0.3], "'tail' is there but not wanted", "wrong_names"),
    "name twice": (("joint1", "joint2", "joint2"), [0.1, 0.2, 0.3], "'joint2' is there twice", "wrong_names"),
    "too short": (NAMES, [0.1], "1 values for 2 names", "wrong_size"),
    "too long": (NAMES, [0.1, 0.2, 0.3], "3 values for 2 names", "wrong_size"),
    "nothing": ((), [], "'joint1' is wanted but not there", "wrong_names"),
    "misnamed and mis-sized": (NAMES[::-1], [0.5], "1 values for 2 names", "wrong_size"),
}


@pytest.mark.parametrize("names, values, sentence, event", BAD.values(), ids=BAD)
def test_a_bad_command_is_refused_and_the_last_good_one_stays(made, names, values, sentence, event):
    loop, world = made(effector=Mirror(MirrorOptions(rate_limit=1e4)), lockstep=False)
    loop.begin()
    until(lambda: world.published)
    good = command(time.time_ns(), NAMES, np.array([0.3, -0.4]))
    world.send(good, command(time.time_ns(), names, np.array(values)))
    assert until(lambda: sentence in world.words()), world.words()
    assert loop.guard.events[event] == 1
    assert until(lambda: (0.3, -0.4) in [tuple(a) for _, a in world.done])
    assert {tuple(a) for _, a in world.done} <= {(0.0, 0.0), (0.3, -0.4)}


def test_a_refusal_is_said_once(made):
    loop, world = made(lockstep=False)
    loop.begin()
    for _ in range(20):
        world.send(command(time.time_ns(), ("a", "b"), np.zeros(2)))
        time.sleep(0.002)
    assert until(lambda: loop.guard.events["wrong_names"] == 20)
    assert sum("refused" in text for _, text in world.said) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_reaches_the_body(made, bad):
    loop, world = made(effector=arm(), duration_s=0.3)
    names = loop.guard.spec.command.names

    def answer(stamp, state):
        values = np.full(6, 0.5)
        values[stamp // DT_NS % 6] = bad if stamp // DT_NS >= 10 else 0.5
        return [command(stamp, names, values)]

    world.answer = answer
    loop.begin()
    assert until(lambda: loop.finished)
    applied = np.array([a for _, a in world.done])
    assert (applied[:10] == 0.5).all() and (applied[10:] == 0).all()
    assert loop.guard.events["non_finite"] == 20 and "idle: a command that is not finite" in world.words()
    assert all(np.isfinite(state.table).all() for _, state in world.published)


# -- real time --------------------------------------------------------------------------------------------------


def steady(world, loop, stamp=lambda: time.time_ns(), seconds=0.3, names=NAMES):
    """Send a command each 5 ms for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        world.send(command(stamp(), names, np.array([0.3, -0.3])))
        time.sleep(0.005)


def test_a_duration_in_real_time_counts_from_the_first_command_and_ends_in_the_fail_state(made):
    loop, world = made(effector=arm(), lockstep=False, duration_s=0.4)
    names = loop.guard.spec.command.names
    loop.begin()
    time.sleep(0.5)
    assert not loop.finished and loop.statistics.ticks == 0

    def answer(stamp, state):
        return [command(time.time_ns(), names, np.full(6, 0.5))]

    world.answer = answer
    assert until(lambda: loop.finished)
    ticks = loop.statistics.ticks
    trace = loop.trace_sha256()
    assert ticks == round(0.4 / loop.guard.spec.dt)
    assert until(lambda: loop.guard.reason and not loop.state.applied.any())  # though commands go on
    heard = len(world.published)
    assert until(lambda: len(world.published) > heard + 5)
    assert loop.statistics.ticks == ticks and loop.trace_sha256() == trace
    assert not any("idle" in text for level, text in world.said if level == "warning")
    assert not loop.guard.events["idle"]


@pytest.mark.parametrize(
    "ahead_s, sentence",
    [
        (0.0, ""),
        (-0.5, "s before it came; the clock of who sends it is behind"),
        (-1e9, "older than 80 ms: it is stamped"),
        (3600.0, "in the future"),
    ],  # fmt: skip
)
def test_stamps_too_old_or_of_another_clock_are_not_followed(made, ahead_s, sentence):
    loop, world = made(lockstep=False)
    loop.begin()
    steady(world, loop, lambda: time.time_ns() + int(ahead_s * 1e9))
    assert until(lambda: (sentence in loop.guard.reason) if sentence else loop.guard.reason == "")
    if sentence:
        assert not any(tuple(a) == (0.3, -0.3) for _, a in world.done)
    else:
        assert until(lambda: any(tuple(a) == (0.3, -0.3) for _, a in world.done))


@pytest.mark.parametrize("ahead_s", [0.0, 0.5])
def test_a_clock_that_is_ahead_is_said_once_and_gives_no_latency(made, ahead_s):
    loop, world = made(lockstep=False)
    loop.begin()
    steady(world, loop, lambda: time.time_ns() + int(ahead_s * 1e9))
    assert until(lambda: sum(tuple(a) == (0.3, -0.3) for _, a in world.done) > 20)
    said = [text for level, text in world.said if "ahead of this clock" in text]
    assert len(said) == bool(ahead_s) and bool(loop.guard.events["stamped_ahead"]) == bool(ahead_s)
    assert ("latency_ms" in loop.statistics.summary()) == (not ahead_s)


@pytest.mark.parametrize("ahead_s", [0.0, 0.9])
def test_idle_within_a_tenth_of_a_second_of_the_last_command(made, ahead_s):
    """Also when the last one was stamped with a time to come, which would keep it young."""
    loop, world = made(effector=arm(), lockstep=False)
    names, stamps = loop.guard.spec.command.names, []
    applied = world.applied
    world.applied = lambda stamp, state: (stamps.append(time.monotonic()), applied(stamp, state))
    loop.begin()
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        world.send(command(time.time_ns() + int(ahead_s * 1e9), names, np.full(6, 0.5)))
        last = time.monotonic()
        time.sleep(0.005)
    until(lambda: loop.guard.reason)
    moved = [t for t, (_, a) in zip(stamps, world.done, strict=False) if a.any()]
    assert moved and moved[-1] - last <= 0.1  # a tick begun within 80 ms; the last with the command is older yet
    assert loop.guard.reason.startswith("the newest command is older")


@pytest.mark.parametrize("party", ["task", "perturbation"])
def test_a_dead_party_makes_the_effector_idle_until_it_is_back(made, party):
    loop, world = made(lockstep=False, participants=("task", "perturbation"))
    world.answer = lambda stamp, state: [command(stamp, NAMES, np.array([0.1, 0.1]))]
    loop.begin()
    assert until(lambda: loop.guard.reason == "")
    world.living.discard(party)
    assert until(lambda: loop.guard.reason == f"the node {party} is not alive")
    world.living.add(party)
    assert until(lambda: loop.guard.reason == "")
    assert f"idle: the node {party} is not alive" in world.words()
    assert until(lambda: "following commands again" in world.words())


def test_what_is_applied_in_the_fail_state_is_of_its_own_tick(made):
    loop, world = made(lockstep=False)
    world.answer = lambda stamp, state: [command(stamp, NAMES, np.array([0.3, 0.3]))]
    loop.begin()
    assert until(lambda: loop.guard.reason == "")
    loop.request(loop.guard.estop)
    assert until(lambda: loop.guard.reason == "emergency stop")
    n = len(world.done)
    assert until(lambda: len(world.done) > n + 5)
    stamps = [stamp for stamp, _ in world.done[n:]]
    assert len(set(stamps)) == len(stamps) and all(
        b - a >= DT_NS // 2 for a, b in zip(stamps, stamps[1:], strict=False)
    )


def test_an_inactive_effector_publishes_and_does_not_move(made):
    loop, world = made(lockstep=False)
    loop.active = False
    world.answer = lambda stamp, state: [command(stamp, NAMES, np.array([0.3, 0.3]))]
    loop.begin()
    assert until(lambda: len(world.published) > 10)
    assert loop.guard.reason == "not active" and not any(a.any() for _, a in world.done)


def test_the_stop_is_latched_and_the_reset_is_the_start(made):
    loop, world = made(effector=arm(), duration_s=5.0)
    names = loop.guard.spec.command.names
    world.answer = lambda stamp, state: [command(stamp, names, np.full(6, 0.4))]
    loop.begin()
    assert until(lambda: loop.tick > 20)
    loop.request(loop.guard.estop)
    assert until(lambda: loop.guard.stopped)
    at = loop.tick + 1
    assert until(lambda: loop.tick > at + 20)
    assert not np.array([a for _, a in world.done[at : at + 20]]).any()
    loop.request(loop.guard.resume)
    assert until(lambda: loop.guard.reason == "")
    start = world.published[0][1].joint_position
    loop.request(lambda: setattr(loop, "paused", True))
    loop.reset()
    assert until(lambda: np.array_equal(loop.state.joint_position, start))


class Throws(Mirror):
    """Counts how often it is put to its start."""

    resets = 0

    def reset(self, seed=0):
        self.resets += 1
        return super().reset(seed)


HELD = {
    "emergency stop": lambda loop, world: loop.request(loop.guard.estop),
    "a command that is not finite": lambda loop, world: setattr(world, "value", np.nan),
    "not active": lambda loop, world: setattr(loop, "active", False),
}


@pytest.mark.parametrize("why", HELD)
@pytest.mark.parametrize("lockstep", [True, False])
def test_a_trial_does_not_move_a_body_that_is_held(made, why, lockstep):
    """Nor does it count, though commands are followed again from its first tick on; the next one is reset."""
    body = Throws(MirrorOptions(rate_limit=1e4))
    body.spec = replace(body.spec, timeout_s=5.0)
    loop, world = made(body, lockstep=lockstep, participants=("task",) if lockstep else ())
    world.value, stamps = 0.5, []

    def answer(stamp_ns, state):
        stamps.append(stamp_ns)
        return [command(stamp_ns, NAMES, np.full(2, world.value))]

    world.answer = answer
    world.speak(trial(0, 0, 20) if lockstep else trial(0, 0, 1))
    loop.begin()
    assert until(lambda: loop.tick >= 20 and not loop.guard.reason)
    HELD[why](loop, world)
    if lockstep:
        world.speak(trial(0, 20, 25))
    assert until(lambda: loop.guard.reason == why)
    assert not lockstep or until(lambda: loop.tick == 25)
    place, before = loop.state.joint_position.copy(), body.resets
    first = trial(1, 25, 30) if lockstep else replace(
        trial(1, 0, 1), from_ns=stamps[-1] + DT_NS, until_ns=stamps[-1] + 6 * DT_NS
    )  # fmt: skip
    world.speak(first)
    assert until(lambda: stamps[-1] >= first.until_ns - DT_NS)
    assert body.resets == before
    np.testing.assert_array_equal(loop.state.joint_position, place)
    world.value, loop.active = 0.5, True
    loop.request(loop.guard.resume)
    assert until(lambda: not loop._requests.qsize())
    second = trial(2, 30, 35) if lockstep else replace(
        first, trial=2, from_ns=stamps[-1] + 20 * DT_NS, until_ns=stamps[-1] + 25 * DT_NS
    )  # fmt: skip
    third = replace(second, trial=3, from_ns=second.until_ns, until_ns=second.until_ns + 5 * DT_NS, last=True)
    world.speak(second, third)
    assert until(lambda: stamps[-1] >= third.until_ns - DT_NS)
    assert until(lambda: accounts(world).until_ns >= second.until_ns)
    assert body.resets > before and accounts(world).fault(first) == why and not accounts(world).fault(third)


def test_a_reset_by_hand_waits_for_the_end_of_an_emergency_stop(made):
    body = Throws(MirrorOptions(rate_limit=1e4))
    loop, world = made(body)
    world.answer = follow
    loop.begin()
    assert until(lambda: loop.tick > 5)
    loop.request(loop.guard.estop)
    loop.reset()
    assert until(lambda: "not reset" in world.words()) and body.resets == 1
    loop.request(loop.guard.resume)
    loop.reset()
    assert until(lambda: body.resets == 2)


def test_an_effector_in_the_place_of_another_is_led_to_the_commands_from_where_it_is(made):
    """No step is larger than the way over the time of the change, and no trial counts until it is over."""
    loop, world = made(ease_s=0.5)
    world.answer = lambda stamp, state: [command(stamp, NAMES, np.full(2, 0.675))] if stamp < 60 * DT_NS else []
    loop.begin()
    assert until(lambda: loop.tick == 60)
    applied = np.array([a for _, a in world.done])
    assert np.abs(np.diff(applied, axis=0, prepend=np.zeros((1, 2)))).max() <= 0.675 * 0.01 / 0.5 + 1e-9
    np.testing.assert_allclose(applied[49:], 0.675)
    account = loop.account.following(60 * DT_NS)
    assert "takes the place" in account.fault(trial(0, 10, 20)) and not account.fault(trial(0, 51, 60))


# -- what is imposed --------------------------------------------------------------------------------------------


def pushed(made, *entries, name="push", ticks=30):
    loop, world = made(effector=arm(), duration_s=ticks * 0.01, participants=("perturbation",))
    names = loop.guard.spec.command.names
    world.answer = lambda stamp, state: [command(stamp, names, np.zeros(6))]
    world.speak(PerturbationPlan(name, 10**12, 0, entries))
    loop.begin()
    assert until(lambda: loop.finished), world.words()
    return loop, world


def test_a_law_acts_in_its_window_and_is_measured(made):
    law = {"f": [3.0, 0.0, 0.0], "K": np.zeros((3, 3)).tolist(), "B": np.zeros((3, 3)).tolist()}
    loop, world = pushed(made, PerturbationEntry("endpoint", "law", law, 10 * DT_NS, 20 * DT_NS))
    load = np.array([state.load for _, state in world.published])[:, 0]
    assert not load[:11].any() and not load[21:].any()
    np.testing.assert_allclose(load[11:21], 3.0)


@pytest.mark.parametrize(
    "entry, sentence",
    [
        (
            PerturbationEntry("joint", "law", {"joints": ["tail"], "f": [1], "K": [[0]], "B": [[0]]}),
            "has no joint 'tail'",
        ),
        (PerturbationEntry("muscle", "strength", {"muscles": ["wing"], "strength": 0.5}), "has no muscle 'wing'"),
        (
            PerturbationEntry("endpoint", "law", {"f": [1, 2], "K": np.eye(2).tolist(), "B": np.eye(2).tolist()}),
            "3 dimensions",
        ),
        (PerturbationEntry("endpoint", "law", {"f": ["x"] * 3, "K": [[1]], "B": [[1]]}), "cannot be read"),
        (PerturbationEntry("endpoint", "wind", {}), "'wind' cannot act at the endpoint"),
    ],
)
def test_a_law_that_cannot_act_is_refused_aloud_and_the_trial_runs_without(made, entry, sentence):
    loop, world = pushed(made, entry, name="odd")
    assert "perturbation 'odd' is refused" in world.words()
    assert sentence in world.words() and loop.tick == 30 and not loop.error
    assert not np.array([state.load for _, state in world.published]).any()


def test_a_body_without_muscles_refuses_their_weakness(made):
    loop, world = made(duration_s=0.1, participants=("perturbation",))
    world.answer = follow
    world.speak(
        PerturbationPlan(
            "weak", 10**12, 0, (PerturbationEntry("muscle", "strength", {"muscles": [], "strength": 0.5}),)
        )
    )
    loop.begin()
    assert until(lambda: loop.finished)
    assert "'mirror' cannot apply a perturbation at its muscle; it can at: none" in world.words()


def test_a_body_that_fails_stops_and_says_so(made):
    class Broken(Mirror):
        def step(self, command, imposed):
            from myoprosthesis.core.errors import EffectorError

            raise EffectorError("the cable is off")

        def close(self):
            self.closed = True

    body = Broken(MirrorOptions())
    assert isinstance(body.spec, EffectorSpec)
    loop, world = made(effector=body)
    world.answer = follow
    loop.begin()
    assert until(lambda: loop.error == "the cable is off") and body.closed
    assert ("fatal", "the effector stops: the cable is off") in world.said


def test_while_a_party_is_waited_for_the_state_before_the_trial_is_said(made):
    """A policy must not answer at a trial's first tick the state from before its reset."""
    loop, world = made(participants=("task",))
    world.answer = follow
    loop.begin()
    world.speak(trial(0, 0, 5))
    assert until(lambda: loop.tick == 5) and still(loop, 0.25)
    said = [stamp for stamp, _ in world.published]
    assert said[-1] == 4 * said[1] and 5 * said[1] not in said
    world.speak(trial(1, 5, 9))
    assert until(lambda: loop.tick == 9)
    assert next(s for stamp, s in world.published if stamp == 5 * said[1]).time == 0.0  # put to its start


def test_simulated_time_may_begin_later(made):
    loop, world = made(participants=(), start_s=1.0)
    world.answer = follow
    loop.begin()
    assert until(lambda: loop.tick > 105)
    assert world.published[0][0] == 1_000_000_000


def test_latency_is_told_since_the_sample_was_taken_and_since_it_arrived(made):
    """EMG that was taken 40 ms before its command, and came in 10 ms before it."""
    loop, world = made(lockstep=False)

    def answer(stamp, state):
        taken = time.time_ns() - 40_000_000
        world.arrivals[taken] = taken + 30_000_000
        return [command(taken, NAMES, np.zeros(2))]

    world.answer = answer
    loop.begin()
    assert until(lambda: "latency_since_arrival_ms" in loop.statistics.summary())
    summary = loop.statistics.summary()
    taken, arrived = summary["latency_ms"]["p50"], summary["latency_since_arrival_ms"]["p50"]
    assert arrived >= 9.9 and taken >= 39.9 and taken - arrived == pytest.approx(30.0, rel=0.02)


def accounts(world):
    """What was said of following commands, the newest word."""
    return world.words_of_following[-1]


def test_a_trial_in_simulated_time_is_followed_to_its_end_and_that_is_said_before_its_last_state(made):
    loop, world = made(participants=("task",))
    world.answer, order = follow, []
    world.following = lambda said: order.append(("word", said.until_ns // DT_NS, said.held))
    publish = world.publish
    world.publish = lambda stamp, state: (order.append(("state", stamp // DT_NS)), publish(stamp, state))
    world.speak(trial(0, 0, 4), trial(1, 4, 7, last=True))
    loop.begin()
    assert until(lambda: loop.finished)
    words = [e for e in order if e[0] == "word"]
    assert words[-2:] == [("word", 4, ""), ("word", 7, "")]
    for end, state in ((4, 3), (7, 6)):
        assert order.index(("word", end, "")) < order.index(("state", state))


HOLDS = {
    "paused": (lambda loop: setattr(loop, "paused", True), lambda loop: setattr(loop, "paused", False)),
    "emergency stop": (lambda loop: loop.guard.estop(), lambda loop: loop.guard.resume()),
    "not active": (lambda loop: setattr(loop, "active", False), lambda loop: setattr(loop, "active", True)),
}


@pytest.mark.parametrize("why", HOLDS)
@pytest.mark.parametrize("lockstep", [True, False])
def test_what_holds_the_effector_costs_the_trial_that_runs_and_not_the_others(made, why, lockstep):
    patient = Mirror(MirrorOptions(rate_limit=1e4))
    patient.spec = replace(patient.spec, timeout_s=5.0)  # a busy machine is not what is tried here
    loop, world = made(patient, lockstep=lockstep)
    hold, release = HOLDS[why]
    latest = []

    def answer(stamp_ns, state):
        latest.append(stamp_ns)
        if lockstep and len(latest) > 3:
            time.sleep(0.01)
        return [command(stamp_ns, NAMES, np.zeros(2))]

    world.answer = answer
    loop.begin()
    assert until(lambda: len(latest) > 5 and world.words_of_following and not accounts(world).held)
    began = latest[-1] + 10 * DT_NS
    spans = [replace(trial(k, 0, 1), from_ns=began + k * 10 * DT_NS, until_ns=began + (k + 1) * 10 * DT_NS)
             for k in range(9)]  # fmt: skip
    world.speak(*spans)
    assert until(lambda: latest[-1] > began + 12 * DT_NS)
    loop.request(lambda: hold(loop))
    assert until(lambda: accounts(world).held == why)
    time.sleep(0.05)
    loop.request(lambda: release(loop))
    assert until(lambda: not accounts(world).held)
    assert until(lambda: accounts(world).until_ns >= spans[-1].until_ns, 10.0)
    faults = [accounts(world).fault(t) for t in spans]
    assert why in faults and faults[0] == faults[-1] == "" and set(faults) == {"", why}
    assert faults.index(why) in (1, 2, 3)


def test_in_real_time_a_trial_of_whose_start_the_effector_was_not_told_does_not_count(made):
    loop, world = made(lockstep=False)
    world.answer = lambda stamp, state: [command(stamp, NAMES, np.zeros(2))]
    loop.begin()
    assert until(lambda: len(world.published) > 5)
    now = world.published[-1][0]
    late = replace(trial(0, 0, 1), from_ns=now - 2 * DT_NS, until_ns=now + 200 * DT_NS)
    world.speak(late)
    assert until(lambda: accounts(world).fault(late))
    assert accounts(world).fault(late).startswith("the effector was told of it 0.0")
    next_one = replace(trial(1, 0, 1), from_ns=late.until_ns, until_ns=late.until_ns + 20 * DT_NS)
    world.speak(replace(late, label="its goals are others now"), next_one)
    assert until(lambda: accounts(world).until_ns >= next_one.until_ns)
    assert accounts(world).fault(next_one) == ""


@pytest.mark.parametrize("late_ticks", [3, 60])
def test_in_real_time_a_body_at_its_start_does_not_follow_what_was_meant_before(made, late_ticks):
    """It relaxes until the first answer to its new place, which costs the trial only where it comes too late."""
    loop, world = made(arm(), lockstep=False)
    names, begin = loop.guard.spec.command.names, []

    def answer(stamp, state):
        silent = begin and begin[0].from_ns - DT_NS <= stamp < begin[0].from_ns + late_ticks * DT_NS
        return [] if silent else [command(stamp, names, np.full(len(names), 0.25))]

    world.answer = answer
    loop.begin()
    assert until(lambda: len(world.done) > 20 and not accounts(world).held)
    now = world.published[-1][0]
    begin.append(replace(trial(0, 0, 1), from_ns=now + 10 * DT_NS, until_ns=now + 150 * DT_NS))
    world.speak(begin[0])
    assert until(lambda: accounts(world).until_ns >= begin[0].until_ns)
    placed = next(stamp for stamp, _ in world.published if stamp >= begin[0].from_ns)
    values = [applied.max() for stamp, applied in world.done if stamp >= placed]
    silent = next(k for k, value in enumerate(values) if value > 0)
    assert silent >= 1 and set(values[:silent]) == {0.0} and values[silent] == 0.25
    fault = accounts(world).fault(begin[0])
    assert fault.startswith("no command since") or "older than" in fault if late_ticks > 8 else fault == ""


@pytest.mark.parametrize("acts", [True, False])
def test_in_real_time_a_trial_whose_perturbation_was_told_too_late_does_not_count(made, acts):
    loop, world = made(arm(), lockstep=False)
    names = loop.guard.spec.command.names
    world.answer = lambda stamp, state: [command(stamp, names, np.zeros(len(names)))]
    loop.begin()
    assert until(lambda: len(world.published) > 5)
    span = {"from_ns": world.published[-1][0] + 5 * DT_NS, "until_ns": world.published[-1][0] + 30 * DT_NS}
    known = replace(trial(0, 0, 1), **span)
    world.speak(known)
    assert until(lambda: world.published[-1][0] > known.from_ns + 2 * DT_NS)
    law = {"f": [1.0, 0.0, 0.0], "K": np.zeros((3, 3)).tolist(), "B": np.zeros((3, 3)).tolist()}
    world.speak(replace(nothing(1), entries=(PerturbationEntry("endpoint", "law", law),) if acts else (), **span))
    assert until(lambda: accounts(world).until_ns >= known.until_ns)
    fault = accounts(world).fault(known)
    assert fault.startswith("the effector was told of its perturbation 0.0") if acts else fault == ""


def test_a_reset_by_hand_costs_the_trial_that_runs(made):
    loop, world = made(participants=("task",))
    world.answer = follow
    world.speak(trial(0, 0, 5))
    loop.begin()
    assert until(lambda: loop.tick == 5)
    world.speak(trial(1, 5, 9))
    assert until(lambda: loop.tick == 9)
    loop.reset()
    assert until(lambda: not loop._requests.qsize())
    world.speak(trial(2, 9, 12, last=True))
    assert until(lambda: loop.finished)
    assert [accounts(world).fault(trial(k, *t)) for k, t in enumerate([(0, 5), (5, 9), (9, 12)])] == [
        "", "", "reset by hand"
    ]  # fmt: skip


@pytest.mark.parametrize("lockstep", [True, False])
def test_a_second_writer_of_commands_is_named_and_not_obeyed(made, lockstep):
    loop, world = made(lockstep=lockstep)

    def answer(stamp, state):
        stamp = stamp if lockstep else time.time_ns()
        mine = command(stamp, NAMES, np.array([0.1, -0.1]), writer=b"policy")
        other = [command(stamp, NAMES, np.array([0.9, 0.9]), writer=b"teleop")] * 2
        return [mine] if len(world.done) < 5 else [other[0], mine, other[1]]

    world.answer = answer
    loop.begin()
    assert until(lambda: len(world.done) > 25)
    assert all(np.allclose(applied, [0.1, -0.1]) for _, applied in world.done[1:])
    assert loop.guard.events["second_writer"] > 10
    named = [text for _, text in world.said if "not obeyed" in text]
    assert named == ["/teleop publishes commands too and is not obeyed, since /policy does: stop one of them"]


def test_commands_that_stop_are_told_as_such(made):
    """Though the newest one was on its way for some of its age."""
    loop, world = made(lockstep=False)
    loop.begin()
    steady(world, loop, lambda: time.time_ns() - 30_000_000)
    assert until(lambda: loop.guard.reason)
    time.sleep(0.1)
    idle = [text for _, text in world.said if text.startswith("idle: the newest command is older")]
    assert set(idle) == {"idle: the newest command is older than 80 ms: no other has come since"}


def test_a_command_without_a_stamp_is_told_as_such(made):
    loop, world = made(lockstep=False)
    loop.begin()
    steady(world, loop, lambda: 0)
    assert "it has no stamp (header.stamp is 0)" in loop.guard.reason


def test_a_slower_policy_is_held_for_as_long_as_its_contract_says(made):
    """A command each 0.2 s whose contract allows 0.6 s is followed without a break; one that allows more than a second
    gets a second; a limit that a person set stays."""
    loop, world = made(lockstep=False)
    loop.meet_policy(0.6, extends=True)
    assert loop.guard.timeout_s == 0.6 and loop.deadline_s == 0.6
    loop.begin()
    for _ in range(4):
        world.send(command(time.time_ns(), NAMES, np.array([0.3, -0.3])))
        time.sleep(0.2)
    assert loop.guard.events["stale"] == 0 and loop.statistics.ticks > 10
    loop.meet_policy(60.0, extends=True)
    assert loop.guard.timeout_s == 1.0 and "60 s old" in world.words()
    loop.meet_policy(0.02, extends=True)
    assert loop.guard.timeout_s == loop.guard.spec.timeout_s
    loop.meet_policy(0.6, extends=False)
    assert loop.guard.timeout_s == loop.guard.spec.timeout_s
