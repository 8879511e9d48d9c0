"""Decoders and hands on one recording: figures that are known because they were put in, and the same each time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.observation_term import Term
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.emg.recording import EmgRecording, Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding import comparison
from myoprosthesis.training.decoding.compared_session import ComparedSession, ComparedTrial
from myoprosthesis.training.decoding.trial_decisions import trial_decisions
from myoprosthesis.training.decoding.trial_movements import closure, closure_difference, trial_movements
from myoprosthesis.training.decoding.trial_table import csv_table

RATE, N = 1000.0, 2000
CONDITIONING = Conditioning(RATE, "V").to_dict()
OPTIONS = PostureControlOptions(grips=("loud=power", "soft=open"), speed=3.0)
LOUD = np.concatenate([np.zeros(N // 2), np.ones(N // 2)])


class Louder:
    """Says `loud` when channel a is louder than b, else `soft`; `wrong` turns that round, `shy` rejects the loud."""

    hidden = np.zeros(0, np.float32)

    def __init__(self, wrong=False, rest="", channels=("a", "b"), shy=False, **decoding):
        self.contract = Contract(
            "louder", "emg", (Term("mav", tuple(f"{c}/mav" for c in channels)),),
            Channels("effort", ("loud", "soft", "novelty"), "1", (0.0,) * 3, (1.0, 1.0, 1e6)), 0.05,
            conditioning=CONDITIONING, decoding={"window_s": 0.1, "rest": rest, **decoding},
        )  # fmt: skip
        self.wrong, self.shy = wrong, shy

    def reset(self):
        pass

    def step(self, observation):
        loud = bool(observation[0] > observation[1]) != self.wrong
        return np.array([loud, not loud, 9.0 if loud and self.shy else 0.0], float)


def recording(loud=LOUD, seed=0, spans=None):
    scale = np.column_stack([np.where(loud, 1.0, 0.1), np.full(len(loud), 0.3)])
    samples = np.random.default_rng(seed).normal(0, 1, (len(loud), 2)) * scale
    half = len(loud) // 2
    spans = (Span("soft", 0, half), Span("loud", half, len(loud))) if spans is None else spans
    return EmgRecording(samples, ("a", "b"), RATE, "V", np.arange(len(loud)) / RATE, spans=spans, source="made")


def session(n=2):
    from pathlib import Path

    return ComparedSession.of([(Path(f"r{k}.csv"), recording(seed=k)) for k in range(n)], RecordingFormat())


@pytest.fixture(scope="module")
def hand():
    made = registry.factory("effectors", "ability_hand_model")(registry.options("effectors", "ability_hand_model")())
    yield made
    made.close()


def run(policy, hand, over=None, options=OPTIONS):
    over = over or session()
    heard = comparison.controller_for("mine", policy, over, hand.spec, options)
    return heard, comparison.play(heard, over, hand), over


def test_a_session_is_its_files_in_a_row():
    whole = session(2)
    assert [(t.label, t.file, t.start, t.stop) for t in whole.trials] == [
        ("soft", "r0.csv", 0, 1000), ("loud", "r0.csv", 1000, 2000),
        ("soft", "r1.csv", 2000, 3000), ("loud", "r1.csv", 3000, 4000),
    ]  # fmt: skip
    assert len(whole.samples) == 4000 and [t.number for t in whole.trials] == [0, 1, 2, 3]


def test_the_right_decoder_is_right_and_the_hand_follows(hand):
    heard, course, over = run(Louder(), hand)
    rows = trial_decisions(heard, course, over)
    assert [r.label for r in rows] == ["soft", "loud"] * 2 and {r.windows for r in rows} == {19}
    assert {r.accuracy for r in rows} == {r.chosen for r in rows} == {1.0}
    assert {r.active_error for r in rows} == {r.rejection for r in rows} == {0.0}
    assert all(0.1 <= r.onset_s <= 0.15 for r in rows)
    moves = trial_movements(heard, course, over, hand.spec, "ability_hand_model", OPTIONS)
    assert [m.closure for m in moves] == pytest.approx([0, 1] * 2, abs=0.05)
    assert all(m.goal_rad < 0.03 and m.tracking_rad < 0.2 for m in moves)
    assert course.times[0] == pytest.approx(hand.spec.dt) and course.times[-1] == pytest.approx(4.0)


def test_the_wrong_one_is_wrong_in_every_figure(hand):
    heard, course, over = run(Louder(wrong=True), hand)
    rows = trial_decisions(heard, course, over)
    assert {r.accuracy for r in rows} == {r.chosen for r in rows} == {0.0} and {r.active_error for r in rows} == {1.0}
    assert all(math.isnan(r.onset_s) for r in rows)
    moves = trial_movements(heard, course, over, hand.spec, "h", OPTIONS)
    assert [m.closure for m in moves] == pytest.approx([1, 0] * 2, abs=0.05) and all(m.goal_rad > 0.3 for m in moves)


def test_rest_for_something_else_is_no_active_error_and_has_no_goal(hand):
    heard, course, over = run(Louder(wrong=True, rest="soft"), hand)
    rows = trial_decisions(heard, course, over)
    assert [r.active_error for r in rows] == [1.0, 0.0] * 2
    moves = trial_movements(heard, course, over, hand.spec, "h", OPTIONS)
    assert [math.isnan(m.goal_rad) for m in moves] == [True, False] * 2


def test_what_is_rejected_is_counted_and_chosen_as_rest(hand):
    heard, course, over = run(Louder(rest="soft", shy=True, reject_beyond=5.0), hand)
    rows = trial_decisions(heard, course, over)
    assert [r.rejection for r in rows] == [0.0, 1.0] * 2 and [r.accuracy for r in rows] == [1.0] * 4
    assert [r.chosen for r in rows] == [1.0, 0.0] * 2 and {r.active_error for r in rows} == {0.0}


def test_a_margin_leaves_out_the_first_windows_and_a_short_trial_all(hand):
    heard, course, over = run(Louder(), hand)
    assert {r.windows for r in trial_decisions(heard, course, over, 0.5)} == {9}
    assert trial_decisions(heard, course, over, 0.95) == []


def test_it_is_the_same_each_time_and_decided_the_same_for_every_hand(hand):
    leap = registry.factory("effectors", "leap_model")(registry.options("effectors", "leap_model")())
    (h1, one, over), (_, two, _), (h3, other, _) = run(Louder(), hand), run(Louder(), hand), run(Louder(), leap)
    np.testing.assert_array_equal(one.measured, two.measured)
    np.testing.assert_array_equal(one.command, two.command)
    assert one.events == two.events
    assert csv_table(trial_decisions(h1, one, over)) == csv_table(trial_decisions(h3, other, over))
    gaps = closure_difference(one, other, hand.spec, leap.spec, over)
    assert gaps.shape == (4,) and (gaps[1:] > 1e-3).all() and (gaps < 0.3).all()  # both begin open
    assert not closure_difference(one, two, hand.spec, hand.spec, over).any()
    leap.close()


def test_an_electrode_that_is_off_is_rejected_and_the_hand_holds(hand):
    broken = recording()
    broken.samples[1000:, 0] = 0.0
    over = replace(session(1), samples=broken.samples)
    heard, course, _ = run(Louder(), hand, over)
    late = [d for d in course.decisions if d.sample > 1400]
    assert late and all(d.rejected for d in late)
    assert np.ptp(course.command[course.times > 1.5], axis=0).max() == 0


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0, 1.2])
def test_closure_is_the_share_of_the_way(hand, share):
    start, end = (np.array(hand.spec.poses[p]) for p in ("open", "power"))
    assert closure((start + share * (end - start))[None], hand.spec) == pytest.approx([share])


def test_what_does_not_fit_is_refused_with_a_sentence(hand):
    over = session()
    for policy, changed, sentence in (
        (Louder(), replace(over, rate=500.0), "fitted in V at 1000 Hz, the recording is in V at 500 Hz"),
        (Louder(), replace(over, unit="counts"), "the recording is in counts"),
        (Louder(), replace(over, channels=("a", "c")), "knows EMG channel 'b', which is not there"),
        (Louder(task="switches"), over, "is a multilabel; only classifications"),
        (
            Louder(),
            replace(over, trials=(*over.trials, ComparedTrial(9, "", "", "fist", 0, 9))),
            "the recording has 'fist'",
        ),
    ):
        with pytest.raises((ConfigError, ContractError), match=sentence):
            comparison.controller_for("mine", policy, changed, hand.spec, OPTIONS)
    with pytest.raises(ContractError, match="output 'loud' of decoder 'mine' moves nothing"):
        comparison.controller_for("mine", Louder(), over, hand.spec, PostureControlOptions())
    with pytest.raises(ConfigError, match="no labels"):
        from pathlib import Path

        ComparedSession.of([(Path("r.csv"), recording(spans=()))], RecordingFormat())


def test_no_decision_looks_across_a_gap_or_into_the_file_before(hand):
    """As in `decode evaluate`: 0.4 s are missing in the middle of the second file."""
    from pathlib import Path

    first, second = recording(), recording(seed=1)
    place = len(second) // 2 + 30
    late = replace(second, stamped=True, times=second.times + 0.4 * (np.arange(len(second)) >= place))
    gap = ComparedSession.of([(Path("a.csv"), first), (Path("b.csv"), late)], RecordingFormat())
    whole = session()
    edges = [len(first), len(first) + place]
    assert list(gap.breaks) == edges and list(whole.breaks) == edges[:1]
    for over, between in ((gap, edges), (whole, edges[:1])):
        controller, course, _ = run(Louder(), hand, over)
        ends = np.array([d.sample for d in course.decisions])
        assert len(ends) and not any(((ends > edge) & (ends - controller.window < edge)).any() for edge in between)
