"""Percentiles of a histogram are those of its values, to the width of a bin."""

import numpy as np
import pytest

from myoprosthesis.core.log_histogram import LogHistogram


def test_percentiles_are_right_to_a_bin_and_never_above_the_largest():
    values = np.random.default_rng(0).lognormal(-6, 1, 5000)
    histogram = LogHistogram(1e-5, 1e2, 280)
    histogram.extend(values)
    for q in (1, 50, 99, 100):
        assert histogram.percentile(q) == pytest.approx(np.percentile(values, q), rel=0.06)
    assert histogram.percentile(100) <= histogram.largest == values.max() and len(histogram) == 5000


def test_one_by_one_and_at_once_are_the_same():
    edge = float(np.geomspace(1e-3, 1e3, 13)[4])
    values = np.array([-1.0, 0.0, 1e-3, edge, np.nextafter(edge, 1), 0.5, 1e3, 1e9])
    one, all_at_once = LogHistogram(1e-3, 1e3, 12), LogHistogram(1e-3, 1e3, 12)
    for value in values:
        one.add(float(value))
    all_at_once.extend(values[:3])
    all_at_once.extend(values[3:])
    np.testing.assert_array_equal(one.counts, all_at_once.counts)
    assert one.counts[[0, 4, 5, 13]].tolist() == [3, 1, 1, 1] and one.counts.sum() == len(one) == len(all_at_once) == 8
    assert one.largest == all_at_once.largest == 1e9


def test_values_beyond_the_edges_count_in_the_outermost_bins():
    histogram = LogHistogram(1.0, 100.0, 2)
    histogram.add(1e-9)
    histogram.add(1e9)
    assert histogram.percentile(50) == pytest.approx(np.sqrt(10)) and histogram.percentile(100) == pytest.approx(
        np.sqrt(1000)
    )


def test_without_values_there_is_no_percentile():
    histogram = LogHistogram(1.0, 100.0, 2)
    histogram.extend(np.zeros(0))
    assert np.isnan(histogram.percentile(50)) and np.isnan(histogram.largest) and len(histogram) == 0
    histogram.add(-1.0)
    assert histogram.largest == histogram.percentile(50) == -1.0
