"""The environments of the muscle hand: postures that can be reached, bit for bit those of the effector."""

from itertools import islice

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import myoprosthesis.envs  # noqa: F401
from myoprosthesis.core.errors import Refused
from myoprosthesis.effectors.bodies import myohand
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.effectors.settled_postures import settled_postures
from myoprosthesis.tasks.hand_reach import HandReach, HandReachOptions
from myoprosthesis.tasks.reachable_postures import PLACES, TIPS, reachable_postures
from myoprosthesis.training.rl.action_map import ActionMap

from .effector_comparison import is_the_effector_bit_for_bit

NAMES = ("HandPosture-v0", "HandReach-v0")
SIZES = {"HandPosture-v0": 23 + 23 + 39 + 23 + 23, "HandReach-v0": 23 + 23 + 39 + 15 + 15}


def many(name, num_envs=2, **options):
    return gymnasium.make_vec(f"myoprosthesis/{name}", num_envs=num_envs, threads=1, **options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_gymnasium_accepts_it(name):
    env = gymnasium.make(f"myoprosthesis/{name}", trial_s=0.1, settle_s=0.0)
    check_env(env.unwrapped, skip_render_check=True)
    assert env.observation_space.shape == (SIZES[name],) and env.action_space.shape == (39,)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_effector_bit_for_bit_and_is_judged_as_the_task_does(name):
    env = many(name, trial_s=0.4, settle_s=0.2)
    sites = TIPS if name == "HandReach-v0" else ()
    actions = np.random.default_rng(0).uniform(0, 0.3, (20, 2, 39)).astype(np.float32)
    body = myohand(BodyOptions(dt=0.02, observed_sites=sites))
    for k, _, result in is_the_effector_bit_for_bit(env, body, actions):
        unit = "mm" if sites else "deg"
        assert k == 20 and result.figures[f"median_error_{unit}"] <= result.figures[f"p95_error_{unit}"]


def test_postures_are_those_at_which_the_muscles_bring_the_hand_to_rest():
    """The table again from its seed, and the hand at rest in one of its postures."""
    body = myohand(BodyOptions(dt=0.02, muscle_command="length", reflex_kp=20.0, reflex_kd=1.0))
    (row,) = islice(settled_postures(body, TIPS, 1), 1)
    table = reachable_postures("all")
    np.testing.assert_allclose(np.hstack([table.joints[0], table.places[0]]), row, atol=2e-3)
    low, high = body.model.jnt_range.T
    assert ((table.joints > low - 0.05) & (table.joints < high + 0.05)).all()
    assert np.degrees(table.joints.std(axis=0)).min() > 2.0, "each joint moves"
    assert len(reachable_postures("test")) + len(reachable_postures("training")) == len(table)
    hand = myohand(BodyOptions(observed_sites=TIPS))
    state = hand.reset(0, dict(zip(hand.spec.joints, table.joints[-1], strict=True)))
    there = [state.table[0, hand.spec.channels.index(place)] for place in PLACES]
    np.testing.assert_allclose(there, table.places[-1], atol=1e-3)


@pytest.mark.parametrize("law", ["guide", "teacher"])
def test_guide_and_teacher_bring_the_hand_nearer_to_its_goal(law):
    env = many("HandPosture-v0", 6, settle_s=0.5)
    observation, _ = env.reset(seed=1)
    action_map, still = ActionMap.of(env, 0.0, 1.0), np.zeros((6, 39), np.float32)
    first = np.abs(observation[:, -23:]).mean()
    for _ in range(25):
        guided = law == "guide"
        observation, *_ = env.step(action_map.squashed(still, observation) if guided else env.teacher(observation))
    assert np.abs(observation[:, -23:]).mean() < (0.5 if law == "guide" else 0.3) * first
    assert not env.action_guide[:, :23].any() and env.action_guide.shape == (39, SIZES["HandPosture-v0"])


def test_a_hand_without_its_fingertips_in_the_state_is_refused():
    with pytest.raises(Refused, match=r"observed_sites=\[THtip_r,"):
        HandReach(HandReachOptions()).needs(myohand(BodyOptions()).spec)
