"""The folder of a session: whole rows, nothing overwritten."""

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.folder import COLUMNS, SessionFolder
from myoprosthesis.sessions.session_trials import plan


def test_what_cannot_be_noted_is_told_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="provenance.json cannot be written: No such file"):
        SessionFolder(tmp_path / "gone").note(ended=1.0)


def folder(tmp_path, data):
    session = sessions.made(data())
    return SessionFolder.create(tmp_path / "s", session, plan(session), "myoprosthesis session run some")


def some_row(number):
    return {**dict.fromkeys(COLUMNS), "trial": number, "label": 'a "b", c', "loss": 0.1234567891234}


def test_a_row_that_was_cut_is_taken_off(tmp_path, data):
    there = folder(tmp_path, data)
    for number in range(3):
        there.append(some_row(number))
    whole = there.table.read_bytes()
    there.table.write_bytes(whole[:-5])
    assert [r["trial"] for r in there.rows()] == ["0", "1"]
    there.append(some_row(2))
    assert there.table.read_bytes() == whole and there.rows()[2]["label"] == 'a "b", c'


def test_a_full_disk_leaves_the_table_as_it_was(tmp_path, monkeypatch, data):
    there = folder(tmp_path, data)
    there.append(some_row(0))
    before = there.table.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError):
        there.append(some_row(1))
    assert there.table.read_bytes() == before


def test_a_folder_is_not_written_over(tmp_path, data):
    folder(tmp_path, data)
    with pytest.raises(ConfigError, match="--resume"):
        folder(tmp_path, data)
    with pytest.raises(ConfigError, match=r"session\.yaml"):
        SessionFolder.open(tmp_path)
    (tmp_path / "s" / "trials.csv").write_text("trial,what\n1,2\n")
    with pytest.raises(ConfigError, match="columns"):
        SessionFolder.open(tmp_path / "s")[0].rows()
