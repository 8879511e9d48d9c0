"""XDF and ROS 2 bags: written byte by byte or by the format's own library, and read back."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from myoprosthesis.core import extras
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.source import SourceSpec
from myoprosthesis.testing import check_emg_format

N, RATE = 900, 500.0
SAMPLES = np.random.default_rng(0).normal(0, 50.0, (N, 2)).astype(np.float32)  # µV
TIMES = 1000.0 + np.arange(N) / RATE
MARKERS = ((TIMES[100] - 1e-3, "fist"), (TIMES[400] - 1e-3, "pause"), (TIMES[600] - 1e-3, "open"))
SPANS = (Span("power", 100, 400), Span("open", 600, 900))
NAMED = RecordingFormat(label_names={"fist": "power"}, ignore=("pause",))


def chunk(tag, content):
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def xdf(path, channels=True, rate=RATE, kinds=("EMG",)):
    """XDF 1.0 as its specification says: header, streams, samples with a stamp each, markers."""
    label = "".join(f"<channel><label>{c}</label><unit>microvolts</unit></channel>" for c in ("flexor", "extensor"))
    desc = f"<desc><channels>{label}</channels></desc>" if channels else "<desc/>"
    out = b"XDF:" + chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")
    for k, kind in enumerate(kinds):
        info = (
            f"<?xml version='1.0'?><info><name>{kind}{k}</name><type>{kind}</type><channel_count>2</channel_count>"
            f"<nominal_srate>{rate}</nominal_srate><channel_format>float32</channel_format>{desc}</info>"
        )
        out += chunk(2, struct.pack("<I", k + 1) + info.encode())
        for a in range(0, N, 250):
            part = list(zip(TIMES[a : a + 250], SAMPLES[a : a + 250], strict=True))
            rows = b"".join(b"\x08" + struct.pack("<d2f", t, *x) for t, x in part)
            out += chunk(3, struct.pack("<IBI", k + 1, 4, len(part)) + rows)
    info = (
        "<?xml version='1.0'?><info><name>prompts</name><type>Markers</type><channel_count>1</channel_count>"
        "<nominal_srate>0</nominal_srate><channel_format>string</channel_format><desc/></info>"
    )
    out += chunk(2, struct.pack("<I", 9) + info.encode())
    for t, text in MARKERS:
        row = b"\x08" + struct.pack("<d", t) + b"\x01" + bytes([len(text)]) + text.encode()
        out += chunk(3, struct.pack("<IBB", 9, 1, 1) + row)
    path.write_bytes(out)
    return NAMED


def mcap(path, spec=True):
    """A bag as rosbag2 writes it, with blocks of 64 samples as a node publishes them."""
    from rosbags import rosbag2 as writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    Cloud, Field = (store.types[f"sensor_msgs/msg/{n}"] for n in ("PointCloud2", "PointField"))
    Header, Time = store.types["std_msgs/msg/Header"], store.types["builtin_interfaces/msg/Time"]
    String = store.types["std_msgs/msg/String"]
    plugin = writer.StoragePlugin.MCAP if path.suffix == ".mcap" else writer.StoragePlugin.SQLITE3
    folder = path.with_suffix("")
    with writer.Writer(folder, version=9, storage_plugin=plugin) as bag:
        raw = bag.add_connection("/arm/emg/raw", Cloud.__msgtype__, typestore=store)
        about = bag.add_connection("/arm/emg/spec", String.__msgtype__, typestore=store)
        prompts = bag.add_connection("/prompts", String.__msgtype__, typestore=store)
        if spec:
            text = String(SourceSpec("bench", ("flexor", "extensor"), RATE, "uV").to_json())
            bag.write(about, round(1e9 * TIMES[0]), store.serialize_cdr(text, String.__msgtype__))
        for t, text in MARKERS:
            bag.write(prompts, round(1e9 * t), store.serialize_cdr(String(text), String.__msgtype__))
        kind = np.dtype([("flexor", "<f4"), ("extensor", "<f4"), ("t", "<f8")])
        fields = [Field("flexor", 0, 7, 1), Field("extensor", 4, 7, 1), Field("t", 8, 8, 1)]
        for a in range(0, N, 64):
            points = np.zeros(len(SAMPLES[a : a + 64]), kind)
            points["flexor"], points["extensor"] = SAMPLES[a : a + 64].T
            points["t"] = TIMES[a : a + 64] - TIMES[a]
            ns = round(1e9 * TIMES[a])
            header = Header(Time(ns // 10**9, ns % 10**9), "")
            data = points.view(np.uint8)
            message = Cloud(header, 1, len(points), fields, False, 16, 16 * len(points), data, True)
            bag.write(raw, ns, store.serialize_cdr(message, Cloud.__msgtype__))
    (made,) = folder.glob(f"*{path.suffix}")
    made.rename(path)
    return RecordingFormat(label="/prompts", label_names={"fist": "power"}, ignore=("pause",))


WRITERS = {"a.xdf": xdf, "a.mcap": mcap, "a.db3": mcap}


@pytest.mark.parametrize("name", WRITERS)
def test_what_was_written_comes_back(tmp_path, name):
    layout = WRITERS[name](tmp_path / name)
    recording = formats.read(tmp_path / name, layout)
    assert (recording.channels, recording.rate, recording.unit) == (("flexor", "extensor"), RATE, "V")
    assert np.array_equal(recording.samples, SAMPLES.astype(float) * 1e-6)
    assert recording.stamped
    np.testing.assert_allclose(recording.times, TIMES, atol=1e-6)
    assert recording.spans == SPANS
    one = formats.read(tmp_path / name, RecordingFormat(channels=("extensor",)))
    assert np.array_equal(one.samples[:, 0], recording.samples[:, 1]) and one.channels == ("extensor",)


@pytest.mark.parametrize("name", WRITERS)
def test_it_passes_the_check(tmp_path, name):
    layout = WRITERS[name](tmp_path / name)
    check_emg_format(lambda block: formats.blocks(tmp_path / name, layout, block))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("content", ["", "nothing of the kind" * 100, None])
def test_a_damaged_file_gets_one_sentence(tmp_path, name, content):
    if content is None:  # a good file, cut off in the middle of the samples
        WRITERS[name](tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 3])
        if name == "a.xdf":
            return  # pyxdf reads what is whole of it
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match="damaged|has no samples|holds 0") as caught:
        formats.read(tmp_path / name, RecordingFormat(rate=RATE, unit="V"))
    assert "\n" not in str(caught.value)


def test_what_the_file_does_not_say_is_asked_for(tmp_path):
    xdf(tmp_path / "bare.xdf", channels=False, rate=0.0)
    with pytest.raises(ConfigError, match="sampling rate.*--rate"):
        formats.read(tmp_path / "bare.xdf", RecordingFormat(unit="V"))
    with pytest.raises(ConfigError, match="unit.*--unit"):
        formats.read(tmp_path / "bare.xdf", RecordingFormat(rate=RATE))
    assert formats.read(tmp_path / "bare.xdf", RecordingFormat(rate=RATE, unit="uV")).channels == ("ch1", "ch2")
    xdf(tmp_path / "two.xdf", kinds=("EMG", "EMG"))
    with pytest.raises(ConfigError, match=r"2 streams of EMG: say which \(--dataset\); there are EMG0 \(.*; EMG1 \("):
        formats.read(tmp_path / "two.xdf", RecordingFormat())
    assert len(formats.read(tmp_path / "two.xdf", RecordingFormat(dataset="EMG1"))) == N
    with pytest.raises(ConfigError, match="unknown stream 'EEG'"):
        formats.read(tmp_path / "two.xdf", RecordingFormat(dataset="EEG"))
    with pytest.raises(ConfigError, match="unknown stream of markers 'cues': known are EMG0, prompts"):
        formats.read(tmp_path / "two.xdf", RecordingFormat(dataset="EMG1", label="cues"))
    with pytest.raises(ConfigError, match="unknown channel 'c'"):
        formats.read(tmp_path / "two.xdf", RecordingFormat(dataset="EMG1", channels=("c",)))


def test_a_bag_without_its_specification(tmp_path):
    mcap(tmp_path / "a.mcap", spec=False)
    with pytest.raises(ConfigError, match="sampling rate"):
        formats.read(tmp_path / "a.mcap", RecordingFormat())
    assert formats.read(tmp_path / "a.mcap", RecordingFormat(rate=RATE, unit="uV")).rate == RATE
    with pytest.raises(ConfigError, match="unknown topic 'x'"):
        formats.read(tmp_path / "a.mcap", RecordingFormat(dataset="x"))
    with pytest.raises(ConfigError, match="unknown topic of labels 'x'"):
        formats.read(tmp_path / "a.mcap", RecordingFormat(rate=RATE, unit="uV", label="x"))


def test_a_library_that_is_missing_is_asked_for():
    with pytest.raises(ConfigError, match=r"reading bags needs nolibrary: pip install 'myoprosthesis\[rosbag\]'"):
        extras.library("nolibrary.highlevel", "rosbag", "reading bags")


def test_a_library_is_asked_for_without_its_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_library.py").write_text("raise SystemExit('it was imported')")
    extras.require("slow_library", "emg", "conditioning EMG")
    with pytest.raises(ConfigError, match=r"conditioning EMG needs nolibrary: pip install 'myoprosthesis\[emg\]'"):
        extras.require("nolibrary", "emg", "conditioning EMG")
