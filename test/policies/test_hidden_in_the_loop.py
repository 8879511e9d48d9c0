"""The hidden state of a shipped policy disturbed while it moves the arm: planner, message, loop, policy and body."""

from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from onnx import helper

from myoprosthesis.core import share
from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.errors import ContractError
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.nodes.policy_loop import PolicyLoop, switcher_for
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner, Preset
from myoprosthesis.policies.onnx_policy import OnnxPolicy

FILE = share.root() / "policies" / "reach_null" / "policy.onnx"
STEPS, DT_NS = 80, 10_000_000


class World:
    """What the loop says; what it hears is put in by hand."""

    def __init__(self):
        self.commands, self.said = [], []

    def command(self, stamp_ns, command):
        self.commands.append(command.copy())

    def updated(self, stamp_ns, switcher):
        pass

    def say(self, level, text):
        self.said.append(text)


class Moved:
    """One reach of 0.8 s: paths and commands, what was said, the states of the network."""

    def __init__(self, *kinds, policy=None, shadow=None, come=None):
        body = bodies.arm26(BodyOptions())
        home = np.array(body.spec.home)
        target = home + [0.06, 0.08, 0.0]
        trial = TrialPlan(0, 0, STEPS * DT_NS, tuple(home), tuple(target), ns(0.1))
        planner = Planner(presets.load(kinds[0]) if kinds and isinstance(kinds[0], str) else Preset("p", kinds=kinds))
        switcher, world = switcher_for(body.spec, 0.0), World()
        switcher.switch(switcher.fit("reach", policy or OnnxPolicy(FILE)))
        switcher.shadow = switcher.fit("shadow", shadow) if shadow is not None else None
        loop = PolicyLoop(switcher, world, lockstep=True, participants=())
        loop.active = True
        loop._trials.add(trial)
        loop._perturbations.add(PerturbationPlan.from_json(planner.plan(trial).to_json()))
        state, path, hidden = body.reset(0), [], []
        for k in range(STEPS):
            if come is not None and k == come[0]:
                controller = switcher.fit("come", come[1])
                switcher.replay_history(controller)
                switcher.shadow = controller
            loop._tick(JointStateFrame(k * DT_NS, body.spec.channels, *state.table), newest=True)
            hidden.append(switcher.active.policy.hidden)
            state = body.step(world.commands[-1], NO_DISTURBANCE)
            path.append(state.endpoint_position[:2])
        self.path, self.commands, self.hidden = np.array(path), np.array(world.commands), np.array(hidden)
        self.said, self.switcher = world.said, switcher


@cache
def plain():
    return Moved()


def same(a, b):
    return all(np.array_equal(getattr(a, f), getattr(b, f)) for f in ("path", "commands", "hidden"))


def test_silence_changes_the_movement_and_the_units_are_silent():
    moved = Moved({"kind": "hidden_silence", "units": [3, 10, 40, 41, 42, 63], "start_s": 0.2})
    np.testing.assert_array_equal(moved.path[:20], plain().path[:20])
    assert (moved.hidden[20:, [3, 10, 40, 41, 42, 63]] == 0).all() and np.abs(plain().hidden[20:, 3]).max() > 0.01
    assert np.abs(moved.path - plain().path).max() > 1e-3 and np.isfinite(moved.path).all()


def test_all_units_clamped_to_where_they_are_freeze_the_command():
    moved = Moved({"kind": "hidden_clamp", "start_s": 0.3, "duration_s": 0.2})
    np.testing.assert_array_equal(moved.commands[:31], plain().commands[:31])
    np.testing.assert_array_equal(moved.commands[30:50], np.repeat(moved.commands[30:31], 20, axis=0))
    np.testing.assert_array_equal(moved.hidden[30:50], np.repeat(moved.hidden[30:31], 20, axis=0))
    assert np.ptp(plain().commands[30:50], axis=0).max() > 0.02  # which it was not of itself
    assert (moved.commands[51] != moved.commands[50]).any()


@pytest.mark.parametrize(
    "kind",
    [
        {"kind": "hidden_clamp", "start_s": 5.0},
        {"kind": "hidden_silence", "share": 0.0},
        {"kind": "hidden_add", "amounts": [0.0]},
        {"kind": "hidden_rotate", "degrees": 0.0},
        {"kind": "hidden_rotate", "degrees": 360.0, "start_s": 0.2},
        {"kind": "hidden_rotate", "degrees": -360.0, "components": [0, 1], "axes": "reach_null.csv", "start_s": 0.2},
        {"kind": "hidden_rotate", "degrees": 0.0, "components": [2, 1], "axes": "reach_null.csv", "per": "second"},
    ],
    ids=lambda kind: "-".join(map(str, kind.values())),
)
def test_what_should_change_nothing_changes_no_bit(kind):
    assert same(Moved(kind), plain())


@pytest.mark.parametrize("preset", ["hidden_frozen", "hidden_pushed", "hidden_turned", "hidden_lesion"])
def test_every_preset_acts_and_is_the_same_each_time(preset):
    first, again = Moved(preset), Moved(preset)
    assert not first.said and same(first, again)
    assert np.abs(first.hidden - plain().hidden).max() > 0.05 and np.isfinite(first.path).all()


def test_the_state_is_turned_once_and_the_command_sees_it_at_once():
    moved = Moved({"kind": "hidden_rotate", "units": [5, 9], "degrees": 90.0, "start_s": 0.3})
    a, b = plain().hidden[30], moved.hidden[30]
    np.testing.assert_allclose(b[[5, 9]], [-a[9], a[5]], atol=1e-6)
    np.testing.assert_array_equal(np.delete(b, [5, 9]), np.delete(a, [5, 9]))
    np.testing.assert_array_equal(moved.commands[:30], plain().commands[:30])
    assert (moved.commands[30] != plain().commands[30]).any()


def test_a_shadow_and_one_that_comes_late_live_through_the_same():
    kind = {"kind": "hidden_clamp", "start_s": 0.2, "duration_s": 0.3, "units": [1, 2, 3]}
    turned = {"kind": "hidden_rotate", "start_s": 0.3, "degrees": 60.0}
    for more in ({"shadow": OnnxPolicy(FILE)}, {"come": (60, OnnxPolicy(FILE))}, {"come": (40, OnnxPolicy(FILE))}):
        moved = Moved(kind, turned, **more)
        np.testing.assert_array_equal(moved.switcher.shadow.policy.hidden, moved.switcher.active.policy.hidden)


class Forgetful:
    """A policy without recurrent state that does nothing."""

    def __init__(self):
        self.contract = replace(OnnxPolicy(FILE).contract, name="forgetful", hidden=())
        self.hidden = np.zeros(0, np.float32)

    def reset(self):
        pass

    def step(self, observation):
        return np.full(self.contract.action.size, 0.1)


class Shut(Forgetful):
    """A policy whose state cannot be set."""

    def __init__(self):
        super().__init__()
        self.contract = replace(self.contract, name="shut", hidden=(("h", (1, 4)),))
        self.hidden = np.zeros(4, np.float32)


@pytest.mark.parametrize(
    ("policy", "kind", "sentence"),
    [
        (None, {"kind": "hidden_silence", "units": [64]}, "'reach_null' has 64 recurrent units, 0 to 63; 64 is none"),
        (Forgetful, {"kind": "hidden_clamp"}, "policy 'forgetful' has no recurrent state"),
        (Shut, {"kind": "hidden_clamp"}, "policy 'shut' cannot be given a hidden state"),
    ],
)
def test_what_cannot_be_done_is_said_once_and_the_policy_goes_on_without_it(policy, kind, sentence):
    moved = Moved(kind, policy=policy and policy())
    assert len(moved.said) == 1 and sentence in moved.said[0] and "goes on without it" in moved.said[0]
    assert len(moved.commands) == STEPS
    if policy is None:
        assert same(moved, plain())


def test_the_read_out_gives_the_policys_own_action():
    policy, rng = OnnxPolicy(FILE), np.random.default_rng(0)
    for _ in range(50):
        action = policy.step(rng.normal(0, 0.2, policy.contract.observation_size).astype(np.float32))
        np.testing.assert_array_equal(policy.set_hidden(policy.hidden), action)
    with pytest.raises(ContractError, match=r"64 recurrent units, got a state of shape \(3,\)"):
        policy.set_hidden(np.zeros(3, np.float32))


def rewired(tmp_path, *nodes, drop="action"):
    """reach_null with the node that makes `drop` replaced."""
    model = onnx.load_model(str(FILE))
    kept = [n for n in model.graph.node if drop not in n.output]
    del model.graph.node[:]
    model.graph.node.extend([*kept, *nodes])
    path = tmp_path / "policy.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_a_read_out_that_also_sees_the_observation_is_given_it(tmp_path):
    path = rewired(
        tmp_path,
        helper.make_node("ReduceMean", ["observation"], ["seen"], axes=[1], keepdims=1),
        helper.make_node("Sigmoid", ["read_out"], ["plain"]),
        helper.make_node("Mul", ["plain", "seen"], ["action"]),
    )
    policy, seen = OnnxPolicy(path), np.linspace(0, 1, 17).astype(np.float32)
    seen = np.resize(seen, policy.contract.observation_size)
    np.testing.assert_array_equal(policy.step(seen), policy.set_hidden(policy.hidden))
    assert policy.set_hidden(0 * policy.hidden) == pytest.approx(
        seen.mean() * OnnxPolicy(FILE).set_hidden(np.zeros(64, np.float32)), rel=1e-5
    )


def test_a_policy_that_acts_past_its_recurrent_output_is_refused(tmp_path):
    model = onnx.load_model(str(FILE))
    gemm = next(n for n in model.graph.node if n.op_type == "Gemm")
    path = rewired(
        tmp_path,
        helper.make_node("Squeeze", ["state_out", "axis"], ["inner"]),
        helper.make_node("Gemm", ["inner", *gemm.input[1:]], ["read_out"], transB=1),
        drop="read_out",
    )
    model = onnx.load_model(str(path))
    order = sorted(model.graph.node, key=lambda n: n.op_type == "Sigmoid")
    del model.graph.node[:]
    model.graph.node.extend(order)
    path.write_bytes(model.SerializeToString())
    policy = OnnxPolicy(path)
    policy.warm_up()
    with pytest.raises(ContractError, match=r"does not read its action from its recurrent outputs \(hidden_out\)"):
        policy.prepare_readout()
    moved = Moved({"kind": "hidden_clamp", "start_s": 0.2}, policy=policy)
    assert "does not read its action" in moved.said[0] and same(moved, plain())
