"""Disturbed EMG: each kind as what it is, and that no way to cut the stream changes a bit."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.core.options import build
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.emg.corruption import EmgCorruption, strength
from myoprosthesis.perturbations import emg_kinds, presets
from myoprosthesis.perturbations.planner import Planner

RATE, CHANNELS = 1000.0, tuple("abcdefgh")
TRIAL = TrialPlan(0, ns(1.0), ns(4.0), (0.0, 0.0, 0.0), (0.1, 0.0, 0.0), None)
N = 5000
TIMES = np.arange(N) * (NS // 1000)
X = np.random.default_rng(0).normal(size=(N, 8))
KINDS = {
    "electrode_shift": emg_kinds.ElectrodeShiftOptions, "gain_drift": emg_kinds.GainDriftOptions,
    "channel_dropout": emg_kinds.ChannelDropoutOptions, "mains": emg_kinds.MainsOptions,
    "emg_noise": emg_kinds.EmgNoiseOptions, "emg_delay": emg_kinds.EmgDelayOptions,
}  # fmt: skip


def entry(kind, **options):
    (one,) = getattr(emg_kinds, kind)(build(KINDS[kind], options), TRIAL)
    return one


def done(*entries, x=X, times=TIMES):
    given = x.copy()
    out = EmgCorruption(CHANNELS, RATE).apply(given, times, entries)
    assert np.array_equal(given, x)
    return out


ALL = [
    entry("emg_noise", sd=0.3, ramp_s=0.5), entry("electrode_shift", positions=-1.3, ramp_s=1.0),
    entry("emg_noise", sd=0.1, seed=4, start_s=1.0, duration_s=0.7, channels=("b",)), entry("mains", amplitude=2.0),
    entry("gain_drift", per_minute=30.0), entry("channel_dropout", channels=("c", "d"), start_s=0.5),
    entry("emg_delay", delay_s=0.2, ramp_s=2.0), entry("emg_delay", delay_s=0.013, start_s=0.3, duration_s=0.4),
]  # fmt: skip


@pytest.mark.parametrize("entries", [ALL, *([e] for e in ALL)])
def test_any_cut_gives_the_same_bits(entries):
    whole = done(*entries)
    for seed, most in enumerate((2, 40, 1500)):
        rng, stream, parts, k = np.random.default_rng(seed), EmgCorruption(CHANNELS, RATE), [], 0
        while k < N:
            n = int(rng.integers(0, most))
            parts.append(stream.apply(X[k : k + n], TIMES[k : k + n], entries))
            k += n
        assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_happens_outside_the_window_and_something_inside(kind):
    out = done(entry(kind, start_s=0.5, duration_s=1.0))
    assert np.array_equal(out[:1500], X[:1500]) and np.array_equal(out[2500:], X[2500:])
    assert not np.array_equal(out[1500:2500], X[1500:2500])
    assert np.array_equal(done(entry(kind, gain=0.0)), X)


def test_a_shift_turns_the_ring():
    turned = done(entry("electrode_shift", positions=1.0))[1000:4000]
    assert np.array_equal(turned, np.roll(X[1000:4000], -1, axis=1))
    assert np.array_equal(done(entry("electrode_shift", positions=-8.0)), X)
    half = done(entry("electrode_shift", positions=2.5))[1000:4000]
    np.testing.assert_allclose(half[:, 7], (X[1000:4000, 1] + X[1000:4000, 2]) / 2)
    twice = done(entry("electrode_shift", positions=1.0, gain=2.0))[1000:4000]
    assert np.array_equal(twice, np.roll(X[1000:4000], -2, axis=1))


def test_a_gain_drifts_and_a_channel_drops_out():
    out = done(entry("gain_drift", per_minute=-6.0, channels=("b",)))
    np.testing.assert_allclose(out[2000, 1], 0.9 * X[2000, 1])  # a second later a tenth is gone
    assert np.array_equal(np.delete(out, 1, 1), np.delete(X, 1, 1))
    long = done(entry("gain_drift", per_minute=-40.0))
    assert not long[2600:4000].any()  # never turned over
    out = done(entry("channel_dropout", channels=("h",), ramp_s=1.0))
    assert not out[2000:4000, 7].any() and np.array_equal(out[:, :7], X[:, :7])
    np.testing.assert_allclose(out[1250, 7], 0.75 * X[1250, 7])


@pytest.mark.parametrize("hz", [50.0, 60.0])
def test_mains_are_at_their_frequency_with_odd_harmonics(hz):
    out = done(entry("mains", hz=hz, amplitude=0.5, harmonics=2), x=np.zeros_like(X))[1000:4000]
    power = np.abs(np.fft.rfft(out[:, 3])) / len(out) * 2
    lines = {round(k * 1000 / len(out)): round(float(power[k]), 3) for k in np.flatnonzero(power > 0.01)}
    assert lines == {int(hz): 0.5, int(3 * hz): 0.167}
    assert not np.allclose(out[:, 0], out[:, 1])
    same = done(entry("mains", scatter=0.0), x=np.zeros_like(X))
    assert np.array_equal(same[:, 0], same[:, 7])


def test_noise_is_white_seeded_and_new_in_each_trial():
    noise = entry("emg_noise", sd=0.5)
    out = done(noise) - X
    assert out[1000:4000].std() == pytest.approx(0.5, rel=0.02)
    assert not np.array_equal(out, done(entry("emg_noise", sd=0.5, seed=1)) - X)
    later = done(replace(noise, from_ns=ns(1.5))) - X
    assert not np.array_equal(later[1500:2000], out[1000:1500])


def test_a_delay_delays():
    out = done(entry("emg_delay", delay_s=0.1))
    assert np.array_equal(out[1000:4000], X[900:3900])
    first = done(replace(entry("emg_delay", delay_s=0.1), from_ns=0))
    assert np.array_equal(first[:100], np.repeat(X[:1], 100, axis=0))


def test_a_block_that_nothing_is_done_to_costs_no_copy_of_the_past():
    stream = EmgCorruption(CHANNELS, 20_000.0)
    stream.apply(X[:10], TIMES[:10], ())
    tracemalloc.start()
    try:
        stream.apply(X[10:20], TIMES[10:20], ())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < X[:1].nbytes * 20_000 * 0.5 / 20  # of the half second that is kept


def test_strength_is_that_of_the_entry():
    for one in ALL:
        assert strength(one, TIMES[::37]).tolist() == [one.gain(int(t)) for t in TIMES[::37]]


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (entry("channel_dropout", channels=("z",)), "unknown EMG channel 'z': known are a, b"),
        (entry("mains", unit="counts"), "given in counts, these samples are in V"),
        (entry("emg_noise", unit="mV"), "given in mV, these samples are in V"),
        (PerturbationEntry("emg", "thunder", {}), "unknown perturbation of EMG 'thunder'"),
        (PerturbationEntry("emg", "delay", {}), "it has no 'delay_s'"),
        (PerturbationEntry("emg", "delay", {"delay_s": 2.0}), "0 to 0.5 s"),
        (PerturbationEntry("emg", "electrode_shift", {"positions": float("nan")}), "finite number"),
        (PerturbationEntry("emg", "electrode_shift", {"positions": "far"}), "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused(one, sentence):
    with pytest.raises(Refused, match=sentence):
        EmgCorruption(CHANNELS, RATE).check([*ALL, one])
    EmgCorruption(CHANNELS, RATE).check(ALL)


def test_mains_need_a_rate_that_holds_them():
    with pytest.raises(Refused, match="cannot be in samples at 100 Hz"):
        EmgCorruption(CHANNELS, 100.0).check([entry("mains", hz=60.0)])


def test_other_sites_are_left_alone():
    other = PerturbationEntry("endpoint", "law", {})
    EmgCorruption(CHANNELS, RATE).check([other])
    assert np.array_equal(done(other), X)


@pytest.mark.parametrize(
    "name", ["band_turned", "electrode_off", "skin_dries", "mains_50", "mains_60", "mains_50_counts", "slow_link"]
)
def test_shipped_presets_disturb_the_shipped_kinds_of_recording(name):
    entries = Planner(presets.load(name), {"gain": 0.5}).plan(TRIAL).entries
    unit = "counts" if "counts" in name else "V"
    stream = EmgCorruption(tuple(f"ch{k}" for k in range(1, 9)), RATE, unit)
    stream.check(entries)
    assert not np.array_equal(stream.apply(X, TIMES, entries), X)
