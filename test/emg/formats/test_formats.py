"""Formats with names and units of their own: what was written by the format's own library comes back."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.testing import check_emg_format

N, RATE = 3000, 1000.0
SAMPLES = np.random.default_rng(0).normal(0, 50.0, (N, 3))  # µV
LABELS = np.repeat([0, 1, 2], 1000)
SPANS = (Span("fist", 1000, 2000), Span("2", 2000, 3000))
NAMED = RecordingFormat(label="restimulus", label_names={"1": "fist"}, ignore=("0",))


def hdf5(path):
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_dataset("session/emg", data=SAMPLES)
        data.attrs.update({"rate": RATE, "unit": "uV", "channels": ["a", "b", "c"]})
        file["restimulus"] = LABELS
    return NAMED


def mat5(path):
    import scipy.io

    scipy.io.savemat(path, {"emg": SAMPLES, "restimulus": LABELS[:, None], "fs": RATE})
    return RecordingFormat(unit="uV", label="restimulus", label_names={"1": "fist"}, ignore=("0",))


def mat73(path):
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        file["emg"], file["restimulus"], file["fs"] = SAMPLES.T, LABELS[None], np.array([[RATE]])
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return RecordingFormat(unit="uV", label="restimulus", label_names={"1": "fist"}, ignore=("0",))


def edf(path):
    import edfio

    kind, signal = (edfio.Bdf, edfio.BdfSignal) if path.suffix == ".bdf" else (edfio.Edf, edfio.EdfSignal)
    signals = [signal(x, RATE, label=c, physical_dimension="uV") for c, x in zip("abc", SAMPLES.T, strict=True)]
    kind(signals, annotations=[edfio.EdfAnnotation(1.0, 1.0, "1"), edfio.EdfAnnotation(2.0, None, "2")]).write(path)
    return RecordingFormat(label_names={"1": "fist"})


CASES = {"a.h5": hdf5, "a.mat": mat5, "b.mat": mat73, "a.edf": edf, "a.bdf": edf}


@pytest.mark.parametrize("name", CASES)
def test_what_was_written_comes_back(tmp_path, name):
    layout = CASES[name](tmp_path / name)
    recording = formats.read(tmp_path / name, layout)
    step = 1e-6 * np.ptp(SAMPLES) / (2**16 if name.endswith("edf") else 2**24)
    assert np.abs(recording.samples - 1e-6 * SAMPLES).max() < max(step, 1e-18)
    assert (recording.rate, recording.unit) == (RATE, "V")
    assert recording.channels == (("ch1", "ch2", "ch3") if "mat" in name else ("a", "b", "c"))
    assert recording.spans == SPANS


@pytest.mark.parametrize("name", CASES)
def test_every_format_passes_the_check(tmp_path, name):
    layout = CASES[name](tmp_path / name)
    check_emg_format(lambda block: formats.blocks(tmp_path / name, layout, block))


@pytest.mark.parametrize("name", ["a.h5", "a.mat", "a.edf", "a.bdf"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind" * 100])
def test_a_damaged_file_gets_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match="damaged one" if content else "is empty") as caught:
        formats.read(tmp_path / name, RecordingFormat(rate=RATE, unit="V"))
    assert "\n" not in str(caught.value)


def test_what_the_file_does_not_say_is_asked_for(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = SAMPLES
        file["turned"] = SAMPLES.T
    for layout, sentence in (
        (RecordingFormat(rate=RATE, unit="V"), "say which is the EMG"),
        (RecordingFormat(dataset="x", unit="V"), "sampling rate"),
        (RecordingFormat(dataset="x", rate=RATE), "unit"),
        (RecordingFormat(dataset="turned", rate=RATE, unit="V"), "wrong way round"),
        (RecordingFormat(dataset="y", rate=RATE, unit="V"), "unknown dataset 'y'"),
        (RecordingFormat(dataset="x", rate=RATE, unit="V", label="gesture"), "unknown dataset 'gesture'"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            formats.read(tmp_path / "a.h5", layout)


def test_a_format_that_must_not_pass(tmp_path):
    layout = hdf5(tmp_path / "a.h5")

    def forgets(block):
        for k, part in enumerate(formats.blocks(tmp_path / "a.h5", layout, block)):
            yield part.part(1, len(part)) if k == 1 else part

    with pytest.raises(AssertionError, match="the whole"):
        check_emg_format(forgets)
