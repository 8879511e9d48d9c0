"""How a band sits is found from EMG without labels, and not where nothing tells it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.models import Lda, LdaOptions
from myoprosthesis.emg import formats
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.band_search import find_placement
from myoprosthesis.training.decoding.fitting import fit
from myoprosthesis.training.decoding.windows import WindowOptions, windows

NAMES = ("0", "1", "2", "3", "4")
CHANNELS = tuple(f"ch{k}" for k in range(1, 9))
LAYOUT = RecordingFormat(rate=200.0, unit="counts", channels=CHANNELS, label_from="_C_([0-9]+)_EMG")


@pytest.fixture(scope="module")
def sample():
    """(repetitions) → the shipped recordings of them."""
    folder = share.root() / "config" / "recordings" / "libemg_myo"

    def read(repetitions):
        files = sorted(folder.glob(f"R_[{repetitions}]_*.csv"))
        return [(file, formats.read(file, LAYOUT)) for file in files]

    return read


def cut(recordings):
    return lambda placement: windows(
        recordings, LAYOUT, Conditioning(200.0, "counts"), ("log_cov",), 0.2, WindowOptions(), placement=placement
    )


@pytest.fixture(scope="module")
def made(sample):
    from myoprosthesis.decoders.band_placement import BandPlacement

    return fit(cut(sample("02"))(BandPlacement()), Lda(LdaOptions()), "classification", NAMES)


def found(made, recordings):
    return find_placement(made, lambda p: cut(recordings)(p).x, 8)


def turned(recordings, turn):
    """The same, with the band turned by whole electrodes."""
    return [(path, replace(r, samples=np.roll(r.samples, turn, axis=1))) for path, r in recordings]


def test_the_band_of_repetition_3_was_worn_the_other_way_round(made, sample):
    result = found(made, sample("3"))
    assert result.reversed and result.turn == pytest.approx(1.0, abs=0.3)


def test_a_turn_that_was_made_is_found(made, sample):
    result = found(made, turned(sample("1"), 3))
    assert not result.reversed and result.turn == pytest.approx(3.0, abs=0.3)


def test_a_band_that_sits_as_it_did(made, sample):
    with pytest.raises(ConfigError, match="sits as it did"):
        found(made, sample("1"))


def test_noise_too_few_windows_and_too_few_electrodes(made, sample):
    samples = np.random.default_rng(0).normal(0, 20, (1500, 8))
    noise = EmgRecording(samples, CHANNELS, 200.0, "counts", np.arange(1500) / 200)

    def stream(placement):
        return windows(
            [(Path("noise.csv"), noise)], LAYOUT, Conditioning(200.0, "counts"), ("log_cov",), 0.2, WindowOptions(),
            labelled=False, placement=placement,
        ).x  # fmt: skip

    with pytest.raises(ConfigError, match="do not agree|sits as it did"):
        find_placement(made, stream, 8)
    with pytest.raises(ConfigError, match="too few to find"):
        found(made, sample("3")[:1])
    with pytest.raises(ConfigError, match="band of 3 electrodes"):
        find_placement(made, stream, 3)
