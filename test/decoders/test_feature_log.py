"""Features of the newest windows: how many are kept, and how many are new."""

import numpy as np

from myoprosthesis.decoders.feature_log import FeatureLog


def rows(*firsts):
    return np.array([(f, -f) for f in firsts], float).reshape(len(firsts), 2)


def test_the_newest_are_kept_and_those_since_the_last_look_are_counted():
    log = FeatureLog(4)
    log.add(rows(1, 2))
    log.add(rows())
    kept, fresh = log.take()
    np.testing.assert_array_equal(kept, rows(1, 2))
    assert fresh == 2
    log.add(rows(3, 4, 5))
    kept, fresh = log.take()
    np.testing.assert_array_equal(kept, rows(2, 3, 4, 5))
    assert fresh == 3 and log.take()[1] == 0
    log.add(rows(6, 7, 8, 9, 10, 11))
    assert log.take()[1] == 4  # no more than there are


def test_windows_of_electrodes_that_are_off_are_left_out_and_another_decoder_begins_anew():
    log = FeatureLog(4)
    log.add(np.array([(1.0, np.nan), (2.0, 0.0), (np.inf, 1.0)]))
    kept, fresh = log.take()
    np.testing.assert_array_equal(kept, [(2.0, 0.0)])
    assert fresh == 1
    log.clear()
    kept, fresh = log.take()
    assert len(kept) == fresh == 0
