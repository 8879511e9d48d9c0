"""A file is the old one or the new one, whatever happens while it is written."""

import os
import stat

import pytest

from myoprosthesis.core.errors import ConfigError, RecordingError
from myoprosthesis.files.atomic import replace_file, write_atomic


def full(_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("content", ["é\n", "é\n".encode(), lambda file: file.write("é\n".encode())])
def test_text_bytes_and_functions_are_written(tmp_path, content):
    file = tmp_path / "a.txt"
    file.write_text("old")
    write_atomic(file, content)
    assert file.read_bytes() == b"\xc3\xa9\n" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_mode_is_that_of_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    write_atomic(tmp_path / "a", "")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("error", [ConfigError, RecordingError])
def test_a_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch, error):
    file = tmp_path / "a.txt"
    write_atomic(file, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(error, match="a.txt cannot be written: No space left on device$"):
        write_atomic(file, "new", error)
    assert file.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_interrupt_amid_the_writing_leaves_the_old_file_alone(tmp_path):
    file = tmp_path / "a.txt"
    write_atomic(file, "old")

    def fill(new):
        new.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(file, fill)
    assert file.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]
