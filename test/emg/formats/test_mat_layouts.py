"""What LabChart, AcqKnowledge and Spike2 export as .mat, written by scipy in their layouts."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.testing import check_emg_format

RATE, N = 1000.0, 900
PLAIN = RecordingFormat()
EMG = 1e-4 * np.random.default_rng(1).normal(size=(2 * N, 3))


def labchart(path, blocks, names, units, rates, comments=(), times=None, **more):
    """`blocks` has the samples of each channel of each block, one after another in the file."""
    data, start, end = [], np.full((len(names), len(blocks)), -1.0), np.full((len(names), len(blocks)), -1.0)
    for b, block in enumerate(blocks):
        for c, x in enumerate(block):
            if len(x):
                start[c, b], end[c, b] = len(data) + 1, len(data) + len(x)
                data.extend(x)
    kinds = sorted(set(units))
    texts = list(dict.fromkeys(text for *_, text in comments))
    variables = {
        "data": np.array(data)[None], "datastart": start, "dataend": end, "titles": names, "unittext": kinds,
        "unittextmap": np.array([[kinds.index(u) + 1.0] * len(blocks) for u in units]),
        "samplerate": np.array([[r] * len(blocks) for r in rates]), "tickrate": np.full((1, len(blocks)), max(rates)),
        "blocktimes": np.array([times or [738000.5] * len(blocks)]), "rangemin": start, "rangemax": start,
        "firstsampleoffset": np.zeros_like(start), "comtext": texts,
        "com": np.array([[-1.0, b, tick, 1, texts.index(text) + 1] for b, tick, text in comments]),
    }  # fmt: skip
    scipy.io.savemat(path, variables | more)
    return path


def test_channels_of_labchart_one_after_another_are_channels(tmp_path):
    """And its comments are labels, each until the next one."""
    force = np.arange(N / 10)
    path = labchart(
        tmp_path / "a.mat", [[*EMG[:N].T, force]], ["EMG left", "EMG right", "Biceps", "Force"], ["V", "V", "V", "N"],
        [RATE, RATE, RATE, RATE / 10], [(1, 100, "fist"), (1, 500, "rest")],
    )  # fmt: skip
    recording = formats.read(path, PLAIN)
    assert recording.channels == ("EMG left", "EMG right", "Biceps") and (recording.rate, recording.unit) == (RATE, "V")
    np.testing.assert_array_equal(recording.samples, EMG[:N])
    assert recording.spans == (Span("fist", 100, 500), Span("rest", 500, N))
    assert any("left out: Force 90 at 100 Hz" in r for r in recording.remarks)
    assert not any("datastart" in r for r in recording.remarks)
    check_emg_format(lambda block: formats.blocks(path, PLAIN, block))
    alone = formats.read(path, RecordingFormat(channels=("Force",)))
    assert alone.rate == RATE / 10 and (alone.samples[:, 0] == force).all()


def test_blocks_of_labchart_have_their_times(tmp_path):
    names, units, rates = ["EMG 1", "EMG 2", "EMG 3"], ["V"] * 3, [RATE] * 3
    blocks = [EMG[:N].T, EMG[N:].T]
    path = labchart(tmp_path / "a.mat", blocks, names, units, rates, [(2, 10, "go")], [738000.5, 738000.5 + 60 / 86400])
    recording = formats.read(path, PLAIN)
    np.testing.assert_array_equal(recording.samples, EMG)
    steps = np.diff(recording.times)
    assert recording.stamped and steps[N - 1] == pytest.approx(60 - (N - 1) / RATE, abs=1e-4)
    np.testing.assert_allclose(np.delete(steps, N - 1), 1 / RATE, rtol=1e-6)
    assert recording.spans == (Span("go", N + 10, 2 * N),)
    with pytest.raises(ConfigError, match="has 2 blocks, and no blocktimes that say when each began"):
        formats.read(labchart(tmp_path / "b.mat", blocks, names, units, rates), PLAIN)


def test_whole_numbers_of_labchart_lead_to_volts(tmp_path):
    counts = np.random.default_rng(2).integers(-3000, 3000, (N, 2)).astype(np.int16)
    scale, offset = np.array([[2e-6], [4e-6]]), np.array([[5.0], [0.0]])
    arguments = [list(counts.T)], ["EMG 1", "EMG 2"], ["V", "V"], [RATE, RATE]
    data = np.concatenate(list(counts.T))[None]
    path = labchart(tmp_path / "a.mat", *arguments, data=data, scaleunits=scale, scaleoffset=offset)
    np.testing.assert_allclose(formats.read(path, PLAIN).samples, (counts + offset.T) * scale.T, rtol=1e-12)
    with pytest.raises(ConfigError, match="whole numbers, and no scaleunits"):
        formats.read(labchart(tmp_path / "b.mat", *arguments, data=data), PLAIN)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dataend": np.full((2, 1), 1e6)}, "do not lie within its data"),
        ({"titles": ["EMG 1"]}, "are not of the same channels"),
        ({"unittextmap": np.full((2, 1), 9.0)}, "unittextmap does not fit"),
        ({"com": np.array([[-1.0, 3, 5, 1, 1]]), "comtext": ["x"]}, "blocks or texts that it does not have"),
    ],
)
def test_labchart_that_contradicts_itself_is_refused(tmp_path, change, sentence):
    arguments = [list(EMG[:N, :2].T)], ["EMG 1", "EMG 2"], ["V", "V"], [RATE, RATE]
    with pytest.raises(ConfigError, match=sentence):
        formats.read(labchart(tmp_path / "a.mat", *arguments, **change), PLAIN)


def test_acqknowledge_says_its_period_names_and_units(tmp_path):
    """Force beside EMG is no EMG, as everywhere; its period is in ms."""
    variables = {
        "data": np.column_stack([1e3 * EMG[:N, :2], np.arange(N)]), "labels": ["EMG flexor", "EMG extensor", "Force"],
        "units": ["mV", "mV", "kg"], "isi": 0.5, "isi_units": "ms", "start_sample": 0.0,
    }  # fmt: skip
    scipy.io.savemat(tmp_path / "a.mat", variables)
    recording = formats.read(tmp_path / "a.mat", PLAIN)
    assert recording.channels == ("EMG flexor", "EMG extensor") and recording.rate == 2000.0
    np.testing.assert_allclose(recording.samples, EMG[:N, :2], rtol=1e-12)
    check_emg_format(lambda block: formats.blocks(tmp_path / "a.mat", PLAIN, block))
    scipy.io.savemat(tmp_path / "b.mat", variables | {"isi_units": "feet"})
    with pytest.raises(ConfigError, match="isi and isi_units are no period"):
        formats.read(tmp_path / "b.mat", PLAIN)


def spike2(title, values, interval=5e-4, units="mV", **more):
    return {
        "title": title, "comment": "", "interval": interval, "scale": 1.0, "offset": 0.0, "units": units, "start": 0.0,
        "length": float(len(values)), "values": np.asarray(values)[:, None],
    } | more  # fmt: skip


def test_structures_of_spike2_are_channels(tmp_path):
    counts = np.random.default_rng(3).integers(-9000, 9000, N).astype(np.int16)
    scipy.io.savemat(
        tmp_path / "a.mat",
        {
            "V_Ch1": spike2("EMG 1", 1e3 * EMG[:N, 0]), "V_Ch2": spike2("EMG 2", counts, scale=2.0, offset=0.25),
            "V_Ch3": spike2("Force", np.arange(90.0), 5e-3, "N"),
            "V_Ch31": {"title": "Keyboard", "resolution": 1e-6, "times": np.array([[0.1]])},
        },
    )  # fmt: skip
    recording = formats.read(tmp_path / "a.mat", PLAIN)
    assert recording.channels == ("EMG 1", "EMG 2") and recording.rate == 2000.0
    np.testing.assert_allclose(recording.samples[:, 0], EMG[:N, 0], rtol=1e-12)
    np.testing.assert_allclose(recording.samples[:, 1], 1e-3 * (counts * 2.0 / 6553.6 + 0.25), rtol=1e-12)
    assert any("left out: Force 90 at 200 Hz" in r for r in recording.remarks)
    assert any("V_Ch31/times" in r for r in recording.remarks)
    for name in ("V_Ch3", "V_Ch3/values"):
        with pytest.raises(ConfigError, match="in no unit of EMG|which of its channels are EMG"):
            formats.read(tmp_path / "a.mat", RecordingFormat(dataset=name))
    assert formats.read(tmp_path / "a.mat", RecordingFormat(dataset="V_Ch2")).channels == ("EMG 2",)
    with pytest.raises(ConfigError, match="unknown channel 'V_Ch9'|V_Ch9"):
        formats.read(tmp_path / "a.mat", RecordingFormat(dataset="V_Ch9"))


def test_emg_of_several_rates_is_asked_for(tmp_path):
    later = spike2("EMG 3", EMG[:N, 2], start=1e-4)  # the converter's next sample
    scipy.io.savemat(tmp_path / "b.mat", {"A": spike2("EMG 1", EMG[:N, 0]), "C": later})
    np.testing.assert_allclose(formats.read(tmp_path / "b.mat", PLAIN).samples, 1e-3 * EMG[:N, ::2], rtol=1e-12)
    scipy.io.savemat(tmp_path / "b.mat", {"A": spike2("EMG 1", EMG[:N, 0]), "C": later | {"start": 0.25}})
    with pytest.raises(ConfigError, match=r"EMG 1 900 at 2000 Hz, EMG 3 900 at 2000 Hz from 0.25 s\)"):
        formats.read(tmp_path / "b.mat", PLAIN)
    scipy.io.savemat(tmp_path / "a.mat", {"A": spike2("EMG 1", EMG[:N, 0]), "B": spike2("EMG 2", EMG[:90, 0], 5e-3)})
    with pytest.raises(ConfigError, match=r"several rates, lengths or starts \(EMG 1 900 at 2000 Hz, EMG 2 90 at"):
        formats.read(tmp_path / "a.mat", PLAIN)
    assert formats.read(tmp_path / "a.mat", RecordingFormat(channels=("EMG 2",))).rate == 200.0
