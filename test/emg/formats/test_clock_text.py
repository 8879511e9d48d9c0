"""Times of day as text or as seconds: past midnight they go on, and what is no time is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import h5py
import numpy as np
import pandas
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.formats.clock_text import ClockText
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.signal_quality import faults

N, RATE = 2000, 100.0
SECONDS = np.arange(N) / RATE
LAYOUT = RecordingFormat(rate=RATE, unit="uV", time="time")


def clock(start, form):
    begin = datetime(2024, 3, 1) + timedelta(seconds=start)
    return [(begin + timedelta(seconds=float(s))).strftime(form) for s in SECONDS]


def csv(path, times):
    values = np.random.default_rng(0).normal(size=N)
    path.write_text("time,EMG1\n" + "\n".join(f"{t},{v:.4f}" for t, v in zip(times, values, strict=True)))
    return path


@pytest.mark.parametrize(
    ("start", "form", "where"),
    [
        (86390, "%H:%M:%S.%f", "at midnight: 24 h"),
        (86390, "%I:%M:%S.%f %p", "at midnight: 24 h"),
        (46790, "%I:%M:%S.%f", "at one o'clock: 12 h"),
        (3590, "%M:%S.%f", "at the full hour: 1 h"),
        (86390, "%Y-%m-%d %H:%M:%S.%f", None),
    ],
)
@pytest.mark.parametrize("block", [0, 300])
def test_a_clock_that_begins_again_goes_on(tmp_path, start, form, where, block):
    path = csv(tmp_path / "a.csv", clock(start, form))
    parts = list(formats.blocks(path, LAYOUT, block))
    got = np.concatenate([p.times for p in parts])
    np.testing.assert_allclose(got - got[0], SECONDS, atol=2e-3)
    assert parts[-1].remarks == ((f"its times begin again {where} are added from there on",) if where else ())
    whole = formats.read(path, LAYOUT)
    assert (faults(whole).jumps, faults(whole).gaps) == (0, 0)


def test_seconds_of_the_day_go_on_after_midnight(tmp_path):
    times = (86390 + SECONDS) % 86400
    recording = formats.read(csv(tmp_path / "a.csv", [f"{t:.3f}" for t in times]), LAYOUT)
    np.testing.assert_allclose(recording.times - recording.times[0], SECONDS, atol=2e-3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("emg", data=np.random.default_rng(0).normal(size=(N, 2)))
        data.attrs.update({"rate": RATE, "unit": "uV", "time": "stamps"})
        file["stamps"] = times
    recording = formats.read(tmp_path / "a.h5", RecordingFormat())
    np.testing.assert_allclose(recording.times - recording.times[0], SECONDS, atol=1e-9)


def test_a_step_back_that_is_no_turn_of_the_clock_stays_one(tmp_path):
    times = np.where(SECONDS < 10, SECONDS, SECONDS - 5)
    recording = formats.read(csv(tmp_path / "a.csv", [f"{t:.3f}" for t in times]), LAYOUT)
    assert faults(recording).jumps == 1 and not recording.remarks


@pytest.mark.parametrize("first", [86385.0, 5.0])
def test_prompts_before_and_after_midnight(tmp_path, first):
    begins = [86385.0, 86395.0, 5.0] if first > 100 else [5.0, 7.0]
    (tmp_path / "prompts.csv").write_text(
        "time,open,fist\n" + "\n".join(f"{b},{k % 2},{(k + 1) % 2}" for k, b in enumerate(begins))
    )
    path = csv(tmp_path / "a.csv", [f"{t:.3f}" for t in (86390 + SECONDS) % 86400])
    recording = formats.read(path, RecordingFormat(rate=RATE, unit="uV", time="time", prompts="prompts.csv"))
    spans = (Span("fist", 0, 500), Span("open", 500, 1500), Span("fist", 1500, 2000))
    assert recording.spans == (spans if first > 100 else (Span("fist", 1500, 1700), Span("open", 1700, 2000)))
    (tmp_path / "prompts.csv").write_text("time,open\n7000,1\n5000,0\n")
    with pytest.raises(ConfigError, match=r"prompts.csv: its times go back in line 3"):
        formats.read(path, RecordingFormat(rate=RATE, unit="uV", time="time", prompts="prompts.csv"))


def test_prompts_after_the_end_are_told_of_and_those_of_another_time_refused(tmp_path):
    layout = RecordingFormat(rate=RATE, unit="uV", time="time", prompts="prompts.csv")
    path = csv(tmp_path / "a.csv", [f"{t:.3f}" for t in SECONDS])
    (tmp_path / "prompts.csv").write_text("time,open\n1,1\n5,0\n7000,1\n")
    (remark,) = (r for r in formats.read(path, layout).remarks if "prompts" in r)
    assert remark.startswith("1 of 3 prompts begin after the recording's end (the first at 7000 s")
    (tmp_path / "prompts.csv").write_text("time,open\n7000,1\n7005,0\n")
    with pytest.raises(ConfigError, match="prompts.csv: its first prompt is at 7000 s, and the recording ends at"):
        formats.read(path, layout)


@pytest.mark.parametrize("cell", ["09:61:00", "25:00:00", "1 day 10:00:00", "09:30:00 PST", "at 09:30", "30:00.5"])
def test_what_is_no_time_of_day_is_refused(cell):
    cells = pandas.Series(["09:30:00.000", cell], dtype="str")
    with pytest.raises(ConfigError, match="in column 't' is no time such as 2024-01-31 09:30:00.125"):
        ClockText(Path("a.csv"), "t", list(cells)).seconds(cells)
