"""Counters beside the EMG tell of rows that are not there, and of tables with a row per sample and channel."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg import formats
from myoprosthesis.emg.formats.row_counters import RowCounter, step_of
from myoprosthesis.emg.recording_format import RecordingFormat

RNG = np.random.default_rng(2)
N = 3000
X = np.round(RNG.normal(0, 20, (N, 2)), 2)


def table(tmp_path, counter, name="Sample Index", rows=X, **layout):
    path = tmp_path / "a.csv"
    lines = [f"{c},{a},{b}" for c, (a, b) in zip(counter, rows.tolist(), strict=True)]
    path.write_text("\n".join([f"{name},EMG1,EMG2", *lines]) + "\n")
    layout = {"rate": 1000, "unit": "uV", **layout}
    return formats.read(path, RecordingFormat(**layout))


def told(made):
    return [r for r in made.remarks if r.startswith(("by '", "'")) and ("missing" in r or "goes back" in r)]


LATE = "times and labels behind them are early, since none of it is in the times"


@pytest.mark.parametrize(
    ("name", "bits", "first", "step"),
    [
        ("Sample Index", 8, 0, 1), ("nSeq", 4, 3, 1), ("counter", 16, 0, 1), ("packet", 40, 7, 1), ("frame", 8, 0, 2),
        ("", 40, 0, 1), ("", 40, 1, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lost", [0, 1, 3])
def test_rows_that_are_missing_by_a_counter_are_told_of(tmp_path, name, bits, first, step, lost):
    count = first + step * np.delete(np.arange(N + lost), slice(1100, 1100 + lost))
    made = table(tmp_path, count % 2**bits, name)
    assert len(made) == N and made.channels == ("EMG1", "EMG2")
    called = name or "Unnamed: 0"
    rows = {1: "1 row is", 3: "3 rows are"}.get(lost)
    assert told(made) == ([f"by {called!r} {rows} missing at 1 place: {LATE}"] if lost else [])


def test_what_goes_back_is_told_of(tmp_path):
    joined = np.concatenate([np.arange(1000), np.arange(2000)])
    assert told(table(tmp_path, joined)) == [
        "'Sample Index' goes back or stands still 1 time: rows twice, or parts joined?"
    ]
    twice = np.sort(np.concatenate([np.arange(N - 1), [1500]]))
    assert told(table(tmp_path, twice)) == [
        "'Sample Index' goes back or stands still 1 time: rows twice, or parts joined?"
    ]


@pytest.mark.parametrize("lost", [1, 3, 12, 40])
@pytest.mark.parametrize("bits", [8, 40])
@pytest.mark.parametrize("shown", [True, False])
def test_what_the_times_of_the_file_show_is_a_gap_and_no_other_remark(tmp_path, lost, bits, shown):
    """As the graphical interface of OpenBCI writes it: a counter of eight bits, and a time stamp."""
    rows = np.delete(np.arange(N + lost), slice(1100, 1100 + lost))
    seconds = (rows if shown else np.arange(N)) / 1000
    count = [f"{c}.0,{t:.6f}" for c, t in zip(rows % 2**bits, 1.7e9 + seconds, strict=True)]
    made = table(tmp_path, count, "Sample Index,Timestamp", time="Timestamp")
    assert bool(told(made)) is not shown
    gap = np.diff(made.times).max() * 1000
    assert gap == pytest.approx(1 + lost if shown else 1, abs=0.01)


@pytest.mark.parametrize(("first", "size"), [(1, 100), (0, 100), (1, 16), (5, 250)])
def test_a_counter_may_begin_anywhere_and_turn_at_any_number(first, size):
    sound = RowCounter("n", 1)
    sound.add(first + np.arange(3000.0) % size)
    assert sound.remarks() == []
    broken = RowCounter("n", 1)
    broken.add(np.delete(first + np.arange(3000.0) % size, [size - 1, 777, 778]))
    assert broken.remarks() == [f"by 'n' 3 rows are missing at 2 places: {LATE}"]


def test_a_counter_is_followed_from_part_to_part():
    count = np.delete(np.arange(400) % 256, slice(100, 120)).astype(float)
    whole, parts = RowCounter("n", 1), RowCounter("n", 1)
    whole.add(count)
    for part in np.split(count, [1, 90, 100, 300]):
        parts.add(part)
    assert whole.remarks() == parts.remarks() == [f"by 'n' 20 rows are missing at 1 place: {LATE}"]


def test_what_is_no_counter():
    assert step_of(np.arange(500) % 16) == 1 and step_of(np.arange(0, 900, 3)) == 3
    for values in (X[:, 0], np.repeat(np.arange(300), 2), np.arange(300) / 1000, np.ones(300), np.arange(5)):
        assert step_of(values) == 0


@pytest.mark.parametrize(
    ("names", "order"),
    [(("biceps", "triceps"), "by sample"), (("biceps", "triceps"), "by channel"), (("1", "2"), "by sample")],
)
def test_a_table_with_a_row_per_sample_and_channel_is_refused(tmp_path, names, order):
    rows = [(t, n, X[t, k]) for t in range(600) for k, n in enumerate(names)]
    rows = rows if order == "by sample" else sorted(rows, key=lambda r: r[1])
    path = tmp_path / "long.csv"
    path.write_text("t_ms,channel,emg_uV\n" + "".join(f"{t},{n},{v}\n" for t, n, v in rows))
    for rate in (0.0, 1000.0, 2000.0):
        with pytest.raises(ConfigError, match="its column 'channel' says of which .*a column per channel"):
            formats.read(path, RecordingFormat(rate=rate, unit="uV"))


def test_the_one_channel_of_a_table_may_be_named_in_each_row(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("muscle,emg_uV\n" + "".join(f"biceps,{v}\n" for v in X[:, 0]))
    assert len(formats.read(path, RecordingFormat(rate=1000, unit="uV"))) == N
