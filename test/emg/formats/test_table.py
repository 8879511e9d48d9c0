"""Text tables as people have them: read as another program would read them, or refused with one sentence."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.formats.emg_channels import DERIVED, Kind, kind
from myoprosthesis.emg.formats.table_times import even_rate
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.signal_quality import faults
from myoprosthesis.testing import check_emg_format

pandas = pytest.importorskip("pandas")

N = 120
UV = RecordingFormat(rate=200.0, unit="uV")
EMG = np.round(np.random.default_rng(0).normal(0, 20, (N, 3)), 3)  # µV
COMMANDS = ["rest"] * 40 + ["grip #1"] * 40 + ["grip #2, firm"] * 40
SPANS = (Span("rest", 0, 40), Span("grip #1", 40, 80), Span("grip #2, firm", 80, 120))


def table(**columns):
    return pandas.DataFrame({"EMG1": EMG[:, 0], "EMG2": EMG[:, 1], "EMG3": EMG[:, 2], **columns})


def read(path, layout=UV):
    check_emg_format(lambda block: formats.blocks(path, layout, block))
    return formats.read(path, layout)


def same(recording, samples=EMG):
    return recording.unit == "V" and np.array_equal(recording.samples, samples * 1e-6)


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", ""), ("utf-16-be", ""), ("cp1252", "cp1252"),
     ("latin-1", "cp1252")],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_encoding_and_line_end(tmp_path, encoding, remark, end):
    data = table(**{"Größe [µm]": 1.0, "Geste": ["Ruhe", "Fäuste", "größer"] * 40})
    text = data.to_csv(index=False, lineterminator=end)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="µV", label="Geste"))
    assert same(recording) and recording.channels == ("EMG1", "EMG2", "EMG3")
    assert {s.label for s in recording.spans} == {"Ruhe", "Fäuste", "größer"}
    assert bool(remark) == any(f"read as {remark}" in r for r in recording.remarks)


def test_windows_own_characters_are_read_and_bytes_that_are_none_are_refused(tmp_path):
    text = table(label="10 € – „fest“").to_csv(index=False).encode("cp1252")
    (tmp_path / "a.csv").write_bytes(text)
    assert (
        read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", label="label")).spans[0].label
        == "10 € – „fest“"
    )
    (tmp_path / "a.csv").write_bytes(text.replace("€".encode("cp1252"), b"\x81"))
    with pytest.raises(ConfigError, match="this is not cp1252; give its --encoding"):
        formats.read(tmp_path / "a.csv", UV)


def test_an_encoding_can_be_named_and_is_refused_where_it_does_not_fit(tmp_path):
    (tmp_path / "a.csv").write_bytes(table(label="Łódź").to_csv(index=False).encode("cp1250"))
    layout = RecordingFormat(rate=200.0, unit="uV", label="label", encoding="cp1250")
    assert read(tmp_path / "a.csv", layout).spans == (Span("Łódź", 0, N),)
    refused = {"ascii": "is not ascii", "klingon": "no encoding 'klingon'", "hex": "no encoding 'hex'"}
    for encoding, sentence in {**refused, "undefined": "no encoding", "utf-16": "is not utf-16"}.items():
        with pytest.raises(ConfigError, match=sentence):
            formats.read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", encoding=encoding))


@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", ","), ("|", "."), ("|", ",")]
)
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_any_separator_decimal_mark_and_quotes(tmp_path, separator, decimal, quoting):
    data = table(gesture=COMMANDS)
    data.to_csv(tmp_path / "a.csv", index=False, sep=separator, decimal=decimal, quoting=quoting)
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", label="gesture"))
    assert same(recording) and recording.spans == SPANS
    assert ("decimal commas" in recording.remarks) == (decimal == ",")


def test_decimal_commas_in_quotes_between_commas(tmp_path):
    data = table().map(lambda x: f"{x:.3f}".replace(".", ","))
    data.to_csv(tmp_path / "a.csv", index=False, quoting=csv.QUOTE_ALL)
    assert same(read(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("mark", "decimal", "separator"), [(".", ",", ";"), (",", ".", ";"), ("'", ".", ";"), (" ", ",", ";")]
)
def test_marks_between_thousands(tmp_path, mark, decimal, separator):
    samples = np.round(EMG * 1000, 2)
    swap = str.maketrans({",": mark, ".": decimal})
    rows = "\n".join(separator.join(f"{x:,.2f}".translate(swap) for x in row) for row in samples)
    (tmp_path / "a.csv").write_text(f"EMG1;EMG2;EMG3\n{rows}\n")
    recording = read(tmp_path / "a.csv")
    assert same(recording, samples)
    assert any("thousands" in r for r in recording.remarks)
    (tmp_path / "a.csv").write_text(f"EMG1;EMG2;EMG3\n{rows}\n1{mark}2;3;4\n")
    with pytest.raises(ConfigError, match="line 122: .* is no number|in several ways"):
        formats.read(tmp_path / "a.csv", UV)


def test_a_comma_that_may_be_two_things_is_asked_about(tmp_path):
    column = [f"{x:.3f}".replace(".", ",") for x in EMG[:, 0]]
    (tmp_path / "a.txt").write_text("\n".join(column))
    with pytest.raises(ConfigError, match="decimal commas, as in .*--decimal"):
        formats.read(tmp_path / "a.txt", UV)
    recording = read(tmp_path / "a.txt", RecordingFormat(rate=200.0, unit="uV", decimal=","))
    assert recording.channels == ("ch1",) and same(recording, EMG[:, :1])
    (tmp_path / "a.txt").write_text("EMG biceps\n" + "\n".join(column))
    assert same(read(tmp_path / "a.txt"), EMG[:, :1])
    (tmp_path / "b.csv").write_text("EMG1;EMG2\n" + "1,234;5,678\n" * 20)
    with pytest.raises(ConfigError, match="before a fraction or between thousands"):
        formats.read(tmp_path / "b.csv", UV)
    assert formats.read(tmp_path / "b.csv", RecordingFormat(rate=1.0, unit="V", decimal=",")).samples[0].tolist() == [
        1.234,
        5.678,
    ]
    assert formats.read(tmp_path / "b.csv", RecordingFormat(rate=1.0, unit="V", decimal=".")).samples[0].tolist() == [
        1234,
        5678,
    ]


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "<NA>"])
def test_a_row_without_a_label_has_none(tmp_path, missing):
    labels = pandas.Series(COMMANDS).mask(np.arange(N) % 40 < 10)
    table(label=labels).to_csv(tmp_path / "a.csv", index=False, na_rep=missing)
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", label="label"))
    assert recording.spans == tuple(Span(s.label, s.start + 10, s.stop) for s in SPANS)


def test_long_labels_stay_apart_and_whole(tmp_path):
    long = "x" * 300
    table(label=[long + "1"] * 60 + [long + "2"] * 60).to_csv(tmp_path / "a.csv", index=False)
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", label="label"))
    assert recording.spans == (Span(long + "1", 0, 60), Span(long + "2", 60, 120))


def test_what_is_not_emg_is_left_out_and_told_or_asked_for(tmp_path):
    noise = np.random.default_rng(1).normal(size=N)
    beside = {
        "timestamp": 1.7e9 + np.arange(N) / 200,
        "stimulus": noise,
        "ACC X (g)": noise,
        "label": 0,
        "gesture": "a",
    }
    table(**beside).to_csv(tmp_path / "a.csv", index=False)
    recording = read(tmp_path / "a.csv")
    assert same(recording) and recording.channels == ("EMG1", "EMG2", "EMG3")
    told = " ".join(recording.remarks)
    assert all(name in told for name in beside) and "--label gesture" in told
    table().rename(columns={"EMG1": "p", "EMG2": "q", "EMG3": "r"}).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(ConfigError, match="--channels A,B .*there are p, q, r"):
        formats.read(tmp_path / "b.csv", UV)
    assert same(read(tmp_path / "b.csv", RecordingFormat(rate=200.0, unit="uV", channels=("r", "p"))), EMG[:, [2, 0]])


def test_words_in_a_file_without_names_are_asked_about(tmp_path):
    rows = [f"12:00:{k / 200:06.3f} -> {a},{b}" for k, (a, b, _) in enumerate(EMG)]  # of Arduino's serial monitor
    (tmp_path / "a.txt").write_text("\n".join(rows))
    with pytest.raises(ConfigError, match="'ch1' holds words, such as '12:00:00.000 -> .*--channels"):
        formats.read(tmp_path / "a.txt", UV)


@pytest.mark.parametrize("head", ["0,1,2", "1,2,3", '"0","1","2"'])
def test_numbers_as_names_are_no_sample(tmp_path, head):
    (tmp_path / "a.csv").write_text(head + "\n" + "\n".join(",".join(f"{x:.3f}" for x in row) for row in EMG))
    recording = read(tmp_path / "a.csv")
    assert same(recording) and recording.channels == tuple(head.replace('"', "").split(","))


@pytest.mark.parametrize("columns", [2, 3, 8])
def test_numbers_as_names_above_whole_numbers(tmp_path, columns):
    counts = np.random.default_rng(0).integers(-40, 40, (N, columns))
    pandas.DataFrame(counts).to_csv(tmp_path / "a.csv", index=False)
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="counts"))
    assert np.array_equal(recording.samples, counts) and "numbers the columns" in recording.remarks[0]


def test_the_first_sample_of_a_file_without_names_is_kept(tmp_path):
    np.savetxt(tmp_path / "a.csv", EMG, "%.3f", ",")
    recording = read(tmp_path / "a.csv")
    assert same(recording) and recording.channels == ("ch1", "ch2", "ch3")


def test_the_index_of_a_data_frame_is_no_channel(tmp_path):
    pandas.DataFrame(EMG).to_csv(tmp_path / "numbered.csv")
    table(label=COMMANDS).to_csv(tmp_path / "named.csv")
    (tmp_path / "r.txt").write_text(  # R's write.table: the head has a name less than the rows have cells
        '"EMG1" "EMG2" "EMG3"\n' + "\n".join(f'"{k + 1}" ' + " ".join(map(str, row)) for k, row in enumerate(EMG))
    )
    table().set_index(np.arange(1000, 1000 + N)).to_csv(tmp_path / "cut.csv")
    for name, channels in (("numbered.csv", "012"), ("named.csv", ()), ("r.txt", ()), ("cut.csv", ())):
        recording = read(tmp_path / name)
        assert same(recording) and recording.channels == (tuple(channels) or ("EMG1", "EMG2", "EMG3"))
        assert any("numbers the rows" in r or "left out" in r for r in recording.remarks)


def test_a_head_in_comments(tmp_path):
    np.savetxt(tmp_path / "a.txt", EMG, "%.3f", header="EMG1 EMG2 EMG3")
    assert read(tmp_path / "a.txt").channels == ("EMG1", "EMG2", "EMG3")
    np.savetxt(tmp_path / "b.csv", EMG, "%.3f", ",", header="rate: 200 Hz\nunit: µV\nEMG1,EMG2,EMG3", encoding="utf-8")
    recording = read(tmp_path / "b.csv", RecordingFormat())
    assert same(recording) and recording.rate == 200 and recording.channels == ("EMG1", "EMG2", "EMG3")
    for layout, sentence in (
        (RecordingFormat(rate=100.0), "its rate is 200 Hz, not 100 Hz"),
        (RecordingFormat(unit="mV"), "unit is uV, not mV"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            formats.read(tmp_path / "b.csv", layout)


def test_units_in_names_and_in_a_line_below_them(tmp_path):
    rows = "\n".join(f"{k},{a},{b / 1000}" for k, (a, b, _) in enumerate(EMG))
    (tmp_path / "a.csv").write_text(f"t [ms],EMG 1 [uV],EMG 2 [mV]\n{rows}\n")
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=1000.0, time="t", time_unit="ms"))
    assert np.allclose(recording.samples, EMG[:, :2] * 1e-6, rtol=1e-12)
    (tmp_path / "b.csv").write_text(f"t,EMG 1,EMG 2\nms,uV,mV\n{rows}\n")
    again = read(tmp_path / "b.csv", RecordingFormat(rate=1000.0, time="t", time_unit="ms"))
    assert np.array_equal(again.samples, recording.samples) and np.array_equal(again.times, recording.times)
    with pytest.raises(ConfigError, match="is in ms, not in s: give --time-unit ms"):
        formats.read(tmp_path / "a.csv", RecordingFormat(rate=1000.0, time="t"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_are_in_the_unit_that_fits_the_rate_or_refused(tmp_path, unit):
    factor = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}[unit]
    stamps = 12.0 + np.arange(N) / 200
    table(time=stamps if unit == "s" else np.round(stamps * factor).astype(np.int64)).to_csv(
        tmp_path / "a.csv", index=False
    )
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", time="time", time_unit=unit))
    assert np.allclose(recording.times, stamps, atol=1e-6)
    other = "ms" if unit == "s" else "s"
    with pytest.raises(ConfigError, match=f"give --time-unit {unit}"):
        formats.read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", time="time", time_unit=other))


@pytest.mark.parametrize(
    ("form", "begin"),
    [("%Y-%m-%d %H:%M:%S.%f", 1705933799.0), ("%Y-%m-%dT%H:%M:%S.%fZ", 1705933799.0),
     ("%d.%m.%Y %H:%M:%S,%f", 1705933799.0),
     ("%d/%m/%Y %H:%M:%S.%f", 1705933799.0), ("%m/%d/%Y %I:%M:%S.%f %p", 1705933799.0), ("%H:%M:%S.%f", 52199.0),
     ("%Y-%m-%dT%H:%M:%S.%f+01:00", 1705930199.0)],
)  # fmt: skip
def test_times_as_text(tmp_path, form, begin):
    stamps = pandas.to_datetime(1705933799 * 10**9 + np.arange(N, dtype=np.int64) * 5_000_000)
    table(when=stamps.strftime(form)).to_csv(tmp_path / "a.csv", index=False, sep=";")
    recording = read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", time="when"))
    assert np.allclose(recording.times, begin + np.arange(N) / 200, atol=1e-5)
    assert faults(recording).gaps == 0


def test_a_date_that_can_be_read_in_two_ways_is_told(tmp_path):
    table(when=[f"02/03/2024 10:00:{k / 200:06.3f}" for k in range(N)]).to_csv(tmp_path / "a.csv", index=False)
    recording = formats.read(tmp_path / "a.csv", RecordingFormat(rate=200.0, unit="uV", time="when"))
    assert any("day, month, year" in r for r in recording.remarks)
    with pytest.raises(ConfigError, match="is no time such as"):
        table(when="soon").to_csv(tmp_path / "b.csv", index=False)
        formats.read(tmp_path / "b.csv", RecordingFormat(rate=200.0, unit="uV", time="when"))


def test_openbci(tmp_path):
    rows = "\n".join(
        f"{k % 256}.0, {a}, {b}, {c}, 0.1, {1.7e9 + k / 200:.3f}, 2024-01-01 10:00:{k / 200:06.3f}"
        for k, (a, b, c) in enumerate(EMG)
    )
    (tmp_path / "a.txt").write_text(
        "%OpenBCI Raw EXG Data\n%Number of channels = 3\n%Sample Rate = 200 Hz\n"
        "%Board = OpenBCI_GUI$BoardGanglionNative\n"
        "Sample Index, EXG Channel 0, EXG Channel 1, EXG Channel 2, Accel Channel 0, Timestamp, Timestamp (Formatted)\n"
        + rows
    )
    recording = read(tmp_path / "a.txt", RecordingFormat())
    assert same(recording) and recording.rate == 200 and recording.stamped
    assert recording.channels == ("EXG Channel 0", "EXG Channel 1", "EXG Channel 2")
    assert np.allclose(recording.times, 1.7e9 + np.arange(N) / 200, atol=1e-3)


FAST, SLOW = 2148.1481, 148.1481


def delsys(head, names, rates, sizes, values):
    """A file with times and values in pairs of columns that end where their signal does."""
    out = io.StringIO()
    out.write(head)
    rows = csv.writer(out, lineterminator="\n")
    rows.writerows(names)
    for k in range(max(sizes)):
        rows.writerow(
            [
                c
                for r, n, x in zip(rates, sizes, values, strict=True)
                for c in ((f"{k / r:.7g}", x[k]) if k < n else ("", ""))
            ]
        )
    return out.getvalue()


@pytest.mark.parametrize("labelled", [True, False])
def test_emgworks(tmp_path, labelled):
    rng = np.random.default_rng(0)
    sizes, rates = (600, 42, 600, 42), (FAST, SLOW, FAST, SLOW)
    values = [np.round(rng.normal(0, 1e-5, n), 9) for n in sizes]
    names = ["L FCU: EMG 1", "L FCU: ACC.X 1", "R FCU: EMG 2", "R FCU: GYRO.X 2"]
    units = ["V", "g", "V", "°/s"]
    head = "".join(
        f"Label: {n} Sampling frequency: {r:.6e} Number of points: {k} start: 0.0 Unit: {u} Domain Unit: s,,,,\n"
        for n, r, k, u in zip(names, rates, sizes, units, strict=True)
    )
    columns = [c for n, u in zip(names, units, strict=True) for c in ("X[s]", n if labelled else f"{n} [{u}]")]
    text = delsys(f"{head}Start Trigger Method: None,,,\n ,,,,\n" if labelled else "", [columns], rates, sizes, values)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    recording = read(tmp_path / "a.csv", RecordingFormat())
    assert recording.channels == ("L FCU: EMG 1", "R FCU: EMG 2") and recording.unit == "V"
    assert recording.rate == pytest.approx(FAST, rel=1e-5)
    assert np.array_equal(recording.samples, np.stack([values[0], values[2]], axis=1))
    assert np.allclose(recording.times, np.arange(600) / FAST, atol=1e-6) and faults(recording).gaps == 0
    with pytest.raises(ConfigError, match="several rates: name channels of one .*L FCU: ACC.X 1"):
        formats.read(tmp_path / "a.csv", RecordingFormat(unit="", channels=(columns[1], columns[3])))


@pytest.mark.parametrize("ends", ["", "0"])
def test_labels_and_targets_of_a_slower_column_are_held_by_its_own_times(tmp_path, ends):
    """A load cell and a cue beside EMG, blank or filled up with zeros behind their last samples."""
    rng = np.random.default_rng(0)
    sizes, rates = (2000, 250, 200), (1000.0, 125.0, 100.0)
    force, cue = np.round(np.arange(250) / 125.0, 4), np.repeat([0, 1, 2, 1], 50)
    values = [np.round(rng.normal(0, 1e-5, 2000), 9), force, cue]
    names = [c for n in ("L FCU: EMG 1 [V]", "Grip: Analog 1 [N]", "Cue: Digital 2") for c in ("X[s]", n)]
    text = delsys("", [names], rates, sizes, values)
    if ends:
        text = "\n".join(",".join(c or ends for c in line.split(",")) for line in text.splitlines()) + "\n"
    (tmp_path / "a.csv").write_text(text)
    recording = read(tmp_path / "a.csv", RecordingFormat(targets=("Grip: Analog 1 [N]",), label="Cue: Digital 2"))
    t = np.arange(2000) / 1000
    np.testing.assert_allclose(recording.targets[:, 0], force[np.minimum((t * 125 + 1e-6).astype(int), 249)])
    assert recording.spans == (Span("0", 0, 500), Span("1", 500, 1000), Span("2", 1000, 1500), Span("1", 1500, 2000))
    held = "of another rate than the EMG, 100 Hz, each value is held until the next one"
    assert any(r == f"'Cue: Digital 2': {held}" for r in recording.remarks)
    (tmp_path / "b.csv").write_text(delsys("", [names[2:4] + names[:2]], rates[1::-1], sizes[1::-1], values[1::-1]))
    with pytest.raises(
        ConfigError, match="'L FCU: EMG 1 .V.' has times of its own, 1000 Hz, faster than the EMG's 125 Hz"
    ):
        formats.read(
            tmp_path / "b.csv", RecordingFormat(channels=(names[3],), targets=(names[1],), unit="uV", rate=125)
        )


def test_trigno_discover(tmp_path):
    rng = np.random.default_rng(0)
    sizes, rates = (300, 400, 300), (1259.2593, SLOW, 1259.2593)
    values = [np.round(rng.normal(0, 0.02, n), 7) for n in sizes]
    head = "Application:,Trigno Discover (1.7.0),,,,\nDate/Time:,1/1/2024 10:00:00 AM,,,,\n"
    head += "Collection Length (seconds):,0.2,,,,\n"
    emg = ["EMG 1 Time Series (s)", "EMG 1 (mV)"]
    names = [["Biceps (81724)", "", "", "", "Triceps (81729)", ""],
             ["sensor mode: 50", "", "", "", "sensor mode: 40", ""],
             [*emg, "ACC X Time Series (s)", "ACC X (G)", *emg],
             ["", "1259.2593 Hz", "", "148.1481 Hz", "", "1259.2593 Hz"]]  # fmt: skip
    (tmp_path / "a.csv").write_text(delsys(head, names, rates, sizes, values))
    recording = read(tmp_path / "a.csv", RecordingFormat())
    assert recording.channels == ("Biceps (81724): EMG 1", "Triceps (81729): EMG 1")
    assert (recording.rate, recording.unit, recording.file_unit) == (1259.2593, "V", "mV")
    assert np.allclose(recording.samples, 1e-3 * np.stack([values[0], values[2]], axis=1), rtol=1e-12)
    assert any("ends 100 rows before" in r for r in recording.remarks)
    chosen = formats.read(tmp_path / "a.csv", RecordingFormat(channels=("Triceps (81729): EMG 1",)))
    assert np.allclose(chosen.samples[:, 0], 1e-3 * values[2], rtol=1e-12)


@pytest.mark.parametrize("separator", [",", " ", "\t", ", "])
def test_lines_for_arduinos_plotter(tmp_path, separator):
    lines = [separator.join(f"EMG{c + 1}:{int(10 * x) + 512}" for c, x in enumerate(row)) for row in EMG]
    (tmp_path / "a.txt").write_text("\n".join(["Sketch 1.2", *lines]) + "\n")
    recording = read(tmp_path / "a.txt", RecordingFormat(rate=200.0, unit="counts"))
    assert recording.channels == ("EMG1", "EMG2", "EMG3") and any("Sketch 1.2" in r for r in recording.remarks)
    assert np.array_equal(recording.samples, (10 * EMG).astype(int) + 512)
    (tmp_path / "a.txt").write_text("\n".join([*lines[:50], "EMG1:3", *lines[50:]]) + "\n")
    with pytest.raises(ConfigError, match="EMG1:3"):
        formats.read(tmp_path / "a.txt", RecordingFormat(rate=200.0, unit="counts"))


def test_rows_that_are_none_are_refused_with_their_line(tmp_path):
    good = [f"{a},{b}" for a, b, _ in EMG]
    for k, row, sentence in (
        (60, "1", "line 62: 1 cells, 2 are due"), (60, "1,2,3", "line 62: 3 cells, 2 are due"),
        (0, "1,rest", "line 2: 'rest' in column"), (2, "1,rest", "line 4: 'rest' in column"),
        (60, "x,2", "line 62: 'x' in column 'EMG1' is no number"), (60, "# note", "line 62: 1 cells"),
    ):  # fmt: skip
        (tmp_path / "a.csv").write_text("\n".join(["EMG1,EMG2", *good[:k], row, *good[k:]]) + "\n")
        with pytest.raises(ConfigError, match=sentence):
            formats.read(tmp_path / "a.csv", UV)
    (tmp_path / "a.csv").write_text("EMG1,EMG2\n" + "\n".join(good) + "\n12.5")
    recording = formats.read(tmp_path / "a.csv", UV)
    assert len(recording) == N and "its last line is cut off, and left out" in recording.remarks


@pytest.mark.parametrize("repeats", [1, 20], ids=["read at once", "longer than what the head is found from"])
def test_rows_of_statistics_at_the_end_are_no_samples(tmp_path, repeats):
    rows = [f"{k / 200},{a},{b}" for k, (a, b, _) in enumerate(np.tile(EMG, (repeats, 1)))]
    (tmp_path / "a.csv").write_text("\n".join(["time,EMG1,EMG2", *rows, "mean,0.1,0.2", "max,60.0,61.0"]) + "\n")
    for layout in (UV, replace(UV, channels=("EMG1", "EMG2"))):
        with pytest.raises(ConfigError, match=f"line {len(rows) + 2}: 'mean' in column 'time' is no number"):
            formats.read(tmp_path / "a.csv", layout)
    (tmp_path / "a.csv").write_text("\n".join(["time,EMG1,EMG2,event", *(f"{r}," for r in rows)]) + "\n")
    assert len(read(tmp_path / "a.csv")) == len(rows)


def test_empty_lines_trailing_separators_and_empty_cells(tmp_path):
    rows = "\n\n".join(f"{a},{b},{c}," for a, b, c in EMG)
    (tmp_path / "a.csv").write_text(f"\n\nEMG1,EMG2,EMG3,\n\n{rows}\n\n\n")
    assert same(read(tmp_path / "a.csv"))
    (tmp_path / "b.csv").write_text(f"EMG1,EMG2\n1,2\n,4\n5,6\n{'7,8' + chr(10)}" * 1)
    recording = formats.read(tmp_path / "b.csv", UV)
    assert np.isnan(recording.samples[1, 0]) and len(recording) == 4


def test_the_unit_of_a_target_is_that_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("EMG1,Force [N],angle\n" + "1,2,3\n" * 9)

    def unit(**more):
        return formats.read(tmp_path / "a.csv", replace(UV, **more)).target_unit

    assert unit(targets=("Force",)) == "N"
    assert unit(targets=("angle",)) == unit(targets=("Force", "angle")) == ""
    assert unit(targets=("angle",), target_unit="deg") == "deg"
    with pytest.raises(ConfigError, match="its unit of target 'Force' is N, not kg: leave target-unit out"):
        unit(targets=("angle", "Force"), target_unit="kg")


def test_dots_that_may_be_between_thousands_are_asked_for(tmp_path):
    rows = ["998;12.345", "-1.234;1.2", "12;0.5"] * 30
    (tmp_path / "a.csv").write_text("EMG1;EMG2\n" + "\n".join(rows))
    with pytest.raises(ConfigError, match="such as -1.234 beside 998, in which the dot may .*--decimal"):
        formats.read(tmp_path / "a.csv", UV)
    recording = formats.read(tmp_path / "a.csv", replace(UV, decimal="."))
    np.testing.assert_allclose(recording.samples[:2, 0], [998e-6, -1.234e-6])
    (tmp_path / "b.csv").write_text("EMG1;EMG2\n" + "\n".join(["998;12,5", "-1.234;1,2"] * 30))
    (tmp_path / "c.csv").write_text("EMG1;EMG2\n" + "\n".join(["998;12", "-1.234;2"] * 30))
    for name in "bc":
        recording = formats.read(tmp_path / f"{name}.csv", replace(UV, decimal=","))
        np.testing.assert_allclose(recording.samples[:2, 0], [998e-6, -1234e-6])
    (tmp_path / "d.csv").write_text("t;EMG1\n" + "\n".join(f"{k / 200 + 12:.3f};{k % 7}" for k in range(90)))
    assert len(formats.read(tmp_path / "d.csv", replace(UV, time="t"))) == 90


def test_a_code_with_a_fraction_of_zeros_is_the_code(tmp_path):
    codes = ["1", "1.0", "2.", "v1.0"]
    (tmp_path / "a.csv").write_text("EMG1,g\n" + "".join(f"{k},{code}\n" for k, code in enumerate(codes)))
    assert [s.label for s in formats.read(tmp_path / "a.csv", replace(UV, label="g")).spans] == ["1", "2", "v1.0"]


def test_columns_named_without_their_units_are_called_so(tmp_path):
    (tmp_path / "a.csv").write_text("EMG1 (uV),EMG2 (uV)\n" + "1,2\n" * 9)
    (tmp_path / "b.csv").write_text("EMG2 (mV),EMG1 (mV)\n" + "3,4\n" * 9)
    both = [formats.read(tmp_path / f"{n}.csv", RecordingFormat(rate=200.0, channels=("EMG1", "EMG2"))) for n in "ab"]
    assert [r.channels for r in both] == [("EMG1", "EMG2")] * 2
    np.testing.assert_allclose([r.samples[0] for r in both], [[1e-6, 2e-6], [4e-3, 3e-3]])


def test_the_minus_sign_of_unicode_is_one(tmp_path):
    (tmp_path / "a.csv").write_text("EMG1,EMG2,g\n" + "\u22121.5,2,a\u2212b\n" * 9, encoding="utf-8")
    recording = formats.read(tmp_path / "a.csv", replace(UV, label="g"))
    np.testing.assert_allclose(recording.samples[0], [-1.5e-6, 2e-6])
    assert recording.spans == (Span("a\u2212b", 0, 9),)


def test_the_line_is_named_where_a_table_is_text_no_more(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"EMG1,EMG2\n" + b"1,2\n" * 50 + b"\0" * 500)
    with pytest.raises(ConfigError, match="line 52: .* was the file cut off while it was written"):
        formats.read(tmp_path / "a.csv", UV)


def test_hostile_tables_cost_a_sentence(tmp_path):
    for name, text, sentence in (
        ("wide.csv", ",".join(f"c{k}" for k in range(200_000)) + "\n", "more than (4096 columns|1048576 characters)"),
        ("wider.csv", "1," * 100_000 + "\n" + "1," * 100_000 + "\n", "more than 4096 columns"),
        ("line.csv", "1" * (1 << 21), "line 1 has more than 1048576 characters"),
        ("nothing.csv", "a,b\nc,d\n", "no rows of numbers"),
        ("zeros.csv", "\0" * 5000, "is no text"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ConfigError, match=sentence) as caught:
            formats.read(tmp_path / name, UV)
        assert len(str(caught.value)) < 600


NAMES = st.lists(
    st.text(string.ascii_letters + string.digits + " _-#%()äµ", max_size=8).map(lambda s: f"EMG {s}".strip())
    .filter(lambda name: kind(name) is Kind.EMG)  # EMG PROMPT is none
    .filter(lambda name: not DERIVED & set(re.findall("[a-z]+", name.lower()))),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip
LABELS = st.lists(st.text(string.ascii_letters + " #%;,.:äß\"'|", max_size=12).map(str.strip), min_size=1, max_size=4)
VALUES = st.one_of(st.floats(-1e4, 1e4).map(lambda x: float(f"{x:.9g}")), st.just(float("nan")))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    names=NAMES, labels=LABELS, separator=st.sampled_from(",;\t|"), comma=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    rate=st.sampled_from([100.0, 512.0, 2148.1481]),
    index=st.booleans(), end=st.sampled_from(["\n", "\r\n"]), gap=st.integers(0, 50), data=st.data(),
)  # fmt: skip
def test_figures_are_those_of_pandas(
    tmp_path_factory, names, labels, separator, comma, encoding, rate, index, end, gap, data
):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    decimal = "," if comma and separator != "," else "."
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    frame = pandas.DataFrame(np.round(rng.normal(0, 50, (90, len(names))), 4), columns=names)
    for row, column in data.draw(st.lists(st.tuples(st.integers(1, 88), st.integers(0, len(names) - 1)), max_size=4)):
        frame.iloc[row, column] = data.draw(VALUES)
    stamps = np.arange(90) / rate + (np.arange(90) >= 45) * gap / rate
    frame.insert(data.draw(st.integers(0, len(names))), "time", np.round(stamps, 7))
    frame["label"] = [labels[k // 15 % len(labels)] for k in range(90)]
    options = {"sep": separator, "decimal": decimal, "encoding": encoding}
    frame.to_csv(path, index=index, lineterminator=end, **options)
    recording = formats.read(
        path, RecordingFormat(rate=rate, unit="counts", time="time", label="label", decimal=decimal, missing=("none",))
    )
    theirs = pandas.read_csv(
        path, keep_default_na=False, na_values=dict.fromkeys(names, ["", "nan"]), dtype={"label": str}, **options
    )
    assert recording.channels == tuple(names)
    assert np.array_equal(recording.samples, theirs[names].to_numpy(float), equal_nan=True)
    assert np.array_equal(recording.times, theirs["time"].to_numpy(float))
    here = [""] * len(recording)
    for span in recording.spans:
        here[span.start : span.stop] = [span.label] * (span.stop - span.start)
    assert here == ["" if label.lower() in ("nan", "nat") else label for label in theirs["label"].str.strip()]
    found = faults(recording)
    assert (found.gaps, found.jumps) == (1 if gap else 0, 0)
    assert found.lost_s == pytest.approx(gap / rate, abs=1e-6)


@pytest.mark.parametrize("line", ["Sampling rate (Hz),1000", "# fs [kHz]: 1", "Sample rate = 1000 Hz"])
def test_a_rate_whose_unit_follows_its_key_is_read(tmp_path, line):
    rows = "".join(f"{a:.3f},{b:.3f}\n" for a, b in np.random.default_rng(0).normal(0, 1, (200, 2)))
    (tmp_path / "a.csv").write_text(f"{line}\nUnits,mV\nEMG1,EMG2\n{rows}")
    assert formats.read(tmp_path / "a.csv", RecordingFormat()).rate == 1000.0
    with pytest.raises(ConfigError, match="1000"):
        formats.read(tmp_path / "a.csv", RecordingFormat(rate=2000.0))


STEADY = np.arange(400) / 200


def timed_table(path, head, times, above="", emg=None):
    """A table of a column of times and one of EMG."""
    emg = np.random.default_rng(1).normal(0, 50, len(times)) if emg is None else emg
    path.write_text(f"{above}{head}\n" + "".join(f"{t:.10g},{x:.3f}\n" for t, x in zip(times, emg, strict=True)))
    return path


@pytest.mark.parametrize("head, per_second", [("time [s],EMG1", 1), ("Time (ms),EMG1", 1e3), ("t_us,EMG1", 1e6)])
def test_times_with_a_unit_tell_the_rate_and_the_gaps(tmp_path, head, per_second):
    times = np.delete(STEADY, np.arange(200, 240))
    path = timed_table(tmp_path / "a.csv", head, (100 + times) * per_second)
    recording = formats.read(path, RecordingFormat(unit="uV", rate=200))
    np.testing.assert_allclose(recording.times - recording.times[0], times, atol=1e-6)
    even = timed_table(tmp_path / "b.csv", head, STEADY * per_second)
    recording = formats.read(even, RecordingFormat(unit="uV"))
    assert recording.rate == 200 and any("its rate is that of" in r for r in recording.remarks)
    with pytest.raises(ConfigError, match="its rate is 1000 Hz, and by its times there are 200 samples/s"):
        formats.read(even, RecordingFormat(unit="uV", rate=1000))


@pytest.mark.parametrize("head", ["Zeit [ms],EMG1", "temps (ms),EMG1", "Tiempo_ms,EMG1"])
def test_times_are_known_by_other_languages(tmp_path, head):
    recording = formats.read(timed_table(tmp_path / "a.csv", head, STEADY * 1e3), RecordingFormat(unit="uV"))
    assert recording.rate == 200 and recording.stamped


def clock_table(path, steps, name="clock"):
    """A table whose times are those of a clock, as text, one of `steps` (s) apart each."""
    at = 9 * 3600 + 59.0 + np.cumsum(steps)
    values = np.random.default_rng(1).normal(0, 50, len(at))
    clock = [f"{int(t // 3600):02d}:{int(t // 60 % 60):02d}:{t % 60:09.6f}" for t in at]
    rows = (f"{t},{x:.3f}\n" for t, x in zip(clock, values, strict=True))
    path.write_text(f"{name},EMG1\n" + "".join(rows))
    return path


def test_times_of_a_clock_are_used_by_name_where_they_fit(tmp_path):
    steps = np.full(400, 1 / 200)
    steps[200] = 0.5
    path = clock_table(tmp_path / "a.csv", steps, "Timestamp")
    recording = formats.read(path, RecordingFormat(unit="uV", rate=200))
    assert recording.channels == ("EMG1",) and recording.stamped
    assert np.diff(recording.times).max() == pytest.approx(0.5, abs=1e-4)
    path = clock_table(tmp_path / "b.csv", np.full(400, 1 / 200), "time")
    assert formats.read(path, RecordingFormat(unit="uV")).rate == 200
    recording = formats.read(path, RecordingFormat(unit="uV", rate=2000))
    assert not recording.stamped and any("'time' is not used" in r for r in recording.remarks)


LABCHART = (
    "Interval=\t0.002 s\r\nExcelDateTime=\t4.5356e+004\t3/5/2024 10:11:12.000000\r\nTimeFormat=\tStartOfBlock\r\n"
    "DateFormat=\t\r\nChannelTitle=\tEMG FDS\tEMG EDC\tForce\r\n"
)


@pytest.mark.parametrize("more", ["Range=\t5.000 mV\t5.000 mV\t200 N\r\n", "UnitName=\tmV\tmV\tN\r\n", ""])
def test_a_text_of_labchart_has_the_names_of_its_channels(tmp_path, more):
    """Range= is that of the inputs; only UnitName= says in which unit the samples are."""
    x = np.random.default_rng(2).normal(0, 1, (400, 2))
    rows = "".join(f"{k * 0.002:.3f}\t{a:.6f}\t{b:.6f}\t5\r\n" for k, (a, b) in enumerate(x))
    (tmp_path / "a.txt").write_text(LABCHART + more + rows, newline="")
    said = more.startswith("Unit")
    with contextlib.nullcontext() if said else pytest.raises(ConfigError, match="does not say its unit"):
        formats.read(tmp_path / "a.txt", RecordingFormat())
    recording = formats.read(tmp_path / "a.txt", RecordingFormat(unit="" if said else "mV"))
    assert recording.channels == ("EMG FDS", "EMG EDC") and recording.rate == 500 and recording.stamped
    np.testing.assert_allclose(recording.samples, 1e-3 * x, atol=1e-9)
    np.testing.assert_allclose(recording.times, np.arange(400) * 0.002, atol=1e-12)
    assert "not EMG by name or unit, and left out: Force" in recording.remarks
    assert any("Range= 5.000 mV, 5.000 mV, 200 N, which is not applied" in r for r in recording.remarks) == (
        more.startswith("Range")
    )
    with pytest.raises(ConfigError, match="its rate is 500 Hz, not 1000 Hz"):
        formats.read(tmp_path / "a.txt", RecordingFormat(unit="mV", rate=1000))


def test_a_first_column_called_time_is_no_key_and_a_first_cell_may_be_missing(tmp_path):
    x = np.random.default_rng(3).normal(0, 1, 200)
    rows = "".join(f"{k * 0.002:.3f}\t{a:.4f}\n" for k, a in enumerate(x))
    (tmp_path / "a.txt").write_text("Time:\tEMG1\n" + rows)
    recording = formats.read(tmp_path / "a.txt", RecordingFormat(unit="uV", rate=500))
    assert recording.channels == ("EMG1",) and len(recording) == 200
    (tmp_path / "b.txt").write_text("Interval=\t0.002 s\nChannelTitle=\tEMG1 [mV]\n\t0.1\n" + rows)
    recording = formats.read(tmp_path / "b.txt", RecordingFormat())
    assert not recording.stamped and "not EMG by name or unit, and left out: Unnamed: 0" in recording.remarks
    (tmp_path / "b.txt").write_text("Interval=\t0.002 s\nChannelTitle=\tEMG1 [mV]\n" + rows)
    recording = formats.read(tmp_path / "b.txt", RecordingFormat())
    assert (recording.channels, recording.file_unit, recording.rate) == (("EMG1",), "mV", 500)


def test_a_row_that_is_longer_than_the_others_is_not_taken_for_names(tmp_path):
    rows = "".join(f"{k * 0.002:.3f}\t0.1\t5\t{k % 7}\n" for k in range(100))
    rows = rows.replace("\n", "\t#1 fist\n", 1)
    (tmp_path / "a.txt").write_text(LABCHART + rows)
    with pytest.raises(ConfigError, match="line 6: 5 cells, and the rows below it have 4"):
        formats.read(tmp_path / "a.txt", RecordingFormat(unit="mV"))


def test_a_rate_in_words_that_are_not_read_is_told_of(tmp_path):
    rows = "".join(f"{x:.3f}\n" for x in np.random.default_rng(1).normal(0, 50, 400))
    (tmp_path / "a.csv").write_text("Frequency:,500\nEMG1\n" + rows)
    recording = formats.read(tmp_path / "a.csv", RecordingFormat(unit="uV", rate=1000))
    assert any("its head says frequency 500, which is not applied" in r for r in recording.remarks)


@pytest.mark.parametrize(
    ("rate", "digits"),
    [(2148.148, 6), (1259.259, 6), (1925.926, 6), (1111.1111, 6), (2048.0, 6), (148.148, 5), (200.0, 3)],
)
def test_the_rate_of_times_is_that_of_all_of_them(rate, digits):
    """Written with so many digits; the shortest number that they leave open."""
    times = np.round(np.arange(2000) / rate, digits)
    assert even_rate(times) == pytest.approx(rate, rel=2e-7)
    assert len(f"{even_rate(times):.12g}") <= len(f"{rate:.12g}") + 1


def test_times_called_datetime_are_times(tmp_path):
    path = clock_table(tmp_path / "b.csv", np.full(400, 1 / 200), "datetime")
    recording = formats.read(path, RecordingFormat(unit="uV"))
    assert recording.rate == 200 and recording.stamped


@pytest.mark.parametrize(("date", "words"), [("31/01/24", "day, month, year"), ("01-31-24", "month, day, year")])
def test_years_of_two_digits_are_those_of_now_and_are_said(tmp_path, date, words):
    rows = "".join(f"{date} 10:00:{k / 200:09.6f},{k % 7}\n" for k in range(400))
    (tmp_path / "a.csv").write_text("time,EMG1\n" + rows)
    recording = formats.read(tmp_path / "a.csv", RecordingFormat(unit="uV"))
    assert recording.rate == 200 and any(f"such as {date} are read as {words}" in r for r in recording.remarks)
    assert recording.times[0] == pytest.approx(1706695200.0)  # 2024-01-31 10:00 UTC


def test_a_gain_in_the_head_is_said_not_to_be_applied(tmp_path):
    rows = "".join(f"{x:.3f}\n" for x in np.random.default_rng(1).normal(0, 50, 400))
    (tmp_path / "a.csv").write_text("# rate: 1000\n# unit: uV\n# Gain: 1000\nEMG1\n" + rows)
    recording = formats.read(tmp_path / "a.csv", RecordingFormat())
    assert any("its head says gain 1000, which is not applied" in r for r in recording.remarks)


def test_columns_in_a_unit_of_emg_beside_named_ones_are_asked_about(tmp_path):
    rows = "".join(f"{k % 7},{k % 5},{k % 3}\n" for k in range(400))
    for head in ("Biceps (uV),Trizeps (uV),Deltoid (uV)", "EMG1 (uV),CH3 (uV),Deltoid (uV)"):
        (tmp_path / "a.csv").write_text(f"{head}\n{rows}")
        with pytest.raises(ConfigError, match="and others in a unit of EMG .*--channels"):
            formats.read(tmp_path / "a.csv", RecordingFormat(rate=200))


def test_times_of_a_clock_tell_the_rate(tmp_path):
    path = clock_table(tmp_path / "a.csv", np.full(400, 1 / 200))
    recording = formats.read(path, RecordingFormat(unit="uV", time="clock", channels=("EMG1",)))
    assert recording.rate == 200 and any("its rate is that of 'clock'" in r for r in recording.remarks)
    uneven = clock_table(tmp_path / "b.csv", np.tile([0.004, 0.006], 200))
    with pytest.raises(ConfigError, match="its times 'clock' are uneven .*: give --rate"):
        formats.read(uneven, RecordingFormat(unit="uV", time="clock", channels=("EMG1",)))
    with pytest.raises(ConfigError, match="times 'clock' are text, in no unit: leave out --time-unit ms"):
        formats.read(path, RecordingFormat(unit="uV", time="clock", time_unit="ms", rate=200, channels=("EMG1",)))


def test_times_without_a_unit_are_used_where_they_fit_the_rate_and_asked_about_where_there_is_none(tmp_path):
    path = timed_table(tmp_path / "a.csv", "Timestamp,EMG1", STEADY)
    recording = formats.read(path, RecordingFormat(unit="uV", rate=200))
    assert recording.stamped and "times are those of 'Timestamp'" in recording.remarks
    recording = formats.read(path, RecordingFormat(unit="uV", rate=500))
    assert not recording.stamped and any("'Timestamp' is not used" in r for r in recording.remarks)
    with pytest.raises(ConfigError, match="nor the unit of its times 'Timestamp', .* by 0.005 a row: .*--time"):
        formats.read(path, RecordingFormat(unit="uV"))
    assert formats.read(path, RecordingFormat(unit="uV", time="Timestamp")).rate == 200
    uneven = timed_table(tmp_path / "b.csv", "time [s],EMG1", STEADY + np.arange(400) % 3 * 1e-3)
    with pytest.raises(ConfigError, match="does not say its sampling rate"):
        formats.read(uneven, RecordingFormat(unit="uV"))
    named = formats.read(path, RecordingFormat(unit="uV", rate=200, channels=("Timestamp",)))
    assert named.channels == ("Timestamp",) and not named.stamped


def test_what_only_grows_is_no_emg_whatever_it_is_called(tmp_path):
    path = timed_table(tmp_path / "a.csv", "EMG1,EMG2", np.arange(400))
    with pytest.raises(ConfigError, match="'EMG1', which only grows, as times and counters do.*--channels"):
        formats.read(path, UV)
    assert formats.read(path, replace(UV, channels=("EMG2",))).channels == ("EMG2",)
    off = np.where(np.arange(400) < 300, 0.0, 5.0)
    assert formats.read(timed_table(tmp_path / "b.csv", "EMG1,EMG2", off), UV).channels == ("EMG1", "EMG2")


def test_units_and_rates_that_no_times_have_are_refused(tmp_path):
    minutes = timed_table(tmp_path / "a.csv", "time [min],EMG1", STEADY / 60)
    for rate in (0, 200):
        with pytest.raises(ConfigError, match=r"column 'time \[min\]' is in min, which is none of s, ms, us, ns"):
            formats.read(minutes, RecordingFormat(unit="uV", time="time [min]", rate=rate))
    seconds = timed_table(tmp_path / "b.csv", "t,EMG1", STEADY)
    with pytest.raises(
        ConfigError, match="times 't', in us, would be those of 2e\\+08 Hz: give --rate, or --time-unit"
    ):
        formats.read(seconds, RecordingFormat(unit="uV", time="t", time_unit="us"))
    uneven = timed_table(tmp_path / "c.csv", "t,EMG1", STEADY + np.arange(400) % 3 * 1e-3)
    with pytest.raises(
        ConfigError, match=r"its times 't' are uneven \(about 1\d\d.* Hz by their usual step\): give --rate"
    ):
        formats.read(uneven, RecordingFormat(unit="uV", time="t"))


def test_a_channel_called_emg_in_no_unit_of_it_is_asked_about(tmp_path):
    rows = "\n".join("1,2,3" if k % 2 else "4,1,2" for k in range(80))
    (tmp_path / "a.csv").write_text(f"EMG1 [MV],EMG2 [mV],EMG3 [mV]\n{rows}\n")
    with pytest.raises(ConfigError, match="some of them in no unit of EMG .EMG1 .MV. in MV.: name them"):
        formats.read(tmp_path / "a.csv", RecordingFormat(rate=200))
    assert (
        len(formats.read(tmp_path / "a.csv", RecordingFormat(rate=200, channels=("EMG2 [mV]", "EMG3 [mV]"))).channels)
        == 2
    )


def test_missing_cells_beside_an_offset_are_not_saturated(tmp_path):
    """Counts about 512 with blank rows: 0 would be their smallest value, and held."""
    x = np.round(512 + 60 * np.random.default_rng(2).normal(size=(4000, 2)))
    lines = [",".join(f"{v:.0f}" for v in row) if not 300 <= k < 321 else "," for k, row in enumerate(x)]
    (tmp_path / "a.csv").write_text("\n".join(["emg1,emg2", *lines]) + "\n")
    flaws = faults(formats.read(tmp_path / "a.csv", RecordingFormat(rate=2000.0, unit="counts")))
    assert flaws.saturated == (0, 0) and flaws.not_finite == (21, 21)


@pytest.mark.parametrize("rate", [1000, 500, 2000])
def test_times_since_1970_in_ms_tell_the_rate_exactly(tmp_path, rate):
    x = np.random.default_rng(2).normal(size=(3000, 2))
    lines = [f"{1764400000000 + k * 1000 / rate:.1f},{a:.4f},{b:.4f}" for k, (a, b) in enumerate(x)]
    (tmp_path / "a.csv").write_text("\n".join(["time_ms,emg1,emg2", *lines]) + "\n")
    recording = formats.read(tmp_path / "a.csv", RecordingFormat(unit="mV"))
    assert recording.rate == rate and not faults(recording).gaps


def test_a_last_number_without_an_end_that_is_shorter_than_all_others_is_told_of(tmp_path):
    text = "emg1,emg2\n" + "".join(f"{k / 7:.4f},{-k / 9:.4f}\n" for k in range(60))
    (tmp_path / "a.csv").write_text(text + "0.1234,-0.5")
    layout = RecordingFormat(rate=1000.0, unit="mV")
    cut = "line 62, the last one, has no end: its last number may have been cut off"
    assert cut in formats.read(tmp_path / "a.csv", layout).remarks
    (tmp_path / "a.csv").write_text(text + "0.1234,-0.5099")
    assert not any("has no end" in r for r in formats.read(tmp_path / "a.csv", layout).remarks)


@pytest.mark.parametrize("every_s", [0.1, 0.2, 1.0])
def test_a_label_that_is_said_again_is_the_same_span(tmp_path, every_s):
    """In prompts beside a table, as in annotations and markers."""
    rows = [f"{k / 200:.3f},{np.sin(k):.3f}" for k in range(1200)]
    (tmp_path / "a.csv").write_text("\n".join(["time,emg1", *rows]) + "\n")
    starts = np.arange(0, 6, every_s)
    asked = [f"{t:.1f},{int(2 <= t < 4)}" for t in starts]
    (tmp_path / "p.csv").write_text("\n".join(["time,grip", *asked]) + "\n")
    layout = RecordingFormat(rate=200.0, unit="mV", time="time", prompts="p.csv")
    expected = (Span("none", 0, 400), Span("grip", 400, 800), Span("none", 800, 1200))
    assert formats.read(tmp_path / "a.csv", layout).spans == expected


def test_files_of_a_folder_that_are_not_read_are_named(tmp_path):
    for name in ("r1.csv", "r3.asc", "r4.dat", "sub/r5.csv.gz", "notes.md", "recording.yaml", ".hidden.dat", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("emg1\n1\n")
    (sentence,) = formats.left_out(tmp_path, RecordingFormat())
    assert sentence == "not read, by their extensions: r3.asc, r4.dat, sub/r5.csv.gz"
    assert formats.left_out(tmp_path / "r1.csv", RecordingFormat()) == []
