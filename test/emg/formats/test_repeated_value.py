"""A value that recurs among measured ones is found, however it is spread; what a converter or a filter does is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.formats.repeated_value import repeated_value
from myoprosthesis.emg.recording_format import RecordingFormat

N = 4000


def emg(rng, sd=40.0, step=0.01, n=N):
    """Rest and contraction by turns, to the nearest `step`."""
    x = rng.normal(0, sd, n) * np.where(np.arange(n) // 700 % 2, 1.5, 0.2)
    return np.round(x / step) * step


@pytest.mark.parametrize("value", [-99.0, -1.0, 999.0, -999.9, 88.0, float(np.float32(99.9)), -99.02])
@pytest.mark.parametrize("spread", ["run", "single samples"])
def test_what_programs_write_is_found_within_the_range(value, spread):
    rng = np.random.default_rng(1)
    x = emg(rng, 400.0 if abs(value) > 900 else 40.0, 0.05)
    x[slice(900, 1100) if spread == "run" else rng.choice(N, 100, replace=False)] = value
    assert repeated_value(x) == value
    with pytest.raises(ConfigError, match=rf"'b' is {value:.8g} in \d+ of 4000 samples.*--missing={value:.8g}"):
        MissingValues(Path("a"), RecordingFormat(), ("a", "b")).masked(np.stack([emg(rng), x], axis=1))


def test_any_other_value_is_found_where_it_stands_out_of_what_surrounds_it():
    rng = np.random.default_rng(2)
    x = emg(rng)
    rest = np.flatnonzero(np.arange(N) // 700 % 2 == 0)
    x[rng.choice(rest, 60, replace=False)] = 50.5
    assert repeated_value(x) == 50.5
    x = emg(rng)
    x[1000:1200] = 5.05  # an electrode that is held
    assert repeated_value(x) is None


@pytest.mark.parametrize(("value", "decimals", "count"), [(-99.0, 6, 3), (-99.0, 3, 4), (999.0, 4, 3), (-1.0, 12, 4)])
def test_a_few_samples_of_what_programs_write_are_found_where_chance_does_not_make_them(value, decimals, count):
    rng = np.random.default_rng(4)
    x = np.round(rng.normal(0, 400 if value > 900 else 40, 20_000), decimals)
    assert repeated_value(x) is None
    x[rng.choice(len(x), count, replace=False)] = value
    assert repeated_value(x) == value
    x[100] = -value
    assert repeated_value(x) is None  # a rail
    x[100] = 0.5
    assert repeated_value(np.round(x)) is None  # nothing says so where all numbers are whole
    assert repeated_value(np.concatenate([x, np.round(x * 1.01)])) is None  # or many are


def test_whole_numbers_among_fractions_raise_no_question():
    for seed in range(20):
        counts = np.round(np.random.default_rng(seed).laplace(0, 60, 2000))
        tenths = np.arange(0, len(counts) - 1, 0.1)
        assert repeated_value(np.interp(tenths, np.arange(len(counts)), counts)) is None
        assert repeated_value(np.concatenate([counts, counts * 0.313])) is None


def test_converters_rails_holds_and_rests_raise_no_question():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sd, step = 10 ** rng.uniform(0, 3), 10 ** rng.uniform(-3, 1.5)
        x = emg(rng, sd, step, int(rng.integers(300, 9000)))
        for samples in (
            x, np.clip(x, -sd, sd), np.minimum(x, 1.2 * sd), np.repeat(x[::4], 4), np.where(abs(x) < sd / 5, 0, x),
            np.round(x) - 1, np.clip(np.round(x), -99, 99), np.where(np.arange(len(x)) < 200, x[0], x),
        ):  # fmt: skip
            assert repeated_value(samples) is None
