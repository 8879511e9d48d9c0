"""The shared checks let ours pass, and stop what must not pass."""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from myoprosthesis.core import registry, share
from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.goal import ConstantGoal, OrbitGoal
from myoprosthesis.core.leg_names import PLACES
from myoprosthesis.core.observation_term import Term
from myoprosthesis.core.observation_terms import ChannelsOptions, ChannelsTerm
from myoprosthesis.core.options import build
from myoprosthesis.core.trial_record import TrialResult
from myoprosthesis.effectors.baoding_hand import BaodingHandOptions, baoding_hand
from myoprosthesis.effectors.bodies import myohand
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.perturbations import field_kinds
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.tasks import listed
from myoprosthesis.tasks.hold import Hold
from myoprosthesis.tasks.reachable_postures import TIPS
from myoprosthesis.tasks.reaching import ReachOptions
from myoprosthesis.testing import check_effector, check_perturbation, check_policy, check_task, check_term

SECONDS = {"arm26": 60.0, "point_mass": 60.0, "mirror": 60.0, "myoelbow": 60.0}
NEEDED = {"joint_load": {"joints": ["shoulder", "elbow"], "torque": 1.0}}


def mirror():
    return Mirror(MirrorOptions())


ELSEWHERE = {"mjcf", *registry.names("hand_protocols")}
"""Effectors that need something outside: a model, a port (test_hands)."""


@pytest.mark.parametrize("name", [n for n in registry.names("effectors") if n not in ELSEWHERE])
def test_every_shipped_effector_passes(name):
    make, options = registry.factory("effectors", name), registry.options("effectors", name)
    check_effector(lambda: make(options()), SECONDS.get(name, 20.0))


@pytest.mark.parametrize("name", registry.names("perturbations"))
def test_every_perturbation_passes(name):
    options = build(registry.options("perturbations", name), NEEDED.get(name, {}))
    check_perturbation(registry.factory("perturbations", name), options)


def legs():
    """The body that the task `walk` is for, with what it observes."""
    options = registry.options("effectors", "myolegs")
    return registry.factory("effectors", "myolegs")(options(observed_sites=PLACES))


HAND = "ability_hand_model"
BODIES = {
    "baoding": lambda: baoding_hand(BaodingHandOptions()),
    "hand_posture": lambda: myohand(BodyOptions()),
    "hand_reach": lambda: myohand(BodyOptions(observed_sites=TIPS)),
    "walk": legs,
    "goal_walk": legs,
    "grip_targets": lambda: registry.factory("effectors", HAND)(registry.options("effectors", HAND)()),
}
"""The body of a task that is done by one body alone."""


@cache
def spec_of(task):
    """The specification of the one body by which a task is done."""
    return BODIES[task]().spec


def options_of(task):
    return {f.name for f in fields(registry.options("tasks", task))}


CHECKED = [
    (task, between)
    for task in registry.names("tasks")
    for between in ("reset", "return")
    if between == "reset" or "between" in options_of(task)
]


@pytest.mark.parametrize(("name", "between"), CHECKED)
def test_every_task_passes(name, between, tmp_path):
    listed.write(tmp_path / "list.csv", [listed.Reach(0.1, 0.0), listed.Reach(0.0, 0.1, 1.0, 0.5, "never")])
    own = {"file": str(tmp_path / "list.csv")} if name == "listed" else {"catch_rate": 0.3}
    values = {"between": between, **own, **({"trial_s": 2.0} if name in ("walk", "goal_walk") else {})}
    options = build(registry.options("tasks", name), {k: v for k, v in values.items() if k in options_of(name)})
    check_task(registry.factory("tasks", name)(options), **({"spec": spec_of(name)} if name in BODIES else {}))


class Sends(Hold):
    """Has a figure that cannot be sent."""

    def judge(self, record):
        return TrialResult(True, {"score": float("nan")})


class Draws(Hold):
    """Judges by chance."""

    def judge(self, record):
        return TrialResult(None, {"score": float(np.random.default_rng().random())})


class WantsMore(Hold):
    def needs(self, spec):
        return ("third/eye",)


class Strays(Hold):
    """Has a goal on a channel that it does not name."""

    def plan(self, trial, from_ns):
        return replace(super().plan(trial, from_ns), goals=(ConstantGoal({"ball/x": 0.1}),))


class Elsewhere(Hold):
    """Its target is not where its goal begins."""

    channels = {**Hold.channels, "target/phase": "rad"}

    def plan(self, trial, from_ns):
        return replace(super().plan(trial, from_ns), goals=(OrbitGoal((0.0, 0.0, 0.0), (0.1, 0.1), 1.0),))


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (Sends, "cannot be sent"),
        (Draws, "judged otherwise the second time"),
        (WantsMore, "needs 'third/eye', which effector 'checked' does not have"),
        (Strays, "'ball/x', which `channels` does not name"),
        (Elsewhere, "not where the goal begins"),
    ],
)
def test_a_task_that_breaks_the_protocol_is_stopped(bad, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_task(bad(ReachOptions()))


TERM_OPTIONS = {
    "channels": {"channels": ["a", "b"], "delay_s": 0.05},
    "history": {"channels": ["a", "b"], "steps": 3, "every_s": 0.02},
    "difference": {"a": ["a"], "b": ["b"]},
    "root_relative": {"places": ["ball"], "delay_s": 0.01},
    "goal": {"channels": ["target/x"]},
    "goal_ahead": {"channels": ["target/x"], "ahead_s": [0.0, 0.3]},
    "carried": {"places": ["target1", "target2"], "frame": "palm", "minus": ["ball1", "ball2"]},
    "previous_action": {"channels": ["m"]},
    "phase": {"harmonics": 3},
    "upright": {},
    "level_velocity": {"forward_deg": 30.0},
    "bearing": {"forward_deg": -90.0},
    "way": {},
}


@pytest.mark.parametrize("kind", registry.names("terms"))
def test_every_term_passes(kind):
    check_term(kind, TERM_OPTIONS[kind])


class Sound(ChannelsTerm):
    def __init__(self, options: ChannelsOptions) -> None:
        super().__init__(options)


class Remembers(Sound):
    """Counts its calls."""

    calls = 0

    def observe(self, past):
        self.calls += 1
        return super().observe(past) * self.calls


class ReadsMore(Sound):
    """Reads a channel that it does not name."""

    def observe(self, past):
        return super().observe(past) + past.state(("another/channel",))


class IsLarger(Sound):
    def observe(self, past):
        return np.append(super().observe(past), 0.0)


class Divides(Sound):
    def observe(self, past):
        with np.errstate(all="ignore"):
            return super().observe(past) / 0.0


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (Remembers, "remembers something itself"),
        (ReadsMore, "does not name in `inputs`"),
        (IsLarger, "could not broadcast|its size is"),
        (Divides, "not finite"),
    ],
)
def test_a_term_that_must_not_pass_is_stopped(bad, sentence, monkeypatch):
    known = registry.factory
    monkeypatch.setattr(registry, "factory", lambda kind, name: bad if name == "bad" else known(kind, name))
    with pytest.raises((AssertionError, ValueError), match=sentence):
        check_term("bad", {"channels": ["a"]})


SHIPPED = sorted((share.root() / "policies").glob("*/policy.onnx"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_every_shipped_policy_passes(path):
    check_policy(lambda: OnnxPolicy(path))


class SharesItsState(Mirror):
    """Hands out the same table each time."""

    def _state(self, velocity):
        state = super()._state(velocity)
        self._kept = getattr(self, "_kept", state.table)
        self._kept[:] = state.table
        return replace(state, table=self._kept)


class KeepsTheCommand(Mirror):
    def step(self, command, imposed):
        return replace(super().step(command, imposed), applied=command)


class GoesNan(Mirror):
    def step(self, command, imposed):
        state = super().step(command, imposed)
        return replace(state, table=state.table * (np.nan if state.time > 5.0 else 1.0))


class Drifts(Mirror):
    """Does not forget at reset."""

    offset = 0.0

    def reset(self, seed=0):
        Drifts.offset += 1e-12
        return super().reset(seed)

    def step(self, command, imposed):
        state = super().step(command, imposed)
        return replace(state, table=state.table + self.offset)


class StandsStill(Mirror):
    def step(self, command, imposed):
        return replace(super().step(command, imposed), time=0.0)


class IgnoresLoads(Mirror):
    """Says that it takes loads at the joints, and does not."""

    def __init__(self, options):
        super().__init__(options)
        self.spec = replace(self.spec, sites=("joint",))

    def _state(self, velocity):
        return replace(super()._state(velocity), joint_load=np.zeros(velocity.size))


class LacksAColumn(Mirror):
    def _state(self, velocity):
        state = super()._state(velocity)
        return replace(state, table=state.table[:, :-1])


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (SharesItsState, "changes after it was returned"),
        (KeepsTheCommand, "the caller's own array"),
        (GoesNan, "not finite"),
        (Drifts, "outlives|other states"),
        (StandsStill, "moved time by"),
        (IgnoresLoads, "is reported as"),
        (LacksAColumn, "has shape"),
    ],
)
def test_an_effector_that_must_not_pass(bad, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_effector(lambda: bad(MirrorOptions()))


def test_a_perturbation_that_must_not_pass():
    def early(options, trial):
        return (replace(field_kinds.curl(options, trial)[0], from_ns=trial.from_ns - 1),)

    def different(options, trial):
        return field_kinds.curl(replace(options, gain=float(np.random.default_rng().random())), trial)

    def malformed(options, trial):
        return (options.entry(trial, "endpoint", "law", {"f": [0.0, 0.0, 0.0]}),)

    for bad, sentence in ((early, "before its trial"), (different, "another plan"), (malformed, "no effector can")):
        with pytest.raises(AssertionError, match=sentence):
            check_perturbation(bad, field_kinds.CurlOptions())


def test_a_task_that_must_not_pass():
    class Counting(Hold):
        count = 0

        def plan(self, trial, from_ns):
            self.count += 1
            return replace(super().plan(trial, from_ns), target=(0.001 * self.count, 0.0, 0.0))

    class GoesBeforeItBegins(Hold):
        def plan(self, trial, from_ns):
            return replace(super().plan(trial, from_ns), go_ns=from_ns - 1)

    for bad, sentence in ((Counting, "planned again"), (GoesBeforeItBegins, "go signal")):
        with pytest.raises(AssertionError, match=sentence):
            check_task(bad(ReachOptions()))


class Leaky:
    """A small recurrent policy: a leaky integrator of its observation."""

    contract = Contract(
        name="leaky",
        effector="mirror",
        observation=(Term("joints", ("joint1", "joint2")),),
        dt=0.01,
        action=Channels("position", ("joint1", "joint2"), "rad", (-1.0, -1.0), (1.0, 1.0)),
        hidden=(("h", (1, 2)),),
    )

    def __init__(self):
        self.hidden = np.zeros(2, np.float32)

    def reset(self):
        self.hidden = np.zeros(2, np.float32)

    def step(self, observation):
        self.hidden = 0.9 * self.hidden + 0.1 * observation
        return np.tanh(self.hidden).astype(float)


def test_a_policy_passes_and_others_must_not():
    class NeverForgets(Leaky):
        def reset(self):
            pass

    class Short(Leaky):
        def step(self, observation):
            return super().step(observation)[:1]

    class Spoils(Leaky):
        def step(self, observation):
            observation *= 2
            return super().step(observation)

    check_policy(Leaky)
    for bad, sentence in ((NeverForgets, "reset"), (Short, "shape"), (Spoils, "changes the observation")):
        with pytest.raises(AssertionError, match=sentence):
            check_policy(bad)
