"""The hidden state disturbed: each kind as the formula again, its windows, its memory, its refusals."""

import numpy as np
import pytest

from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.policies.hidden_perturbation import HiddenPerturbation

N, DT = 6, 0.01
RNG = np.random.default_rng(0)
VECTORS = np.linalg.qr(RNG.normal(size=(N, 2)))[0].T
MEAN = RNG.normal(size=N)
AXES = {"mean": MEAN.tolist(), "axes": VECTORS.tolist()}
STATES = RNG.normal(0, 0.5, (40, N)).astype(np.float32)


def entry(kind, begin=0.0, end=None, ramp=0.0, **values):
    return PerturbationEntry("hidden", kind, values, ns(begin), None if end is None else ns(end), ramp)


def made(*entries):
    distorter = HiddenPerturbation("p", N, DT)
    distorter.set_entries(entries)
    return distorter


def through(distorter, states=STATES):
    """Every state, one per period from time 0."""
    return np.array([distorter.apply(h, ns(k * DT)) for k, h in enumerate(states)])


CLAMP = {"values": [], "units": []}
EVERY = [
    entry("clamp", 0.1, 0.2, **CLAMP),
    entry("clamp", 0.1, 0.2, **AXES, values=[0.3]),
    entry("add", 0.1, 0.2, units=[1, 3], amounts=[2.0], per="second"),
    entry("add", 0.1, 0.2, **AXES, amounts=[2.0, 3.0], per="once"),
    entry("rotate", 0.1, 0.2, units=[1, 3], angle_rad=1.0, centre=[0.0, 0.0], per="once"),
    entry("rotate", 0.1, 0.2, **AXES, angle_rad=1.0, centre=[0.1, 0.0], per="second"),
    entry("silence", 0.1, 0.2, units=[], share=0.5, seed=1),
]


@pytest.mark.parametrize("one", EVERY, ids=lambda e: e.kind)
def test_outside_its_window_no_bit_changes_and_inside_some_do(one):
    out = through(made(one))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out[:10], STATES[:10])
    np.testing.assert_array_equal(out[20:], STATES[20:])
    assert (out[10:20] != STATES[10:20]).any()


def test_a_clamp_holds_all_units_where_they_were_when_the_window_began():
    out = through(made(entry("clamp", 0.1, **CLAMP)))
    np.testing.assert_array_equal(out[10:], np.repeat(STATES[10:11], 30, axis=0))


def test_a_clamp_of_some_units_leaves_the_others_alone():
    out = through(made(entry("clamp", units=[4, 1], values=[0.5, -0.25])))
    assert (out[:, 4] == 0.5).all() and (out[:, 1] == -0.25).all()
    np.testing.assert_array_equal(np.delete(out, [1, 4], axis=1), np.delete(STATES, [1, 4], axis=1))


def test_a_clamp_of_a_component_leaves_all_that_is_across_it_alone():
    out = through(made(entry("clamp", 0.1, mean=MEAN.tolist(), axes=VECTORS[:1].tolist(), values=[])))[10:]
    along = (out - MEAN) @ VECTORS[0]
    np.testing.assert_allclose(along, (STATES[10] - MEAN) @ VECTORS[0], atol=1e-6)
    across = np.eye(N) - np.outer(VECTORS[0], VECTORS[0])
    np.testing.assert_allclose(out @ across, STATES[10:] @ across, atol=1e-6)


def test_on_a_ramp_a_clamp_and_a_silence_draw_halfway_at_half_time():
    out = through(made(entry("clamp", 0.1, ramp=0.1, units=[2], values=[1.0])))
    assert out[15, 2] == pytest.approx(0.5 * STATES[15, 2] + 0.5) and out[10, 2] == STATES[10, 2] and out[20, 2] == 1
    out = through(made(entry("silence", 0.1, ramp=0.1, units=[2], share=1.0, seed=0)))
    assert out[15, 2] == pytest.approx(0.5 * STATES[15, 2]) and out[20, 2] == 0


def test_what_is_held_on_a_ramp_is_what_was_there_at_its_beginning():
    out = through(made(entry("clamp", 0.1, ramp=0.1, **CLAMP)))
    np.testing.assert_array_equal(out[20:], np.repeat(STATES[10:11], 20, axis=0))


@pytest.mark.parametrize("dt", [0.01, 0.005])
def test_an_amount_per_second_adds_up_to_it_in_a_second_at_any_period(dt):
    distorter = HiddenPerturbation("p", N, dt)
    distorter.set_entries([entry("add", 0.1, 0.6, units=[0, 5], amounts=[2.0, -1.0], per="second")])
    h = np.zeros(N, np.float32)
    for k in range(round(1.0 / dt)):
        h = distorter.apply(h, ns(k * dt))
    np.testing.assert_allclose(h, [1.0, 0, 0, 0, 0, -0.5], atol=1e-5)


@pytest.mark.parametrize("ramp", [0.0, 0.1])
def test_an_amount_once_is_added_once_also_along_a_ramp(ramp):
    distorter, h, course = made(entry("add", 0.1, ramp=ramp, units=[2], amounts=[0.8], per="once")), np.zeros(N), []
    for k in range(40):
        h = distorter.apply(h.astype(np.float32), ns(k * DT))
        course.append(h[2])
    assert course[9] == 0 and course[-1] == pytest.approx(0.8)
    assert course[15] == pytest.approx(0.4 if ramp else 0.8)


@pytest.mark.parametrize("degrees", [0, 90, 180, -35])
def test_a_plane_of_components_is_turned_about_the_mean(degrees):
    a = np.deg2rad(degrees)
    h = STATES[3]
    out = made(entry("rotate", **AXES, angle_rad=a, centre=[0.0, 0.0], per="once")).apply(h, 0)
    before, after = (VECTORS @ (x - MEAN) for x in (h, out))
    np.testing.assert_allclose(after, np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) @ before, atol=1e-6)
    across = np.eye(N) - VECTORS.T @ VECTORS
    np.testing.assert_allclose(across @ out, across @ h, atol=1e-6)
    assert np.linalg.norm(out - MEAN) == pytest.approx(np.linalg.norm(h - MEAN), rel=1e-6)


def test_a_positive_angle_turns_the_first_unit_towards_the_second():
    h = np.zeros(N, np.float32)
    h[4] = 1
    out = made(entry("rotate", units=[4, 1], angle_rad=np.pi / 2, centre=[0.0, 0.0], per="once")).apply(h, 0)
    np.testing.assert_allclose(out, np.eye(N)[1], atol=1e-7)


def test_turned_per_second_a_state_that_stays_goes_round_in_that_time():
    distorter = made(entry("rotate", units=[0, 1], angle_rad=2 * np.pi, centre=[0.5, 0.0], per="second"))
    h = np.array([1, 0, 0, 0, 0, 0], np.float32)
    course = []
    for k in range(100):
        h = distorter.apply(h, ns(k * DT))
        course.append(h[:2])
    np.testing.assert_allclose(course[49], [0, 0], atol=1e-5)
    np.testing.assert_allclose(course[99], [1, 0], atol=1e-5)


@pytest.mark.parametrize("where", [{"units": [2, 3]}, AXES])
def test_a_turn_by_nothing_changes_no_bit(where):
    one = entry("rotate", **where, angle_rad=0.0, centre=[0.3, 0.1], per="once")
    np.testing.assert_array_equal(through(made(one)), STATES)


def test_the_silenced_share_is_drawn_by_the_seed():
    def silent(seed, share=0.5, units=()):
        out = through(made(entry("silence", units=list(units), share=share, seed=seed)))
        return set(np.flatnonzero((out == 0).all(axis=0)).tolist())

    assert silent(1) == silent(1) and len(silent(1)) == 3
    assert len({tuple(sorted(silent(s))) for s in range(20)}) > 5
    assert silent(0, 1.0, [5, 2]) == {2, 5} and silent(0, 0.0) == set()
    assert all(silent(s, 0.5, [5, 2]) < {2, 5} for s in range(10))


def test_entries_act_in_the_order_of_the_plan():
    add, clamp = entry("add", units=[0], amounts=[1.0], per="once"), entry("clamp", units=[0], values=[0.25])
    assert made(add, clamp).apply(STATES[0], 0)[0] == 0.25
    assert made(clamp, add).apply(STATES[0], 0)[0] == 1.25


def test_a_reset_and_the_end_of_a_window_clear_what_was_held():
    distorter = made(entry("clamp", 0.0, 0.1, **CLAMP))
    np.testing.assert_array_equal(distorter.apply(STATES[0], 0), STATES[0])
    distorter.reset()
    np.testing.assert_array_equal(distorter.apply(STATES[1], ns(0.05)), STATES[1])
    distorter.apply(STATES[2], ns(0.2))
    np.testing.assert_array_equal(distorter.apply(STATES[3], ns(0.05)), STATES[3])


def test_an_entry_that_is_said_again_keeps_its_memory():
    distorter = made(entry("clamp", **CLAMP))
    distorter.apply(STATES[0], 0)
    distorter.set_entries([entry("clamp", **CLAMP), entry("silence", units=[1], share=1.0, seed=0)])
    out = distorter.apply(STATES[1], ns(DT))
    np.testing.assert_array_equal(out[[0, 2, 3, 4, 5]], STATES[0, [0, 2, 3, 4, 5]])
    assert out[1] == 0


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (entry("clamp", units=[6], values=[]), "policy 'p' has 6 recurrent units, 0 to 5; 6 is none"),
        (entry("clamp", units=[-1], values=[]), "-1 is none"),
        (entry("clamp", units=[1.5], values=[]), "whole numbers"),
        (entry("clamp", units=[True], values=[]), "whole numbers"),
        (entry("clamp", units=[1, 1], values=[]), "different whole numbers"),
        (entry("clamp", units="all", values=[]), "whole numbers"),
        (entry("clamp", units=5, values=[]), "cannot be read"),
        (entry("clamp", values=[]), "'units'"),
        (entry("clamp", units=[1]), "'values'"),
        (entry("clamp", units=[1, 2], values=[1.0, 2.0, 3.0]), "one finite number or 2"),
        (entry("clamp", units=[1], values=[float("nan")]), "one finite number or 1"),
        (entry("clamp", mean=[0.0] * 5, axes=[[1.0, 0, 0, 0, 0]], values=[]), "6 recurrent units, the axes are of 5"),
        (entry("clamp", mean=[0.0] * 6, axes=[[1.0, 1, 0, 0, 0, 0]], values=[]), "orthonormal"),
        (entry("clamp", mean=[0.0] * 6, axes=[1.0, 1, 0, 0, 0, 0], values=[]), r"got \(6,\) and \(6,\)"),
        (entry("clamp", mean="x", axes=[], values=[]), "axes are numbers"),
        (entry("add", units=[1], amounts=[], per="once"), "one finite number"),
        (entry("add", units=[1], amounts=[1.0], per="day"), "second or once"),
        (entry("add", units=[1], amounts=["x"], per="once"), "cannot be read"),
        (entry("rotate", units=[1], angle_rad=1.0, centre=[0, 0], per="once"), "two units or components, got 1"),
        (entry("rotate", units=[1, 2], angle_rad=float("inf"), centre=[0, 0], per="once"), "not finite"),
        (entry("rotate", units=[1, 2], angle_rad="x", centre=[0, 0], per="once"), "cannot be read"),
        (entry("silence", units=[1], share=2.0, seed=0), "a share is 0 to 1"),
        (entry("silence", units=[1], share=1.0, seed=-1), "cannot be read"),
        (entry("silence", units=[1], share=1.0, seed="x"), "cannot be read"),
        (entry("shake", units=[1]), "'shake' cannot act at the hidden state"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence_and_the_rest_is_done(bad, sentence):
    distorter = HiddenPerturbation("p", N, DT)
    with pytest.raises(Refused, match=sentence) as refusal:
        distorter.set_entries([bad, entry("silence", units=[1], share=1.0, seed=0)])
    assert "\n" not in str(refusal.value) and distorter.apply(STATES[0], 0)[1] == 0


def test_a_policy_without_memory_refuses():
    with pytest.raises(Refused, match="'p' has no recurrent state"):
        HiddenPerturbation("p", 0, DT).set_entries([entry("clamp", **CLAMP)])
