"""Synthetic EMG: the same for any way of reading it, in its band, and as loud as its pattern says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.emg.sources.synthetic import Synthetic, SyntheticOptions
from myoprosthesis.testing import check_emg_source


class Hand:
    ns = 0

    def __call__(self):
        return self.ns


def made(options, seconds, steps):
    clock = Hand()
    source = Synthetic(options, clock)
    source.open()
    blocks = []
    for t in np.linspace(0.0, seconds - 1e-6, steps):
        clock.ns = round(t * 1e9)
        if (block := source.read()) is not None:
            blocks.append(block)
    return source, blocks


def joined(blocks):
    return np.concatenate([b.samples for b in blocks])


def test_any_way_of_reading_gives_the_same_and_another_seed_another():
    options = SyntheticOptions(rate=500.0)
    few, many = joined(made(options, 3.0, 4)[1]), joined(made(options, 3.0, 700)[1])
    assert few.shape == (1500, 8) and np.array_equal(few, many)
    assert not np.array_equal(few, joined(made(replace(options, seed=1), 3.0, 4)[1]))


def test_it_is_in_its_band_and_as_strong_as_it_says():
    options = SyntheticOptions(gestures=("close",), noise=0.0, low_hz=50.0, high_hz=200.0)
    x = joined(made(options, 30.0, 30)[1])[1000:, 0]
    assert x.std() == pytest.approx(options.rms, rel=0.1)
    power = np.abs(np.fft.rfft(x)) ** 2
    hz = np.fft.rfftfreq(len(x), 1e-3)
    assert power[(hz > 40) & (hz < 250)].sum() > 0.9 * power.sum()


def test_rest_is_silent_and_each_gesture_has_a_loudest_channel_of_its_own():
    options = SyntheticOptions(hold_s=1.0)
    source, blocks = made(options, 10.0, 100)
    x = joined(blocks)
    loud = [int(x[k * 1000 + 500 : k * 1000 + 1000].std(axis=0).argmax()) for k in range(1, 5)]
    assert len(set(loud)) == 4
    assert x[500:1000].std() < 1.1 * options.noise
    seen = [s.label for b in blocks for s in b.spans]
    assert list(dict.fromkeys(seen)) == list(options.gestures)
    assert "synthetic" in source.spec.about and "nothing about people" in source.spec.about


def test_it_passes_the_check_and_refuses_an_empty_band():
    check_emg_source(lambda: Synthetic(SyntheticOptions(speed=20.0)))
    with pytest.raises(ConfigError, match="band from 300 to 225 Hz is empty"):
        build(SyntheticOptions, {"low_hz": 300, "rate": 500})
    with pytest.raises(ConfigError, match="3 channel names .* for 8 channels"):
        Synthetic(SyntheticOptions(channels=("a", "b", "c"))).open()
