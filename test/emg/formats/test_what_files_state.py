"""What files of several programs state of rate, unit, names and labels, and a person who says otherwise."""

import h5py
import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats, writer
from myoprosthesis.emg.channel_unit import unit_in_name, without_units
from myoprosthesis.emg.formats.stated_rate import hertz, stated_rates
from myoprosthesis.emg.pauses import pauses
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.source import EmgBlock, SourceSpec

RNG = np.random.default_rng(5)
X = np.round(RNG.normal(0, 20, (400, 2)), 3)
ROWS = [f"{a},{b}" for a, b in X.tolist()]


def table(tmp_path, text, name="a.csv", **layout):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return formats.read(path, RecordingFormat(**layout))


@pytest.mark.parametrize(
    ("line", "rates"),
    [
        ("# rate: 1000", [1000]), ("fs = 2 kHz", [2000]), ("Frequency,1500 Hz", [1500]), ("frequency: 50", []),
        ('# {"00:07": {"sensor": ["EMG"], "sampling rate": 1000, "label": ["CH1"]}}', [1000]),
        ("0.5 msec/sample", [2000]), ("%Sample Rate = 250 Hz", [250]), ("Sampling frequency (kHz): 2", [2000]),
        ("2000 samples/sec", [2000]), ("Sample rate: 1,000 Hz", [1000]), ("samples: 8000", []),
        ("Abtastrate: 500 Hz", [500]), ("rate of 5", []),
        ("EMG sampling rate: 2000, IMU sampling rate: 148.1", [2000, 148.1]), ("offs: 3", []),
        ("Interval=\t0.002 s", [500]), ("Sampling interval: 0.5 ms", [2000]), ("Rest interval: 2 s", []),
    ],
)  # fmt: skip
def test_rates_that_lines_state(line, rates):
    assert stated_rates(line) == pytest.approx(rates)


@pytest.mark.parametrize(
    ("text", "value"), [("2148.1 Hz", 2148.1), ("2 kHz", 2000), ("500 sps", 500), ("no", 0), ("50%", 0)]
)
def test_a_rate_alone(text, value):
    assert hertz(text) == value


@pytest.mark.parametrize(
    ("name", "unit", "plain"),
    [
        ("EMG 1 (mV)", "mV", "EMG 1"), ("EMG1_uV", "uV", "EMG1"), ("BICEPS,uV", "uV", "BICEPS"), ("X[s]", "s", "X"),
        ("EMG [%MVC]", "%MVC", "EMG"), ("EMG [x10 uV]", "x10 uV", "EMG"), ("EMG [V*1e-6]", "V*1e-6", "EMG"),
        ("Vastus (V. lateralis)", "", "Vastus (V. lateralis)"), ("LEFT_V", "", "LEFT_V"), ("[uV]", "uV", "[uV]"),
    ],
)  # fmt: skip
def test_the_unit_that_ends_a_name(name, unit, plain):
    assert (unit_in_name(name), without_units([name])) == (unit, (plain,))


def test_names_that_only_their_units_tell_apart_are_kept():
    assert without_units(["EMG (mV)", "EMG (uV)", "T (s)"]) == ("EMG (mV)", "EMG (uV)", "T")


def test_acqknowledge(tmp_path):
    rows = "".join(f"{k / 120000:.9f}\t{a}\t{b}\t\n" for k, (a, b) in enumerate(X.tolist()))
    text = f"a.acq\n0.5 msec/sample\n2 channels\nEMG (A)\nmV\nEMG (B)\nmV\nmin\tCH1\tCH2\t\n\t400\t400\t\n{rows}"
    made = table(tmp_path, text, "a.txt")
    assert (made.rate, made.file_unit, made.channels) == (2000, "mV", ("EMG (A)", "EMG (B)"))
    np.testing.assert_allclose(made.samples, X * 1e-3)
    with pytest.raises(ConfigError, match="its rate is 2000 Hz, not 1000 Hz"):
        table(tmp_path, text, "a.txt", rate=1000)


def test_a_first_row_without_a_label_is_a_sample(tmp_path):
    rows = "".join(f"fist,{k % 7}\n" for k in range(99))
    assert len(table(tmp_path, f"what,EMG1\n,5\n{rows}", rate=1000, unit="uV", label="what")) == 100


def test_noraxon_and_shimmer_and_vicon(tmp_path):
    rows = "".join(f"{k / 1500:.6f},{row}\n" for k, row in enumerate(ROWS))
    text = f'Name,Anna\nFrequency,1500 Hz\n\n"time,s","LT TIB.ANT.,uV","RT BICEPS BR.,uV"\n{rows}'
    made = table(tmp_path, text)
    assert (made.rate, made.file_unit, made.channels) == (1500, "uV", ("LT TIB.ANT.", "RT BICEPS BR."))
    for wrong in ({"rate": 1000}, {"unit": "mV"}):
        with pytest.raises(ConfigError, match="says that its"):
            table(tmp_path, text, **wrong)
    rows = "".join(f"{1e12 + k * 1000 / 512:.3f}\t{a}\t{b}\t9.8\n" for k, (a, b) in enumerate(X.tolist()))
    head = "Shimmer_Timestamp_Unix_CAL\tShimmer_EMG_CH1_CAL\tShimmer_EMG_CH2_CAL\tShimmer_Accel_X_CAL\n"
    made = table(tmp_path, f"{head}ms\tmV\tmV\tm/(s^2)\n{rows}")
    assert made.rate == pytest.approx(512, rel=1e-3) and made.file_unit == "mV" and len(made.channels) == 2
    text = "Devices\n1000\n,,Imported EMG,\nFrame,Sub Frame,EMG1,EMG2\n,,V,V\n" + "".join(
        f"{k // 10 + 1},{k % 10},{row}\n" for k, row in enumerate(ROWS)
    )
    assert table(tmp_path, text).rate == 1000
    with pytest.raises(ConfigError, match="its rate is 1000 Hz, not 500 Hz"):
        table(tmp_path, text, rate=500)


def test_of_several_rates_one_must_be_said(tmp_path):
    text = "EMG sampling rate: 2000\nIMU sampling rate: 148\nEMG1,EMG2\n" + "\n".join(ROWS)
    with pytest.raises(ConfigError, match="states several rates .2000 Hz, 148 Hz.: give the one of the EMG"):
        table(tmp_path, text, unit="uV")
    assert table(tmp_path, text, unit="uV", rate=2000).rate == 2000
    with pytest.raises(ConfigError, match="states several rates"):
        table(tmp_path, text, unit="uV", rate=1000)


@pytest.mark.parametrize("head", ["# unit: mV\nEMG1 [uV],EMG2 [uV]", "# unit: mV\nEMG1_uV,EMG2_uV"])
def test_two_units_of_one_column_are_refused(tmp_path, head):
    with pytest.raises(ConfigError, match="says two units of 'EMG1"):
        table(tmp_path, f"{head}\n" + "\n".join(ROWS), rate=1000)


@pytest.mark.parametrize("name", ["EMG{}_uV", "EMG{} [%MVC]", "EMG{} [x10 uV]"])
def test_a_unit_against_that_of_the_names_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="says that its unit is .*, not mV|in no unit of EMG"):
        table(tmp_path, f"{name.format(1)},{name.format(2)}\n" + "\n".join(ROWS), rate=1000, unit="mV")


def test_what_is_written_of_channels_with_a_unit_in_their_names_is_read_as_it_was(tmp_path):
    path = tmp_path / "out.csv"
    out = writer.writer(str(path), SourceSpec("test", ("EMG1 [uV]", "EMG2 [uV]"), 1000.0, "V"))
    times = np.arange(400) / 1000
    out.write(EmgBlock(X * 1e-6, times, times[-1], ()))
    out.close()
    made = formats.read(path, RecordingFormat())
    assert made.channels == ("EMG1", "EMG2") and made.unit == "V"
    np.testing.assert_allclose(made.samples, X * 1e-6)


@pytest.mark.parametrize("more", ["", "# rate: 200 Hz\n"])
def test_names_in_a_comment_that_lists_the_columns(tmp_path, more):
    rows = "\n".join(f"{abs(a) * 10:.0f},{abs(b) * 10:.0f}" for a, b in X.tolist())
    made = table(tmp_path, f"# columns: EMG1 [uV], EMG2 [uV]\n{more}{rows}\n", rate=200)
    assert made.channels == ("EMG1", "EMG2") and made.file_unit == "uV"
    made = table(tmp_path, f"# made by me\n# rate: 200 Hz\n{rows}\n", unit="uV")  # not one column with decimal commas
    assert made.channels == ("ch1", "ch2") and made.rate == 200
    with pytest.raises(ConfigError, match="commas between its columns, or decimal commas"):
        table(tmp_path, "# made by me\n" + "\n".join(f"1,0{k % 10}" for k in range(90)), unit="uV", rate=200)


def test_counts_with_dots_between_thousands_are_asked_about(tmp_path):
    rows = "\n".join(f"{32 + k % 3}.{100 + k % 700};{33 + k % 2}.{200 + k % 600}" for k in range(300))
    with pytest.raises(ConfigError, match="'EMG1 .counts.' has counts such as 32.100"):
        table(tmp_path, f"EMG1 [counts];EMG2 [counts]\n{rows}", rate=1000)
    assert table(tmp_path, f"EMG1 [counts];EMG2 [counts]\n{rows}", rate=1000, decimal=",").samples[0, 0] == 32100


def test_labels_that_are_none(tmp_path):
    text = "t,EMG1,EMG2\n" + "\n".join(f"{k / 1000},{row}" for k, row in enumerate(ROWS))
    with pytest.raises(ConfigError, match="400 different labels in 400 samples are none"):
        table(tmp_path, text, rate=1000, unit="uV", label="t", channels=("EMG1", "EMG2"))


def test_a_missing_value_that_no_sample_has_is_said(tmp_path):
    text = "EMG1,EMG2\n" + "\n".join(ROWS)
    assert "no sample is 777 (missing)" in table(tmp_path, text, rate=1000, unit="uV", missing=(777,)).remarks
    first = float(X[0, 0])
    said = table(tmp_path, text, rate=1000, unit="uV", missing=(first,)).remarks
    assert not any("no sample is" in r for r in said) and any("stands for a missing sample" in r for r in said)


def test_channels_that_a_head_does_not_list_are_told_of(tmp_path):
    text = "# channels: EMG1\nEMG1,EMG2\n" + "\n".join(ROWS)
    assert "not among its channels, and left out: EMG2" in table(tmp_path, text, rate=1000, unit="uV").remarks


def test_hidden_files_and_tables_made_of_a_bag_are_no_recordings(tmp_path):
    for name in ("a.csv", ".hidden.csv", "._a.csv", "run/run_0.mcap", "run/metadata.yaml", "run/csv/applied.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("EMG1\n1\n")
    there = [f.relative_to(tmp_path).as_posix() for f in formats.files(tmp_path)]
    assert there == ["a.csv", "run/run_0.mcap"]


def hdf5(tmp_path, fill):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    return path


def test_rates_in_hdf5_of_nwb_and_opensignals(tmp_path):
    def nwb(file):
        series = file.create_group("acquisition/ElectricalSeries")
        series["data"] = X
        series["data"].attrs["unit"] = "volts"
        series["starting_time"] = 0.0
        series["starting_time"].attrs["rate"] = 1000.0

    path = hdf5(tmp_path, nwb)
    assert formats.read(path, RecordingFormat()).rate == 1000
    with pytest.raises(ConfigError, match="its rate is 1000 Hz, not 500 Hz"):
        formats.read(path, RecordingFormat(rate=500))

    def opensignals(file):
        device = file.create_group("00:07")
        device.attrs["sampling rate"] = 1000
        device["raw/channel_1"] = X[:, :1]
        device["raw/channel_1"].attrs["label"] = "channel_1"

    made = formats.read(hdf5(tmp_path, opensignals), RecordingFormat(dataset="00:07/raw/channel_1", unit="counts"))
    assert made.rate == 1000 and made.spans == ()


def test_two_rates_among_the_attributes_of_one_array_are_refused(tmp_path):
    def fill(file):
        file["emg"] = X
        file.attrs.update({"sampling_rate": 2000, "fs": 1000})

    with pytest.raises(ConfigError, match="several rates .*2000 Hz.*1000 Hz|several rates .*1000 Hz.*2000 Hz"):
        formats.read(hdf5(tmp_path, fill), RecordingFormat(unit="uV"))


def test_an_attribute_label_that_names_what_was_measured_gives_no_labels(tmp_path):
    def fill(file):
        file["emg"], file["torque"] = X, X[:, 0] / 7
        file["emg"].attrs.update({"rate": 1000, "unit": "uV", "label": "torque"})

    made = formats.read(hdf5(tmp_path, fill), RecordingFormat())
    assert made.spans == () and any("'torque', which holds measured values" in r for r in made.remarks)


def test_an_attribute_labels_names_the_channels(tmp_path):
    def fill(file):
        file["emg"] = np.concatenate([X, X], axis=1)
        file["emg"].attrs.update({"rate": 1000, "unit": "uV", "labels": ["EMG1", "EMG2", "ACCx", "ACCy"]})

    assert formats.read(hdf5(tmp_path, fill), RecordingFormat()).channels == ("EMG1", "EMG2")


def stamped(times):
    from myoprosthesis.emg.recording import EmgRecording

    n = len(times)
    return EmgRecording(
        np.zeros((n, 1)), ("ch1",), 1000.0, "V", np.asarray(times), True, (), np.zeros((n, 0)), (), "here"
    )


def test_stamps_that_jitter_or_come_in_bursts_are_no_gaps_and_a_loss_among_them_is():
    due = np.arange(8000) / 1000
    burst = np.ceil((np.arange(8000) + 1) / 20) * 0.02 + 1e-6 * (np.arange(8000) % 20)  # as arrival stamps them
    jitter = np.sort(due + RNG.uniform(0, 5e-4, 8000))
    for times in (burst, jitter):
        assert len(pauses(stamped(times)).after) == 0
        lossy = times + np.where(np.arange(8000) >= 5000, 0.3, 0.0)
        found = pauses(stamped(lossy))
        assert found.after.tolist() == [5000] and found.lost_s[0] == pytest.approx(0.3, abs=0.002)


@pytest.mark.parametrize(
    "word",
    [
        "bit_volts", "scaling_factor", "conversion_factor", "units_per_count", "uV_per_bit", "lsb_uV", "sensitivity",
        "calibration", "slope", "multiplier", "adc_gain", "physical_max", "gain",
    ],
)  # fmt: skip
def test_a_factor_in_words_of_its_own_is_told_of(tmp_path, word):
    def fill(file):
        file.create_dataset("emg", data=np.round(X / 0.195).astype("i2")).attrs.update(
            {"unit": "uV", "fs": 1000, word: 0.195, "subject": 7}
        )

    made = formats.read(hdf5(tmp_path, fill), RecordingFormat())
    np.testing.assert_allclose(made.samples, np.round(X / 0.195) * 1e-6)
    assert f"its {word.lower()} is not applied: samples are as stored, in the unit it says" in made.remarks


def test_each_channel_of_nwb_has_its_factor(tmp_path):
    def fill(file):
        series = file.create_group("acquisition/ElectricalSeries")
        series.create_dataset("data", data=np.round(X * 10).astype("i2")).attrs.update(
            {"unit": "volts", "conversion": 1e-7}
        )
        series["channel_conversion"] = [1.0, 2.0]
        series["starting_time"] = 0.0
        series["starting_time"].attrs["rate"] = 1000.0

    made = formats.read(hdf5(tmp_path, fill), RecordingFormat(dataset="acquisition/ElectricalSeries/data"))
    np.testing.assert_allclose(made.samples, np.round(X * 10) * 1e-7 * [1.0, 2.0])
    assert any("channel_conversion of 1 … is applied" in r for r in made.remarks)
    assert not any("left out" in r for r in made.remarks)


@pytest.mark.parametrize("value", ["-1", "2", "0.4"])
def test_a_prompt_is_0_or_1(tmp_path, value):
    (tmp_path / "prompts.csv").write_text(f"time,fist,open\n0,0,1\n0.1,1,{value}\n")
    with pytest.raises(ConfigError, match=f"'open' is {value} in line 3: a target is asked for, 1, or not, 0"):
        rows = "".join(f"{k / 1000},{row}\n" for k, row in enumerate(ROWS))
        table(tmp_path, f"time,EMG1,EMG2\n{rows}", time="time", unit="uV", prompts="prompts.csv")
