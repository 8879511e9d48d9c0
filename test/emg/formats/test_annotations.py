"""Annotations and markers as labels of samples."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.emg.formats.annotations import Annotation, Timeline, label_text, within
from myoprosthesis.emg.recording import Span

TIMES = np.arange(100) / 10.0  # 10 s


def spans(*annotations, ignore=()):
    return Timeline(annotations, ignore).spans(TIMES)


def test_annotations_that_follow_each_other_say_nothing():
    timeline = Timeline([Annotation(0.0, "rest", 3.0), Annotation(3.0, "fist", 2.0)])
    assert timeline.spans(TIMES) == (Span("rest", 0, 30), Span("fist", 30, 50))
    assert timeline.remarks == [] and timeline.missed(TIMES, 0.0) == []


def test_where_annotations_overlap_the_one_that_began_last_holds():
    timeline = Timeline([Annotation(0.0, "rest", 3.2), Annotation(3.0, "fist", 3.2), Annotation(6.0, "rest", 3.0)])
    assert timeline.spans(TIMES) == (Span("rest", 0, 30), Span("fist", 30, 60), Span("rest", 60, 90))
    (remark,) = timeline.remarks
    assert remark.startswith("labels that begin before another one ends: 2 (fist, rest)")


def test_an_annotation_that_spans_others_holds_between_them():
    inner = [Annotation(2.0, "fist", 2.0), Annotation(6.0, "open", 2.0)]
    timeline = Timeline([Annotation(0.0, "session", 10.0), *inner])
    parts = [("session", 0, 20), ("fist", 20, 40), ("session", 40, 60), ("open", 60, 80), ("session", 80, 100)]
    assert timeline.spans(TIMES) == tuple(Span(*p) for p in parts)
    assert "labels that begin before another one ends: 2 (session)" in timeline.remarks[0]
    ignored = Timeline([Annotation(0.0, "session", 10.0), *inner], ["session"])
    assert ignored.remarks == []
    assert [s for s in ignored.spans(TIMES) if s.label != "session"] == [Span("fist", 20, 40), Span("open", 60, 80)]


def test_of_two_that_begin_together_the_shorter_one_holds():
    assert spans(Annotation(1.0, "a", 1.0), Annotation(1.0, "b", 4.0)) == (Span("a", 10, 20), Span("b", 20, 50))


def test_one_without_a_duration_holds_until_the_next_or_to_the_end():
    assert spans(Annotation(1.0, "a"), Annotation(4.0, "b")) == (Span("a", 10, 40), Span("b", 40, 100))
    assert spans(Annotation(1.0, "a"), Annotation(4.0, ""), Annotation(6.0, "b", 1.0)) == (
        Span("a", 10, 40), Span("b", 60, 70),
    )  # fmt: skip
    holds = "its labels have no duration: each holds until the next label begins"
    assert Timeline([Annotation(1.0, "a"), Annotation(4.0, "b")]).remarks == [holds]
    mixed = Timeline([Annotation(1.0, "a"), Annotation(4.0, "b", 1.0)])
    assert mixed.remarks == ["1 of 2 labels have no duration: each holds until the next label begins"]


def test_one_without_a_duration_inside_another_one_is_an_instant_and_is_said_to_be():
    cough = [Annotation(1.0, "fist", 4.0), Annotation(2.0, "cough")]
    timeline = Timeline(cough)
    assert timeline.spans(TIMES) == (Span("fist", 10, 50),)
    assert "cough without a duration inside another label such as 'fist' mark 1 instants" in timeline.remarks[0]
    markers = [Annotation(0.0, "session", 10.0), Annotation(2.0, "rest"), Annotation(4.0, "fist")]
    assert spans(*markers) == (Span("session", 0, 100),)
    held = [s for s in spans(*markers, ignore=["session"]) if s.label != "session"]
    assert held == [Span("rest", 20, 40), Span("fist", 40, 100)]


def test_a_label_without_a_sample_is_told_of():
    timeline = Timeline([Annotation(1.0, "a", 1.0), Annotation(99.0, "b", 1.0), Annotation(3.01, "c", 0.05)])
    assert timeline.missed(TIMES, 0.0) == ["labels 'c' at 3.010 s, 'b' at 99.000 s have no sample"]
    hidden = Timeline([Annotation(1.0, "a", 1.0), Annotation(1.0, "b", 1.0)])
    assert hidden.missed(TIMES, 0.0) == ["label 'a' at 1.000 s has no sample"]


def test_a_label_that_would_outlast_the_recording_is_told_of():
    timeline = Timeline([Annotation(1.0, "a", 1.0), Annotation(8.0, "b", 5.0), Annotation(2.0, "c", 8.0)])
    assert timeline.missed(TIMES, 0.0) == ["label 'b' would last beyond the end of the recording"]
    assert Timeline([Annotation(1.0, "a"), Annotation(8.0, "b", 2.0)]).missed(TIMES, 0.0) == []


def test_times_with_a_gap_or_a_jump_back_find_their_labels():
    timeline = Timeline([Annotation(1.0, "a", 1.0), Annotation(8.0, "b")])
    gap = np.concatenate([TIMES[:15], TIMES[85:]])
    assert timeline.spans(gap) == (Span("a", 10, 15), Span("b", 15, 30))
    back = np.concatenate([TIMES[80:90], TIMES[10:20]])
    assert timeline.spans(back) == (Span("b", 0, 10), Span("a", 10, 20))


@pytest.mark.parametrize("cut", [1, 7, 30, 33])
def test_blocks_have_the_labels_of_the_whole(cut):
    timeline = Timeline([Annotation(0.0, "a", 3.0), Annotation(3.0, "a", 3.0), Annotation(7.0, "b")])
    whole, parts = timeline.spans(TIMES), []
    for start in range(0, 100, cut):
        block = timeline.spans(TIMES[start : start + cut], TIMES[start - 1] if start else np.nan)
        parts += [(Span(s.label, s.start + start, s.stop + start), s.continued) for s in block]
        assert block == within(whole, start, start + cut)
    begun = [s.start for s, continued in parts if not continued]
    assert begun == [s.start for s in whole] == [0, 30, 70]


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (16711681.0, "16711681"), (np.int32(16711682), "16711682"), (0.25, "0.25"), (np.nan, ""),
     (b"fist ", "fist"), ("grip #1", "grip #1"), (np.float32(2), "2"), (2**53, "9007199254740992")],
)  # fmt: skip
def test_values_of_labels_as_text(value, text):
    assert label_text(value) == text


def test_labels_without_a_text_that_end_another_one_are_counted():
    several = Timeline([Annotation(t, text) for t, text in ((0.0, ""), (1.0, "a"), (2.0, ""), (3.0, "b"), (4.0, ""))])
    assert several.remarks[1:] == ["2 labels without a text end the one before"]
    assert Timeline([Annotation(1.0, "a", 1.0), Annotation(4.0, "")]).remarks == []


def test_times_of_labels_without_a_sample_are_those_since_the_first_sample():
    late = Timeline([Annotation(1003.0, "a", 1.0)])
    assert late.missed(1000.0 + np.arange(10), 1000.0) == []
    assert late.missed(1000.0 + np.arange(3), 1000.0) == ["label 'a' at 3.000 s has no sample"]
