"""The time base: samples keep their distance whatever the arrival; what is missing, doubled or drifting is counted."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.emg.timebase import SourceTiming, TimeBase

RATE = 250.0
RNG = np.random.default_rng(0)


def feed(base, counters, arrivals, modulo=256):
    """One sample a block; times of the new ones."""
    out = []
    for c, a in zip(counters, arrivals, strict=True):
        times, new = base.by_counter(np.array([c % modulo]), modulo, a)
        out += times[new].tolist()
    return np.array(out)


def arrivals(n, jitter=0.004, rate=RATE, ppm=0.0, start=100.0):
    true = start + np.arange(n) / rate / (1 + 1e-6 * ppm)
    return true + jitter * RNG.random(n)


def test_times_are_even_whatever_the_jitter_of_arrival():
    base = TimeBase(RATE)
    times = feed(base, range(5000), arrivals(5000, jitter=0.2))
    np.testing.assert_allclose(times, np.arange(5000) / RATE, atol=1e-9)
    timing = base.timing
    assert (timing.gaps, timing.lost, timing.duplicates, timing.jumps) == (0, 0, 0, 0)
    assert timing.samples == 5000 and timing.rate == pytest.approx(RATE, rel=0.02)


@pytest.mark.parametrize("ppm", [-200.0, 0.0, 80.0, 5000.0])
def test_drift_of_the_clock_is_told(ppm):
    base = TimeBase(RATE)
    late = arrivals(100 * 250, ppm=ppm)
    late[::7] += 0.05 * RNG.random(len(late[::7]))
    feed(base, range(len(late)), late)
    assert base.timing.drift_ppm == pytest.approx(ppm, abs=3.0)
    assert base.timing.gaps == base.timing.jumps == 0


def test_lost_samples_are_a_gap_of_their_length():
    base = TimeBase(RATE)
    kept = np.r_[0:1000, 1003:2000, 2600:4000]  # 600 samples are more than twice round the counter
    times = feed(base, kept, arrivals(4000)[kept])
    np.testing.assert_allclose(times, kept / RATE, atol=1e-9)
    assert (base.timing.gaps, base.timing.lost) == (2, 603)
    assert base.timing.jumps == base.timing.duplicates == 0


def test_samples_that_come_twice_are_left_out():
    base = TimeBase(RATE)
    kept = np.r_[0:500, 495:500, 499, 500:1000]
    when = np.r_[arrivals(1000)[:500], np.full(6, 102.0), arrivals(1000)[500:]]
    times = feed(base, kept, when)
    np.testing.assert_allclose(times, np.arange(1000) / RATE, atol=1e-9)
    assert base.timing.duplicates == 6 and base.timing.lost == 0


def test_a_device_that_starts_anew_has_jumped():
    base = TimeBase(1000.0)
    when = arrivals(9000, rate=1000.0)
    first = feed(base, np.arange(50_000, 54_000), when[:4000], 1 << 16)
    second = feed(base, np.arange(4000), when[5000:], 1 << 16)  # a second later, from 0
    assert (base.timing.jumps, base.timing.gaps, base.timing.duplicates) == (1, 0, 0)
    assert second[0] - first[-1] == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(np.diff(second), 1e-3, atol=1e-9)


def test_a_burst_after_a_stall_is_no_gap():
    base = TimeBase(RATE)
    when = arrivals(3000)
    when[1000:1400] = when[1400]  # held up for 1.6 s, more than once round the counter, then all at once
    feed(base, range(1000), when[:1000])
    times, new = base.by_counter(np.arange(1000, 1400) % 256, 256, when[1400])
    feed(base, range(1400, 3000), when[1400:])
    np.testing.assert_allclose(times, np.arange(1000, 1400) / RATE)
    assert new.all() and base.timing.gaps == base.timing.jumps == 0


def test_any_cut_of_the_counter_gives_the_same_times():
    kept = np.r_[0:700, 703:1500, 1499, 1500:2500]
    once = TimeBase(RATE)
    whole, new = once.by_counter(kept % 256, 256, 100.0 + 2500 / RATE)
    cut, base, k = [], TimeBase(RATE), 0
    while k < len(kept):
        part = kept[k : k + int(RNG.integers(1, 60))]
        times, fresh = base.by_counter(part % 256, 256, 100.0 + part[-1] / RATE)
        cut += times[fresh].tolist()
        k += len(part)
    np.testing.assert_array_equal(cut, whole[new])
    assert base.counts == once.counts


def test_stamps_stay_as_they_are_and_are_judged():
    base, stamps = TimeBase(RATE), 7.0 + np.arange(2000) / RATE
    stamps[1000:] += 0.1  # 25 samples are missing
    stamps[500] = stamps[499]
    for k in range(0, 2000, 10):
        times, new = base.by_stamps(stamps[k : k + 10], 50.0 + stamps[min(k + 9, 1999)] + 0.002)
        assert new.all()
        np.testing.assert_array_equal(times, stamps[k : k + 10])
    timing = base.timing
    assert (timing.gaps, timing.lost, timing.duplicates, timing.jumps) == (2, 26, 1, 0)
    assert base.taken(stamps[-1], 50.002 + stamps[-1]) == pytest.approx(50.002 + stamps[-1], abs=1e-6)


@pytest.mark.parametrize("by", [-3.0, 1e6])
def test_stamps_that_jump(by):
    base, stamps = TimeBase(RATE), np.arange(1000) / RATE
    stamps[500:] += by
    for k in range(0, 1000, 5):
        base.by_stamps(stamps[k : k + 5], 50.0 + k / RATE)
    assert (base.timing.jumps, base.timing.gaps) == (1, 0)


def test_a_pause_of_a_device_with_stamps_is_a_gap():
    base, stamps = TimeBase(RATE), np.arange(1000) / RATE
    stamps[500:] += 30.0
    for k in range(0, 1000, 5):
        base.by_stamps(stamps[k : k + 5], 50.0 + stamps[k + 4])
    assert (base.timing.jumps, base.timing.gaps, base.timing.lost) == (0, 1, 7500)


def test_stamps_may_scatter_within_the_tolerance():
    stamps = np.arange(2000) / RATE + 0.01 * RNG.random(2000)
    stamps.sort()
    base = TimeBase(RATE, tolerance_s=0.02)
    base.by_stamps(stamps, 100.0)
    assert base.timing.gaps == 0
    strict = TimeBase(RATE)
    strict.by_stamps(stamps, 100.0)
    assert strict.timing.gaps > 0


def by_arrival(base, when):
    return np.concatenate([base.by_arrival(1, a)[0] for a in when])


def test_by_arrival_a_wrong_rate_is_no_gap_and_a_loss_is_one():
    base = TimeBase(RATE)
    by_arrival(base, arrivals(60 * 250, rate=0.98 * RATE))
    assert base.timing.gaps == 0
    assert base.timing.rate == pytest.approx(0.98 * RATE, rel=2e-3)
    assert base.timing.drift_ppm == pytest.approx(-20_000, abs=100)
    base, when = TimeBase(RATE), arrivals(60 * 250)
    times = by_arrival(base, np.r_[when[:2500], when[2600:]])
    assert base.timing.gaps == 1 and base.timing.lost == pytest.approx(100, abs=3)
    assert times[-1] == pytest.approx(60.0, abs=0.02)


def test_by_arrival_silence_is_found_with_the_first_sample_after_it():
    base, when = TimeBase(RATE), arrivals(20 * 250)
    times = by_arrival(base, np.r_[when[:1000], when[3500:]])
    assert base.timing.gaps == 1
    assert times[1001] - times[999] == pytest.approx(10.0, abs=0.05)


def test_a_gap_within_a_block_stays_where_it_is_and_the_newest_is_placed_by_the_clock():
    base = TimeBase(RATE)
    base.by_counter(np.arange(250), 256, 101.0)
    counters = np.r_[250:255, 280:290]
    times, _ = base.by_counter(counters % 256, 256, 101.19)  # due at 101.156 (289 · 4 ms), and so 34 ms late
    stamps = base.stamps_ns(times, 101.19, 7_000_000_000)
    assert stamps.dtype == np.int64
    assert np.diff(stamps).tolist() == [4_000_000] * 4 + [104_000_000] + [4_000_000] * 9
    assert stamps[-1] == pytest.approx(7_000_000_000 - 30_000_000, abs=1000)
    assert base.stamps_ns(times, 101.0, 0)[-1] == 0  # never after it came


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_jump_of_the_devices_clock_within_a_block_is_no_time(jump):
    base = TimeBase(RATE)
    base.by_stamps(np.arange(250) / RATE, 101.0)
    times = np.arange(250, 260) / RATE
    times[5:] += jump
    base.by_stamps(times, 101.04)
    stamps = base.stamps_ns(times, 101.04, 0)
    assert stamps[-1] == 0 and np.diff(stamps).tolist() == [4_000_000] * 9


def test_samples_were_taken_before_they_came():
    base = TimeBase(RATE)
    when = arrivals(2500, jitter=0.05)
    for k, a in enumerate(when):
        times, _ = base.by_counter(np.array([k % 256]), 256, a)
        assert base.taken(times[-1], a) <= a
    # after ten seconds within a fraction of the jitter of the truth
    assert base.taken(10.0, 200.0) == pytest.approx(100.0 + 10.0, abs=0.005)


def test_memory_does_not_grow():
    base = TimeBase(1000.0)
    for k in range(2000):
        base.by_counter(np.arange(k * 1000, k * 1000 + 1000) % 65536, 65536, float(k))
    assert len(base._line._kept) <= 128 and len(base._received) <= 128


def test_counts_in_words():
    assert SourceTiming(1000, RATE).words(RATE) == []
    told = SourceTiming(1000, 200.0, 0.0, 1, 5, 2, 1, 3).words(RATE)
    assert len(told) == 5 and "200.0 samples/s come, the rate is 250 Hz" in told[-1]


def test_the_rate_counts_what_was_lost_in_gaps():
    base, places = TimeBase(1000.0), np.arange(4000)
    places[1000:] += 300
    places[3000:] += 300
    for start in range(0, 4000, 20):
        part = places[start : start + 20]
        base.by_stamps(part / 1000, part[-1] / 1000)
    assert (base.timing.gaps, base.timing.lost) == (2, 600)
    assert base.timing.rate == pytest.approx(1000.0, rel=0.001)
