"""The hand with a ball: the ball is seen, falls, is held up by the palm, and is no part of the hand."""

import numpy as np
import pytest

from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.fingerprint import fingerprint
from myoprosthesis.effectors.bodies import BodyOptions, myohand
from myoprosthesis.effectors.hand_ball import HandBallOptions, hand_ball
from myoprosthesis.testing import check_effector

HIGH = (0.0, 0.0, 0.2)


@pytest.fixture(scope="module")
def body():
    return hand_ball(HandBallOptions())


def test_it_is_the_hand_with_one_object(body):
    spec, hand = body.spec, myohand(BodyOptions()).spec
    assert spec.objects == ("ball",) and not spec.root and not hand.objects
    assert (spec.command, spec.joints, spec.muscles) == (hand.command, hand.joints, hand.muscles)
    assert spec.channels == hand.channels + spec.groups["objects"]


def test_the_ball_lies_on_the_palm_and_one_that_is_let_go_above_it_falls(body):
    state = body.reset(0)
    assert state.joint_position[0] == -1.57
    start = state.object("ball")[0, :3].copy()
    assert all(c.dist > -1e-3 for c in body.data.contact[: body.data.ncon])
    for _ in range(15):
        state = body.step(np.zeros(39), NO_DISTURBANCE)
    assert body.data.ncon and state.object("ball")[0, 2] == pytest.approx(
        start[2], abs=0.01
    )  # in 0.15 s it fell 0.11 m
    free = hand_ball(HandBallOptions(offset=HIGH))
    assert free.reset(0).object("ball")[0, :3] == pytest.approx(start + HIGH)
    for _ in range(10):
        state = free.step(np.zeros(39), NO_DISTURBANCE)
    assert state.object("ball")[1, 2] == pytest.approx(-9.81 * 0.1, rel=1e-6)


def test_another_ball_changes_the_scene_and_not_the_fingerprint(body):
    other = hand_ball(HandBallOptions(radius=0.03, mass=0.2))
    assert other.model.body("ball").mass == pytest.approx(0.2)
    np.testing.assert_allclose(fingerprint(other), fingerprint(body), atol=1e-9)


def test_it_passes_the_check_of_every_effector():
    check_effector(lambda: hand_ball(HandBallOptions()), seconds=2.0)


def test_it_runs_in_a_stack_for_some_trials(up, sound, tmp_path):
    policy = tmp_path / "policy.onnx"
    policy.write_bytes(sound("hand_ball"))
    words = ("reach", "--effector", "hand_ball", "--policy", str(policy), "--lockstep", "--trials", "2")
    figures = up(
        *words, "--set", "effector.mass=0.06", "--task", "hold"
    )  # stretched as the finger is, no place before it can be reached
    assert figures["trials"] == 2 and figures["effector"] == "hand_ball"
    alone = up("reach", "--effector", "hand_ball", "--policy", str(policy), "--task", "none", "--duration", "1")
    assert alone["ticks"] > 0
