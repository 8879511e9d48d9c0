"""Windows of recordings, and the splits by which they are held out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.decoding.windows import count_gap_windows, splits


def test_a_window_lies_in_one_span_after_the_margin(recording, cut):
    w = cut([recording()], margin_s=0.3)
    for label, begin in (("a", 0), ("b", 1000), ("a", 2000), ("b", 3000)):
        own = (w.first >= begin) & (w.last < begin + 1000)
        assert set(w.label[own]) == {label}
        assert w.first[own].min() == begin + 300 and w.last[own].max() == begin + 999
    assert len(w) == 4 * 11
    assert (w.last - w.first == 199).all()


def test_a_stretch_is_of_one_recording_and_span_without_a_gap(recording, cut):
    w = cut([recording(), recording(spans=(("a", 2000, 4000), ("b", 0, 2000)))], margin_s=0.3)
    assert [len(w.x[w.sequence_id == k]) for k in range(7)] == [11, 11, 11, 11, 31, 31, 0]
    for k in range(6):
        own = w.where(w.sequence_id == k)
        assert set(np.diff(own.first)) == {50} and len(set(own.file)) == len(set(own.label)) == 1
    assert np.bincount(cut([recording()], step_s=0.2).sequence_id).tolist() == [5] * 4  # neighbours in different spans
    two = cut([recording(spans=(("a", 0, 200),)), recording(spans=(("a", 50, 1000),))])
    assert np.bincount(two.sequence_id).tolist() == [1, 16]
    one = cut([recording(spans=())] * 2, labelled=False)
    assert np.bincount(one.sequence_id).tolist() == [77, 77]
    assert np.bincount(one.where(one.first % 1000 != 0).sequence_id).tolist() == [19, 19, 19, 16] * 2
    ((_, train, test),) = splits(one, "time")
    assert (one.where(train).sequence_id.max(), one.where(test).sequence_id.max()) == (1, 1)


@pytest.mark.parametrize("lost_s", [1.0, 0.002, -0.5])
def test_a_window_with_a_gap_in_time_in_it_does_not_count(recording, cut, lost_s):
    whole = recording()
    times = whole.times + lost_s * (np.arange(len(whole)) >= 1500)
    gappy = replace(whole, times=times, stamped=True)
    before, after = cut([whole]), cut([gappy])
    over = (before.first < 1500) & (before.last >= 1500)
    assert over.sum() == count_gap_windows([(Path("0.csv"), gappy)], 0.2, 0.05, 0.0) == 3
    assert after.first.tolist() == before.first[~over].tolist()
    assert len(set(after.sequence_id.tolist())) == 5  # a memory does not reach over it
    free = cut([replace(gappy, spans=())], labelled=False)
    assert (
        not ((free.first < 1500) & (free.last >= 1500)).any()
        and count_gap_windows([(Path("0.csv"), whole)], 0.2, 0.05, 0) == 0
    )


@pytest.mark.parametrize("by", ["repetition", "file", "time"])
def test_no_sample_is_on_both_sides_of_a_split(recording, cut, by):
    w = cut([recording(), recording(seed=1)])
    for _, train, test in splits(w, by):
        assert train.any() and test.any() and not (train & test).any()
        for file in ("0.csv", "1.csv"):
            seen = [np.zeros(4000, bool), np.zeros(4000, bool)]
            for side, mask in zip(seen, (train, test), strict=True):
                for first, last in zip(w.first[mask & (w.file == file)], w.last[mask & (w.file == file)], strict=True):
                    side[first : last + 1] = True
            assert not (seen[0] & seen[1]).any()


def test_splits_that_cannot_be(recording, cut):
    w = cut([recording()])
    for by, test, sentence in (("file", (), "only one file"), ("repetition", ("7",), "no repetition '7'"),
                               ("repetition", ("0", "1"), "nothing is left"), ("person", (), "none of")):  # fmt: skip
        with pytest.raises(ConfigError, match=sentence):
            list(splits(w, by, test))
