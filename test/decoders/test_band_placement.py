"""A band that moved is undone: permutations for whole electrodes, waves around the ring in between."""

import numpy as np
import pytest

from myoprosthesis.decoders.band_placement import BandPlacement

SAMPLES = np.random.default_rng(0).normal(size=(50, 8))


def test_whole_electrodes_are_permuted():
    assert BandPlacement(3.0).undo(SAMPLES) == pytest.approx(np.roll(SAMPLES, -3, axis=1))
    assert BandPlacement(-1.0).undo(SAMPLES) == pytest.approx(np.roll(SAMPLES, 1, axis=1))
    assert BandPlacement(0.0, True).undo(SAMPLES) == pytest.approx(SAMPLES[:, ::-1])
    assert BandPlacement(1.0, True).undo(SAMPLES) == pytest.approx(np.roll(SAMPLES[:, ::-1], -1, axis=1))
    assert BandPlacement().undo(SAMPLES) is SAMPLES


@pytest.mark.parametrize("n", [7, 8])
def test_a_slow_wave_around_the_limb_is_turned_by_fractions(n):
    place = 2 * np.pi * np.arange(n) / n
    wave = np.cos(place)[None]
    for turn in (0.25, 0.5, 1.75):
        assert BandPlacement(turn).undo(wave)[0] == pytest.approx(np.cos(place + 2 * np.pi * turn / n))


def test_half_a_turn_twice_is_a_whole_one_for_slow_waves():
    smooth = SAMPLES @ np.array([BandPlacement(t).matrix(8)[0] for t in range(8)])
    smooth -= (smooth @ ((-1.0) ** np.arange(8)))[:, None] * (-1.0) ** np.arange(8) / 8
    half = BandPlacement(0.5)
    assert half.undo(half.undo(smooth)) == pytest.approx(BandPlacement(1.0).undo(smooth))
