"""What each kind of term observes of a past that is known."""

import math

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.observation import ObservationBuilder
from myoprosthesis.core.observation_term import RegisteredTerm, Term

ROOT = tuple(f"root/{part}" for part in ("x", "y", "z", "qw", "qx", "qy", "qz"))
NAMES = ("elbow", "wrist", "ball/x", "ball/y", "ball/z", *ROOT, "target/x", "target/phase")
DT = 0.01
ACTION = Channels("effort", ("biceps", "triceps"), "1", (0.0, 0.1), (1.0, 1.0))


def tables(n):
    """Table k holds 1000·k + 100·row + column, so that each number tells where it is from."""
    return [1000.0 * k + 100.0 * np.arange(3)[:, None] + np.arange(len(NAMES)) for k in range(n)]


def builder(kind, spare_s=0.0, **options):
    return ObservationBuilder([RegisteredTerm("it", kind, options)], NAMES, DT, spare_s, ACTION)


@pytest.mark.parametrize("delay_s", [0.0, 0.03])
@pytest.mark.parametrize("field", ["position", "effort"])
def test_channels_observes_what_a_plain_term_does(field, delay_s):
    channels = ("wrist", "elbow")
    plain = ObservationBuilder([Term("it", channels, field, "", delay_s)], NAMES, DT)
    other = builder("channels", channels=channels, field=field, delay_s=delay_s)
    for table in tables(9):
        np.testing.assert_array_equal(other.observe(table), plain.observe(table))


def test_terms_stand_in_their_order():
    terms = [
        RegisteredTerm("apart", "difference", {"a": ["wrist"], "b": ["elbow"]}),
        Term("elbow", ("elbow",), "velocity"),
        RegisteredTerm("goal", "goal", {"channels": ["target/x"]}),
        Term("late", ("wrist", "elbow"), delay_s=0.01),
    ]
    made = ObservationBuilder(terms, NAMES, DT)
    first, second = tables(2)
    np.testing.assert_array_equal(made.observe(first), [1, 100, 12, 1, 0])
    np.testing.assert_array_equal(made.observe(second), [1, 1100, 1012, 1, 0])


def test_a_history_has_the_newest_first_and_the_first_table_before_the_first():
    made = builder("history", channels=["elbow", "wrist"], steps=3, every_s=0.02, delay_s=0.01)
    seen = [made.observe(t) for t in tables(8)]
    np.testing.assert_array_equal(seen[7], [6000, 6001, 4000, 4001, 2000, 2001])
    np.testing.assert_array_equal(seen[3], [2000, 2001, 0, 1, 0, 1])
    made.reset()
    np.testing.assert_array_equal(made.observe(tables(10)[9]), [9000, 9001] * 3)


def test_a_difference_is_of_one_time():
    made = builder("difference", a=["target/x"], b=["elbow"], delay_s=0.02, field="velocity")
    seen = [made.observe(t) for t in tables(5)]
    assert [float(s[0]) for s in seen] == [12.0] * 5
    table = tables(1)[0]
    table[1, 0] = 7.0
    assert [float(made.observe(table)[0]) for _ in range(3)] == [12.0, 12.0, 105.0]


@pytest.mark.parametrize("angle", [0.0, 0.6, math.pi])
def test_root_relative_is_what_somebody_on_the_root_sees(angle):
    """A ball 2 m ahead of a root that is turned about z, and 1 m to its left, moving ahead."""
    table = np.zeros((3, len(NAMES)))
    ahead, left = np.array([math.cos(angle), math.sin(angle), 0]), np.array([-math.sin(angle), math.cos(angle), 0])
    origin, drift = np.array([3.0, -1.0, 0.5]), np.array([0.2, 0.3, 0.0])
    table[0, 2:5] = origin + 2.0 * ahead + 1.0 * left
    table[0, 5:12] = [*origin, math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)]
    table[1, 2:5], table[1, 5:8] = drift + 0.7 * ahead, drift
    np.testing.assert_allclose(builder("root_relative", places=["ball"]).observe(table), [2, 1, 0], atol=1e-6)
    moving = builder("root_relative", places=["ball"], field="velocity")
    np.testing.assert_allclose(moving.observe(table), [0.7, 0, 0], atol=1e-6)


def test_a_phase_does_not_jump_where_it_wraps():
    made = builder("phase", harmonics=2)
    seen = []
    for angle in (math.pi - 1e-6, -math.pi + 1e-6, 0.3):
        table = np.zeros((3, len(NAMES)))
        table[0, NAMES.index("target/phase")] = angle
        seen.append(made.observe(table))
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-5)
    np.testing.assert_allclose(seen[2], [math.sin(0.3), math.cos(0.3), math.sin(0.6), math.cos(0.6)], rtol=1e-6)


def test_the_goal_ahead_is_that_of_then_and_without_a_trial_that_of_the_table():
    made = builder("goal_ahead", channels=["target/x"], ahead_s=[0.0, 0.5])
    table = np.full((3, len(NAMES)), 4.0)
    np.testing.assert_array_equal(made.observe(table), [4, 4])
    np.testing.assert_array_equal(made.observe(table, goal=lambda ahead_s: {"target/x": 1.0 + ahead_s}), [1, 1.5])


def test_a_delay_that_is_added_holds_for_the_goal_too():
    made = builder("goal_ahead", spare_s=0.05, channels=["target/x"])
    made.perturb({"it": 0.02})
    seen = [float(made.observe(t, goal=lambda a, k=k: {"target/x": float(k)})[0]) for k, t in enumerate(tables(6))]
    assert seen == [0, 0, 0, 1, 2, 3]


def test_the_action_before_this_one_is_observed_and_at_first_none():
    made = builder("previous_action", spare_s=0.02, channels=["triceps", "biceps"])
    seen = []
    for k, table in enumerate(tables(5)):
        seen.append(made.observe(table).tolist())
        made.act(np.array([k, 10.0 * k]))
    rest = [np.float32(0.1), 0.0]
    assert seen == [rest, [0, 0], [10, 1], [20, 2], [30, 3]]
    made.perturb({"it": 0.02})
    assert made.observe(tables(1)[0]).tolist() == [20, 2]
    made.reset()
    assert made.observe(tables(1)[0]).tolist() == rest


def test_noise_and_withholding_act_on_any_kind():
    made = builder("difference", a=["wrist"], b=["elbow"])
    made.observe(np.zeros((3, len(NAMES))))
    made.perturb(noise={"it": 0.5})
    seen = [made.observe(t, np.random.default_rng(k))[0] for k, t in enumerate(tables(200))]
    assert np.std(seen) == pytest.approx(0.5, rel=0.2)
    made.perturb(withheld=["it"])
    assert made.observe(tables(1)[0]).tolist() == [0.0]


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("history", {"channels": ["elbow"], "steps": 3}, "need time between them"),
        ("root_relative", {"places": []}, "name one at least"),
        ("goal_ahead", {"channels": ["target/x"], "ahead_s": []}, "name one time"),
        ("phase", {"harmonics": 0}, "outside|from 1|below"),
        ("previous_action", {}, "channels: is needed"),
    ],
)
def test_options_that_make_no_sense_are_refused(kind, options, sentence):
    with pytest.raises(ContractError, match=sentence):
        RegisteredTerm("it", kind, options)


def test_a_channel_that_is_not_there_is_refused():
    with pytest.raises(ContractError, match="'knee' of the state"):
        builder("channels", channels=["knee"])
    with pytest.raises(ContractError, match="'elbow' of the action"):
        builder("previous_action", channels=["elbow"])


def test_to_look_back_further_than_was_said_is_refused():
    class Forgetful:
        name, kind, size, inputs, lookback_s = "it", "forgetful", 1, (), 0.0

        def observe(self, past):
            return past.state(("elbow",), delay_s=0.05)

    with pytest.raises(ConfigError, match="longer than the lookback_s"):
        ObservationBuilder([Forgetful()], NAMES, DT).observe(tables(1)[0])
