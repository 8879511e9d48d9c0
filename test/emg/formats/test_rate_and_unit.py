"""Stamps that contradict the rate are refused, however few there are when all go on in equal steps."""

from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.rate_and_unit import check_times
from myoprosthesis.emg.recording_format import RecordingFormat


def check(times, rate):
    check_times(Path("a.csv"), RecordingFormat(), times, rate, True)


@pytest.mark.parametrize("factor", [0.5, 1.6, 4.0])
def test_few_even_stamps_tell_the_rate(factor):
    times = 1.7e9 + np.arange(100) / 1000
    check(times, 1000.0)
    with pytest.raises(ConfigError, match="by its times there are 1000 samples/s: mend the one that is wrong"):
        check(times, 1000.0 * factor)


def test_few_stamps_of_arrival_do_not():
    rng = np.random.default_rng(0)
    bursts = np.repeat(np.arange(20) * 0.016, 5)
    late = np.sort(np.arange(100) / 1000 + rng.exponential(0.05, 100))
    for times in (bursts, late, np.arange(30) / 1000):
        check(times, 500.0)
