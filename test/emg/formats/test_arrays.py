"""HDF5 and MATLAB files as other programs write them, by h5py and scipy."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.testing import check_emg_format

N, RATE = 1200, 200.0
SAMPLES = np.random.default_rng(0).normal(0, 50.0, (N, 4))
LABELS = np.repeat([1, 2, 3], 400)
SPANS = (Span("1", 0, 400), Span("2", 400, 800), Span("3", 800, 1200))
UV = RecordingFormat(unit="uV")


def mat5(path, **variables):
    scipy.io.savemat(path, variables)
    return path


def put73(file, name, value):
    """A variable as MATLAB 7.3 writes it: transposed, with its class; texts as UTF-16 units, cells as references."""
    if isinstance(value, dict):
        group = file.create_group(name)
        for key, item in value.items():
            put73(group, key, item)
    elif isinstance(value, list):
        cells = file.file.require_group("#refs#")
        written: dict = {}
        references = []
        for item in value:
            if repr(item) not in written:
                place = f"c{len(cells)}"
                put73(cells, place, item)
                written[repr(item)] = cells[place].ref
            references.append(written[repr(item)])
        file.create_dataset(name, data=np.array(references, h5py.ref_dtype)[:, None], dtype=h5py.ref_dtype)
        file[name].attrs["MATLAB_class"] = np.bytes_("cell")
    elif isinstance(value, str):
        file[name] = np.frombuffer(value.encode("utf-16-le"), "<u2")[:, None]
        file[name].attrs["MATLAB_class"] = np.bytes_("char")
    else:
        file[name] = np.atleast_2d(value).T
        file[name].attrs["MATLAB_class"] = np.bytes_("double")


def mat73(path, **variables):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            put73(file, name, value)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


MATS = pytest.mark.parametrize("write", [mat5, mat73])


@MATS
@pytest.mark.parametrize("fs", [RATE, np.full((4, 1), RATE), "200 Hz", "0.2 kHz", "200", np.int32(200)])
def test_a_rate_of_every_channel_or_as_text(tmp_path, write, fs):
    recording = formats.read(write(tmp_path / "a.mat", emg=SAMPLES, fs=fs, unit="uV"), RecordingFormat())
    assert recording.rate == RATE
    np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES, rtol=1e-12)


@MATS
@pytest.mark.parametrize("fs", ["fast", np.nan, 0.0, -5.0, 1e-300, np.inf])
def test_a_rate_that_is_none_is_asked_for(tmp_path, write, fs):
    path = write(tmp_path / "a.mat", emg=SAMPLES, fs=fs, unit="uV")
    with pytest.raises(ConfigError, match=r"its fs is '.*', which is no rate in Hz: give it \(--rate\)"):
        formats.read(path, RecordingFormat())
    assert formats.read(path, RecordingFormat(rate=RATE)).rate == RATE


def test_channels_of_several_rates_are_asked_for(tmp_path):
    names = np.array(["EMG 1", "EMG 2", "ACC X", "EMG 4"], object)
    fs = np.array([2000.0, 2000.0, 148.0, 1000.0])
    path = mat5(tmp_path / "a.mat", Data=SAMPLES, Channels=names, Fs=fs)
    with pytest.raises(ConfigError, match=r"several rates \(2000 Hz, 2000 Hz, 1000 Hz\): name those of one"):
        formats.read(path, UV)
    two = formats.read(path, RecordingFormat(unit="uV", channels=("EMG 1", "EMG 2")))
    assert two.rate == 2000.0 and two.channels == ("EMG 1", "EMG 2")


@MATS
def test_units_as_text_of_matlab(tmp_path, write):
    for unit in ("uV", "µV", "microvolts"):
        assert (
            formats.read(write(tmp_path / "a.mat", emg=SAMPLES, fs=RATE, unit=unit), RecordingFormat()).file_unit
            == "uV"
        )
    with pytest.raises(ConfigError, match="unit is uV, not mV"):
        formats.read(tmp_path / "a.mat", RecordingFormat(unit="mV"))


@MATS
def test_codes_keep_all_their_digits_and_missing_ones_are_no_label(tmp_path, write):
    codes = np.where(LABELS == 3, np.nan, LABELS + 16711680.0)
    path = write(tmp_path / "a.mat", emg=SAMPLES, fs=RATE, unit="uV", trigger=codes)
    recording = formats.read(path, RecordingFormat(label="trigger"))
    assert recording.spans == (Span("16711681", 0, 400), Span("16711682", 400, 800))
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(label="trigger"), block))
    assert formats.read(path, RecordingFormat()).remarks == ("as long as the EMG, and not read: trigger",)


@MATS
def test_arrays_of_channels_by_samples_are_turned_by_their_names(tmp_path, write):
    """As Delsys' EMGworks exports: rows are channels, a row of times each, filled up with zeros."""
    times = np.tile(np.arange(N) / RATE, (4, 1))
    times[3, 100:] = 0
    names = ["L BICEPS: EMG 1", "R BICEPS: EMG 2", "TRICEPS: EMG 3", "L BICEPS: ACC X"]
    channels = names if write is mat73 else np.array(names, object)
    path = write(tmp_path / "a.mat", Channels=channels, Fs=np.full((4, 1), RATE), Time=times, Data=SAMPLES.T)
    recording = formats.read(path, UV)
    assert recording.channels == tuple(names[:3]) and recording.stamped
    np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES[:, :3], rtol=1e-12)
    assert any("turned: its rows are the channels" in r for r in recording.remarks)
    assert any("left out: L BICEPS: ACC X" in r for r in recording.remarks)
    check_emg_format(lambda block: formats.blocks(path, UV, block))


def test_samples_behind_the_last_time_are_left_out(tmp_path):
    times = np.tile(np.arange(N) / RATE, (2, 1))
    times[:, 900:] = 0
    path = mat5(
        tmp_path / "a.mat", Channels=np.array(["EMG 1", "EMG 2"], object), Fs=RATE, Time=times, Data=SAMPLES[:, :2].T
    )
    recording = formats.read(path, UV)
    assert len(recording) == 900 and any("300 samples behind the last time" in r for r in recording.remarks)


@MATS
def test_arrays_are_turned_when_a_person_says_so(tmp_path, write):
    path = write(tmp_path / "a.mat", emg=SAMPLES.T, fs=RATE, unit="uV")
    with pytest.raises(ConfigError, match="4 samples of 1200 channels: is it the wrong way round.*--transposed"):
        formats.read(path, RecordingFormat())
    np.testing.assert_allclose(formats.read(path, RecordingFormat(transposed=True)).samples, 1e-6 * SAMPLES, rtol=1e-12)
    labelled = write(tmp_path / "b.mat", emg=SAMPLES, fs=RATE, unit="uV", label=LABELS)
    with pytest.raises(ConfigError, match="has its samples in rows.*not in columns"):
        formats.read(labelled, RecordingFormat(label="label", transposed=True))


@pytest.mark.parametrize(("stated", "rate"), [((2.0, "kHz"), 2000.0), ((200.0, "Hz"), 200.0), ((0.2, "kHz"), 200.0)])
def test_the_unit_of_a_rate_may_stand_beside_it(tmp_path, stated, rate):
    """As an attribute of HDF5 or a variable of .mat."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["emg"] = SAMPLES
        file["emg"].attrs.update(fs=stated[0], fs_units=stated[1], unit="uV")
    assert formats.read(tmp_path / "a.h5", RecordingFormat()).rate == rate
    path = mat5(tmp_path / "a.mat", emg=SAMPLES, fs=stated[0], fs_unit=stated[1], unit="uV")
    recording = formats.read(path, RecordingFormat())
    assert recording.rate == rate and recording.remarks == ()


def test_an_array_of_twice_as_many_values_is_not_as_long_as_the_emg(tmp_path):
    path = mat5(tmp_path / "a.mat", emg=SAMPLES, other=SAMPLES[: N // 2, :2], fs=RATE, unit="uV")
    assert formats.read(path, RecordingFormat()).remarks == ("left out: other 600×2",)


@MATS
def test_structures_and_cells(tmp_path, write):
    trials = [SAMPLES[:600], SAMPLES[600:]]
    cells = trials if write is mat73 else np.array([*trials, None], object)[:2]
    data = {"emg": SAMPLES, "fs": RATE, "info": {"unit": "uV", "who": "nobody"}, "label": LABELS}
    path = write(tmp_path / "a.mat", data=data, parts=cells)
    recording = formats.read(path, RecordingFormat(unit="uV", label="label"))
    assert recording.rate == RATE and recording.spans == SPANS
    np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES, rtol=1e-12)
    second = formats.read(path, RecordingFormat(dataset="parts/2", rate=RATE, unit="uV"))
    np.testing.assert_allclose(second.samples, 1e-6 * SAMPLES[600:], rtol=1e-12)
    two = write(tmp_path / "b.mat", left={"emg": SAMPLES, "fs": RATE}, right={"emg": 2 * SAMPLES, "fs": 2 * RATE})
    with pytest.raises(ConfigError, match=r"say which is the EMG \(--dataset\); it holds left/emg 1200×4.*right/emg"):
        formats.read(two, UV)
    assert formats.read(two, RecordingFormat(unit="uV", dataset="right")).rate == 2 * RATE


@MATS
def test_labels_that_are_words(tmp_path, write):
    words = [{1: "rest", 2: "grip #1", 3: ""}[k] for k in LABELS[::100]]
    path = write(tmp_path / "a.mat", emg=SAMPLES[::100], fs=RATE, unit="uV",
                 label=words if write is mat73 else np.array(words, object))  # fmt: skip
    assert formats.read(path, RecordingFormat(label="label")).spans == (Span("rest", 0, 4), Span("grip #1", 4, 8))


def test_objects_of_matlab_are_told_of(tmp_path):
    path = mat73(tmp_path / "a.mat", emg=SAMPLES, fs=RATE, unit="uV")
    with h5py.File(path, "r+") as file:
        file["names"] = np.zeros((1, 6), np.uint32)
        file["names"].attrs.update({"MATLAB_class": np.bytes_("string"), "MATLAB_object_decode": np.int32(3)})
        sparse = file.create_group("few")
        sparse.attrs["MATLAB_sparse"] = np.uint64(5)
        sparse["data"] = np.ones(3)
    remarks = formats.read(path, RecordingFormat()).remarks
    assert any("'names' is a MATLAB string and not read" in r for r in remarks)
    assert any("'few' is a sparse matrix" in r for r in remarks)
    five = mat5(tmp_path / "b.mat", emg=SAMPLES, fs=RATE, unit="uV", few=scipy.sparse.eye(3))
    assert any("'few' is a sparse matrix" in r for r in formats.read(five, RecordingFormat()).remarks)


def test_the_unit_of_a_target_is_that_of_the_file(tmp_path):
    """By its own attribute, which is not the one of the group that is the EMG's; or by a text beside it."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(rate=RATE, unit="uV")
        file["emg"], file["force"], file["angle"] = SAMPLES, SAMPLES[:, 0], SAMPLES[:, 1]
        file["force"].attrs["Units"] = "N"
    made = formats.read(path, RecordingFormat(targets=("force",)))
    assert made.target_unit == "N" and made.file_unit == "uV"
    assert formats.read(path, RecordingFormat(targets=("angle",))).target_unit == ""
    with pytest.raises(ConfigError, match="its unit of target 'force' is N, not kg: leave target-unit out"):
        formats.read(path, RecordingFormat(targets=("force",), target_unit="kg"))
    assert formats.read(path, RecordingFormat(targets=("angle",), target_unit="deg")).target_unit == "deg"
    for write, name in ((mat5, "b.mat"), (mat73, "c.mat")):
        path = write(tmp_path / name, emg=SAMPLES, fs=RATE, unit="uV", force=SAMPLES[:, 0], force_unit="N")
        made = formats.read(path, RecordingFormat(targets=("force",)))
        assert made.target_unit == "N" and made.remarks == ()


def test_one_channel_is_one_channel(tmp_path):
    for k, shape in enumerate([(N, 1), (1, N), (N,)]):
        path = mat5(tmp_path / f"{k}.mat", emg=SAMPLES[:, 0].reshape(shape), fs=RATE, unit="uV")
        recording = formats.read(path, RecordingFormat())
        np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES[:, :1], rtol=1e-12)
    path = mat5(tmp_path / "a.mat", emg_biceps=SAMPLES[:, 0], emg_triceps=SAMPLES[:, 1], force=SAMPLES[:, 2], fs=RATE)
    recording = formats.read(path, RecordingFormat(unit="uV", targets=("force",)))
    assert recording.channels == ("emg_biceps", "emg_triceps")
    np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES[:, :2], rtol=1e-12)
    assert np.array_equal(recording.targets[:, 0], SAMPLES[:, 2]) and recording.remarks == ()
    with pytest.raises(ConfigError, match="has no samples"):
        formats.read(mat5(tmp_path / "b.mat", emg=np.zeros((0, 4)), fs=RATE, unit="uV"), RecordingFormat())


def test_what_is_not_emg_is_never_taken_for_it(tmp_path):
    for variables in ({"acc": SAMPLES}, {"force": SAMPLES, "eeg": SAMPLES}, {"a": SAMPLES, "b": SAMPLES}):
        with pytest.raises(ConfigError, match="say which is the EMG"):
            formats.read(mat5(tmp_path / "a.mat", fs=RATE, **variables), UV)
    counter = np.column_stack([np.arange(N), SAMPLES])
    with pytest.raises(ConfigError, match="does not say which of its channels are EMG, and 'ch1'"):
        formats.read(mat5(tmp_path / "b.mat", data=counter, fs=RATE), UV)
    assert formats.read(tmp_path / "b.mat", RecordingFormat(unit="uV", channels=("ch2", "ch3"))).channels == (
        "ch2",
        "ch3",
    )


@MATS
@pytest.mark.parametrize("column", [np.arange(N) / RATE, LABELS], ids=["times", "labels"])
def test_one_unit_of_the_file_makes_no_emg_of_its_times_and_labels(tmp_path, write, column):
    path = write(tmp_path / "a.mat", data=np.column_stack([SAMPLES, column]), fs=RATE, unit="uV")
    with pytest.raises(ConfigError, match="says one unit for all, and 'ch5' (only grows|keeps its value)"):
        formats.read(path, RecordingFormat())
    quiet = write(tmp_path / "b.mat", data=np.column_stack([SAMPLES, np.zeros(N)]), fs=RATE, unit="uV")
    assert len(formats.read(quiet, RecordingFormat()).channels) == 5  # an electrode is off


@pytest.mark.parametrize("write", [mat5, mat73])
@pytest.mark.parametrize(
    ("column", "why"),
    [
        (np.arange(N) / RATE, "only grows or only falls"), (np.arange(N) + 1.0, "only grows or only falls"),
        (np.arange(N) % 600.0, "counts"), (LABELS % 3.0, "keeps its value for many rows"), (np.zeros(N), ""),
    ],
)  # fmt: skip
def test_times_and_labels_in_an_array_that_is_called_emg_are_none(tmp_path, write, column, why):
    """Beside samples, in one matrix; an electrode that is off is one."""
    path = write(tmp_path / "a.mat", EMG=np.column_stack([column, SAMPLES[:, :2]]), fs=RATE)
    if not why:
        assert formats.read(path, UV).channels == ("ch1", "ch2", "ch3")
        return
    for layout in (UV, RecordingFormat(unit="uV", dataset="EMG")):
        with pytest.raises(ConfigError, match=f"has 'ch1', which {why}.*--channels"):
            formats.read(path, layout)
    named = formats.read(path, RecordingFormat(unit="uV", channels=("ch2", "ch3")))
    np.testing.assert_allclose(named.samples, 1e-6 * SAMPLES[:, :2])


def test_two_rates_that_differ_in_a_capital_are_refused(tmp_path):
    path = mat5(tmp_path / "a.mat", emg=SAMPLES, fs=RATE, Fs=2 * RATE)
    with pytest.raises(ConfigError, match="'fs' and 'Fs' differ: remove the one that is wrong"):
        formats.read(path, UV)
    assert formats.read(mat5(tmp_path / "b.mat", emg=SAMPLES, fs=RATE, Fs=RATE), UV).rate == RATE
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["emg"] = SAMPLES
        file["emg"].attrs.update({"rate": RATE, "Rate": 2 * RATE, "unit": "uV"})
    with pytest.raises(ConfigError, match="its attribute '[rR]ate' is there twice"):
        formats.read(tmp_path / "c.h5", RecordingFormat())


def hdf5(path, fill, **attributes):
    with h5py.File(path, "w") as file:
        file.attrs.update({"rate": RATE, "unit": "uV", **attributes})
        fill(file)
    return path


def test_a_compound_dataset_of_emg2pose_and_of_emg2qwerty(tmp_path):
    fields = [("time", "f8"), ("joint_angles", "f4", (20,)), ("emg", "f4", (4,))]
    table = np.zeros(N, fields)
    table["time"], table["emg"] = 1.7e9 + np.arange(N) / RATE, SAMPLES
    path = hdf5(tmp_path / "a.hdf5", lambda f: f.create_dataset("emg2pose/timeseries", data=table, chunks=True))
    for dataset in ("", "timeseries", "emg2pose/timeseries", "emg2pose", "timeseries/emg"):
        recording = formats.read(path, RecordingFormat(dataset=dataset))
        np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES.astype("f4").astype(float), rtol=1e-9)
        assert recording.stamped and np.array_equal(recording.times, table["time"])
    assert "times are those of 'emg2pose/timeseries/time'" in recording.remarks
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(), block))
    two = np.zeros(N, [("time", "f8"), ("emg_right", "f4", (4,)), ("emg_left", "f4", (4,))])
    two["emg_left"] = SAMPLES
    path = hdf5(tmp_path / "b.hdf5", lambda f: f.create_dataset("emg2qwerty/timeseries", data=two))
    with pytest.raises(
        ConfigError, match="say which is the EMG.*timeseries/emg_right 1200×4.*timeseries/emg_left 1200×4"
    ):
        formats.read(path, RecordingFormat())
    left = formats.read(path, RecordingFormat(dataset="emg_left"))
    np.testing.assert_allclose(left.samples, 1e-6 * SAMPLES.astype("f4").astype(float), rtol=1e-9)


def test_a_compound_dataset_with_a_field_a_channel(tmp_path):
    table = np.zeros(N, [("t", "f8"), ("EMG flexor", "f4"), ("EMG extensor", "f4"), ("force", "f4"), ("cue", "S8")])
    table["EMG flexor"], table["EMG extensor"] = SAMPLES[:, :2].T
    table["cue"], table["t"] = np.repeat([b"rest", b"fist", b"rest"], 400), np.arange(N) / RATE
    path = hdf5(tmp_path / "a.h5", lambda f: f.create_dataset("table", data=table))
    recording = formats.read(path, RecordingFormat(label="cue"))
    assert recording.channels == ("EMG flexor", "EMG extensor") and [s.label for s in recording.spans] == [
        "rest",
        "fist",
        "rest",
    ]
    np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES[:, :2].astype("f4").astype(float), rtol=1e-9)


def test_times_whose_steps_are_not_those_of_the_rate_are_told_of_and_not_used(tmp_path):
    def fill(file):
        file["emg"], file["time"] = SAMPLES, np.arange(N) * 5.0

    path = hdf5(tmp_path / "a.h5", fill)
    recording = formats.read(path, RecordingFormat())
    assert not recording.stamped and any("'time' is not used" in r for r in recording.remarks)
    named = formats.read(path, RecordingFormat(time="time", time_unit="ms"))
    assert named.stamped and named.times[200] == pytest.approx(1.0)


COMMANDS = np.array(["rest", "fist", "open"])


@pytest.mark.parametrize("kind", ["fixed", "variable", "enum", "bool", "float", "column"])
def test_labels_of_every_kind(tmp_path, kind):
    words = COMMANDS[LABELS - 1]
    values, expected = {
        "fixed": (words.astype("S4"), COMMANDS), "variable": (words.astype(object), COMMANDS),
        "enum": (LABELS.astype("u1"), COMMANDS), "bool": (LABELS == 2, ["False", "True", "False"]),
        "float": (LABELS / 2, ["0.5", "1", "1.5"]), "column": (LABELS[:, None], ["1", "2", "3"]),
    }[kind]  # fmt: skip
    types = {"variable": h5py.string_dtype(), "enum": h5py.enum_dtype({w: k + 1 for k, w in enumerate(COMMANDS)}, "u1")}

    def fill(file):
        file.create_dataset("emg", data=SAMPLES, compression="gzip", chunks=(100, 4))
        file.create_dataset("cue", data=values, dtype=types.get(kind))

    path = hdf5(tmp_path / "a.h5", fill)
    recording = formats.read(path, RecordingFormat(label="cue"))
    edges = ((0, 400), (400, 800), (800, 1200))
    assert recording.spans == tuple(Span(str(w), *e) for w, e in zip(expected, edges, strict=True))
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(label="cue"), block))


def test_integers_with_scale_and_offset(tmp_path):
    stored = np.round(SAMPLES / 0.195).astype("i2")
    stored[7, 1] = -32768

    def fill(file):
        data = file.create_dataset("emg", data=stored, compression="gzip")
        data.attrs.update({"scale_factor": 0.195, "add_offset": 10.0, "_FillValue": np.int16(-32768)})

    recording = formats.read(hdf5(tmp_path / "a.h5", fill), RecordingFormat())
    expected = 1e-6 * (stored * 0.195 + 10.0)
    expected[7, 1] = np.nan
    np.testing.assert_allclose(recording.samples, expected, rtol=1e-12)
    assert recording.remarks == (
        "its scale_factor of 0.195 is applied",
        "its add_offset of 10 is applied",
        "-32768 stands for a missing sample, and is read as NaN",
    )

    def gain(file):
        file.create_dataset("emg", data=stored).attrs["gain"] = 24

    assert "gain is not applied" in formats.read(hdf5(tmp_path / "b.h5", gain), RecordingFormat()).remarks[0]

    def loose(file):
        file.create_dataset("emg", data=SAMPLES).attrs.update({"scale": 7.0, "offset": 3.0})
        file.create_dataset("other/emg_stored", data=stored).attrs.update({"scale": 0.195, "offset": 10.0})

    path = hdf5(tmp_path / "c.h5", loose)
    volts = formats.read(path, RecordingFormat(dataset="emg"))
    np.testing.assert_allclose(volts.samples, 1e-6 * SAMPLES, rtol=1e-12)
    assert volts.remarks[0] == "its scale, offset is not applied: samples are as stored, in the unit it says"
    stretched = formats.read(path, RecordingFormat(dataset="emg_stored"))
    np.testing.assert_allclose(stretched.samples, 1e-6 * (stored * 0.195 + 10.0), rtol=1e-12)
    text = hdf5(tmp_path / "d.h5", lambda f: f.create_dataset("emg", data=stored).attrs.update({"scale": "much"}))
    with pytest.raises(ConfigError, match="its scale is 1 values, one number a channel is needed"):
        formats.read(text, RecordingFormat())


@MATS
def test_a_scale_beside_integers_is_applied(tmp_path, write):
    stored = np.round(SAMPLES / 0.195).astype("i2")
    path = write(tmp_path / "a.mat", emg=stored, fs=RATE, unit="uV", scale=0.195)
    if write is mat73:
        with h5py.File(path, "r+") as file:
            del file["emg"]
            file["emg"] = stored.T
    recording = formats.read(path, RecordingFormat())
    np.testing.assert_allclose(recording.samples, 1e-6 * 0.195 * stored, rtol=1e-12)
    assert "its scale of 0.195 is applied" in recording.remarks


def test_a_unit_for_each_channel(tmp_path):
    def fill(file):
        file["emg"] = SAMPLES
        file["emg"].attrs["channels"] = ["EMG1", "EMG2", "EMG3", "ACC"]

    path = hdf5(tmp_path / "a.h5", fill, unit=["uV", "mV", "V", "g"])
    recording = formats.read(path, RecordingFormat())
    assert recording.channels == ("EMG1", "EMG2", "EMG3") and recording.unit == "V"
    np.testing.assert_allclose(recording.samples, SAMPLES[:, :3] * [1e-6, 1e-3, 1.0], rtol=1e-12)


def test_facts_are_found_in_attributes_of_the_dataset_its_groups_and_the_file_and_in_datasets(tmp_path):
    def fill(file):
        group = file.create_group("arm/left")
        group.attrs["sampling_rate"] = 1000
        group["emg"], group["Units"] = SAMPLES, "mV"
        file.create_group("arm/right")["emg_other"] = SAMPLES

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    recording = formats.read(path, RecordingFormat())
    assert (recording.rate, recording.file_unit) == (1000.0, "mV")


def test_a_data_frame_of_pandas(tmp_path):
    def fill(file):
        file["df/block0_values"] = SAMPLES
        file["df/block0_items"] = np.array([b"EMG1", b"EMG2", b"EMG3", b"EMG4"])
        file["df/axis1"] = np.arange(N)

    recording = formats.read(hdf5(tmp_path / "a.h5", fill), RecordingFormat())
    assert recording.channels == ("EMG1", "EMG2", "EMG3", "EMG4")


def external(file):
    file.create_dataset("emg", shape=(175, 1), dtype="f8", external=[("/etc/passwd", 0, 1400)])


def linked(file):
    file["emg"] = h5py.ExternalLink("other.h5", "emg")


def virtual(file):
    layout = h5py.VirtualLayout((N, 4), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "emg", (N, 4))
    file.create_virtual_dataset("emg", layout)


@pytest.mark.parametrize("name", ["a.h5", "a.mat"])
@pytest.mark.parametrize("fill", [external, linked, virtual])
def test_other_files_are_never_read(tmp_path, fill, name):
    hdf5(tmp_path / "other.h5", lambda f: f.create_dataset("emg", data=SAMPLES))
    with pytest.raises(ConfigError, match=r"'emg' lies in another file \((/etc/passwd|other.h5)\), which is not read"):
        formats.read(hdf5(tmp_path / name, fill), RecordingFormat())


def declared(n):
    return lambda file: file.create_dataset("emg", shape=(n, 8), dtype="f4", chunks=(512, 8))


def loop(file):
    file["emg"], file["emg2"] = h5py.SoftLink("/emg2"), h5py.SoftLink("/emg")


def circle(file):
    file.create_group("a")["again"] = file["/"]


@pytest.mark.parametrize("name", ["a.h5", "a.mat"])
@pytest.mark.parametrize("fill", [declared(10**12), declared(2 * 10**8), declared(1000), loop, circle])
def test_what_is_declared_and_not_there_gets_one_sentence(tmp_path, fill, name):
    with pytest.raises(ConfigError) as caught:
        formats.read(hdf5(tmp_path / name, fill), RecordingFormat())
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("attributes", [{"rate": np.array([], "f8")}, {"rate": ""}, {"unit": ""}])
def test_empty_facts_are_asked_for(tmp_path, attributes):
    path = hdf5(tmp_path / "a.h5", lambda f: f.create_dataset("emg", data=SAMPLES), **attributes)
    with pytest.raises(ConfigError, match="does not say its (sampling rate|unit)"):
        formats.read(path, RecordingFormat())


def test_damaged_files_of_matlab_get_one_sentence(tmp_path):
    whole = mat73(tmp_path / "a.mat", emg=SAMPLES, fs=RATE).read_bytes()
    for content in (
        whole[:600],
        b"MATLAB 7.3".ljust(512) + b"\x89HDF\r\n\x1a\n" + b"text" * 99,
        b"text \x89HDF\r\n\x1a\n" * 99,
    ):
        (tmp_path / "b.mat").write_bytes(content)
        with pytest.raises(ConfigError, match="damaged one") as caught:
            formats.read(tmp_path / "b.mat", UV)
        assert "\n" not in str(caught.value)


def test_what_grows_beyond_the_limit_when_it_is_decompressed_is_refused_before(tmp_path, monkeypatch):
    from myoprosthesis.emg.formats import array_entry, mat_file

    for module in (array_entry, mat_file):
        monkeypatch.setattr(module, "LIMIT", 10**5)
    scipy.io.savemat(tmp_path / "a.mat", {"emg": np.zeros((10**5, 4)), "fs": RATE}, do_compression=True)
    assert (tmp_path / "a.mat").stat().st_size < 10**4
    monkeypatch.setattr(scipy.io, "loadmat", lambda path: pytest.fail("it was decompressed"))
    with pytest.raises(ConfigError, match="holds a variable of more than 0.0001 GB: cut it up"):
        formats.read(tmp_path / "a.mat", UV)
    zeros = hdf5(tmp_path / "a.h5", lambda f: f.create_dataset("emg", data=np.zeros((10**5, 4)), compression="gzip"))
    with pytest.raises(ConfigError, match="'emg' takes 0.0032 GB in memory, 0.0001 GB can be read: cut it up"):
        formats.read(zeros, RecordingFormat())


NAMES = st.lists(
    st.text("abcXYZ 0123_-#äµ", min_size=1, max_size=8).map(str.strip).filter(bool), min_size=2, max_size=5
)


@settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    names=NAMES, rate=st.one_of(st.integers(10, 5000), st.floats(10.0, 5000.0)),
    unit=st.sampled_from(["uV", "mV", "V", "counts"]),
    kind=st.sampled_from(["i2", "i4", "f4", "f8"]), version=st.sampled_from(["5", "7.3", "h5"]), turned=st.booleans(),
    codes=st.lists(st.one_of(st.integers(0, 2**24), st.just(np.nan)), min_size=1, max_size=5),
)  # fmt: skip
def test_figures_are_those_of_scipy_and_h5py(tmp_path_factory, info, names, rate, unit, kind, version, turned, codes):
    n = 120
    values = np.random.default_rng(0).integers(-30000, 30000, (n, len(names))).astype(kind)
    label = np.repeat(codes, -(-n // len(codes)))[:n].astype(float)
    channels = [f"EMG{c}" for c in names]
    data = values.T if turned else values
    path = tmp_path_factory.mktemp("arrays") / ("a.h5" if version == "h5" else "a.mat")
    if version == "h5":
        with h5py.File(path, "w") as file:
            file["emg"], file["label"] = data, label
            file["emg"].attrs.update({"channels": channels, "unit": unit, "rate": rate})
    elif version == "7.3":
        mat73(path, emg=data, label=label, fs=rate, unit=unit, channels=channels)
    else:
        mat5(path, emg=data, label=label, fs=rate, unit=unit, channels=np.array(channels, object))
    recording = formats.read(path, RecordingFormat(label="label"))
    if version == "5":
        variables = scipy.io.loadmat(path)
        stored, labels, said = variables["emg"], variables["label"].ravel(), variables["fs"].item()
    else:
        with h5py.File(path) as file:
            stored, labels = file["emg"][()], file["label"][()].ravel()
            said = file["emg"].attrs["rate"] if version == "h5" else file["fs"][()].item()
            stored = stored if version == "h5" else stored.T
    stored = stored.T if turned else stored
    factor = {"uV": 1e-6, "mV": 1e-3}.get(unit, 1.0)
    np.testing.assert_allclose(recording.samples, factor * stored.astype(float), rtol=1e-12)
    assert (recording.rate, recording.file_unit, len(recording)) == (said, unit, len(stored))
    assert [c if channels.count(c) == 1 else c.rpartition(" ")[0] for c in recording.channels] == channels
    got = np.full(n, np.nan)
    for s in recording.spans:
        got[s.start : s.stop] = float(s.label)
    assert np.array_equal(got, labels, equal_nan=True)
    figures = info(path, "--label", "label")
    wanted = (list(recording.channels), said, "counts" if unit == "counts" else "V", n)
    assert tuple(figures[k] for k in ("channels", "rate", "unit", "samples")) == wanted
    held = {f"{code:.0f}": float((labels == code).sum() / said) for code in np.unique(labels[~np.isnan(labels)])}
    assert figures["labels"] == pytest.approx(held)


CELLS = [["rest", "fist"][(k // 1000) % 2] for k in range(4200)]


def test_cells_of_texts_are_read_however_many_there_are(tmp_path):
    samples = np.resize(SAMPLES, (4200, 4))
    cells = np.array([*CELLS[:-1], ""], object)
    asked = RecordingFormat(unit="uV", label="label")
    for path in (
        mat5(tmp_path / "a.mat", emg=samples, fs=RATE, label=cells),
        mat73(tmp_path / "b.mat", emg=samples, fs=RATE, label=list(cells)),
    ):
        spans = formats.read(path, asked).spans
        assert [(s.label, s.stop - s.start) for s in spans] == 2 * [("rest", 1000), ("fist", 1000)] + [("rest", 199)]
    short = mat5(tmp_path / "c.mat", emg=samples[:4000], fs=RATE, label=cells)
    with pytest.raises(ConfigError, match="4200 values for 4000 samples"):
        formats.read(short, asked)


def test_cells_that_turn_out_to_be_no_texts_are_refused(tmp_path):
    samples = np.resize(SAMPLES, (4200, 4))
    path = mat73(tmp_path / "a.mat", emg=samples, fs=RATE, label=[*CELLS[:-1], 3.0])
    with pytest.raises(ConfigError, match="'label' has cells that are no texts"):
        formats.read(path, RecordingFormat(unit="uV", label="label"))


def test_more_structures_than_are_looked_at_are_told_of(tmp_path):
    many = np.zeros(5000, [("at", float)])
    path = mat5(tmp_path / "a.mat", emg=SAMPLES, fs=RATE, events=many)
    assert "'events' has 5000 elements that are no texts, and is not read" in formats.read(path, UV).remarks


def test_everything_that_is_not_read_is_named(tmp_path):
    def fill(file):
        file.create_dataset("emg", data=SAMPLES).attrs["ch"] = "x"
        file["events"] = np.array([(0.0, 1.0, b"rest"), (1.0, 2.5, b"fist")],
                                  [("start", "f8"), ("stop", "f8"), ("name", "S8")])  # fmt: skip
        file["acc"] = np.ones((N, 3))
        file["label"] = np.ones(N - 1)
        file["trigger"] = np.ones(N)
        file["phase"] = np.ones(N, complex)

    text = "; ".join(formats.read(hdf5(tmp_path / "a.h5", fill), RecordingFormat()).remarks)
    for words in ("events/start 2", "events/name 2", "acc 1200×3", "label 1199", "and not read: trigger", "'phase'"):
        assert words in text
    assert "fs" not in text and "unit" not in text


def test_why_the_emg_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ConfigError, match="'emg' is complex and not read"):
        formats.read(mat5(tmp_path / "a.mat", emg=SAMPLES + 1j, fs=RATE), UV)
    with pytest.raises(ConfigError, match="'emg' is a sparse matrix and not read"):
        formats.read(mat5(tmp_path / "b.mat", emg=scipy.sparse.csc_matrix(SAMPLES), fs=RATE), UV)
    with pytest.raises(ConfigError, match="'emg' is complex and not read"):
        formats.read(mat5(tmp_path / "a.mat", emg=SAMPLES + 1j, fs=RATE), RecordingFormat(unit="uV", dataset="emg"))


def test_a_dataset_a_channel_keeps_the_unit_of_each(tmp_path):
    def fill(file, lengths=(N, N)):
        for name, unit, n in zip(("EMG1", "EMG2"), ("uV", "mV"), lengths, strict=True):
            file.create_dataset(f"emg/{name}", data=SAMPLES[:n, 0]).attrs["unit"] = unit

    recording = formats.read(hdf5(tmp_path / "a.h5", fill), RecordingFormat())
    np.testing.assert_allclose(recording.samples, SAMPLES[:, :1] * [1e-6, 1e-3], rtol=1e-12)
    path = hdf5(tmp_path / "b.h5", lambda file: fill(file, (N, N - 7)))
    for asked in (RecordingFormat(), RecordingFormat(dataset="emg")):
        with pytest.raises(ConfigError, match=r"several lengths .*EMG1 1200.* \(--dataset emg/EMG1\)"):
            formats.read(path, asked)
    assert len(formats.read(path, RecordingFormat(dataset="emg/EMG2"))) == N - 7


def test_channels_in_several_units_are_read_in_their_own(tmp_path):
    path = mat5(tmp_path / "a.mat", emg=SAMPLES, fs=RATE, units=np.array(["mV", "mV", "mV", "uV"], object))
    with pytest.raises(ConfigError, match=r"several units \(.*ch4 uV\): each is read in its own, leave unit out"):
        formats.read(path, RecordingFormat(unit="mV"))
    expected = SAMPLES * [1e-3, 1e-3, 1e-3, 1e-6]
    np.testing.assert_allclose(formats.read(path, RecordingFormat()).samples, expected, rtol=1e-12)


def test_a_link_to_another_file_does_not_hide_the_dataset_that_is_named(tmp_path):
    def fill(file):
        file["real/emg"] = SAMPLES
        file["dead"] = h5py.ExternalLink("other.h5", "/emg")

    path = hdf5(tmp_path / "a.h5", fill)
    recording = formats.read(path, RecordingFormat(dataset="real/emg"))
    assert "'dead' lies in another file (other.h5), which is not read: copy it into this one" in recording.remarks
    with pytest.raises(ConfigError, match=r"dead.*--dataset"):
        formats.read(path, RecordingFormat())
    with pytest.raises(ConfigError, match="'dead' lies in another file"):
        formats.read(path, RecordingFormat(dataset="dead"))


def test_named_times_tell_the_rate_of_arrays_that_do_not_say_it(tmp_path):
    emg = np.random.default_rng(0).normal(size=(400, 2))
    scipy.io.savemat(tmp_path / "a.mat", {"emg": emg, "clock_ms": 1000 + np.arange(400) * 5.0})
    layout = RecordingFormat(unit="uV", time="clock_ms", time_unit="ms")
    recording = formats.read(tmp_path / "a.mat", layout)
    assert recording.rate == 200 and "its rate is that of 'clock_ms'" in recording.remarks
    with pytest.raises(ConfigError, match="does not say its sampling rate"):
        formats.read(tmp_path / "a.mat", RecordingFormat(unit="uV"))
