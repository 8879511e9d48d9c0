"""Gaps and jumps in stamps: what is lost is found, and what only jitters is not."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.emg.pauses import breaks, pauses
from myoprosthesis.emg.recording import EmgRecording

RATE, N = 1000.0, 20_000
RNG = np.random.default_rng(8)
EVEN = np.arange(N) / RATE
PACKETS = 0.003 * np.repeat(RNG.random(N // 10), 10)
JITTER = {"none": np.zeros(N), "packets": PACKETS, "samples": 0.004 * np.abs(RNG.normal(size=N))}
KINDS = pytest.mark.parametrize("jitter", JITTER)


def stamped(times, rate=RATE):
    return EmgRecording(np.zeros((len(times), 1)), ("EMG1",), rate, "V", times, stamped=True)


@KINDS
@pytest.mark.parametrize("true_rate", [1000.0, 990.0])
def test_jitter_loses_nothing_and_has_the_rate_of_its_stamps(jitter, true_rate):
    found = pauses(stamped(EVEN * RATE / true_rate + JITTER[jitter]))
    assert not len(found.after) and not len(found.jump)
    assert found.rate == pytest.approx(true_rate, rel=5e-4)


@KINDS
def test_what_is_lost_is_found_where_it_is(jitter):
    """Half a second and 30 ms."""
    times = EVEN + 0.5 * (np.arange(N) >= 6000) + 0.03 * (np.arange(N) >= 14_000) + JITTER[jitter]
    found = pauses(stamped(times))
    np.testing.assert_allclose(found.after, [6000, 14_000], atol=0 if jitter == "none" else 12)
    np.testing.assert_allclose(found.lost_s, [0.5, 0.03], atol=0.002)
    assert found.rate == pytest.approx(RATE, rel=5e-4)


@KINDS
def test_a_clock_that_begins_anew_has_jumped_once(jitter):
    times = np.concatenate([EVEN[:9000], EVEN[: N - 9000]]) + JITTER[jitter]
    found = pauses(stamped(times))
    assert len(found.jump) == 1 and abs(found.jump[0] - 9000) <= 3 and not len(found.after)
    np.testing.assert_array_equal(breaks(stamped(times)), found.jump)


def test_without_stamps_there_are_none():
    recording = EmgRecording(np.zeros((N, 1)), ("EMG1",), RATE, "V", EVEN)
    assert not len(breaks(recording)) and pauses(recording).rate == 0
    nothing = stamped(np.full(10, np.nan))
    assert not len(breaks(nothing)) and pauses(nothing).rate == 0


@pytest.mark.parametrize("mean_s", [0.0, 0.001, 0.003])
@pytest.mark.parametrize("lost", [30, 100])
def test_lost_packets_of_arrival_stamps_are_found(mean_s, lost):
    """Ten samples with the time at which they came, exponentially late."""
    n = N // 10
    due = 0.01 * (np.arange(n) + 1) + lost / RATE * (np.arange(n) >= 900)
    came = np.maximum.accumulate(due + np.random.default_rng(3).exponential(mean_s, n))
    found = pauses(stamped(np.repeat(came, 10)))
    assert len(found.after) == 1 and abs(found.after[0] - 9000) <= 20
    assert found.lost_s[0] == pytest.approx(lost / RATE, abs=0.002) and found.rate == pytest.approx(RATE, rel=1e-3)
    assert not len(pauses(stamped(np.repeat(came - lost / RATE * (np.arange(n) >= 900), 10))).after)


@pytest.mark.parametrize("from_sample", [0, 1, 3])
def test_times_that_are_rounded_lose_nothing_at_their_beginning(from_sample):
    """Written to 0.01 s, of 5 samples each but for the first ones; a loss behind them is still one."""
    times = np.round(np.arange(from_sample, 4000) / 500, 2)
    assert not len(pauses(stamped(times, rate=500)).after)
    lost = np.delete(times, slice(8, 28))  # four whole stamps
    assert len(pauses(stamped(lost, rate=500)).after) == 1


@pytest.mark.parametrize("scatter_s", [0.0, 5e-5, 1e-4, 3e-4])
def test_what_is_lost_is_measured_without_bias(scatter_s):
    """20 times 5 samples."""
    times = EVEN + 0.005 * np.searchsorted(np.arange(500, 20_000, 960), np.arange(N), "right")
    found = pauses(stamped(times + scatter_s * np.random.default_rng(4).normal(size=N)))
    count = int(round((times[-1] - EVEN[-1]) / 0.005))
    assert len(found.after) == count == 21 and found.lost_s.sum() == pytest.approx(0.005 * count, rel=0.01)
    assert found.rate == pytest.approx(RATE, rel=1e-4)
