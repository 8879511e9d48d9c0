"""Values that stand for a missing sample are read as NaN where they are stated, and asked about where they are not."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.recording_format import RecordingFormat, for_stack

PLAIN = RecordingFormat(rate=500.0)
N = 1000
SAMPLES = np.round(np.random.default_rng(3).normal(0, 40.0, (N, 2)), 2)


def with_gap(value, column=1, dtype=float):
    out = SAMPLES.astype(dtype)
    out[200:300, column] = value
    return out


def csv(path, samples):
    rows = "\n".join(",".join(f"{v:.10g}" for v in row) for row in samples)
    path.write_text(f"emg1 [uV],emg2 [uV]\n{rows}\n")
    return path


def hdf5(path, samples, attributes=(), **more):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("emg", data=samples, **more)
        data.attrs.update({"rate": 500.0, "unit": "uV", **dict(attributes)})
    return path


def mat(path, samples):
    scipy.io.savemat(path, {"emg": samples, "fs": 500.0, "unit": "uV"})
    return path


@pytest.mark.parametrize(
    "value", [-9999, 9999, -999, -99999, 9999.99, -8888, 1e20, -1e30, 9.969209968386869e36, 3.4028235e38, -32768]
)
def test_a_value_that_programs_write_for_missing_is_asked_about(tmp_path, value):
    for path in (csv(tmp_path / "a.csv", with_gap(value)), hdf5(tmp_path / "a.h5", with_gap(value)),
                 mat(tmp_path / "a.mat", with_gap(value))):  # fmt: skip
        layout = RecordingFormat(rate=500.0) if path.suffix == ".csv" else RecordingFormat()
        sentence = rf"is {value:.8g} in 100 of 1000 samples, and from .* in the others.*--missing={value:.8g}".replace(
            "+", r"\+"
        )
        with pytest.raises(ConfigError, match=sentence):
            formats.read(path, layout)


def test_the_person_says_that_it_is_missing_or_measured(tmp_path):
    path = csv(tmp_path / "a.csv", with_gap(-9999))
    masked = formats.read(path, RecordingFormat(rate=500.0, missing=(-9999.0,)))
    assert np.array_equal(np.isnan(masked.samples), np.isnan(with_gap(np.nan)))
    assert masked.remarks == ("-9999 stands for a missing sample, and is read as NaN",)
    measured = formats.read(path, RecordingFormat(rate=500.0, missing=("none",)))
    assert measured.samples[250, 1] == pytest.approx(-9999e-6) and not measured.remarks
    with pytest.raises(ConfigError, match="missing 'no' is no number"):
        RecordingFormat(missing=("no",))


@pytest.mark.parametrize("name", ["_FillValue", "missing_value"])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i2"])
def test_what_the_attributes_of_an_array_say_is_missing(tmp_path, name, dtype):
    path = hdf5(tmp_path / "a.h5", with_gap(-9999, dtype=dtype), {name: np.array([-9999.0, -8888.0])})
    recording = formats.read(path, RecordingFormat())
    assert np.array_equal(np.isnan(recording.samples), np.isnan(with_gap(np.nan)))
    text = hdf5(tmp_path / "b.h5", with_gap(-9999, dtype=dtype), {name: "-9999"})
    assert np.isnan(formats.read(text, RecordingFormat()).samples[:, 1]).sum() == 100


def test_a_range_of_valid_values_and_the_fill_value_of_hdf5(tmp_path):
    for attributes in ({"valid_range": [-500.0, 500.0]}, {"valid_min": -500.0}):
        recording = formats.read(hdf5(tmp_path / "a.h5", with_gap(-9999), attributes), RecordingFormat())
        assert np.isnan(recording.samples[:, 1]).sum() == 100 and "is valid, is read as NaN" in recording.remarks[0]
    recording = formats.read(hdf5(tmp_path / "a.h5", with_gap(-4321), fillvalue=-4321.0), RecordingFormat())
    assert np.isnan(recording.samples[:, 1]).sum() == 100
    zeros = formats.read(hdf5(tmp_path / "a.h5", with_gap(0.0), fillvalue=0.0), RecordingFormat())
    assert np.isfinite(zeros.samples).all()


def test_labels_that_are_missing_are_none(tmp_path):
    path, labels = hdf5(tmp_path / "a.h5", SAMPLES, {"label": "label"}), np.repeat([0, 1, -1, 1], N // 4)
    with h5py.File(path, "a") as file:
        file["label"] = labels
        file["label"].attrs["_FillValue"] = -1
    assert [s.label for s in formats.read(path, RecordingFormat()).spans] == ["0", "1", "1"]


def test_an_array_that_was_not_written_whole_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("emg", (N, 2), "f8", chunks=(100, 2))
        data[:500] = SAMPLES[:500]
        data.attrs.update({"rate": 500.0, "unit": "uV"})
    with pytest.raises(ConfigError, match="'emg' was not written whole: 5 of its 10 chunks are there.* read as 0"):
        formats.read(tmp_path / "a.h5", RecordingFormat())


def test_measured_values_are_not_asked_about():
    missing = MissingValues(Path("a"), PLAIN, ("a", "b"))
    rng = np.random.default_rng(0)
    counts = np.round(rng.normal(512, 200, (N, 2)))  # ten bits: 999 is among them, and all others around it
    counts[5] = 999
    saturated = np.round(rng.normal(0, 300, (N, 2)))
    saturated[100:200] = -32768
    rails = rng.normal(0, 300, (N, 2))
    rails[100:200], rails[300:400] = -9999, 9999
    for samples in (counts, saturated, rails, 10 * rng.normal(size=(N, 2)), np.zeros((N, 2)), np.full((3, 2), 99.0)):
        assert np.array_equal(missing.masked(samples), samples)
    assert not missing.remarks


def test_a_stack_is_told_its_own_option():
    assert "--emg-option missing=-9999 (they" in for_stack("Say --missing=-9999 (they are read as NaN)")
