"""ROS 2 bags: what a stack records, and numbers of any message, written by rosbags."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from rosbags import rosbag2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.source import SourceSpec
from myoprosthesis.testing import check_emg_format

RATE, N = 200.0, 400
SAMPLES = np.random.default_rng(0).normal(0, 50.0, (N, 4)).astype(np.float32)
TIMES = 100.0 + np.arange(N) / RATE
BOTH = pytest.mark.parametrize("name", ["a.mcap", "a.db3"])
ASKED = {"rate": RATE, "unit": "uV"}


def bag(path, messages, more=""):
    """A bag of (topic, time in s, type, make) with `make(store types)` giving the message."""
    store = get_typestore(Stores.ROS2_JAZZY)
    if more:
        store.register(get_types_from_msg(more, "myo_msgs/msg/EmgArray"))
    plugin = rosbag2.StoragePlugin.MCAP if path.suffix == ".mcap" else rosbag2.StoragePlugin.SQLITE3
    folder = path.with_suffix("")
    with rosbag2.Writer(folder, version=9, storage_plugin=plugin) as writer:
        topics = {}
        for topic, at, kind, make in messages:
            if topic not in topics:
                topics[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(topics[topic], round(1e9 * at), store.serialize_cdr(make(store.types), kind))
    (made,) = folder.glob(f"*{path.suffix}")
    made.rename(path)
    return path


def text(topic, at, words):
    return topic, at, "std_msgs/msg/String", lambda types: types["std_msgs/msg/String"](words)


def array(topic, at, values, labels=("", ""), kind="Float32"):
    """A MultiArray with one dimension for each label."""

    def make(types):
        dimension, layout = types["std_msgs/msg/MultiArrayDimension"], types["std_msgs/msg/MultiArrayLayout"]
        sizes = np.shape(values)[: len(labels)]
        dims = [dimension(label, size, size) for label, size in zip(labels, sizes, strict=True)]
        data = np.ravel(np.asarray(values, np.dtype(kind.lower())))
        return types[f"std_msgs/msg/{kind}MultiArray"](layout(dims, 0), data)

    return topic, at, f"std_msgs/msg/{kind}MultiArray", make


def cloud(topic, at, values, times):
    def make(types):
        names = [f"ch{k + 1}" for k in range(values.shape[1])]
        points = np.zeros(len(values), [*((n, "<f4") for n in names), ("t", "<f8")])
        for k, name in enumerate(names):
            points[name] = values[:, k]
        points["t"] = times - times[0]
        field = types["sensor_msgs/msg/PointField"]
        fields = [*(field(n, 4 * k, 7, 1) for k, n in enumerate(names)), field("t", 4 * len(names), 8, 1)]
        ns, step = round(1e9 * times[0]), points.dtype.itemsize
        stamp = types["builtin_interfaces/msg/Time"](ns // 10**9, ns % 10**9)
        header = types["std_msgs/msg/Header"](stamp, "")
        return types["sensor_msgs/msg/PointCloud2"](
            header, 1, len(points), fields, False, step, step * len(points), points.view(np.uint8), True
        )

    return topic, at, "sensor_msgs/msg/PointCloud2", make


def recorded(namespace="", raw=True):
    """What `up emg-hand --record` records."""
    source = SourceSpec("bench", ("ch1", "ch2", "ch3", "ch4"), RATE, "uV")
    spec = source.to_json(conditioning=Conditioning(RATE, "uV").to_dict(), calibration="")
    out = [text(f"{namespace}/emg/spec", 99.0, spec), text(f"{namespace}/effector/spec", 99.0, "{}")]
    prompts = {0: "rest", 150: "fist", 300: ""}
    edges = sorted({*range(0, N, 40), *prompts, N})
    for a, b in pairwise(edges):
        part = slice(a, b)
        if a in prompts:  # before its samples, when these are there
            out.append(text(f"{namespace}/emg/prompt", TIMES[part][-1], prompts[a]))
        if raw:
            out.append(cloud(f"{namespace}/emg/raw", TIMES[part][-1], SAMPLES[part], TIMES[part]))
        out.append(cloud(f"{namespace}/emg/filtered", TIMES[part][-1], SAMPLES[part] / 2, TIMES[part]))
    return out


@BOTH
@pytest.mark.parametrize("namespace", ["", "/left"])
def test_what_a_stack_recorded_is_read_raw_with_its_prompts(tmp_path, name, namespace):
    path = bag(tmp_path / name, recorded(namespace))
    recording = formats.read(path, RecordingFormat())
    np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES.astype(float), rtol=1e-12)
    np.testing.assert_allclose(recording.times, TIMES, atol=1e-6)
    assert recording.spans == (Span("rest", 0, 150), Span("fist", 150, 300)) and recording.rate == RATE
    assert recording.remarks == (
        f"the EMG is that of {namespace}/emg/raw; there is also {namespace}/emg/filtered",
        f"labels are the prompts on {namespace}/emg/prompt",
        "its labels have no duration: each holds until the next label begins",
        "1 label without a text ends the one before",
    )
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(), block))


def test_what_was_filtered_already_is_not_filtered_again(tmp_path):
    path = bag(tmp_path / "a.mcap", recorded())
    filtered = RecordingFormat(dataset="/emg/filtered")
    with pytest.raises(
        ConfigError, match=r"/emg/filtered was filtered by the stack .*high_pass_hz 20.*take what is raw"
    ):
        formats.read(path, filtered)
    shown = formats.read(path, filtered, conditioned=True)
    np.testing.assert_allclose(shown.samples, 0.5e-6 * SAMPLES.astype(float), rtol=1e-12)
    only = bag(tmp_path / "b.mcap", recorded(raw=False))
    with pytest.raises(ConfigError, match=r"holds 0 topics of EMG.*there are /emg/filtered"):
        formats.read(only, RecordingFormat())


@BOTH
@pytest.mark.parametrize("kind", ["Float32", "Float64", "Int16", "UInt16"])
def test_an_array_a_sample(tmp_path, name, kind):
    values = np.abs(SAMPLES).round() if "Int" in kind else SAMPLES
    messages = [array("/myo/emg", t, row, (), kind) for t, row in zip(TIMES, values, strict=True)]
    path = bag(tmp_path / name, messages)
    with pytest.raises(ConfigError, match="sampling rate"):
        formats.read(path, RecordingFormat(unit="uV"))
    recording = formats.read(path, RecordingFormat(**ASKED))
    assert recording.channels == ("ch1", "ch2", "ch3", "ch4") and recording.stamped
    np.testing.assert_allclose(recording.samples, 1e-6 * values.astype(float), rtol=1e-6)
    np.testing.assert_allclose(recording.times, TIMES, atol=1e-6)
    assert recording.remarks == ("times are when each message was recorded",)
    two = formats.read(path, RecordingFormat(**ASKED, channels=("ch3", "ch1")))
    assert np.array_equal(two.samples, recording.samples[:, [2, 0]])
    check_emg_format(lambda block: formats.blocks(path, RecordingFormat(**ASKED), block))


@pytest.mark.parametrize(
    ("labels", "turned"), [(("samples", "channels"), False), (("channel", "sample"), True), (("rows", ""), False)]
)
def test_an_array_of_several_samples(tmp_path, labels, turned):
    blocks = [(TIMES[a + 19], SAMPLES[a : a + 20]) for a in range(0, N, 20)]
    messages = [array("/emg", t, x.T if turned else x, labels) for t, x in blocks]
    recording = formats.read(bag(tmp_path / "a.mcap", messages), RecordingFormat(**ASKED))
    np.testing.assert_allclose(recording.samples, 1e-6 * SAMPLES.astype(float), rtol=1e-12)
    np.testing.assert_allclose(recording.times, TIMES, atol=1e-6)
    assert "times are when each message was recorded, that of its last sample" in recording.remarks


def test_an_array_that_does_not_say_which_way_round_it_is_is_refused(tmp_path):
    path = bag(tmp_path / "a.mcap", [array("/emg", 1.0, SAMPLES[:20])])
    with pytest.raises(ConfigError, match="arrays of 20 × 4 do not say which of these are the channels"):
        formats.read(path, RecordingFormat(**ASKED))
    changes = [array("/emg", 1.0, SAMPLES[0], ()), array("/emg", 2.0, SAMPLES[0, :3], ())]
    with pytest.raises(ConfigError, match=r"the channels of /emg change from 4 \(ch1, ch2, ch3, ch4\) to 3"):
        formats.read(bag(tmp_path / "b.mcap", changes), RecordingFormat(**ASKED))


@BOTH
def test_messages_of_other_packages(tmp_path, name):
    """Such as an armband's driver defines: a header, an array, and a number that is no EMG."""
    definition = "std_msgs/Header header\nint16[8] data\nint16 moving\n"

    def make(k):
        def message(types):
            ns = round(1e9 * TIMES[k])
            header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](ns // 10**9, ns % 10**9), "")
            return types["myo_msgs/msg/EmgArray"](header, np.arange(8, dtype=np.int16) + k, k % 2)

        return message

    messages = [("/myo_raw/emg", TIMES[k] + 0.1, "myo_msgs/msg/EmgArray", make(k)) for k in range(N)]
    path = bag(tmp_path / name, messages, definition)
    layout = RecordingFormat(rate=RATE, unit="counts", channels=tuple(f"data.{k + 1}" for k in range(8)))
    recording = formats.read(path, layout)
    assert np.array_equal(recording.samples, np.arange(8) + np.arange(N)[:, None])
    np.testing.assert_allclose(recording.times, TIMES, atol=1e-6)
    assert recording.remarks == ("times are the stamps of its messages",)
    with pytest.raises(ConfigError, match="unknown channel 'data': known are data.1"):
        formats.read(path, RecordingFormat(rate=RATE, unit="counts", channels=("data",)))


def test_what_is_not_called_emg_is_asked_for(tmp_path):
    path = bag(tmp_path / "a.mcap", [array("/imu", 1.0, [1, 2, 3], ()), array("/lidar", 1.0, [1, 2], ())])
    with pytest.raises(ConfigError, match=r"holds 0 topics of EMG: say which \(--dataset\); there are /imu.*/lidar"):
        formats.read(path, RecordingFormat(**ASKED))
    assert formats.read(path, RecordingFormat(**ASKED, dataset="/imu")).samples.shape == (1, 3)


def test_codes_on_a_topic_of_numbers_are_labels(tmp_path):
    messages = [array("/emg", t, row, ()) for t, row in zip(TIMES, SAMPLES, strict=True)]
    codes = [("/code", TIMES[k], "std_msgs/msg/Int32", lambda types, c=c: types["std_msgs/msg/Int32"](c))
             for k, c in ((0, 16711681), (200, 16711682))]  # fmt: skip
    path = bag(tmp_path / "a.mcap", [*messages, *codes, text("/cue", TIMES[10], "fist")])
    recording = formats.read(path, RecordingFormat(**ASKED, label="/code"))
    assert recording.spans == (Span("16711681", 0, 200), Span("16711682", 200, 400))
    with pytest.raises(ConfigError, match="/emg has 4 numbers a message, a label is one"):
        formats.read(path, RecordingFormat(**ASKED, label="/emg"))
    unlabelled = formats.read(path, RecordingFormat(**ASKED))
    assert unlabelled.spans == () and any(
        "--label would take one for the labels: /cue" in r for r in unlabelled.remarks
    )


EMG_WITH_STAMP = "std_msgs/Header header\nint16[2] data\n"


def stamped(skews, logged=TIMES, labels=((0, "rest"), (200, "fist"))):
    """A message a sample, whose stamp differs from the clock of the log by `skews` (s), one for each message."""

    def make(k):
        def message(types):
            ns = round(1e9 * (logged[k] - 0.005 + skews[k]))
            header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](ns // 10**9, ns % 10**9), "")
            return types["myo_msgs/msg/EmgArray"](header, np.arange(2, dtype=np.int16) + k)

        return message

    emg = [("/emg", logged[k], "myo_msgs/msg/EmgArray", make(k)) for k in range(N)]
    return [*emg, *(text("/label", logged[k], words) for k, words in labels)]


@pytest.mark.parametrize("skew", [0.0, 1.5, 7200.0, -90.0])
def test_labels_are_placed_on_the_clock_that_stamps_the_emg(tmp_path, skew):
    path = bag(tmp_path / "a.mcap", stamped(np.full(N, skew)), EMG_WITH_STAMP)
    layout = RecordingFormat(rate=RATE, unit="counts", label="/label", channels=("ch1",))
    recording = formats.read(path, layout)
    assert [s.label for s in recording.spans] == ["rest", "fist"]
    assert abs(recording.spans[1].start - 200) <= 1
    side = "ahead of" if skew > 0 else "behind"
    moved = [r for r in recording.remarks if "the clock of the bag" in r]
    assert len(moved) == (skew != 0.0) and all(f"s {side} the clock" in r for r in moved)
    check_emg_format(lambda block: formats.blocks(path, layout, block))


def test_labels_are_refused_where_the_clock_of_the_emg_drifts_from_that_of_the_log(tmp_path):
    path = bag(tmp_path / "a.mcap", stamped(np.where(np.arange(N) < 200, 0.0, 3.0)), EMG_WITH_STAMP)
    layout = RecordingFormat(rate=RATE, unit="counts", channels=("ch1",))
    assert formats.read(path, layout).spans == ()
    with pytest.raises(ConfigError, match="drift apart"):
        formats.read(path, replace(layout, label="/label"))


def test_a_label_at_the_stamp_of_a_sample_begins_with_it(tmp_path):
    times = 1000.0 + np.arange(N) / 1000.0
    path = bag(tmp_path / "a.mcap", stamped(np.full(N, 0.005), times), EMG_WITH_STAMP)
    layout = RecordingFormat(rate=1000.0, unit="counts", label="/label", channels=("ch1",))
    assert formats.read(path, layout).spans == (Span("rest", 0, 200), Span("fist", 200, 400))


def test_topics_that_are_left_out_are_named(tmp_path):
    messages = [array("/emg", t, row, ()) for t, row in zip(TIMES, SAMPLES, strict=True)]
    path = bag(tmp_path / "a.mcap", [*messages, array("/imu", TIMES[3], [1, 2, 3], ())])
    assert (
        "topics left out: /imu (std_msgs/msg/Float32MultiArray)" in formats.read(path, RecordingFormat(**ASKED)).remarks
    )


def test_arrays_of_several_samples_that_do_not_say_so_are_refused(tmp_path):
    messages = [array("/emg", TIMES[a + 19], np.ravel(SAMPLES[a : a + 20]), ()) for a in range(0, N, 20)]
    with pytest.raises(ConfigError, match="arrays of 80 numbers .* come 20 samples apart at 200 Hz: dimensions"):
        formats.read(bag(tmp_path / "a.mcap", messages), RecordingFormat(**ASKED))


def test_a_bag_that_was_cut_off_says_what_mends_it(tmp_path):
    path = bag(tmp_path / "a.mcap", recorded())
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ConfigError, match=r"myoprosthesis record --repair .* mends one that was cut off"):
        formats.read(path, RecordingFormat())


def test_messages_that_come_out_of_their_order_at_the_beginning_are_put_into_it(tmp_path):
    blocks = [slice(k, k + 20) for k in range(0, N, 20)]
    spec = text("emg/spec", 99.0, SourceSpec("bench", ("ch1", "ch2", "ch3", "ch4"), RATE, "V").to_json())

    def read(name, order):
        parts = enumerate(blocks[i] for i in order)
        clouds = [cloud("emg/raw", 101.0 + 0.1 * k, SAMPLES[b], TIMES[b]) for k, b in parts]
        return formats.read(bag(tmp_path / name, [spec, *clouds]), RecordingFormat())

    recording = read("a.mcap", [*range(8, 12), *range(8), *range(12, len(blocks))])
    np.testing.assert_array_equal(recording.samples, SAMPLES)
    assert any("12 of its first messages" in r for r in recording.remarks)
    apart = read("b.mcap", [*range(3, 6), *range(2), *range(6, len(blocks))])  # one is missing: left as they came
    np.testing.assert_array_equal(apart.samples[:60], SAMPLES[60:120])
