"""The table is read whole, or as far as it is whole, or refused with the row that is wrong."""

import csv
import hashlib
import io

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.report import trial_table


@pytest.fixture
def file(write, planted, tmp_path):
    return write(tmp_path / "s", planted(blocks=(("baseline", 16, 0.0), ("adaptation", 32, 1.0)))) / "trials.csv"


def test_columns_come_back_and_the_hash_is_of_the_bytes(file, made, planted):
    found = trial_table.read(file)
    trials = made(planted(blocks=(("baseline", 16, 0.0), ("adaptation", 32, 1.0))))
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest() and found.faults == ()
    assert found.table.trial.tolist() == [t.trial for t in trials]
    assert found.table.kind.tolist() == [t.kind for t in trials]
    np.testing.assert_allclose(found.table.lateral_deviation_mm, [t.deviation_mm for t in trials], rtol=1e-8)
    assert np.isnan(found.table.channel_slope[found.table.kind == "normal"]).all()
    assert np.isfinite(found.table.channel_slope[(found.table.kind == "channel") & (found.table.block == 1)]).all()


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_last_row_that_was_cut_is_left_out_and_told_of(file, cut):
    data = file.read_bytes()
    file.write_bytes(data[:-cut])  # the last digit and the end of the line are already too much
    found = trial_table.read(file)
    assert len(found.table) == 47
    assert "ends in the middle of a row" in found.faults[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.replace("lateral_deviation_mm,", "", 1), "lacks the column lateral_deviation_mm"),
        (lambda t: t.replace(",normal,", ",special,", 1), "kind 'special', known are normal, catch, channel"),
        (lambda t: t.replace("\n3,", "\nthree,", 1), "row 5: trial is 'three', not a number"),
        (lambda t: t.replace("\n3,", "\n3,9,", 1), "row 5: 26 cells for 25 columns"),
        (lambda t: t.replace("\n5,", "\n4,", 1), "trial 4 stands after trial 4"),
        (lambda t: t.splitlines()[0] + "\n", "no trial of this session was finished"),
        (lambda t: "", "is empty"),
        (lambda t: t[:100], "is empty, or was cut off before its first row"),
    ],
)
def test_what_cannot_be_a_table_is_refused(file, change, told):
    file.write_text(change(file.read_text()))
    with pytest.raises(ConfigError, match=told):
        trial_table.read(file)


def test_bytes_that_are_no_text_are_refused(file):
    file.write_bytes(b"\xff\xfe\x00trial\n")
    with pytest.raises(ConfigError, match="no table of trials"):
        trial_table.read(file)


def test_lost_trials_are_in_no_figure_and_are_told_of(file):
    """Tables of an older version have no such column and are read as ever."""
    before = trial_table.read(file).table
    header, *rows = file.read_text().splitlines()
    lost = {3: "emergency stop", 40: "paused"}
    rows = [f"{row},{lost.get(k, '')}" for k, row in enumerate(rows)]
    file.write_text("\n".join([f"{header},lost", *rows]) + "\n")
    found = trial_table.read(file)
    assert found.table.trial.tolist() == [k for k in before.trial if k not in lost]
    assert found.faults == ("2 lost trials are in no figure (3: emergency stop; 40: paused).",)
    file.write_text("\n".join([f"{header},lost", rows[3]]) + "\n")
    with pytest.raises(ConfigError, match=r"no trial but lost ones \(1\)"):
        trial_table.read(file)


def test_places_that_blocks_number_alike_are_told_apart(file):
    """The second block has its targets elsewhere; where each number has one place they stay."""
    plain = trial_table.read(file).table
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    for row in rows:
        if row["block"] == "1":
            x, y = (float(row[f"target_{a}"]) - float(row[f"start_{a}"]) for a in "xy")
            turned = complex(x, y) * np.exp(0.3j)
            row["target_x"], row["target_y"] = (
                str(float(row["start_x"]) + turned.real), str(float(row["start_y"]) + turned.imag)
            )  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    file.write_text(out.getvalue())
    turned = trial_table.read(file).table
    of = [set(turned.place[turned.block == k].tolist()) for k in (0, 1)]
    assert not of[0] & of[1] and {len(o) for o in of} == {len(set(plain.target.tolist()))}
    angles = np.round(turned.angle, 3)
    assert all(len(set(angles[turned.place == t].tolist())) == 1 for t in of[0] | of[1])
    assert turned.target.tolist() == plain.target.tolist() == plain.place.tolist()  # as the file has them
    own = turned.places[int(turned.place[turned.block == 1][0])]
    assert own.target == turned.target[turned.block == 1][0] and str(own).endswith("°, 100 mm")
    assert str(plain.places[3]) == "target 3, 135°"
