"""What a person says of a recording: used, or refused; beside what the file says, or at odds with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build, listed
from myoprosthesis.emg import formats
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.emg_channels import Kind, emg_channels, kind
from myoprosthesis.emg.labels import Labels, check_labels
from myoprosthesis.emg.recording import EmgRecording, Span, joined, volts
from myoprosthesis.emg.recording_format import RecordingFormat, check_uses, for_stack

HERE = Path("a.edf")
SET = {
    "rate": 1.0, "unit": "V", "channels": ("a",), "dataset": "d", "time": "t", "label": "l",
    "targets": ("x",), "prompts": "p.csv",
}  # fmt: skip


@pytest.mark.parametrize("ending", registry.names("emg_formats"))
def test_every_reader_says_which_options_it_uses_and_the_others_are_refused(ending):
    reader = registry.factory("emg_formats", ending)
    assert {"rate", "unit", "channels"} <= reader.layout_fields
    for name, value in SET.items():
        if name in reader.layout_fields:
            check_uses(HERE, RecordingFormat(**{name: value}), reader)
        else:
            with pytest.raises(ConfigError, match=f"{name.replace('_', '-')} has no use in a .edf file; .*channels"):
                check_uses(HERE, RecordingFormat(**{name: value}), reader)


def test_an_option_without_use_is_refused_before_the_file_is_read(tmp_path):
    (tmp_path / "a.edf").write_bytes(b"nothing of the kind")
    with pytest.raises(ConfigError, match="prompts has no use in a .edf file"):
        formats.blocks(tmp_path / "a.edf", RecordingFormat(prompts="prompt.csv"), 0)


def test_labels_and_targets_come_from_one_place():
    with pytest.raises(ConfigError, match=r"label \(x\) and label_from"):
        RecordingFormat(label="x", label_from="R_([0-9])")
    with pytest.raises(ConfigError, match="of targets, of which none is named"):
        RecordingFormat(target_unit="N")


@pytest.mark.parametrize(
    ("in_file", "asked", "answer"),
    [(1000.0, 0.0, 1000.0), (0.0, 500.0, 500.0), (2148.148, 2148.1481, 2148.148),
     (1000.0, 2000.0, "says that its rate"), (0.0, 0.0, "does not say its sampling rate")],
)  # fmt: skip
def test_a_rate_is_said_by_the_file_or_by_a_person_and_they_agree(in_file, asked, answer):
    if isinstance(answer, float):
        assert rate_and_unit.rate(HERE, RecordingFormat(rate=asked), in_file) == answer
    else:
        with pytest.raises(ConfigError, match=answer):
            rate_and_unit.rate(HERE, RecordingFormat(rate=asked), in_file)


@pytest.mark.parametrize(
    ("in_file", "asked", "answer"),
    [("mV", "", ("V", 1e-3)), ("", "uV", ("V", 1e-6)), ("µV", "uV", ("V", 1e-6)), ("microvolts", "μV", ("V", 1e-6)),
     ("counts", "", ("counts", 1.0)), ("MV", "", ("MV", 1.0)), ("mV", "uV", "says that its unit is mV, not uV"),
     ("", "", "does not say its unit")],
)  # fmt: skip
def test_a_unit_is_said_by_the_file_or_by_a_person_and_they_agree(in_file, asked, answer):
    if isinstance(answer, tuple):
        assert volts(rate_and_unit.unit(HERE, RecordingFormat(unit=asked), in_file)) == answer
    else:
        with pytest.raises(ConfigError, match=answer):
            rate_and_unit.unit(HERE, RecordingFormat(unit=asked), in_file)


@pytest.mark.parametrize(
    ("name", "unit", "what"),
    [
        ("EMG1", "", Kind.EMG), ("emg_3", "mV", Kind.EMG), ("EXG Channel 0", "", Kind.EMG), ("sEMG-L", "", Kind.EMG),
        ("R Biceps Brachii", "", Kind.EMG), ("L TIBIALIS ANTERIOR: EMG 1", "V", Kind.EMG), ("FCU", "", Kind.EMG),
        ("leftEmg", "counts", Kind.EMG), ("EMG index finger", "", Kind.EMG),
        ("ACC X 1", "g", Kind.NOT_EMG), ("R BICEPS: ACC.X 1", "g", Kind.NOT_EMG), ("AccX", "", Kind.NOT_EMG),
        ("EMG Time", "s", Kind.NOT_EMG), ("emg_label", "", Kind.NOT_EMG), ("biceps force", "N", Kind.NOT_EMG),
        ("EEG Fp1", "uV", Kind.NOT_EMG), ("Status", "", Kind.NOT_EMG), ("timestamp", "", Kind.NOT_EMG),
        ("GYRO.Z", "°/s", Kind.NOT_EMG), ("gesture", "", Kind.NOT_EMG), ("EMG 1", "g", Kind.NOT_EMG),
        ("a", "uV", Kind.VOLTS), ("ch3", "", Kind.NUMBERED), ("7", "", Kind.NUMBERED), ("A0", "", Kind.NUMBERED),
        ("noise", "", Kind.UNKNOWN), ("x", "", Kind.UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_name_and_a_unit_say(name, unit, what):
    assert kind(name, unit) is what


def chosen(names, units=(), head=None, **layout):
    return emg_channels(HERE, RecordingFormat(**layout), names, units, None if head is None else lambda k: head[:, k])


@pytest.mark.parametrize("derived", ["EMG1_RMS", "EMG1 envelope", "emg1Filtered", "rms_EMG1"])
def test_a_channel_and_what_is_derived_from_it_are_not_two_channels(derived):
    with pytest.raises(ConfigError, match="and what is derived from it"):
        chosen(["EMG1", derived, "EMG2"])
    assert chosen(["EMG1_RMS", "EMG2_RMS"])[0] == [0, 1]  # alone they are what there is
    assert chosen(["EMG1", derived, "EMG2"], channels=("EMG1", derived))[0] == [0, 1]


def test_emg_is_what_is_called_so_or_measured_in_volts_and_the_rest_is_told():
    assert chosen(["EMG1", "noise", "EMG2"]) == ([0, 2], ("not EMG by name or unit, and left out: noise",))
    assert chosen(["a", "Status", "b"], ["uV", "", "mV"])[0] == [0, 2]
    assert chosen(["noise", "x"], channels=("x",)) == ([1], ())
    assert "only numbered" in chosen(["ch1", "ch2", "time"])[1][-1]


@pytest.mark.parametrize("names", [["noise", "x"], ["ch1", "ch2", "noise"], ["timestamp"], ["a", "b"]])
def test_what_nobody_says_is_emg_is_asked_for(names):
    with pytest.raises(ConfigError, match=rf"--channels A,B .*there are {names[0]}"):
        chosen(names)


def test_numbered_columns_that_look_like_times_or_labels_are_asked_for():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 1))
    n = np.arange(200)
    for column in (n, n % 64, 0 * n, np.repeat([0, 1, 0, 2], 50), n // 3):
        with pytest.raises(ConfigError, match="which of its channels are EMG, and 'ch2'"):
            chosen(["ch1", "ch2"], head=np.column_stack([noise, column]))
    small = np.round(rng.normal(size=(200, 2)))  # a quiet armband: whole numbers around 0
    assert chosen(["ch1", "ch2"], head=small)[0] == [0, 1]


def test_a_name_that_is_there_twice_or_not_at_all_is_refused():
    with pytest.raises(ConfigError, match="the name 'a' is there 2 times"):
        chosen(["a", "b", "a"], channels=("a",))
    with pytest.raises(ConfigError, match="unknown channel 'c': known are a, b"):
        chosen(["a", "b"], channels=("c",))


def test_lists_are_split_at_commas_only():
    assert listed("EMG biceps, EMG triceps") == ["EMG biceps", "EMG triceps"]
    assert listed('"left, upper",grip #1') == ["left, upper", "grip #1"]
    assert build(RecordingFormat, {"channels": "EMG biceps,EMG triceps"}).channels == ("EMG biceps", "EMG triceps")


LABELS = RecordingFormat(ignore=("no",), label_names={"1": "fist", "2": "fist", "3": "open"})
SPANS = (Span("1", 0, 4), Span("2", 4, 6), Span("no", 6, 8), Span("3", 8, 9), Span("3", 9, 12), Span("1", 12, 14))


def whole():
    return EmgRecording(np.zeros((14, 1)), ("a",), 1.0, "V", np.arange(14.0), spans=SPANS)


def test_labels_are_renamed_and_neighbours_of_one_name_are_one_span():
    called = Labels(LABELS).called(SPANS, 14)
    assert called == (Span("fist", 0, 6), Span("open", 8, 12), Span("fist", 12, 14))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 14])
def test_labels_in_blocks_are_those_of_the_whole(size):
    labels, out = Labels(LABELS), []
    for start in range(0, 14, size):
        part = whole().part(start, start + size)
        out.append(replace(part, spans=labels.called(part.spans, len(part))))
    assert joined(out).spans == Labels(LABELS).called(SPANS, 14)


def test_a_label_that_no_file_has_cannot_be_ignored():
    check_labels(LABELS, ["1", "no"])
    with pytest.raises(ConfigError, match="ignore: unknown label 'no': known are 1, 2"):
        check_labels(LABELS, ["1", "2"])
    with pytest.raises(ConfigError, match="label_names: none of 1, 2, 3 is a label of these files; there are no, x"):
        check_labels(LABELS, ["no", "x"])


def test_a_pattern_holds_for_files_that_are_named_too(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("1\n")
    both = [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert formats.files(both, RecordingFormat(only="b[.]csv$")) == both[1:]
    with pytest.raises(ConfigError, match="no recording whose path has the pattern 'c"):
        formats.files(tmp_path / "a.csv", RecordingFormat(only="c[.]csv$"))


def test_every_label_of_a_flag_must_be_there_and_one_of_a_file_beside_recordings():
    layout = RecordingFormat(label_names={"fsit": "close", "rest": "idle"})
    check_labels(layout, ["fist", "rest"])
    with pytest.raises(ConfigError, match="unknown label 'fsit'.*fist"):
        check_labels(layout, ["fist", "rest"], every=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"time_unit": "ms"}, "none is named"),
        ({"channels": ("EMG1", "EMG2"), "targets": ("EMG2",)}, "'EMG2' is named as EMG .* and as targets"),
        ({"channels": ("EMG1", "t"), "time": "t"}, "as time"),
        ({"channels": ("EMG1", "g"), "label": "g"}, "as label"),
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        RecordingFormat(**options)


def test_a_stack_is_told_its_own_options():
    assert for_stack("name those of one (--channels)") == "name those of one (--emg-option channels=…)"
    assert for_stack("in ms: give --time-unit ms") == "in ms: give --emg-option time_unit=ms"
    both = "give it, such as --rate 1000 (to a stack: --emg-option rate=1000)"
    assert for_stack(both) == both
