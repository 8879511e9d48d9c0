"""What is recorded comes back as it was: samples, times, labels, rate, unit and names, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.source import EmgBlock, SourceSpec
from myoprosthesis.emg.writer import writer

SPEC = SourceSpec("bench", ("flexor", "extensor"), 512.5, "V")


def blocks():
    rng = np.random.default_rng(0)
    out, k = [], 0
    for n, spans in ((3, ()), (5, (Span("fist", 2, 5),)), (4, (Span("fist", 0, 1), Span("rest", 2, 4)))):
        times = 17.0 + np.arange(k, k + n) / 512.5
        out.append(EmgBlock(1e-4 * rng.normal(size=(n, 2)), times, 0, 0, spans))
        k += n
    return out


@pytest.mark.parametrize("ending", ["csv", "h5"])
def test_what_was_written_comes_back(tmp_path, ending):
    file = tmp_path / f"own.{ending}"
    out = writer(str(file), SPEC)
    for block in blocks():
        out.write(block)
    out.close()
    recording = formats.read(file, RecordingFormat())
    assert (recording.channels, recording.rate, recording.unit, recording.stamped) == (SPEC.channels, 512.5, "V", True)
    assert np.array_equal(recording.samples, np.concatenate([b.samples for b in blocks()]))
    assert np.array_equal(recording.times, np.concatenate([b.times for b in blocks()]))
    assert recording.spans == (Span("fist", 5, 9), Span("rest", 10, 12))


def test_what_cannot_be_written(tmp_path):
    for path, spec, sentence in (
        ("a.edf", SPEC, "written as .csv, .h5"),
        ("none/a.csv", SPEC, "cannot be written: No such file"),
        ("none/a.h5", SPEC, "cannot be written"),
        ("a.csv", SourceSpec("s", ("t",), 1.0, "V"), "rename it"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            writer(str(tmp_path / path), spec)


@pytest.mark.parametrize("ending", ["csv", "h5"])
def test_names_and_labels_of_any_kind_and_samples_that_are_not_finite_come_back(tmp_path, ending):
    names = ("left, upper", 'the "best"', "EMG (L)", "ch #1", "Größe µ", "7")
    labels = ("grip #1", "grip #2, firm", 'a "grip"', "none", "über alles, und noch vieles mehr, " * 4 + "Ende")
    spec = SourceSpec("bench", names, 100.0, "counts")
    samples = np.random.default_rng(0).normal(size=(50, 6))
    samples[3, 2], samples[4], samples[5, 0] = np.nan, np.nan, np.inf
    samples[-1] = np.nan
    spans = tuple(Span(label, 10 * k, 10 * k + 8) for k, label in enumerate(labels))
    out = writer(str(tmp_path / f"a.{ending}"), spec)
    out.write(EmgBlock(samples, np.arange(50) / 100, np.arange(50, dtype=np.int64), 0, spans))
    out.close()
    recording = formats.read(tmp_path / f"a.{ending}", RecordingFormat())
    assert recording.channels == names and recording.unit == "counts"
    assert np.array_equal(recording.samples, samples, equal_nan=True)
    assert recording.spans == spans
