"""Conditioning: the physics of its filters, and that no way to cut a stream changes a bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.emg.conditioning import Conditioner, Conditioning

SETTINGS = Conditioning(1000.0, "V", 20.0, 450.0, mains_hz=50.0)
T = np.arange(4000) / 1000.0


def tone(hz, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * hz * T)[:, None]


def gain(settings, hz):
    """Amplitude of a tone after it, once it has settled."""
    filtered = Conditioner(settings, ("a",)).filter(tone(hz)).filtered
    return np.sqrt(2) * filtered[2000:].std()


@pytest.mark.parametrize("settings", [SETTINGS, Conditioning(200.0, "counts", 0.0, flat_s=0.02, artefact=2.0),
                                      replace(SETTINGS, full_scale=2.0, flat_s=0.003, artefact=1.0)])  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_streaming_equals_batch_bit_for_bit(settings, seed):
    rng = np.random.default_rng(seed)
    samples = np.round(rng.normal(0, 1.0, (3000, 3)), 1) + 5.0 * (seed == 1)
    samples[rng.random(samples.shape) < 0.01] = np.nan
    samples[500:600, 1] = 0.3
    samples[0, 2] = np.nan
    whole = Conditioner(settings, ("a", "b", "c")).filter(samples)
    stream, parts, k = Conditioner(settings, ("a", "b", "c")), [], 0
    while k < len(samples):
        n = int(rng.integers(0, [2, 40, 700][seed]))
        parts.append(stream.filter(samples[k : k + n]))
        k += n
    for field in ("filtered", "envelope", "artefact", "off"):
        assert np.array_equal(np.concatenate([getattr(p, field) for p in parts]), getattr(whole, field)), field
    assert np.isfinite(whole.filtered).all()
    stream.reset()
    assert np.array_equal(stream.filter(samples).filtered, whole.filtered)


def test_the_band_passes_what_is_in_it_and_stops_the_rest():
    assert gain(SETTINGS, 120.0) == pytest.approx(1.0, abs=0.01)
    assert gain(SETTINGS, 20.0) == pytest.approx(np.sqrt(0.5), abs=0.01)
    assert gain(SETTINGS, 5.0) < 0.01  # four poles: (5/20)^4 = 0.004
    for mains in (50.0, 100.0, 150.0):
        assert gain(SETTINGS, mains) < 0.01
        assert gain(replace(SETTINGS, mains_hz=60.0), mains) > 0.9
    assert gain(replace(SETTINGS, mains_hz=60.0), 120.0) < 0.01


def test_an_offset_of_the_electrode_does_not_ring():
    out = Conditioner(SETTINGS, ("a",)).filter(np.full((1000, 1), 8e-3))
    assert np.abs(out.filtered).max() < 1e-12


def test_without_filters_samples_stay_as_they_are():
    plain = Conditioning(1000.0, "V", 0.0, 0.0)
    samples = np.random.default_rng(0).normal(size=(100, 2))
    assert np.array_equal(Conditioner(plain, ("a", "b")).filter(samples).filtered, samples)


def test_the_envelope_is_a_fraction_of_mvc():
    # the mean of a rectified sine is 2/π of its amplitude
    out = Conditioner(SETTINGS, ("a",), {"a": 2 / np.pi * 4.0}).filter(tone(120.0, 2.0))
    assert out.envelope[2000:].mean() == pytest.approx(0.5, abs=0.005)
    assert (out.envelope >= 0).all()
    with pytest.raises(ConfigError, match="MVC of channel 'a' is missing"):
        Conditioner(SETTINGS, ("a",), {"b": 1.0})


def test_artefacts_and_electrodes_that_are_off_are_marked():
    samples = np.random.default_rng(0).normal(0, 1.0, (1000, 4))
    samples[300:700, 0] = samples[299, 0]
    samples[400, 1] = 100.0
    samples[500, 2] = np.inf
    samples[600, 3] = -40.0
    out = Conditioner(Conditioning(1000.0, "V", 0.0, artefact=20.0, full_scale=200.0), tuple("abcd")).filter(samples)
    assert np.flatnonzero(out.artefact[:, 1]).tolist() == [400]
    assert np.flatnonzero(out.artefact[:, 3]).tolist() == [600]
    assert np.flatnonzero(out.off[:, 2]).tolist() == [500]
    # sample 299 is the first of the standing ones: 0.2 s later it has stood for 200 samples
    assert np.flatnonzero(out.off[:, 0]).tolist() == list(range(299 + 200, 700))
    assert not out.off[:, 1].any()
    assert Conditioner(Conditioning(1000.0, "V", full_scale=30.0), tuple("abcd")).filter(samples).off[600, 3]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rate": 200, "unit": "V", "low_pass_hz": 450}, "low_pass_hz is 450 Hz; it must be below half the rate"),
        ({"rate": 2000, "unit": "V", "high_pass_hz": 500, "low_pass_hz": 100}, "is empty"),
        ({"rate": 2000}, "unit: is needed"),
        ({"rate": 2000, "unit": "V", "mains": 50}, "unknown option 'mains'"),
    ],
)
def test_settings_that_cannot_be(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        build(Conditioning, given)


def test_blocks_of_another_width_are_refused():
    with pytest.raises(ConfigError, match="shape"):
        Conditioner(SETTINGS, ("a", "b")).filter(np.zeros((10, 3)))
