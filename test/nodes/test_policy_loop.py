"""The policy's loop with the world in memory: what it answers, and under which stamp."""

import threading
import time

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ContractError
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.observation_term import Term
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.trial_plan import TASK_CHANNELS, TASK_UNITS, TrialPlan
from myoprosthesis.nodes.policy_loop import PolicyLoop, switcher_for

DT_NS = 10_000_000
SPEC = EffectorSpec(
    "arm", 0.01, Channels("effort", ("a", "b"), "1", (0.0, 0.0), (1.0, 1.0)), ("elbow",), ("a", "b"), "tip"
)
ZERO = (0.0, 0.0, 0.0)


class Echo:
    """Its action is what it sees of the endpoint's x, and how often it was asked since the trial's start."""

    def __init__(self, gain=1.0, term="vision", delay_s=0.0, seen=("endpoint/x", "endpoint/y")):
        observation = (Term(term, seen, delay_s=delay_s), Term("goal", ("target/x", "go")))
        self.contract = Contract(
            "echo", "arm", observation, Channels("effort", ("b", "a"), "1", (0.0, 0.0), (1.0, 1.0)), 0.01
        )
        self.gain, self.count, self.seen, self.hidden = gain, 0, [], np.zeros(0, np.float32)

    def reset(self):
        self.count = 0

    def step(self, observation):
        self.count += 1
        self.seen.append(observation.copy())
        return np.array([self.count * 0.001, self.gain * observation[0]])


class World:
    def __init__(self):
        self.lock = threading.Lock()
        self.came, self.spoken, self.commands, self.said = [], [], [], []
        self.followed, self.announcing = None, {"task", "perturbation"}

    def wait(self, timeout_s):
        time.sleep(0.001)

    def _emptied(self, box):
        with self.lock:
            out, box[:] = list(box), []
        return out

    def states(self):
        return self._emptied(self.came)

    def plans(self):
        return self._emptied(self.spoken)

    def goal(self):
        return self.followed

    def hears(self, participants):
        return set(participants) <= self.announcing

    def command(self, stamp_ns, command):
        self.commands.append((stamp_ns, command.copy()))

    def updated(self, stamp_ns, switcher):
        pass

    def say(self, level, text):
        self.said.append(text)

    def show(self, *frames):
        with self.lock:
            self.came.extend(frames)

    def speak(self, *plans):
        with self.lock:
            self.spoken.extend(plans)


def frame(tick, x=0.5, y=0.25, names=SPEC.channels):
    values = dict.fromkeys(SPEC.channels, 0.0) | {"endpoint/x": x, "endpoint/y": y}
    row = np.array([values.get(n, 0.0) for n in names])
    return JointStateFrame(tick * DT_NS, names, row, np.zeros(row.size), np.zeros(row.size))


def trial(k, from_tick, until_tick, **more):
    return TrialPlan(k, from_tick * DT_NS, until_tick * DT_NS, ZERO, (0.1, 0.0, 0.0), from_tick * DT_NS, **more)


def imposed(until_tick, *entries, from_tick=0):
    return PerturbationPlan("odd", until_tick * DT_NS, 0, entries, from_tick * DT_NS)


@pytest.fixture
def made():
    loops = []

    def make(policy=None, blend_s=0.0, units=TASK_UNITS, **options):
        world, switcher = World(), switcher_for(SPEC, blend_s, units)
        switcher.switch(switcher.fit("echo", policy or Echo()))
        loop = PolicyLoop(switcher, world, **{"lockstep": True, "participants": (), **options})
        loop.active = True
        loop.failed = []

        def thread(work):
            def watched():
                try:
                    work()
                except BaseException as error:
                    loop.failed.append(error)

            t = threading.Thread(target=watched, daemon=True)
            t.start()
            return t

        loop.start(thread)
        loops.append(loop)
        return loop, world

    yield make
    for loop in loops:
        loop.stop()
        assert not loop.failed


def until(done, seconds=60.0):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.002)
    return done()


def play(world, ticks, **more):
    """Show states one by one, each after the answer to the last."""
    for tick in ticks:
        n = len(world.commands)
        world.show(frame(tick, **more))
        assert until(lambda n=n: len(world.commands) > n), world.said


def test_each_state_is_answered_once_under_its_stamp(made):
    _, world = made()
    play(world, range(5))
    assert [s for s, _ in world.commands] == [k * DT_NS for k in range(5)]
    world.show(frame(4))  # said again
    assert until(lambda: len(world.commands) == 6)
    assert world.commands[5][0] == world.commands[4][0]
    assert world.commands[5][1].tolist() == world.commands[4][1].tolist() == pytest.approx([0.5, 0.005])


def test_a_followed_goal_is_observed_and_without_one_there_is_no_command(made):
    units = {**TASK_UNITS, "target/elbow": "rad"}
    policy = Echo(seen=("target/elbow", "elbow"))
    loop, world = made(policy, units=units, task_channels=tuple(units), followed=True, lockstep=False)
    world.show(frame(0))
    assert until(lambda: not world.came) and not until(lambda: world.commands, 0.1)
    world.followed = JointStateFrame(0, ("wrist", "elbow"), *np.array([[0.1, 0.7], [0.0, 0.0], [0.0, 0.0]]))
    play(world, range(1, 3))
    assert [c[0] for _, c in world.commands] == pytest.approx([0.7, 0.7])
    assert loop.statistics.summary()["goal_age_ms"]["p50"] > 0
    world.followed = JointStateFrame(0, ("wrist",), *np.zeros((3, 1)))
    world.show(frame(3))
    assert until(lambda: world.said) and "the goal follows has no elbow" in world.said[0]


def test_two_orders_of_names_are_the_same_state(made):
    _, world = made()
    play(world, range(3))
    play(world, range(3, 6), names=SPEC.channels[::-1])
    play(world, range(6, 9))
    assert [c[0] for _, c in world.commands] == pytest.approx([0.5] * 9)


@pytest.mark.parametrize(
    "bad, sentence",
    [
        (frame(1, names=SPEC.channels[:-1]), "'endpoint/z' is wanted but not there"),
        (frame(1, names=(*SPEC.channels, "tail")), "'tail' is there but not wanted"),
        (JointStateFrame(DT_NS, SPEC.channels, np.zeros(2), np.zeros(2), np.zeros(2)), "all must be filled"),
        (JointStateFrame(DT_NS, SPEC.channels, np.zeros(8), np.zeros(0), np.zeros(0)), "all must be filled"),
    ],
)
def test_a_state_that_cannot_be_read_is_said_once_and_the_next_is_answered(made, bad, sentence):
    loop, world = made()
    play(world, range(1))
    for _ in range(5):
        world.show(bad)
    assert until(lambda: world.said)
    play(world, range(2, 4))
    assert sum(sentence in text for text in world.said) == len(world.said) == 1 and len(world.commands) == 3


def test_no_state_is_answered_before_every_party_has_spoken(made):
    _, world = made(participants=("task", "perturbation"))
    world.show(frame(0))
    world.speak(imposed(10))
    time.sleep(0.05)
    assert not world.commands
    world.speak(trial(0, 0, 10))
    assert until(lambda: world.commands)
    world.show(frame(10))
    time.sleep(0.05)
    assert len(world.commands) == 1
    world.speak(trial(1, 10, 20), imposed(20, from_tick=10))
    assert until(lambda: len(world.commands) == 2)


def test_memory_begins_anew_with_each_trial_even_of_the_same_number(made):
    _, world = made(participants=("task",))
    world.speak(trial(0, 0, 5), trial(0, 5, 8), trial(1, 8, 20))
    play(world, range(10))
    assert [round(c[1] * 1000) for _, c in world.commands] == [1, 2, 3, 4, 5, 1, 2, 3, 1, 2]


def test_the_goal_is_the_tasks_or_to_stay(made):
    policy = Echo()
    _, world = made(policy)
    play(world, range(1))
    world.speak(TrialPlan(0, DT_NS, 9 * DT_NS, ZERO, (0.1, 0.2, 0.0), 3 * DT_NS))
    play(world, range(1, 5))
    assert [s[2:].tolist() for s in policy.seen] == [
        pytest.approx(v, abs=1e-6) for v in ([0.5, 0], [0.1, 0], [0.1, 0], [0.1, 1], [0.1, 1])
    ]
    assert TASK_CHANNELS[0] == "target/x"


def test_inactive_means_silent_but_listening(made):
    loop, world = made(lockstep=False)
    loop.active = False
    world.show(*(frame(k) for k in range(5)))
    assert until(lambda: loop.switcher.active.policy.count == 5) and not world.commands
    loop.active = True
    play(world, range(5, 6))
    assert world.commands[0][1][1] == pytest.approx(0.006)


def test_in_real_time_only_the_newest_state_is_answered(made):
    loop, world = made(lockstep=False)
    world.show(*(frame(k) for k in range(7)))
    assert until(lambda: world.commands)
    assert until(lambda: loop.switcher.active.policy.count == 7)
    assert world.commands[-1][0] == 6 * DT_NS and len(world.commands) <= 2


@pytest.mark.parametrize("lockstep", [False, True])
def test_a_trial_of_whose_start_the_policy_was_not_told_is_said_once(made, lockstep):
    loop, world = made(lockstep=lockstep)
    unaware = []
    loop.on_unaware = unaware.append
    world.speak(trial(0, 2, 6))
    play(world, range(9))
    world.speak(trial(1, 7, 20))
    play(world, range(9, 12))
    world.speak(trial(1, 7, 20, label="its goals are others now"), trial(2, 20, 30))
    play(world, range(12, 24))
    assert unaware == ([] if lockstep else ["the policy was told of it 0.01 s after its start"])


def test_so_is_one_whose_perturbation_of_the_policy_came_late(made):
    loop, world = made(lockstep=False)
    unaware = []
    loop.on_unaware = unaware.append
    world.speak(trial(0, 1, 20))
    play(world, range(4))
    world.speak(imposed(20, PerturbationEntry("endpoint", "law", {}), from_tick=1))
    play(world, range(4, 6))
    assert not unaware
    world.speak(imposed(20, PerturbationEntry("observation", "delay", {"vision": 0.03}), from_tick=2))
    play(world, range(6, 8))
    assert unaware == ["the policy was told of its perturbation 0.03 s after its start"]


def test_in_real_time_nothing_is_commanded_before_what_is_announced_can_be_heard(made):
    loop, world = made(lockstep=False, participants=("task", "perturbation"))
    world.announcing.discard("task")
    world.show(*(frame(k) for k in range(4)))
    assert until(lambda: loop.switcher.active.policy.count == 4) and not world.commands
    world.announcing.add("task")
    play(world, range(4, 5))
    world.announcing.clear()
    play(world, range(5, 7))
    assert [stamp // DT_NS for stamp, _ in world.commands] == [4, 5, 6]


def swap(loop, policy, name="new"):
    controller = loop.switcher.fit(name, policy)
    ended = []
    loop.switch(controller, lambda: ended.append("done"), ended.append)
    return ended


def test_in_lockstep_a_swap_begins_with_the_next_trial(made):
    loop, world = made(participants=("task",))
    world.speak(trial(0, 0, 5), trial(1, 5, 20))
    play(world, range(2))
    ended = swap(loop, Echo(gain=-1.0))
    play(world, range(2, 8))
    assert ended == ["done"]
    assert [c[0] for _, c in world.commands] == pytest.approx([0.5] * 5 + [0.0] * 3)  # −0.5, clipped


def test_in_real_time_at_once(made):
    loop, world = made(lockstep=False)
    play(world, range(2))
    ended = swap(loop, Echo(gain=2.0))
    play(world, range(2, 4))
    assert ended == ["done"] and world.commands[-1][1][0] == pytest.approx(1.0)


def test_swaps_in_a_crowd_are_done_one_after_the_other(made):
    loop, world = made(lockstep=False, blend_s=0.05)
    play(world, range(2))
    ended = [swap(loop, Echo(gain=g), str(g)) for g in (0.2, 0.4, 0.6)]
    play(world, range(2, 30))
    assert ended == [["done"]] * 3 and loop.switcher.active.name == "0.6"
    assert world.commands[-1][1][0] == pytest.approx(0.3)
    assert loop.switcher.step_over_bound <= 1e-9


# -- what is done to the observation ----------------------------------------------------------------------------


def test_a_rotation_turns_what_is_seen(made):
    policy = Echo()
    _, world = made(policy)
    quarter = {"angle_rad": np.pi / 2, "centre": [0.5, 0.0]}
    world.speak(imposed(99, PerturbationEntry("observation", "rotation", quarter, 2 * DT_NS)))
    play(world, range(4))
    assert policy.seen[1][:2].tolist() == pytest.approx([0.5, 0.25])
    assert policy.seen[2][:2].tolist() == pytest.approx([0.25, 0.0], abs=1e-6)


def test_a_rotation_and_a_noise_rise_along_their_ramp(made):
    policy = Echo()
    _, world = made(policy)
    quarter = {"angle_rad": np.pi / 2, "centre": [0.5, 0.0]}
    world.speak(imposed(99, PerturbationEntry("observation", "rotation", quarter, 2 * DT_NS, None, 0.04)))
    play(world, range(9))
    angles = np.array([0, 0, 0, 1, 2, 3, 4, 4, 4]) / 4 * np.pi / 2
    seen = np.array(policy.seen)[:, :2]
    radius = np.hypot(*(seen[0] - [0.5, 0.0]))
    np.testing.assert_allclose(np.hypot(*(seen - seen[0]).T), 2 * radius * np.sin(angles / 2), atol=1e-6)

    def spread(ramp_s):
        echo = Echo()
        _, own = made(echo)
        own.speak(imposed(999, PerturbationEntry("observation", "noise", {"vision": 0.01}, 0, None, ramp_s)))
        play(own, range(200))
        return np.array(echo.seen)[:, :2] - [0.5, 0.25]

    whole, risen = spread(0.0), spread(2.0)
    assert risen[:20].std() < 0.3 * whole[:20].std() and risen[180:].std() > 0.8 * whole[180:].std()


def test_what_is_refused_on_a_ramp_is_said_once(made):
    _, world = made(Echo())
    world.speak(imposed(99, PerturbationEntry("observation", "noise", {"smell": 0.02}, 0, None, 0.05)))
    play(world, range(9))
    assert len(world.said) == 1 and "observes no 'smell'" in world.said[0]


def test_rotations_add(made):
    policy = Echo()
    _, world = made(policy)
    half = PerturbationEntry("observation", "rotation", {"angle_rad": np.pi / 4, "centre": [0.5, 0.0]})
    world.speak(imposed(99, half, half))
    play(world, range(1))
    assert policy.seen[0][:2].tolist() == pytest.approx([0.25, 0.0], abs=1e-6)


def test_a_delay_shows_the_past(made):
    policy = Echo()
    _, world = made(policy)
    world.speak(imposed(99, PerturbationEntry("observation", "delay", {"vision": 0.03})))
    for k in range(10):
        play(world, [k], x=k / 100)
    assert [s[0] for s in policy.seen] == pytest.approx([0, 0, 0, *(k / 100 for k in range(7))])


def test_noise_belongs_to_its_trial_and_seed(made):
    def seen(seed):
        policy = Echo()
        _, world = made(policy, seed=seed, participants=("task",))
        world.speak(trial(0, 0, 5), trial(1, 5, 10))
        world.speak(imposed(99, PerturbationEntry("observation", "noise", {"vision": 0.01})))
        play(world, range(10))
        return np.array(policy.seen)

    a, b, c = seen(0), seen(0), seen(1)
    np.testing.assert_array_equal(a, b)
    assert np.abs(a[:, :2] - c[:, :2]).max() > 0 and 0.003 < a[:, :2].std(axis=0).mean() < 0.03
    assert np.abs(a[:5, :2] - a[5:, :2]).min() > 0  # each trial its own
    assert np.ptp(a[:, 2]) == 0


REFUSED = {
    "no angle": (PerturbationEntry("observation", "rotation", {"centre": [0, 0]}), "'angle_rad'"),
    "no centre": (PerturbationEntry("observation", "rotation", {"angle_rad": 1.0}), "'centre'"),
    "an angle of words": (
        PerturbationEntry("observation", "rotation", {"angle_rad": "much", "centre": [0, 0]}),
        "angle_rad",
    ),
    "a flat centre": (PerturbationEntry("observation", "rotation", {"angle_rad": 1.0, "centre": 3}), "centre"),
    "not finite": (
        PerturbationEntry("observation", "rotation", {"angle_rad": float("nan"), "centre": [0, 0]}),
        "not finite",
    ),
    "delay of an unknown term": (PerturbationEntry("observation", "delay", {"smell": 0.02}), "observes no 'smell'"),
    "noise of an unknown term": (PerturbationEntry("observation", "noise", {"smell": 0.02}), "observes no 'smell'"),
    "no whole period": (PerturbationEntry("observation", "delay", {"vision": 0.015}), "0.015"),
    "too long": (PerturbationEntry("observation", "delay", {"vision": 5.0}), "at most"),
    "negative": (PerturbationEntry("observation", "delay", {"vision": -0.01}), "0 or more"),
    "no number": (PerturbationEntry("observation", "noise", {"vision": None}), "a number for each term"),
    "unknown kind": (PerturbationEntry("observation", "fog", {}), "'fog' cannot act"),
}


@pytest.mark.parametrize("entry, sentence", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_once_and_the_rest_goes_on(made, entry, sentence):
    policy = Echo()
    loop, world = made(policy)
    world.speak(imposed(99, entry, PerturbationEntry("observation", "delay", {"vision": 0.01})))
    for k in range(6):
        play(world, [k], x=k / 100)
    assert [s[0] for s in policy.seen] == pytest.approx([0, 0, 0.01, 0.02, 0.03, 0.04])  # the sound entry acts
    assert len(world.said) == 1 and sentence in world.said[0] and "goes on without it" in world.said[0], world.said


def test_a_rotation_of_what_the_policy_does_not_see_is_refused(made):
    class Blind(Echo):
        def __init__(self):
            super().__init__()
            c = self.contract
            self.contract = Contract("blind", "arm", (Term("joint", ("elbow",)),), c.action, 0.01)

    _, world = made(Blind())
    world.speak(imposed(99, PerturbationEntry("observation", "rotation", {"angle_rad": 1.0, "centre": [0, 0]})))
    play(world, range(3))
    assert len(world.said) == 1 and "does not see the endpoint" in world.said[0]


def test_the_refusal_is_said_again_in_the_next_trial(made):
    _, world = made(participants=("task",))
    world.speak(trial(0, 0, 5), trial(1, 5, 9))
    for k in (0, 5):
        bad = PerturbationEntry("observation", "delay", {"smell": 0.01}, k * DT_NS)
        world.speak(imposed(k + 5, bad, from_tick=k))
    play(world, range(8))
    assert len(world.said) == 2


class Breaking(Echo):
    """Answers some times, then never again, and says why."""

    broken = ""

    def __init__(self, answers):
        super().__init__()
        self.left = answers

    def step(self, observation):
        self.left -= 1
        if self.left < 0:
            self.broken = "it did not answer"
            raise ContractError(self.broken)
        return super().step(observation)


@pytest.mark.parametrize("lockstep", [False, True])
@pytest.mark.parametrize("blend_s", [0.0, 0.05])
def test_a_policy_that_answers_no_more_is_let_go_of_and_the_next_one_is_played(made, lockstep, blend_s):
    loop, world = made(Breaking(3), blend_s, lockstep=lockstep, participants=("task",) if lockstep else ())
    lost, done, ticks = [], [], iter(range(10_000))
    loop.on_lost = lambda error: lost.append((error.policy, str(error)))
    world.speak(trial(0, 0, 10_000))

    def on(n):
        for _ in range(n):
            world.show(frame(next(ticks)))
            until(lambda: not world.came)
            time.sleep(0.003)

    on(6)
    assert lost == [("echo", "it did not answer")] and loop.switcher.current is None and len(world.commands) == 3
    loop.switch(loop.switcher.fit("second", Echo()), lambda: done.append(1), done.append)
    on(6)
    assert done == [1] and loop.switcher.name == "second" and len(world.commands) > 3
    before = len(world.commands)
    on(3)
    assert len(world.commands) == before + 3


def test_one_that_breaks_while_it_is_faded_in_leaves_the_one_before_it_playing(made):
    loop, world = made(Echo(), 1.0, lockstep=False)
    lost, done, ticks = [], [], iter(range(10_000))
    loop.on_lost = lambda error: lost.append((error.policy, str(error)))

    def on(n):
        for _ in range(n):
            world.show(frame(next(ticks)))
            until(lambda: not world.came)
            time.sleep(0.003)

    on(2)
    coming = Breaking(30)
    loop.switch(loop.switcher.fit("second", coming), lambda: done.append(1), done.append)
    on(40)
    assert done == [1] and lost == [("second", "it did not answer")]
    assert loop.switcher.name == "echo" and not loop.switcher.fading and loop.switcher.previous is None
    before = len(world.commands)
    on(3)
    assert len(world.commands) == before + 3
