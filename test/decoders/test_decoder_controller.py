"""A decoder as a controller: what it refuses, when it holds, and that nothing jumps when it is changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ContractError, Refused
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.observation_term import Term
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.policies.switching import ControllerSwitcher

RATE, BLOCK, SPEED, DT = 1000.0, 5, 2.0, 0.005
CONDITIONING = Conditioning(RATE, "V").to_dict()
STREAM = EmgStreamSpec(("b", "a", "spare"), RATE, CONDITIONING)
JOINTS = ("index", "thumb")
COMMAND = Channels("position", JOINTS, "rad", (0.0, -1.5), (1.5, 0.0))
SPEC = EffectorSpec("claw", DT, COMMAND, JOINTS, poses={"open": (0.0, 0.0), "power": (1.4, -1.0), "pinch": (0.7, -1.4)})
RNG = np.random.default_rng(0)


class Louder:
    """Says `loud` when channel a is louder than b, else `open`; nothing where it hears no numbers."""

    hidden = np.zeros(0, np.float32)

    def __init__(self, loud="power", dt=0.05, features=("mav",), conditioning=CONDITIONING, channels=("a", "b")):
        self.contract = Contract(
            "louder", "emg", tuple(Term(f, tuple(f"{c}/{f}" for c in channels)) for f in features),
            Channels("effort", (loud, "open", "novelty"), "1", (0.0,) * 3, (1.0, 1.0, 1e6)), dt,
            conditioning=conditioning, decoding={"window_s": 0.1},
        )  # fmt: skip
        self.windows = 0

    def reset(self):
        self.windows = 0

    def step(self, observation):
        self.windows += 1
        a, b = float(observation[0]), float(observation[1])
        return np.array([a > b, a <= b, 1.0]) * 0.9 + 0.0 * (a + b)


def controller(policy=None, name="mine", stream=STREAM, spec=SPEC, **options):
    return DecoderController(
        name, policy or Louder(), spec, stream, PostureControlOptions(**{"speed": SPEED, **options})
    )


def blocks(n, loud="a", seed=1):
    """So many blocks of a stream in which one channel is louder."""
    scale = {"a": [0.1, 1.0, 5.0], "b": [1.0, 0.1, 5.0]}[loud]
    return np.random.default_rng(seed).normal(0, 1, (n, BLOCK, 3)) * scale


def heard(v, some):
    return np.array([v.update(block, Moment(RNG, seconds=len(block) / RATE)).copy() for block in some])


def test_channels_are_heard_by_name_and_decisions_move_the_hand():
    v = controller()
    v.on_activate(np.zeros(2))
    x = heard(v, blocks(20))
    assert not x[:19].any() and v.names == ("power", "open")  # the first window ends with the twentieth block
    assert v.decision.choice == "power" and v.fresh and len(v.new_decisions) == 1
    x = heard(v, blocks(200))
    np.testing.assert_allclose(x[-1], SPEC.poses["power"])
    np.testing.assert_allclose(heard(v, blocks(250, "b"))[-1], SPEC.poses["open"], atol=1e-12)


def test_the_hand_moves_with_every_block_at_its_speed_between_decisions():
    v = controller()
    v.on_activate(np.zeros(2))
    steps = np.abs(np.diff(heard(v, blocks(40)), axis=0)).max(axis=1)
    np.testing.assert_allclose(steps[20:], SPEED * BLOCK / RATE)


@pytest.mark.parametrize("features", [("mav",), ("zc", "ssc")])
def test_samples_that_are_none_are_rejected_and_the_hand_holds(features):
    v = controller(Louder(features=features))
    v.on_activate(np.zeros(2))
    heard(v, blocks(60, "b"))
    off = blocks(60)
    off[:, :, 1] = np.nan
    x = heard(v, off)
    assert v.decision.rejected and v.decision.choice == "" and np.isfinite(x).all()
    assert len({tuple(p) for p in x[10:]}) == 1  # from the first window that has a hole
    heard(v, blocks(60, "b"))
    assert not v.decision.rejected  # and on again as soon as the window is whole


def test_a_hole_in_a_channel_that_is_not_decoded_does_not_matter():
    v = controller()
    v.on_activate(np.zeros(2))
    spare = blocks(60)
    spare[:, :, 2] = np.nan
    heard(v, spare)
    assert v.decision.choice == "power" and not v.decision.rejected


REFUSED = {
    "missing channel": ({"policy": Louder(channels=("a", "c"))}, "knows EMG channel 'c', which is not there"),
    "other conditioning": (
        {"stream": replace(STREAM, conditioning={**CONDITIONING, "mains_hz": 50.0})},
        "mains_hz = 0",
    ),
    "no decoder": ({"policy": Louder(conditioning={})}, "is no decoder"),
    "no meaning": ({"policy": Louder("fist")}, "output 'fist' of decoder 'mine' moves nothing of effector 'claw'"),
    "muscles": ({"spec": replace(SPEC, command=replace(COMMAND, quantity="effort"), poses={})}, "takes effort"),
}


@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(given, sentence):
    with pytest.raises(ContractError, match=sentence):
        controller(**given)


def test_a_reset_forgets_the_past_and_keeps_the_posture():
    v = controller()
    v.on_activate(np.zeros(2))
    at = heard(v, blocks(60))[-1]
    v.reset()
    assert v.decision is None and v.new_decisions == []
    np.testing.assert_array_equal(heard(v, blocks(19))[-1], at)


def test_a_decoder_sees_no_effector_whose_picture_could_be_disturbed():
    controller().perturb([])
    with pytest.raises(Refused, match="perturb that instead"):
        controller().perturb([PerturbationEntry("observation", "delay", {"vision": 0.1})])


# -- in a switcher ------------------------------------------------------------------------------------------------


def switcher(blend_s=0.2, memory_s=2.0):
    made = ControllerSwitcher(SPEC, lambda name, policy: controller(policy, name), blend_s, memory_s)
    made.switch(made.fit("first", Louder("power")))
    made.active.on_activate(np.zeros(2))
    return made


def play(made, some):
    return np.array([made.update(block, Moment(RNG, seconds=BLOCK / RATE))[0].copy() for block in some])


@pytest.mark.parametrize("blend_s", [0.0, 0.05, 0.2])
def test_nothing_jumps_when_a_decoder_is_changed_for_another(blend_s):
    """In one block at most the step of the faster of both, plus |u_new − u_old|·dt/blend_s: both start from one
    posture and part with at most twice the speed, so that u_new − u_old stays below 2·v·blend_s within the fade."""
    made = switcher(blend_s)
    x = [play(made, blocks(60))]
    for name, loud in (("second", "pinch"), ("third", "power"), ("fourth", "pinch")):
        coming = made.fit(name, Louder(loud))
        made.replay_history(coming)
        made.switch(coming)
        x.append(play(made, blocks(100)))
        assert made.name == name and not made.fading
    steps = np.abs(np.diff(np.concatenate(x), axis=0)).max(axis=1)
    own = SPEED * BLOCK / RATE
    assert steps.max() <= own * (1.0 if blend_s == 0.0 else 3.0) + 1e-9
    assert made.step_over_bound <= 1e-9
    np.testing.assert_allclose(x[-1][-1], SPEC.poses["pinch"])


def test_who_comes_back_goes_on_from_where_the_other_left():
    made = switcher(0.1)
    first = made.active
    play(made, blocks(60))
    other = made.fit("second", Louder("pinch"))
    made.replay_history(other)
    made.switch(other)
    there = play(made, blocks(200))[-1]
    made.replay_history(first)
    made.switch(first)
    x = np.vstack([there, play(made, blocks(100, "b"))])
    assert np.abs(np.diff(x, axis=0)).max() <= 3 * SPEED * BLOCK / RATE and made.active is first


def test_a_candidate_decides_at_once_because_it_has_lived_through_the_past():
    made, late = switcher(), Louder("pinch")
    some = blocks(80)
    play(made, some)
    coming = made.fit("second", late)
    mark = made.replay_history(coming, None, 0)
    while not made.is_current(mark):
        mark = made.replay_history(coming, mark, 2)
    assert coming.decision.choice == "pinch" and late.windows == made.active.policy.windows
    assert coming.command is None  # where the hand is, it learns when it is committed
    made.switch(coming)
    np.testing.assert_array_equal(coming.command, made.active.command)


@pytest.mark.parametrize("block_s", [0.002, 0.02])
def test_the_past_is_counted_in_seconds_of_emg_whatever_the_period_of_the_effector(block_s):
    made = switcher(memory_s=0.5)
    n = round(block_s * RATE)
    for k in range(round(1.0 / block_s)):
        made.update(np.full((n, 2), float(k)), Moment(RNG, seconds=block_s))
    kept = made._past.after(0)
    assert sum(moment.seconds for _, moment in kept) == pytest.approx(0.5)
    assert kept[-1][0][0, 0] == round(1.0 / block_s) - 1


def test_a_shadow_moves_nothing():
    made, alone = switcher(), switcher()
    made.shadow = made.fit("shadow", Louder("pinch"))
    np.testing.assert_array_equal(play(made, blocks(80)), play(alone, blocks(80)))
    assert made.shadow.decision.choice == "pinch"
