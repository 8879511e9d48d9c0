import math

import numpy as np
import pytest

from myoprosthesis.core.loop_rate import LoopRate
from myoprosthesis.core.loop_statistics import LoopStatistics

MS = 1_000_000


class Clock:
    """A clock that only moves when one sleeps, or is held up; each sleep is `slow_ns` too long."""

    def __init__(self, slow_ns=0):
        self.now, self.slow_ns, self.slept = 123 * MS, slow_ns, 0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.slept += 1
        self.now += round(seconds * 1e9) + self.slow_ns


def paced(clock, dt=0.002):
    pacer = LoopRate(dt, clock, clock.sleep)
    pacer.start()
    return pacer


def test_periods_are_on_a_grid_and_lateness_does_not_add_up():
    clock = Clock(slow_ns=100_000)
    pacer, begin = paced(clock), clock.now
    for k in range(1, 1001):
        assert pacer.wait() == (pytest.approx(1e-4), 0)
        assert clock.now == begin + k * 2 * MS + 100_000
        clock.now += MS  # the work of the period


def test_a_loop_that_was_held_up_skips_and_goes_on_at_its_pace():
    clock = Clock()
    pacer, begin = paced(clock), clock.now
    pacer.wait()
    clock.now += 7 * MS  # due at 2, 4, 6 ms after the first; now 7
    late, skipped = pacer.wait()
    assert (late, skipped) == (pytest.approx(0.005), 2)
    late, skipped = pacer.wait()
    assert (late, skipped) == (0.0, 0) and clock.now == begin + 10 * MS


def test_a_period_begun_late_by_less_than_one_is_not_skipped():
    clock = Clock()
    pacer = paced(clock)
    clock.now += 2 * MS + 1_900_000
    assert pacer.wait() == (pytest.approx(0.0019), 0) and clock.slept == 0


def test_percentiles_are_those_of_all_to_one_percent_and_never_above_the_largest():
    ledger, values = LoopStatistics(), np.random.default_rng(0).exponential(1e-3, size=5000)
    for value in values:
        ledger.note("age", value)
    for q in (1, 50, 99):
        assert ledger.percentile("age", q)[0] == pytest.approx(np.percentile(values, q), rel=0.012)
    assert ledger.percentile("age", 100)[0] == pytest.approx(values.max(), rel=0.01)
    assert ledger.percentile("age", 100)[0] <= values.max()
    assert ledger.summary()["age_ms"]["max"] == pytest.approx(values.max() * 1e3)
    ledger.note("age", 0.0)
    ledger.note("age", -1.0)
    ledger.note("age", 1e9)
    assert ledger.summary()["age_ms"]["max"] == 1e12 and math.isnan(ledger.percentile("other", 50)[0])


def test_an_empty_ledger():
    ledger = LoopStatistics()
    assert math.isnan(ledger.percentile("age", 50)[0])
    ledger.note("age", 1.0)
    ledger.ticks, ledger.missed = 5, 1
    assert ledger.summary()["ticks"] == 5 and ledger.summary()["missed_ticks"] == 1
    ledger.clear()
    assert ledger.summary() == {"ticks": 0, "missed_ticks": 0, "seconds": 0.0}
