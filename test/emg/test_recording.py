"""Recordings, text tables, and what is found wrong with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import EmgRecording, Span, joined, runs
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.signal_quality import faults, total

COUNTS = RecordingFormat(rate=200.0, unit="counts")
SHIPPED = share.root() / "config" / "recordings" / "libemg_myo"


def noise(n=2000, rate=1000.0, **more):
    samples = np.random.default_rng(0).normal(0, 1e-4, (n, 2))
    return EmgRecording(samples, ("a", "b"), rate, "V", np.arange(n) / rate, **more)


def test_the_shipped_sample_is_whole_and_brings_its_licence():
    files = formats.files(SHIPPED)
    assert len(files) == 20
    assert "The MIT License" in (SHIPPED / "LICENSE").read_text()
    layout = replace(COUNTS, label_from="_C_([0-9]+)_EMG", label_names={"2": "rest"}, repetition_from="R_([0-9]+)_C")
    recordings = [formats.read(f, layout) for f in files]
    assert sum(len(r) for r in recordings) == 12000
    assert recordings[2].spans == (Span("rest", 0, 600),)
    assert np.array_equal(recordings[0].samples[0], [20, 1, 6, -6, -2, 2, -4, -3])
    assert {layout.from_path("repetition", f) for f in files} == {"0", "1", "2", "3"}


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ","), ("tsv", "\t"), ("txt", " "), ("csv", ";")])
def test_names_units_labels_and_times_come_from_the_file(tmp_path, ending, delimiter):
    file = tmp_path / f"own.{ending}"
    rows = [["t", "flexor", "gesture", "extensor"], ["1000", "1.5", "fist", "-2"], ["1002", "0.5", "", "4"],
            ["1004", "0", "rest", "1"]]  # fmt: skip
    if delimiter == " ":
        rows[2][2] = "-"
    file.write_text("# rate: 500\n# unit: uV\n" + "\n".join(delimiter.join(r) for r in rows) + "\n")
    layout = RecordingFormat(time="t", time_unit="ms", label="gesture", label_names={"fist": "power"}, ignore=("-",))
    recording = formats.read(file, layout)
    assert (recording.channels, recording.rate, recording.unit) == (("flexor", "extensor"), 500.0, "V")
    assert np.allclose(recording.samples, [[1.5e-6, -2e-6], [0.5e-6, 4e-6], [0, 1e-6]], rtol=1e-12)
    assert np.allclose(recording.times, [1.0, 1.002, 1.004])
    assert recording.spans == (Span("power", 0, 1), Span("rest", 2, 3))


def test_blocks_make_the_whole(tmp_path):
    file = tmp_path / "own.csv"
    rng = np.random.default_rng(1)
    lines = [",".join(f"{v:.3f}" for v in rng.normal(size=3)) + f",{'ab'[k // 7 % 2]}" for k in range(50)]
    file.write_text("\n".join(["x,y,z,who", *lines]))
    layout = replace(COUNTS, label="who", channels=("x", "y", "z"))
    whole = formats.read(file, layout)
    for size in (1, 7, 13, 50, 1000):
        parts = list(formats.blocks(file, layout, size))
        assert max(len(p) for p in parts) <= size
        again = joined(parts)
        assert np.array_equal(again.samples, whole.samples)
        assert np.array_equal(again.times, whole.times)
        assert again.spans == whole.spans
    assert [s.stop for s in whole.spans] == [7, 14, 21, 28, 35, 42, 49, 50]


def test_prompts_beside_the_file(tmp_path):
    (tmp_path / "exg.csv").write_text("t,exg_1\n" + "".join(f"{1000 + 4 * k},{k}\n" for k in range(10)))
    (tmp_path / "prompt.csv").write_text("t,thumb,index\n1008,0,1\n1020,0,0\n1028,1,1\n")
    layout = RecordingFormat(rate=250.0, unit="uV", time="t", time_unit="ms", prompts="prompt.csv")
    recording = formats.read(tmp_path / "exg.csv", layout)
    assert recording.target_names == ("thumb", "index")
    assert np.isnan(recording.targets[:2]).all()
    assert recording.targets[2:].tolist() == [[0, 1]] * 3 + [[0, 0]] * 2 + [[1, 1]] * 3
    assert recording.spans == (Span("index", 2, 5), Span("none", 5, 7), Span("thumb+index", 7, 10))


def test_unsound_cells_of_a_target_are_filled_in(tmp_path):
    file = tmp_path / "grip.csv"
    file.write_text("Fz,emg\n0100,1\n4,2\n0300,3\n02000,4\n123456,5\n")
    layout = replace(COUNTS, targets=("Fz",), target_cell="0[0-9]{3,4}")
    recording = formats.read(file, layout)
    assert recording.targets[:, 0].tolist() == [100, 200, 300, 2000, 2000]
    assert recording.channels == ("emg",)


@pytest.mark.parametrize(
    ("name", "content", "layout", "sentence"),
    [
        ("a.csv", "1,2\n3,4\n", RecordingFormat(unit="V"), "does not say its sampling rate.*--rate"),
        ("a.csv", "1,2\n3,4\n", RecordingFormat(rate=100.0), "does not say its unit.*--unit"),
        ("a.csv", "", COUNTS, "empty"),
        ("a.csv", "a,b\n", COUNTS, "no rows of numbers"),
        ("a.csv", "emg1,emg2\n\n", COUNTS, "no rows of numbers"),
        ("a.csv", "1,2\n3\n", COUNTS, "commas between its columns, or decimal commas"),
        ("a.csv", "1,2\n3,4\n5\n", replace(COUNTS, decimal="."), "line 3: 1 cells, 2 are due"),
        ("a.csv", "1,2\n3,4\n3,x\n", COUNTS, "line 3: 'x' in column 'ch2' is no number; .*--label ch2"),
        ("a.csv", "1,two\n3,4\n", COUNTS, "does not say which of its channels are EMG"),
        ("a.csv", "emg,emg\n3,4\n", COUNTS, "not unique"),
        ("a.csv", b"\x93\x00\x01binary", COUNTS, "is no text"),
        ("a.csv", "a,b\n1,2\n", replace(COUNTS, channels=("c",)), "unknown column 'c': known are a, b"),
        ("a.doc", "1,2\n", COUNTS, "unknown extension of a recording 'doc'.*write it as one of these"),
        ("a.parquet", b"PAR1" + bytes(20), COUNTS, "unknown extension of a recording 'parquet'.* such as csv"),
        ("a.csv", "1,2\n", replace(COUNTS, label_from="R_([0-9])"), "finds nothing"),
    ],
)  # fmt: skip
def test_a_bad_file_gets_one_sentence(tmp_path, name, content, layout, sentence):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=sentence) as caught:
        formats.read(file, layout)
    assert "\n" not in str(caught.value)


def test_a_file_or_folder_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        formats.read(tmp_path / "none.csv", COUNTS)
    with pytest.raises(ConfigError, match="holds no recording"):
        formats.files(tmp_path)


def test_parts_and_runs():
    assert runs(["", "a", "a", "b", "a"]) == (Span("a", 1, 3), Span("b", 3, 4), Span("a", 4, 5))
    assert [s.continued for s in runs(["a", "b"], before="a")] == [True, False]
    recording = noise(spans=(Span("a", 10, 100), Span("b", 100, 300)))
    part = recording.part(50, 150)
    assert part.spans == (Span("a", 0, 50), Span("b", 50, 100))
    assert np.array_equal(part.samples, recording.samples[50:150])


def test_a_sound_recording_has_no_faults():
    assert faults(noise(stamped=True)).words(("a", "b"), 1000.0) == []


def test_faults_of_several_recordings_are_those_of_one():
    hum = 3e-4 * np.sin(2 * np.pi * 50 * np.arange(2000) / 1000)[:, None]
    times = noise().times + 0.5 * (np.arange(2000) >= 900)
    clipped = np.clip(noise().samples, -1e-4, 1)
    one = total(
        [replace(noise(stamped=True), samples=clipped, times=times), replace(noise(), samples=noise().samples + hum)]
    )
    assert one.gaps == 1 and one.lost_s == pytest.approx(0.5) and 0.2 < one.mains[0] < 0.6
    assert one.saturated == tuple((clipped == -1e-4).sum(axis=0)) and one.not_finite == (0, 0)
    mains = "mains at 50 Hz: a, b"
    assert mains in one.words(("a", "b"), 1000.0) and mains not in one.words(("a", "b"), 1000.0, notch_hz=50.0)
    slow = total([replace(noise(stamped=True), times=1.2 * noise().times), noise()])
    assert "by the stamps there are 833.3 samples/s" in slow.words(("a", "b"), 1000.0)[-1]


def test_each_fault_is_counted():
    samples = noise().samples.copy()
    samples[100:110] = samples[99]  # ten duplicates
    samples[:, 1] = np.clip(samples[:, 1], -1e-4, 1e-4)
    samples[5, 0] = np.nan
    found = faults(replace(noise(), samples=samples))
    assert found.duplicates == 10
    assert found.not_finite == (1, 0)
    # a fifth of a Gaussian lies beyond one standard deviation; runs of three at one end are rarer
    assert found.saturated[0] == 0 and found.saturated[1] > 10
    hum = noise().samples + 3e-4 * np.sin(2 * np.pi * 50 * np.arange(2000) / 1000)[:, None] * [0, 1]
    found = faults(replace(noise(), samples=hum))
    assert found.mains_hz == 50.0 and found.mains[0] < 0.05 < 0.8 < found.mains[1]
    found = faults(replace(noise(), samples=noise().samples * [1, 0]))
    assert found.flat == (False, True)
    times = noise().times.copy()
    times[500:] += 0.030
    times[1500:] -= 2.0
    found = faults(replace(noise(stamped=True), times=times))
    assert (found.gaps, found.jumps) == (1, 1)
    assert found.lost_s == pytest.approx(0.030)


def test_single_samples_that_are_lost_are_counted_at_a_resolution_of_milliseconds():
    kept = np.delete(np.arange(5000), [1000, 2000, 2001, 3000, 3500])
    found = faults(replace(noise(len(kept), stamped=True), times=np.array([float(f"{k / 1000:.3f}") for k in kept])))
    assert (found.gaps, found.jumps) == (4, 0) and found.lost_s == pytest.approx(0.005)
    tenth = np.flatnonzero(np.arange(5000) % 10 != 9)
    found = faults(replace(noise(len(tenth), stamped=True), times=tenth / 1000))
    assert found.gaps == 499 and found.measured_rate == pytest.approx(1000.0)
    for rate in (512.0, 700.0, 900.0, 999.0, 1024.0, 1111.1, 2000.0):  # rounding is no gap
        assert faults(replace(noise(5000, rate, stamped=True), times=np.round(np.arange(5000) / rate, 3))).gaps == 0


def test_missing_stamps_are_no_jumps():
    times = noise().times.copy()
    times[[3, 100, 101, 102, 700, 900, 1500, 1999]] = np.nan
    found = faults(replace(noise(stamped=True), times=times))
    assert (found.unstamped, found.jumps, found.gaps) == (8, 0, 0)
    assert "8 stamps are missing" in found.words(("a", "b"), 1000.0)
    times[102:] += 0.5
    found = faults(replace(noise(stamped=True), times=times))
    assert (found.jumps, found.gaps) == (0, 1) and found.lost_s == pytest.approx(0.5)


def test_every_sample_at_a_rail_is_saturated_and_none_of_a_channel_without_one():
    rng, t = np.random.default_rng(0), np.arange(6000) / 1000
    emg = np.round(rng.normal(512, 250, 6000))  # of a converter of ten bits
    clipped, held = np.clip(emg, 0, 1023), np.repeat(np.round(rng.normal(0, 20, 1200), 3), 5)
    few = np.where(rng.random(6000) < 0.01, 4095.0, rng.normal(0, 300, 6000))  # peaks at a rail, none of them long
    sine = np.round(500 * np.sin(2 * np.pi * 10.3 * t))
    found = faults(EmgRecording(np.stack([clipped, held, few, emg, sine], 1), tuple("abcde"), 1000.0, "V", t))
    rails = int(((clipped == 0) | (clipped == 1023)).sum())
    assert found.saturated == (rails, 0, int((few == 4095).sum()), 0, 0)
    for seed in range(20):
        coarse = np.round(np.random.default_rng(seed).normal(0, [[1.5, 20.0]], (6000, 2)))
        assert faults(EmgRecording(coarse, ("a", "b"), 1000.0, "V", t)).saturated == (0, 0)


def test_short_recordings_of_few_levels_have_no_rail_and_no_mains_by_chance():
    """3 s of a band of electrodes: 200 Hz, whole numbers, 20 to 84 Hz."""
    band = scipy.signal.butter(4, [20, 84], "band", fs=200, output="sos")
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(0, [4.0, 9.0, 6.0, 5.0] * 2, (600, 8))
        x = np.round(scipy.signal.sosfilt(band, noise, 0))
        found = faults(EmgRecording(x, tuple("abcdefgh"), 200.0, "V", np.arange(600) / 200))
        assert found.words(tuple("abcdefgh"), 200.0) == [], seed
        clipped = np.clip(x, -6, 6)
        assert faults(EmgRecording(clipped, tuple("abcdefgh"), 200.0, "V", np.arange(600) / 200)).saturated[1] > 20
    hum = x + 6 * np.sin(2 * np.pi * 50 * np.arange(600) / 200)[:, None]
    assert "mains at 50 Hz" in faults(EmgRecording(hum, tuple("abcdefgh"), 200.0, "V", np.arange(600) / 200)).words(
        tuple("abcdefgh"), 200.0)[0]  # fmt: skip


def test_an_envelope_and_rectified_emg_are_told_of_and_an_offset_is_neither():
    raw = np.random.default_rng(0).normal(0, 20.0, 2000) * np.repeat([1, 4], 1000)
    envelope = np.convolve(np.abs(raw), np.ones(100) / 100, "same")
    x = np.stack([raw, np.abs(raw), envelope, raw + 512.0, np.zeros(2000)], axis=1)
    found = faults(EmgRecording(x, tuple("abcde"), 1000.0, "counts", np.arange(2000) / 1000))
    assert found.one_sided == (False, True, True, False, False)
    assert "never below 0, as envelopes and rectified EMG are: b, c" in found.words(tuple("abcde"), 1000.0)


def test_stamps_that_contradict_the_rate_are_told_of():
    found = faults(replace(noise(stamped=True), times=noise().times * 1.5))
    assert any("666.7 samples/s" in w for w in found.words(("a", "b"), 1000.0))
    near = faults(replace(noise(stamped=True), times=noise().times * 1.004))
    assert any("996.0 samples/s" in w for w in near.words(("a", "b"), 1000.0))
    as_stated = faults(replace(noise(stamped=True), times=noise().times * 1.0005))
    assert not any("samples/s" in w for w in as_stated.words(("a", "b"), 1000.0))


def test_a_part_of_a_table_without_a_sound_target_is_read_all_the_same(tmp_path):
    """A recording that is played again is read bit by bit, and the first reply of a sensor may be none."""
    file = tmp_path / "a.csv"
    file.write_text("Fz,emg0\n4,1\n4,2\n0642,3\n0650,4\n")
    layout = replace(COUNTS, targets=("Fz",), target_cell="0[0-9]{3,4}", channels=("emg0",))
    parts = list(formats.blocks(file, layout, 2))
    assert [p.samples[:, 0].tolist() for p in parts] == [[1, 2], [3, 4]]
    assert np.isnan(parts[0].targets).all() and parts[1].targets[:, 0].tolist() == [642, 650]
    with pytest.raises(ConfigError, match="looks like"):
        file.write_text("Fz,emg0\n4,1\n4,2\n")
        formats.read(file, layout)


def test_the_movements_of_ninapro_are_its_labels(tmp_path):
    import scipy.io

    movement = np.array([0, 0, 3, 3, 0], np.int8)[:, None]
    content = {"emg": np.zeros((5, 2)), "stimulus": 0 * movement, "restimulus": movement}
    scipy.io.savemat(tmp_path / "S1_E1_A1.mat", content)
    read = formats.read(tmp_path / "S1_E1_A1.mat", COUNTS)
    assert read.spans == (Span("0", 0, 2), Span("3", 2, 4), Span("0", 4, 5))
    assert formats.read(tmp_path / "S1_E1_A1.mat", replace(COUNTS, label="stimulus")).spans == (Span("0", 0, 5),)


def stamped(places, packet, rate, scatter_s=0.0):
    """A recording of samples at these places in time (samples), in packets that share a stamp."""
    places = np.asarray(places)
    times = np.floor(places / packet) * packet / rate
    late = np.random.default_rng(0).exponential(scatter_s or 1.0, len(np.unique(times))) if scatter_s else None
    if late is not None:
        times = times + late[np.unique(times, return_inverse=True)[1]]
        times = np.maximum.accumulate(times)
    return replace(noise(len(places), rate, stamped=True), times=times)


@pytest.mark.parametrize("packet", [1, 2, 5, 32])
@pytest.mark.parametrize("lost", [64, 320, 960, 3200])
def test_a_gap_is_told_whether_each_sample_has_a_stamp_or_a_packet_has_one(packet, lost):
    lost = lost // packet * packet
    places = np.arange(4000)
    places[2000 // packet * packet :] += lost
    found = faults(stamped(places, packet, 1000.0))
    assert (found.gaps, found.jumps) == (1, 0)
    assert found.lost_s == pytest.approx(lost / 1000, abs=1e-6)
    assert found.measured_rate == pytest.approx(1000.0, rel=0.02)
    whole = faults(stamped(np.arange(4000), packet, 1000.0))
    assert (whole.gaps, whole.lost_s) == (0, 0.0)


def test_packets_that_come_late_are_no_gap_but_those_that_never_come_are():
    places = np.arange(20000)
    assert faults(stamped(places, 8, 1000.0, 0.004)).gaps == 0
    places[10000:] += 800
    found = faults(stamped(places, 8, 1000.0, 0.004))
    assert found.gaps == 1 and found.lost_s == pytest.approx(0.8, abs=0.02)
