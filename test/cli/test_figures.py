"""Figures are written whole or not at all."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.cli.figures import check_writable, write_csv, write_json
from myoprosthesis.core.errors import ConfigError


def test_figures_as_they_are_and_null_for_what_is_no_number(tmp_path):
    file = tmp_path / "figures.json"
    figures = {"a": np.float64(1.5), 2: [float("nan"), float("inf"), True, None], "c": (np.int64(3), {"d": "é"})}
    write_json(str(file), figures)
    assert json.loads(file.read_text()) == {"a": 1.5, "2": [None, None, True, None], "c": [3, {"d": "é"}]}
    write_json("", figures)  # not asked for
    assert [f.name for f in tmp_path.iterdir()] == ["figures.json"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="a device that is always full")
def test_a_full_disk_leaves_the_old_file_and_the_device(tmp_path):
    with pytest.raises(ConfigError, match="/dev/full cannot be written: No space left"):
        write_json("/dev/full", {"a": 1})
    assert Path("/dev/full").is_char_device()


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_json(str(pipe), {"a": 1})
    assert json.loads(os.read(reader, 1000)) == {"a": 1} and pipe.is_fifo()
    os.close(reader)


def test_an_old_file_stays_when_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    file = tmp_path / "figures.json"
    write_json(str(file), {"a": 1})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ConfigError, match="cannot be written: No space left"):
        write_json(str(file), {"a": 2})
    assert json.loads(file.read_text()) == {"a": 1} and [f.name for f in tmp_path.iterdir()] == ["figures.json"]


@pytest.mark.parametrize("path", ["/nowhere/at/all.json", "/proc/figures/x.json"])
def test_what_cannot_be_written_is_refused_at_the_start(path):
    with pytest.raises(ConfigError, match="does not exist or cannot be written to"):
        check_writable(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="this is a folder"):
        check_writable(str(tmp_path))
    check_writable("")


def test_rows_under_all_of_their_keys(tmp_path):
    file = tmp_path / "rows.csv"
    write_csv(str(file), [{"trial": 0, "label": "a, b", "x": float("nan")}, {"trial": 1, "y": True}])
    assert file.read_text() == 'trial,label,x,y\n0,"a, b",,\n1,,,True\n'
    write_csv("", [{"a": 1}])
    write_csv(str(file), [])
    assert file.read_text() == "\n" and [f.name for f in tmp_path.iterdir()] == ["rows.csv"]


def test_a_table_has_its_columns_whatever_its_rows_have(tmp_path):
    file = tmp_path / "rows.csv"
    write_csv(str(file), [], ["a", "b"])
    assert file.read_text() == "a,b\n"
    write_csv(str(file), [{"c": 1, "b": float("nan")}], ["a", "b"])
    assert file.read_text() == "a,b,c\n,,1\n"
