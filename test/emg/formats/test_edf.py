"""EDF and BDF files, written byte by byte as the specification says, by other programs, and at random."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.signal_quality import faults
from myoprosthesis.emg.sources.recording import RecordingSource, ReplayOptions
from myoprosthesis.testing import check_emg_format

RATE, SECONDS = 200, 6
VALUES = np.random.default_rng(0).integers(-20000, 20000, (4, RATE * SECONDS))
PERIOD = 1 / RATE


def signal(
    label="EMG1", unit=b"uV", values=VALUES[0], rate=RATE, physical=("-500", "500"), digital=("-32768", "32767")
):
    return {"label": label, "unit": unit, "values": values, "rate": rate, "physical": physical, "digital": digital}


def tal(onset, *texts, duration=None):
    end = b"" if duration is None else b"\x15" + str(duration).encode()
    return f"{onset:+}".encode() + end + b"\x14" + b"".join(t.encode() + b"\x14" for t in texts) + b"\0"


def edf(path, signals, annotations=(), kind="EDF+C", onsets=None, records=SECONDS, seconds=1, told=None, width=2):
    """One data record of `seconds` after the other; annotations (onset, duration or None, text) are in the first."""
    onsets = [k * seconds for k in range(records)] if onsets is None else onsets
    lists = [tal(o, "") for o in onsets]
    lists[0] += b"".join(tal(a, t, duration=d) for a, d, t in annotations)
    room = 2 * (max(map(len, lists)) // 2 + 1)
    all_signals = list(signals)
    if kind.startswith("EDF+"):
        notes = signal("EDF Annotations", b"", None, 0, ("-1", "1"))
        all_signals.append(notes)
    first = b"\xffBIOSEMI" if width == 3 else b"0       "
    head = first + b" " * 160 + b"01.01.2600.00.00" + str(256 * (len(all_signals) + 1)).ljust(8).encode()
    head += kind.ljust(44).encode() + str(records if told is None else told).ljust(8).encode()
    head += str(seconds).ljust(8).encode() + str(len(all_signals)).ljust(4).encode()
    counts = [s["rate"] * seconds if s["values"] is not None else room // 2 for s in all_signals]
    columns = [
        [s["label"].encode("latin-1").ljust(16) for s in all_signals], [b" " * 80 for _ in all_signals],
        [s["unit"].ljust(8) for s in all_signals],
        *([s[k][i].encode().ljust(8) for s in all_signals] for k in ("physical", "digital") for i in (0, 1)),
        [b" " * 80 for _ in all_signals], [str(c).encode().ljust(8) for c in counts], [b" " * 32 for _ in all_signals],
    ]  # fmt: skip
    out = head + b"".join(b"".join(c) for c in columns)
    for r in range(records):
        for s, count in zip(all_signals, counts, strict=True):
            if s["values"] is None:
                out += lists[r].ljust(room, b"\0")
            else:
                part = s["values"][r * count : (r + 1) * count]
                out += b"".join(struct.pack("<i", int(v))[:width] for v in part)
    path.write_bytes(out)
    return path


def physical(values, low=-500.0, high=500.0, bottom=-32768, top=32767):
    return low + (np.asarray(values) - bottom) * (high - low) / (top - bottom)


def four():
    return [signal(f"EMG{k + 1}", values=VALUES[k]) for k in range(4)]


CUES = [(0, 2, "rest"), (2, 2, "fist"), (4, 2, "open")]


def test_values_and_labels_are_those_of_the_file(tmp_path):
    recording = formats.read(edf(tmp_path / "a.edf", four(), CUES), RecordingFormat())
    assert recording.channels == ("EMG1", "EMG2", "EMG3", "EMG4") and recording.rate == RATE
    assert recording.unit == "V" and recording.file_unit == "uV"
    np.testing.assert_allclose(recording.samples, 1e-6 * physical(VALUES.T), rtol=0, atol=1e-12)
    assert recording.spans == (Span("rest", 0, 400), Span("fist", 400, 800), Span("open", 800, 1200))
    assert recording.remarks == () and not recording.stamped
    assert np.array_equal(recording.times, np.arange(1200) / RATE)


def test_a_pause_between_data_records_is_a_gap_and_moves_the_labels(tmp_path):
    """The third record begins 3 s later; labels stand at their recorded times."""
    cues = [(0, 2, "rest"), (5, 2, "fist"), (7, 2, "open")]
    path = edf(tmp_path / "a.edf", four(), cues, kind="EDF+D", onsets=[0, 1, 5, 6, 7, 8])
    recording = formats.read(path, RecordingFormat())
    assert recording.spans == (Span("rest", 0, 400), Span("fist", 400, 800), Span("open", 800, 1200))
    assert recording.stamped and recording.times[399] == 1.995 and recording.times[400] == 5.0
    found = faults(recording)
    assert found.gaps == 1 and found.lost_s == pytest.approx(3.0) and found.jumps == 0
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(), block))


def test_times_begin_where_the_first_data_record_does(tmp_path):
    onsets = [0.25 + k for k in range(SECONDS)]
    recording = formats.read(edf(tmp_path / "a.edf", four(), [(1.25, 1, "fist")], onsets=onsets), RecordingFormat())
    assert recording.spans == (Span("fist", 200, 400),) and recording.times[0] == 0.25


def test_channels_of_one_name_are_numbered(tmp_path):
    same = [signal("EMG", values=v) for v in VALUES]
    recording = formats.read(edf(tmp_path / "a.edf", same), RecordingFormat())
    assert recording.channels == ("EMG 1", "EMG 2", "EMG 3", "EMG 4")
    np.testing.assert_allclose(recording.samples, 1e-6 * physical(VALUES.T), rtol=0, atol=1e-12)
    assert recording.remarks == ("several channels are called 'EMG': they are numbered in their order",)
    two = formats.read(tmp_path / "a.edf", RecordingFormat(channels=("EMG 3", "EMG 1")))
    assert np.array_equal(two.samples, recording.samples[:, [2, 0]])


@pytest.mark.parametrize("unit", [b"uV", b"\xb5V", "µV".encode(), "μV".encode(), b"microV", b"mcV", b"mV", b"V"])
def test_units_in_any_spelling_become_volts(tmp_path, unit):
    path = edf(tmp_path / "a.edf", [signal(unit=unit)])
    recording = formats.read(path, RecordingFormat())
    factor = {b"mV": 1e-3, b"V": 1.0}.get(unit, 1e-6)
    assert recording.unit == "V"
    np.testing.assert_allclose(recording.samples[:, 0], factor * physical(VALUES[0]), rtol=0, atol=1e-6 * factor)
    other = "mV" if factor != 1e-3 else "uV"
    with pytest.raises(ConfigError, match=f"its unit is .*, not {other}"):
        formats.read(path, RecordingFormat(unit=other))


@pytest.mark.parametrize("unit", [b"MV", b"kV", b"mV rms", b"uV/mm"])
def test_a_unit_that_is_none_of_emg_is_told(tmp_path, unit):
    with pytest.raises(ConfigError, match=f"in no unit of EMG .EMG1 {unit.decode()}"):
        formats.read(edf(tmp_path / "a.edf", [signal(unit=unit)]), RecordingFormat())


def test_the_unit_of_a_target_is_that_of_the_file(tmp_path):
    path = edf(tmp_path / "a.edf", [signal(), signal("Force", b"N", VALUES[1])])
    assert formats.read(path, RecordingFormat(targets=("Force",))).target_unit == "N"
    assert formats.read(path, RecordingFormat(targets=("Force",), target_unit="N")).target_unit == "N"
    with pytest.raises(ConfigError, match="its unit of target 'Force' is N, not kg: leave target-unit out"):
        formats.read(path, RecordingFormat(targets=("Force",), target_unit="kg"))


def test_channels_in_several_units_of_voltage_are_all_in_volts(tmp_path):
    both = [signal("EMG1", b"uV"), signal("EMG2", b"mV", physical=("-0.5", "0.5"))]
    recording = formats.read(edf(tmp_path / "a.edf", both), RecordingFormat())
    np.testing.assert_allclose(recording.samples[:, 0], recording.samples[:, 1], rtol=0, atol=1e-12)


def test_signals_of_several_rates(tmp_path):
    slow = np.arange(20 * SECONDS) * 10
    path = edf(tmp_path / "a.edf", [*four(), signal("ACC X", b"g", slow, 20), signal("force", b"N", slow, 20)])
    recording = formats.read(path, RecordingFormat())
    assert recording.channels == ("EMG1", "EMG2", "EMG3", "EMG4")
    assert recording.remarks == ("not EMG by name or unit, and left out: ACC X, force",)
    force = formats.read(path, RecordingFormat(targets=("force",)))
    np.testing.assert_allclose(force.targets[:, 0], np.repeat(physical(slow), 10))
    assert any("force: of another rate than the EMG" in r for r in force.remarks)
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(targets=("force",), label="ACC X"), block))
    both = edf(tmp_path / "b.edf", [signal("EMG1"), signal("EMG2", values=slow, rate=20)])
    with pytest.raises(ConfigError, match=r"several rates \(EMG1 200 Hz, EMG2 20 Hz\): name those of one rate"):
        formats.read(both, RecordingFormat())
    assert formats.read(both, RecordingFormat(channels=("EMG2",))).rate == 20


def test_the_codes_of_biosemi_s_status_are_labels(tmp_path):
    codes = np.repeat([1, 0x1234, 3], RATE * 2) | 0xFF0000
    range24 = ("-8388608", "8388607")
    ends = {"digital": range24, "physical": ("-262144", "262143")}
    signals = [signal(f"A{k + 1}", values=VALUES[k] * 100, **ends) for k in (0, 1)]
    signals.append(signal("Status", b"Boolean", codes, physical=range24, digital=range24))
    path = edf(tmp_path / "a.bdf", signals, kind="24BIT", width=3)
    recording = formats.read(path, RecordingFormat(label="Status", label_names={"1": "rest"}))
    assert recording.channels == ("A1", "A2")
    np.testing.assert_allclose(
        recording.samples, 1e-6 * physical(VALUES[:2].T * 100, -262144, 262143, -8388608, 8388607), atol=1e-12
    )
    assert recording.spans == (Span("rest", 0, 400), Span("4660", 400, 800), Span("3", 800, 1200))
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(label="Status"), block))
    for option in ({"time": "Status"}, {"prompts": "p.csv"}, {"dataset": "x"}):
        with pytest.raises(ConfigError, match=f"{next(iter(option))} has no use in a .bdf file"):
            formats.read(path, RecordingFormat(**option))
    with pytest.raises(ConfigError, match="unknown signal 'status': known are A1, A2, Status; did you mean 'Status'"):
        formats.read(path, RecordingFormat(label="status"))


@pytest.mark.parametrize("ends", [{"digital": ("5", "5")}, {"physical": ("7", "7")}, {"physical": ("", "")}])
def test_a_signal_without_calibration_is_read_as_stored_or_not_at_all(tmp_path, ends):
    path = edf(tmp_path / "a.edf", [signal("EMG1"), signal("EMG2", values=VALUES[1], **ends)])
    with pytest.raises(ConfigError, match=r"signal 'EMG2' has no calibration \(digital .*--unit counts"):
        formats.read(path, RecordingFormat())
    with pytest.raises(ConfigError, match="no calibration"):
        formats.read(path, RecordingFormat(unit="uV", channels=("EMG2",)))
    assert formats.read(path, RecordingFormat(channels=("EMG1",))).unit == "V"
    stored = formats.read(path, RecordingFormat(channels=("EMG2",), unit="counts"))
    assert np.array_equal(stored.samples[:, 0], VALUES[1]) and stored.unit == "counts"


def test_a_calibration_that_turns_the_sign_is_applied(tmp_path):
    recording = formats.read(edf(tmp_path / "a.edf", [signal(physical=("500", "-500"))]), RecordingFormat())
    np.testing.assert_allclose(recording.samples[:, 0], 1e-6 * physical(VALUES[0], 500.0, -500.0), atol=1e-12)


@pytest.mark.parametrize("duration", [None, 0])
def test_annotations_without_a_duration_hold_until_the_next(tmp_path, duration):
    cues = [(0, duration, "rest"), (2, duration, "fist"), (4, duration, "x" * 300)]
    recording = formats.read(edf(tmp_path / "a.edf", four(), cues), RecordingFormat())
    assert recording.spans == (Span("rest", 0, 400), Span("fist", 400, 800), Span("x" * 300, 800, 1200))


def test_all_labels_of_annotations_that_overlap_or_span_others(tmp_path):
    overlap = [(0, 2.005, "rest"), (2, 2.005, "fist"), (4, 2, "open")]
    recording = formats.read(edf(tmp_path / "a.edf", four(), overlap), RecordingFormat())
    assert recording.spans == (Span("rest", 0, 400), Span("fist", 400, 800), Span("open", 800, 1200))
    assert "begin before another one ends: 2" in recording.remarks[0]
    spanning = [(0, 6, "session"), (1, 1, "fist"), (3, 1, "open")]
    path = edf(tmp_path / "b.edf", four(), spanning)
    whole = formats.read(path, RecordingFormat(ignore=("session",)))
    assert whole.spans == (Span("fist", 200, 400), Span("open", 600, 800)) and whole.remarks == ()
    assert len(formats.read(path, RecordingFormat()).spans) == 5


def test_labels_outside_the_samples_are_told_of(tmp_path):
    recording = formats.read(edf(tmp_path / "a.edf", four(), [*CUES, (99, 1, "late")]), RecordingFormat())
    assert recording.remarks == ("label 'late' at 99.000 s has no sample",)


@pytest.mark.parametrize(
    ("change", "remark"),
    [({"told": 99}, "says 99 data records, it has 6: 6 are read"),
     ({"told": 4}, "says 4 data records, it has 6: 4 are"),
     ({"told": -1}, ""), ({}, "its last data record is cut off and not read")],
)  # fmt: skip
def test_what_is_missing_at_the_end_is_told_of(tmp_path, change, remark):
    path = edf(tmp_path / "a.edf", four(), **change)
    if not change:
        path.write_bytes(path.read_bytes() + b"\0\1" * 9)
    recording = formats.read(path, RecordingFormat())
    assert len(recording) == RATE * (4 if change.get("told") == 4 else 6)
    assert [r for r in recording.remarks if remark in r] == list(recording.remarks) and bool(remark) == bool(
        recording.remarks
    )


def test_hostile_headers_get_one_sentence(tmp_path):
    path = edf(tmp_path / "a.edf", four(), CUES)
    whole = path.read_bytes()
    for at, text in ((252, b"9999"), (252, b"-1  "), (244, b"0       "), (244, b"nan     "), (236, b"0       "),
                     (256 + 5 * 216, b"99999999"), (256 + 5 * 216, b"-5      "), (0, b"nothing ")):  # fmt: skip
        path.write_bytes(whole[:at] + text + whole[at + len(text) :])
        with pytest.raises(ConfigError) as caught:
            formats.read(path, RecordingFormat())
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    for length in (0, 100, 256, 1000, 1600):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigError):
            formats.read(path, RecordingFormat())


@pytest.mark.parametrize(
    ("at", "text", "sentence"),
    [(184, b"9999    ", "says that it is '9999' bytes long, 5 signals need 1536"),
     (236, b"        ", "the number of data records in its header is ''"),
     (256 + 5 * 104, b"nan     ", "the ranges of signal 'EMG1' are 'nan', '500', .*: finite numbers are needed"),
     (256 + 5 * 216, b"many    ", "the number of samples of 'EMG1' in its header is 'many'")],
)  # fmt: skip
def test_what_is_wrong_in_a_header_is_named(tmp_path, at, text, sentence):
    path = edf(tmp_path / "a.edf", four(), CUES)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + text + whole[at + len(text) :])
    with pytest.raises(ConfigError, match=sentence):
        formats.read(path, RecordingFormat())


def test_pauses_that_the_file_does_not_place_are_told_of(tmp_path):
    path = edf(tmp_path / "a.edf", four(), CUES)
    whole = path.read_bytes().replace(b"EDF Annotations ", b"Annotations     ")
    path.write_bytes(whole.replace(b"EDF+C", b"EDF+D"))
    recording = formats.read(path, RecordingFormat())
    assert "its header says that it has pauses, but not where: samples are taken without any" in recording.remarks
    path.write_bytes(whole)
    assert not any("pauses" in r for r in formats.read(path, RecordingFormat()).remarks)


def test_samples_beyond_the_digital_range_are_told_of(tmp_path):
    narrow = signal("EMG1", digital=("-2048", "2047"))
    recording = formats.read(edf(tmp_path / "a.edf", [narrow, *four()[1:]], CUES), RecordingFormat())
    assert recording.remarks == ("EMG1: samples lie outside the digital range that the header states",)


@pytest.mark.parametrize("names", [("Fp1", "C3", "C4"), ("EEG Cz-Ref", "F3", "F4"), ("C3-A2", "O1-M2", "Chin")])
def test_names_of_eeg_electrodes_are_never_taken_for_emg(tmp_path, names):
    path = edf(tmp_path / "a.edf", [signal(n, values=VALUES[k]) for k, n in enumerate(names)])
    with pytest.raises(ConfigError, match=r"(names of EEG electrodes|does not say which).*--channels"):
        formats.read(path, RecordingFormat())
    assert formats.read(path, RecordingFormat(channels=(names[2],))).channels == (names[2],)


NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGH 0123456789_-.()#", min_size=1, max_size=12).map(str.strip)


@st.composite
def files(draw):
    """Channels, rate, unit, length and annotations, which may overlap, for pyedflib."""
    names = draw(st.lists(st.one_of(NAMES, st.sampled_from(["", " flexor"])), min_size=1, max_size=5))
    seconds = draw(st.integers(2, 5))
    place = st.integers(0, seconds * 20 - 1)
    words = st.text("abcdefgh #äµ1", min_size=1, max_size=40).map(str.strip).filter(bool)
    cues = draw(st.lists(st.tuples(place, st.integers(1, 40), words), unique_by=lambda c: c[0], max_size=6))
    return (
        [f"EMG{n}" for n in names], draw(st.sampled_from([100, 240, 1000, 2048])),
        draw(st.sampled_from(["uV", "mV", "V"])), seconds, draw(st.booleans()),
        [(onset / 20, duration / 20, text) for onset, duration, text in cues],
    )  # fmt: skip


def samplewise(onsets, durations, texts, times):
    """The label of each sample: that of the annotation around it that began last."""
    out = []
    for t in times:
        around = [k for k in range(len(onsets)) if onsets[k] <= t < onsets[k] + durations[k]]
        out.append(texts[max(around, key=lambda k: onsets[k])] if around else "")
    return out


def labels_of(recording):
    out = [""] * len(recording)
    for s in recording.spans:
        out[s.start : s.stop] = [s.label] * (s.stop - s.start)
    return out


@settings(max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate])
@given(files())
def test_figures_are_those_of_pyedflib(tmp_path_factory, info, content):
    import pyedflib

    names, rate, unit, seconds, bdf, cues = content
    path = tmp_path_factory.mktemp("edf") / ("a.bdf" if bdf else "a.edf")
    kind = pyedflib.FILETYPE_BDFPLUS if bdf else pyedflib.FILETYPE_EDFPLUS
    top = 2 ** (23 if bdf else 15)
    data = np.random.default_rng(0).normal(0, 100.0, (len(names), rate * seconds)).clip(-999, 999)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writer = pyedflib.EdfWriter(str(path), len(names), kind)
        header = {"dimension": unit, "sample_frequency": rate, "physical_min": -1000, "physical_max": 1000}
        header |= {"digital_min": -top, "digital_max": top - 1}
        writer.setSignalHeaders([{"label": n, **header} for n in names])
        writer.writeSamples(list(data))
        for onset, duration, text in cues:
            writer.writeAnnotation(onset, duration, text)
        writer.close()
    recording = formats.read(path, RecordingFormat())
    factor = {"uV": 1e-6, "mV": 1e-3, "V": 1.0}[unit]
    with pyedflib.EdfReader(str(path)) as reader:
        labels = reader.getSignalLabels()
        assert recording.rate == reader.getSampleFrequency(0) and len(recording) == reader.getNSamples()[0]
        for k in range(len(names)):
            signal = factor * reader.readSignal(k)
            np.testing.assert_allclose(recording.samples[:, k], signal, rtol=0, atol=1e-9 * factor)
        onsets, durations, texts = reader.readAnnotations()
    single = [c if labels.count(c) == 1 else c.rpartition(" ")[0] for c in recording.channels]
    assert single == labels and len(set(recording.channels)) == len(names)
    middle = (np.arange(len(recording)) + 0.5) / rate
    assert labels_of(recording) == samplewise(onsets, durations, [t.strip() for t in texts], middle)
    figures = info(path)
    wanted = (list(recording.channels), rate, "V", rate * seconds)
    assert tuple(figures[k] for k in ("channels", "rate", "unit", "samples")) == wanted
    held = {t: labels_of(recording).count(t) / rate for t in recording.file_labels if t in labels_of(recording)}
    assert figures["labels"] == pytest.approx(held) and figures["faults"]["gaps"] == 0
    between = [(t, a / rate, b / rate) for t, a, b in ((s.label, s.start, s.stop) for s in recording.spans)]
    np.testing.assert_allclose([s[1:] for s in figures["label_spans"]], [s[1:] for s in between], atol=1e-9)
    told = any("begin before another one ends" in r for r in recording.remarks)
    order = np.argsort(onsets)
    ends = np.maximum.accumulate((onsets + durations)[order])
    assert told == bool((onsets[order][1:] < ends[:-1] - 1e-6).any())
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(), block))


LUNA = Path(__file__).with_name("pauses_luna.edf")
"""Written by Luna 1.7 as EDF+D: seconds 0 to 3, 4 to 6 and 8 to 10 of ten seconds at 100 Hz."""


def test_pauses_that_luna_writes_are_gaps_and_move_no_label():
    recording = formats.read(LUNA, RecordingFormat())
    kept = np.concatenate([np.arange(a, b) for a, b in ((0, 300), (400, 600), (800, 1000))])
    assert np.array_equal(np.rint(recording.times * 100), kept) and recording.remarks == ()
    onsets, durations, texts = (0, 2.5, 5.25, 8.1), (2, 2.5, 0.5, 1.5), ("rest", "fist", "open", "rest")
    assert labels_of(recording) == samplewise(onsets, durations, texts, (kept + 0.5) / 100)
    source = np.random.default_rng(7).normal(0, 50, 1000)[kept]
    np.testing.assert_allclose(recording.samples[:, 0], 1e-6 * source, rtol=0, atol=1e-8)
    found = faults(recording)
    assert (found.gaps, found.jumps) == (2, 0) and found.lost_s == pytest.approx(3.0)


def test_pauses_are_pauses_where_a_file_of_luna_is_played():
    now = [0]
    source = RecordingSource(ReplayOptions(str(LUNA)), lambda: now[0])
    source.open()
    blocks = []
    while not source.ended:
        now[0] += 50_000_000
        blocks += filter(None, [source.read()])
    times = np.concatenate([b.times for b in blocks])
    stamps = np.concatenate([b.stamps_ns for b in blocks])
    assert np.array_equal(times, formats.read(LUNA, RecordingFormat()).times)
    played = np.diff(stamps) / 1e9
    np.testing.assert_allclose(played[[298, 299, 499, 500]], [0.01, 1.0, 1.0, 0.01], atol=1e-6)  # never seamless


@settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    st.sampled_from([(0.1, 100), (0.25, 1000), (0.5, 200), (1.0, 148), (2.0, 111)]),
    st.lists(st.booleans(), min_size=4, max_size=12).filter(any),
    st.lists(st.tuples(st.integers(0, 29), st.integers(1, 12)), unique_by=lambda c: c[0], max_size=4),
)
def test_any_data_records_that_are_cut_out_of_a_file_of_edfio_are_gaps(tmp_path_factory, layout, kept, cues):
    """As programs cut artefacts out: whole records go, those left keep their times, and the header says EDF+D."""
    import edfio

    (record_s, rate), path = layout, tmp_path_factory.mktemp("edf") / "a.edf"
    size, unit = round(record_s * rate), len(kept) * record_s / 30
    data = np.random.default_rng(1).normal(0, 100, (2, size * len(kept))).clip(-499, 499)
    notes = [edfio.EdfAnnotation(a * unit, d * unit, f"cue {a}") for a, d in cues]
    header = {"physical_dimension": "uV", "physical_range": (-500, 500)}
    signals = [edfio.EdfSignal(x, rate, label=f"EMG{k}", **header) for k, x in enumerate(data)]
    edfio.Edf(signals, annotations=notes, data_record_duration=record_s).write(path)
    whole = formats.read(path, RecordingFormat())
    head, content = 256 * 4, path.read_bytes()
    body = np.frombuffer(content[head:], np.uint8).reshape(len(kept), -1)[np.array(kept)].tobytes()
    count = str(sum(kept)).ljust(8).encode()
    path.write_bytes(content[:192] + b"EDF+D".ljust(44) + count + content[244:head] + body)
    recording, there = formats.read(path, RecordingFormat()), np.repeat(kept, size)
    assert np.array_equal(recording.samples, whole.samples[there])
    np.testing.assert_allclose(recording.times, np.flatnonzero(there) / rate, atol=1e-6)
    left = [(a * unit, d * unit, f"cue {a}") for a, d in cues if f"cue {a}\x14".encode() in body]
    onsets, durations, texts = zip(*left, strict=True) if left else ((), (), ())
    assert labels_of(recording) == samplewise(onsets, durations, texts, (np.flatnonzero(there) + 0.5) / rate)
    found, steps = faults(recording), np.diff(np.flatnonzero(there))
    assert found.gaps == (steps > 1).sum() and found.jumps == 0
    assert found.lost_s == pytest.approx((steps - 1).sum() / rate, abs=1e-6)
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(), block))
