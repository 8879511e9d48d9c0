"""XDF files with several streams, written byte by byte as the specification says, and compared with pyxdf."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.signal_quality import faults
from myoprosthesis.testing import check_emg_format

RATE, N = 200.0, 1200
TIMES = 10.0 + np.arange(N) / RATE
SAMPLES = np.random.default_rng(0).normal(0, 50.0, (N, 4)).astype(np.float32)
CODES = {"float32": "f", "double64": "d", "int8": "b", "int16": "h", "int32": "i", "int64": "q"}
CUES = [(10.0, "rest"), (12.0, "fist"), (14.0, "open")]
SPANS = (Span("rest", 0, 400), Span("fist", 400, 800), Span("open", 800, 1200))


def length(n):
    return b"\x01" + bytes([n]) if n < 256 else b"\x04" + struct.pack("<I", n)


def chunk(tag, content):
    return length(len(content) + 2) + struct.pack("<H", tag) + content


def stream(number, name="Arm", kind="EMG", values=SAMPLES, times=TIMES, rate=RATE, form="float32", channels=None,
           source="", host="lab", offsets=(), footer=None):  # fmt: skip
    """Header, samples in chunks of 100 with a stamp each, clock offsets and footer of one stream."""
    width = len(values[0]) if len(values) else len(channels or [1])
    described = "".join(
        "<channel>" + "".join(f"<{k}>{v}</{k}>" for k, v in c.items()) + "</channel>" for c in channels or []
    )
    desc = f"<desc><channels>{described}</channels></desc>" if channels else "<desc/>"
    info = (
        f"<?xml version='1.0'?><info><name>{name}</name><type>{kind}</type><channel_count>{width}</channel_count>"
        f"<nominal_srate>{rate}</nominal_srate><channel_format>{form}</channel_format><source_id>{source}</source_id>"
        f"<hostname>{host}</hostname>{desc}</info>"
    )
    out = chunk(2, struct.pack("<I", number) + info.encode())
    for at, offset in offsets:
        out += chunk(4, struct.pack("<Idd", number, at, offset))
    for a in range(0, len(values), 100):
        rows = b""
        for t, row in zip(times[a : a + 100], values[a : a + 100], strict=True):
            rows += b"\x08" + struct.pack("<d", t)
            if form == "string":
                rows += b"".join(length(len(v.encode())) + v.encode() for v in row)
            else:
                rows += struct.pack(f"<{width}{CODES[form]}", *row)
        out += chunk(3, struct.pack("<I", number) + length(len(values[a : a + 100])) + rows)
    if footer is not None:
        out += chunk(6, struct.pack("<I", number) + f"<info><sample_count>{footer}</sample_count></info>".encode())
    return out


def emg(number=1, name="Arm", unit="microvolts", **more):
    channels = [{"label": f"EMG{k + 1}", "unit": unit} for k in range(4)]
    return stream(number, name, **{"channels": channels, **more})


def markers(number=2, name="Markers", cues=CUES, **more):
    more = {"kind": "Markers", "rate": 0, "form": "string", **more}
    return stream(number, name, values=[[c] if isinstance(c, str) else list(c) for _, c in cues],
                  times=[t for t, _ in cues], **more)  # fmt: skip


def xdf(path, *streams):
    path.write_bytes(
        b"XDF:" + chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>") + b"".join(streams)
    )
    return path


def test_two_streams_of_one_name_are_told_apart(tmp_path):
    right = [{"label": f"R{k + 1}", "unit": "microvolts"} for k in range(4)]
    path = xdf(tmp_path / "a.xdf", emg(), emg(2, values=3 * SAMPLES, channels=right), markers(3))
    with pytest.raises(
        ConfigError, match=r"holds 2 streams of EMG: say which \(--dataset\).*Arm \(1\) .*EMG1.*Arm \(2\) .*R1"
    ):
        formats.read(path, RecordingFormat())
    with pytest.raises(ConfigError, match=r"unknown stream 'Arm': known are Arm \(1\), Arm \(2\)"):
        formats.read(path, RecordingFormat(dataset="Arm"))
    recording = formats.read(path, RecordingFormat(dataset="Arm (2)"))
    assert recording.channels == ("R1", "R2", "R3", "R4") and recording.spans == SPANS
    assert np.array_equal(recording.samples, 3e-6 * SAMPLES.astype(float)) or np.allclose(
        recording.samples, 3e-6 * SAMPLES
    )
    assert np.allclose(formats.read(path, RecordingFormat(dataset="Arm (1)")).samples, 1e-6 * SAMPLES, atol=1e-12)


def test_markers_that_stopped_and_started_again_are_all_labels(tmp_path):
    path = xdf(tmp_path / "a.xdf", emg(), markers(2, cues=CUES[:2], source="a"), markers(3, cues=CUES[2:], source="b"))
    recording = formats.read(path, RecordingFormat())
    assert recording.spans == SPANS
    assert recording.remarks[0] == "stream 'Markers' was stopped and started again: its 2 parts are one"
    empty = xdf(tmp_path / "b.xdf", emg(), markers(2), stream(3, "Markers", "Markers", [], [], 0, "string"))
    assert formats.read(empty, RecordingFormat()).spans == SPANS


def test_emg_that_stopped_and_started_again_is_one_recording_with_a_gap(tmp_path):
    later = TIMES + 10.0
    path = xdf(
        tmp_path / "a.xdf",
        emg(1, source="x"),
        emg(5, source="x", times=later),
        markers(9, cues=[*CUES, (21.0, "rest")]),
    )
    recording = formats.read(path, RecordingFormat())
    assert len(recording) == 2 * N and recording.spans == (
        *SPANS[:2], Span("open", 800, N + 200), Span("rest", N + 200, 2 * N),
    )  # fmt: skip
    found = faults(recording)
    assert found.gaps == 1 and found.lost_s == pytest.approx(4.0) and found.jumps == 0
    assert "its 2 parts are one" in recording.remarks[0]
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(), block))
    devices = xdf(tmp_path / "b.xdf", emg(1, source="x"), emg(5, source="y", times=later))
    with pytest.raises(ConfigError, match="2 streams of EMG"):
        formats.read(devices, RecordingFormat())


def test_markers_of_several_columns(tmp_path):
    cues = [(t, (text, side)) for (t, text), side in zip(CUES, "LRL", strict=True)]
    columns = [{"label": "cue"}, {"label": "hand"}]
    path = xdf(tmp_path / "a.xdf", emg(), markers(cues=cues, channels=columns))
    recording = formats.read(path, RecordingFormat())
    assert [s.label for s in recording.spans] == ["rest/L", "fist/R", "open/L"]
    assert "have 2 columns (cue, hand)" in recording.remarks[0]
    assert formats.read(path, RecordingFormat(label="Markers/cue")).spans == SPANS
    assert [s.label for s in formats.read(path, RecordingFormat(label="Markers/hand")).spans] == ["L", "R", "L"]
    with pytest.raises(ConfigError, match="unknown column of markers 'x': known are cue, hand"):
        formats.read(path, RecordingFormat(label="Markers/x"))


@pytest.mark.parametrize("form", ["int32", "float32", "double64"])
def test_markers_that_are_numbers(tmp_path, form):
    codes = [(10.0, (1,)), (12.0, (16711681 if form != "float32" else 2,)), (14.0, (1,))]
    path = xdf(tmp_path / "a.xdf", emg(), markers(cues=codes, form=form))
    assert [s.label for s in formats.read(path, RecordingFormat()).spans] == ["1", str(codes[1][1][0]), "1"]


def test_a_missing_marker_ends_the_label(tmp_path):
    cues = [(10.0, (1.0,)), (12.0, (np.nan,)), (14.0, (2.0,))]
    path = xdf(tmp_path / "a.xdf", emg(), markers(cues=cues, form="double64"))
    assert formats.read(path, RecordingFormat()).spans == (Span("1", 0, 400), Span("2", 800, 1200))


def test_a_sampled_trigger_is_a_label_only_when_it_is_named(tmp_path):
    trigger = np.repeat([0, 7, 0], 400)[:, None]
    path = xdf(tmp_path / "a.xdf", emg(), stream(2, "Trig", "Stim", trigger, TIMES, RATE, "int16"))
    assert formats.read(path, RecordingFormat()).spans == ()
    labelled = formats.read(path, RecordingFormat(label="Trig"))
    assert labelled.spans == (Span("0", 0, 400), Span("7", 400, 800), Span("0", 800, 1200))


def test_several_streams_of_markers_are_asked_for(tmp_path):
    path = xdf(tmp_path / "a.xdf", emg(), markers(2, "cues"), markers(3, "keys", [(11.0, "a")]))
    recording = formats.read(path, RecordingFormat())
    assert recording.spans == ()
    assert recording.remarks == ("several streams hold markers, none is used: say which (--label): cues, keys",)
    assert formats.read(path, RecordingFormat(label="cues")).spans == SPANS


def test_what_is_not_emg_is_never_taken_for_it(tmp_path):
    eeg = stream(1, "Cap", "EEG", channels=[{"label": c, "unit": "microvolts"} for c in ("Cz", "Fz", "Oz", "Pz")])
    with pytest.raises(ConfigError, match=r"holds 0 streams of EMG: say which \(--dataset\); there are Cap \(EEG"):
        formats.read(xdf(tmp_path / "a.xdf", eeg), RecordingFormat())
    rows = [("EMG1", "microvolts", "EMG"), ("EMG2", "millivolts", "EMG"), ("AccX", "g", "ACC"), ("Batt", "", "AUX")]
    mixed = [dict(zip(("label", "unit", "type"), row, strict=True)) for row in rows]
    recording = formats.read(xdf(tmp_path / "b.xdf", emg(channels=mixed)), RecordingFormat())
    assert recording.channels == ("EMG1", "EMG2") and recording.unit == "V"
    np.testing.assert_allclose(recording.samples, SAMPLES[:, :2] * [1e-6, 1e-3], rtol=1e-6)
    assert recording.remarks == ("not EMG by type, name or unit, and left out: AccX, Batt",)


def test_channels_of_one_name_are_numbered(tmp_path):
    path = xdf(tmp_path / "a.xdf", emg(channels=[{"label": "EMG", "unit": "uV"}] * 4))
    assert formats.read(path, RecordingFormat()).channels == ("EMG 1", "EMG 2", "EMG 3", "EMG 4")


def test_what_the_file_and_the_person_say_must_agree(tmp_path):
    path = xdf(tmp_path / "a.xdf", emg())
    for layout, sentence in (
        (RecordingFormat(unit="mV"), "unit is uV, not mV"),
        (RecordingFormat(rate=1000.0), "rate is 200 Hz, not 1000 Hz"),
        (RecordingFormat(time="x"), "time has no use in a .xdf file"),
        (RecordingFormat(targets=("x",)), "targets has no use"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=sentence):
            formats.read(path, layout)


def test_samples_that_are_lost_are_told_of(tmp_path):
    path = xdf(tmp_path / "a.xdf", emg(footer=N + 5))
    assert formats.read(path, RecordingFormat()).remarks == (
        "stream 'Arm': its recorder counted 1205 samples, 1200 are in the file",
    )
    whole = xdf(tmp_path / "b.xdf", emg()).read_bytes()
    (tmp_path / "b.xdf").write_bytes(whole[:-500])
    cut = formats.read(tmp_path / "b.xdf", RecordingFormat())
    assert len(cut) == N - 100 and any("damaged or cut off" in r for r in cut.remarks)


@pytest.mark.parametrize(
    ("count", "samples"), [("0", 1), ("-2", 1), ("999999999", 1), ("2", 2**31), ("x", 1)]
)  # fmt: skip
def test_sizes_that_are_not_there_are_refused_before_anything_is_allocated(tmp_path, count, samples):
    info = (
        f"<info><name>E</name><type>EMG</type><channel_count>{count}</channel_count><nominal_srate>100</nominal_srate>"
        "<channel_format>float32</channel_format></info>"
    )
    rows = struct.pack("<I", 1) + b"\x04" + struct.pack("<I", samples) + b"\0" * 60
    with pytest.raises(ConfigError) as caught:
        formats.read(
            xdf(tmp_path / "a.xdf", chunk(2, struct.pack("<I", 1) + info.encode()), chunk(3, rows)), RecordingFormat()
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("described", [3, 5])
def test_a_description_of_other_channels_than_there_are_is_told_of(tmp_path, described):
    channels = [{"label": f"EMG{k}", "unit": "uV", "type": "EMG"} for k in range(described)]
    recording = formats.read(xdf(tmp_path / "a.xdf", stream(1, channels=channels)), RecordingFormat(unit="uV"))
    assert recording.channels == ("ch1", "ch2", "ch3", "ch4")
    assert recording.remarks == (
        f"stream 'Arm' has 4 channels and describes {described}: names, units and types that it gives are not used",
    )


def test_streams_that_are_left_out_are_named(tmp_path):
    imu = stream(3, "IMU", "ACC", SAMPLES[:, :3], channels=[{"label": c} for c in ("ax", "ay", "az")])
    remarks = formats.read(xdf(tmp_path / "a.xdf", emg(), markers(2), imu), RecordingFormat()).remarks
    assert any(r.startswith("streams left out: IMU (ACC, 3 × float32") for r in remarks)
    assert not any("Markers" in r for r in remarks)


def test_a_marker_at_the_stamp_of_a_sample_begins_with_it_whatever_the_last_digit(tmp_path):
    cues = [(TIMES[0] + 1e-9, "rest"), (TIMES[400] + 1e-7, "fist")]
    recording = formats.read(xdf(tmp_path / "a.xdf", emg(), markers(2, cues=cues)), RecordingFormat())
    assert recording.spans == (Span("rest", 0, 400), Span("fist", 400, N))


NAMES = st.text("abcdefgXYZ 0123456789_-#äµ", min_size=1, max_size=10).map(str.strip).filter(bool)


@settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    names=st.lists(NAMES, min_size=1, max_size=4), form=st.sampled_from(sorted(CODES)),
    rate=st.sampled_from([100.0, 1111.11]),
    unit=st.sampled_from(["microvolts", "uV", "mV", "volts"]), gaps=st.lists(st.integers(1, 249), max_size=3),
    cues=st.lists(st.tuples(st.integers(0, 250), NAMES), max_size=5),
    offset=st.one_of(st.none(), st.floats(-50.0, 50.0)),
)  # fmt: skip
def test_figures_are_those_of_pyxdf(tmp_path_factory, info, names, form, rate, unit, gaps, cues, offset):
    import pyxdf

    n = 250
    times = 5.0 + np.arange(n) / rate + np.searchsorted(sorted(gaps), np.arange(n), side="right") * 0.5
    rng = np.random.default_rng(0)
    values = rng.integers(-100, 100, (n, len(names))) if "int" in form else rng.normal(0, 50, (n, len(names)))
    channels = [{"label": f"EMG{c}", "unit": unit, "type": "EMG"} for c in names]
    marks = [(5.0 + k / rate + 1e-4, text) for k, text in sorted(cues)]
    clock = [(5.0 + k, offset) for k in range(5)] if offset is not None else []
    path = xdf(
        tmp_path_factory.mktemp("xdf") / "a.xdf",
        stream(1, "Arm", values=values, times=times, rate=rate, form=form, channels=channels, offsets=clock),
        *([markers(cues=marks, offsets=clock)] if marks else []),
    )
    recording = formats.read(path, RecordingFormat())
    streams, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    data = streams[0]
    factor = {"microvolts": 1e-6, "uV": 1e-6, "mV": 1e-3, "volts": 1.0}[unit]
    assert recording.rate == float(data["info"]["nominal_srate"][0]) and recording.unit == "V"
    np.testing.assert_allclose(recording.samples, factor * data["time_series"].astype(float), rtol=1e-12)
    assert np.array_equal(recording.times, data["time_stamps"])
    assert faults(recording).gaps == len(set(gaps))
    wanted = [f"EMG{c}" for c in names]
    assert [c if wanted.count(c) else c.rpartition(" ")[0] for c in recording.channels] == wanted
    stamps, texts = (streams[1]["time_stamps"], streams[1]["time_series"]) if marks else ([], [])
    held = np.searchsorted(stamps, recording.times, side="right") - 1
    expected = [texts[k][0] if k >= 0 else "" for k in held]
    got = [""] * n
    for s in recording.spans:
        got[s.start : s.stop] = [s.label] * (s.stop - s.start)
    assert got == expected
    figures = info(path)
    wanted = (list(recording.channels), rate, "V", len(data["time_stamps"]))
    assert tuple(figures[k] for k in ("channels", "rate", "unit", "samples")) == wanted
    held = {t: got.count(t) / rate for t in set(got) if t}
    assert figures["labels"] == pytest.approx(held) and figures["faults"]["gaps"] == len(set(gaps))
    after_gaps = (np.flatnonzero(np.diff(data["time_stamps"]) > 1.5 / rate) + 1).tolist()  # a gap parts a span
    places = [k for s in recording.spans for k in sorted({s.start, *(g for g in after_gaps if s.start < g < s.stop)})]
    begins = [data["time_stamps"][k] - data["time_stamps"][0] for k in places]
    np.testing.assert_allclose([s[1] for s in figures["label_spans"]], begins, atol=1e-9)
    lost = np.diff(data["time_stamps"]).sum() - (n - 1) / rate
    assert figures["faults"]["lost_s"] == pytest.approx(lost, abs=1e-6)


def test_a_rate_that_the_stamps_contradict_is_asked_for(tmp_path):
    path = xdf(tmp_path / "a.xdf", emg(rate=1000.0), markers())
    with pytest.raises(ConfigError, match=r"rate is 1000 Hz, and by its stamps there are 200 samples/s.*\(--rate\)"):
        formats.read(path, RecordingFormat())
    recording = formats.read(path, RecordingFormat(rate=200.0))
    assert recording.rate == 200.0 and recording.remarks[0].endswith("200 samples/s: 200 Hz as stated")
    sound = formats.read(xdf(tmp_path / "b.xdf", emg(rate=210.0), markers()), RecordingFormat())
    assert sound.rate == 210.0
    reset = [(10.0 + 0.2 * k, 5.0 if k < 15 else 50.0) for k in range(30)]  # the clock was set in between
    with pytest.raises(ConfigError, match="by its stamps there are 16.32 samples/s"):
        formats.read(xdf(tmp_path / "c.xdf", emg(offsets=reset), markers()), RecordingFormat())


def test_a_gap_packets_and_bursts_do_not_contradict_the_rate(tmp_path):
    late = np.where(TIMES < 13.0, TIMES, TIMES + 30.0)
    packets = np.repeat(TIMES[::50], 50)
    bursts = TIMES[::50].repeat(50) + np.tile(np.arange(50) * 1e-4, N // 50)
    for times in (late, packets, bursts):
        assert formats.read(xdf(tmp_path / "a.xdf", emg(times=times)), RecordingFormat()).rate == RATE


def test_times_that_stand_still_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="its times do not go on: all of 1200 samples are at 3 s"):
        formats.read(xdf(tmp_path / "a.xdf", emg(times=0 * TIMES + 3.0)), RecordingFormat())


def test_emg_as_texts_or_without_samples_is_named(tmp_path):
    texts = stream(1, values=[[f"{v:.3f}" for v in row] for row in SAMPLES], form="string")
    with pytest.raises(ConfigError, match="stream 'Arm' of type EMG has texts, and numbers are needed"):
        formats.read(xdf(tmp_path / "a.xdf", texts), RecordingFormat())
    with pytest.raises(ConfigError, match="stream 'Arm' of type EMG has no samples"):
        formats.read(xdf(tmp_path / "a.xdf", emg(values=[], times=[])), RecordingFormat())


@pytest.mark.parametrize(
    ("factor", "form", "factors", "sentence"),
    [
        ("0.1", "int16", 0.1, "its scaling_factor of 0.1 is applied"),
        ("0.1", "float32", 1.0, "its scaling_factor of 0.1 is not applied: samples are as stored, in the unit it says"),
        ("0", "int16", 1.0, "its scaling_factor of 0 is not applied: samples are as stored, in the unit it says"),
        ("1", "int16", 1.0, ""),
    ],
)
def test_what_an_amplifier_counts_is_brought_to_its_unit_and_told_of(tmp_path, factor, form, factors, sentence):
    """As the BrainAmp application of the lab streaming layer writes raw samples."""
    channels = [{"label": f"EMG{k + 1}", "unit": "microvolts", "scaling_factor": factor} for k in range(4)]
    counts = np.round(SAMPLES).astype(int if form == "int16" else float)
    path = xdf(tmp_path / "a.xdf", emg(values=counts, form=form, channels=channels))
    made = formats.read(path, RecordingFormat())
    np.testing.assert_allclose(made.samples, counts * factors * 1e-6, rtol=1e-6)
    assert [r for r in made.remarks if "scaling_factor" in r] == ([sentence] if sentence else [])


def test_channels_may_have_factors_of_their_own(tmp_path):
    own = (0.5, 0.1, 152.6, 1.0)
    channels = [{"label": f"EMG{k + 1}", "unit": "uV", "scaling_factor": str(f)} for k, f in enumerate(own)]
    counts = np.round(SAMPLES).astype(int)
    path = xdf(tmp_path / "a.xdf", emg(values=counts, form="int16", channels=channels))
    made = formats.read(path, RecordingFormat(channels=("EMG3", "EMG2")))
    np.testing.assert_allclose(made.samples, counts[:, [2, 1]] * [152.6e-6, 0.1e-6], rtol=1e-6)
    assert "its scaling_factor of 152.6 … is applied" in made.remarks
