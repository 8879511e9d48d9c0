"""Objects of another size, mass and friction, and what is done to them: in one body as in many, bit for bit."""

import numpy as np
import pytest

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.baoding_hand import BaodingHandOptions, baoding_hand
from myoprosthesis.envs.batch_body import BatchBody

CHANGES = {
    "ball1/radius": 0.019, "ball1/mass": 0.2, "ball1/friction": 0.9, "ball1/torsional_friction": 0.004,
    "ball1/rolling_friction": 0.00011, "ball2/mass": 0.06, "ball2/radius": 0.023,
}  # fmt: skip


@pytest.fixture(scope="module")
def hand():
    return baoding_hand(BaodingHandOptions())


def arrays(model):
    named = ((n, getattr(model, n)) for n in dir(model) if not n.startswith("_"))
    return {n: v.copy() for n, v in named if isinstance(v, np.ndarray) and v.dtype.kind in "fiu"}


def test_objects_changed_at_a_reset_are_those_of_a_model_compiled_so(hand):
    before = arrays(hand.model)
    both = {
        f"{ball}/{what}": value for ball in ("ball1", "ball2") for what, value in [("radius", 0.019), ("mass", 0.2)]
    }
    hand.reset(0, both)
    changed = arrays(hand.model)
    wanted = arrays(baoding_hand(BaodingHandOptions(radius=0.019, mass=0.2)).model)
    for name, value in wanted.items():
        np.testing.assert_allclose(changed[name], value, rtol=1e-12, atol=1e-15, err_msg=name)
    assert not np.array_equal(changed["body_mass"], before["body_mass"])
    hand.reset(0)
    for name, value in arrays(hand.model).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_a_bare_sphere_gets_the_inertia_of_one_and_is_saved_with_it():
    from myoprosthesis.effectors.hand_ball import HandBallOptions, hand_ball

    body = hand_ball(HandBallOptions())
    body.reset(0, {"ball/radius": 0.03, "ball/mass": 0.1})
    k = body.model.body("ball").id
    np.testing.assert_allclose(body.model.body_inertia[k], 0.4 * 0.1 * 0.03**2, rtol=1e-12)
    saved = body.get_state()
    body.reset(0)
    assert body.model.body_mass[k] == 0.043
    body.set_state(saved)
    assert body.model.body_mass[k] == 0.1 and body.model.geom_size[body.model.geom("ball").id, 0] == 0.03


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"ball1/mass": 0.0}, "0.0 kg for ball1/mass; it must be above 0"),
        ({"ball1/friction": -1.0}, "must be 0 or more"),
        ({"ball1/mass": (0.1, 0.0)}, "is one number and has no velocity"),
        ({"ball3/mass": 0.1}, "unknown channel of a start 'ball3/mass'"),
    ],
)
def test_what_no_object_can_be_is_refused(hand, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        hand.reset(0, changes)


def disturbance(k, muscles):
    """A push, then weak muscles, then a heavier ball that grows."""
    if k < 10:
        return NO_DISTURBANCE
    if k < 14:
        return Disturbance(object_force=np.array([[0.2, 0.0, 0.1], [0.0, 0.0, 0.0]]))
    if k < 24:
        return Disturbance(strength=np.full(muscles, 0.5))
    return Disturbance(object_mass=np.array([1.0 + 0.1 * (k - 23), 1.0]), strength=np.linspace(0.5, 1.0, muscles))


def test_many_bodies_under_disturbances_are_each_what_one_is(hand):
    starts = [{}, CHANGES, {**CHANGES, "flexion": 0.1}]
    n, muscles = len(starts), len(hand.spec.muscles)
    channels = [(c, f) for c in (*hand.spec.joints, "ball1/x", "ball1/z", "ball2/qw") for f in ("position", "velocity")]
    many = BatchBody(baoding_hand(BaodingHandOptions()), n, 1, channels)
    commands = np.random.default_rng(1).uniform(0, 0.12, (40, n, muscles))
    for _ in range(2):  # the second time nothing is left of the first
        many.reset(np.arange(n), starts)
        tables = []
        for k, command in enumerate(commands):
            # each simulation is disturbed at another time
            many.disturb([disturbance(k - 2 * i, muscles) for i in range(n)])
            assert not many.step(command).any()
            tables.append(many.read().copy())
    rows = {"position": 0, "velocity": 1}
    for i, start in enumerate(starts):
        hand.reset(0, start)
        for k, command in enumerate(commands[:, i]):
            acting = disturbance(k - 2 * i, muscles)
            state = hand.step(command, acting)
            one = [state.table[rows[f], hand.spec.channels.index(c)] for c, f in channels]
            np.testing.assert_array_equal(tables[k][i], one, err_msg=f"simulation {i}, period {k}")
            force = state.table[2, [hand.spec.channels.index(f"ball1/{a}") for a in "xyz"]]
            np.testing.assert_array_equal(force, 0.0 if acting.object_force is None else acting.object_force[0])
    assert many.model(1).body_mass[hand.model.body("ball2").id] == 0.06


def test_a_push_and_a_mass_are_those_of_newton():
    """Of a ball in the air: dv = F t / m, and its fall is that of any mass."""
    body = baoding_hand(BaodingHandOptions())
    z = body.spec.channels.index("ball1/z")
    x = body.spec.channels.index("ball1/x")
    idle = np.zeros(len(body.spec.muscles))
    for mass, factor in ((0.043, 1.0), (0.2, 1.0), (0.043, 3.0)):
        body.reset(0, {"ball1/z": 1.9, "ball1/mass": mass})
        push = Disturbance(object_force=np.array([[0.2, 0, 0], [0, 0, 0]]), object_mass=np.array([factor, 1.0]))
        state = body.step(idle, push)
        assert state.table[1, x] == pytest.approx(0.2 * 0.025 / (mass * factor), rel=1e-3)
        assert state.table[1, z] == pytest.approx(-9.81 * 0.025, rel=1e-3)
