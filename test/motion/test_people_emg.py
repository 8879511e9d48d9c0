"""EMG of people over the cycle of their walk, as files have it."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, RecordingError
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.motion import people_emg
from myoprosthesis.motion.people_emg import MUSCLES, STANCE, read_people, stance_and_swing

GRID = np.arange(100) / 100


def person(folder, name, names, n=200):
    cycle = 2.0 * np.pi * np.arange(n) / n
    columns = [1.0 + np.cos(cycle - 0.5 * k) for k in range(len(names))]
    (folder / f"{name}.csv").write_text(csv_text(names, *np.stack(columns, 1).tolist()))


def test_a_person_in_a_table_by_any_of_the_names(tmp_path):
    person(tmp_path, "anna", ["other", *MUSCLES])
    person(tmp_path, "bert", ["Soleus", "tibialis anterior", "RF"], 50)
    people = read_people(tmp_path)
    assert people.people == ("anna", "bert") and people.curves.shape == (2, 100, 9)
    for k in range(9):
        np.testing.assert_allclose(people.curves[0, :, k], 1.0 + np.cos(2 * np.pi * GRID - 0.5 * (k + 1)), atol=1e-3)
    there = ~np.isnan(people.curves[1]).any(axis=0)
    assert [m for m, is_there in zip(MUSCLES, there, strict=True) if is_there] == ["SOL", "TA", "RF"]


def test_stance_and_swing_are_put_together_in_the_share_that_they_have():
    values = np.concatenate([np.zeros(100), np.ones(100)])[:, None]
    cycle = stance_and_swing(values, 100)[:, 0]
    assert (cycle[GRID < STANCE - 0.01] == 0).all() and (cycle[(GRID >= STANCE) & (GRID < 0.99)] == 1).all()
    ramp = stance_and_swing(np.arange(200.0)[:, None], 100)[:, 0]
    assert ramp[31] == pytest.approx(50.0) and ramp[81] == pytest.approx(150.0)


def test_people_of_synergies_are_found_in_a_workspace(tmp_path, monkeypatch):
    from myoprosthesis.files.r_data import NamedTable

    names = ("ME", "SO", "GM", "GL", "TA", "ST", "BF", "VL", "RF", "VM")
    values = np.arange(len(names))[:, None] + np.zeros((1, 200))
    data = {"SYNS": {"P1": {"V": NamedTable(values, names, ())}, "P2": {"V": NamedTable(values, names, ())}}}
    monkeypatch.setattr(people_emg, "read_r", lambda file: data)
    (tmp_path / "SYNS.RData").write_bytes(b"")
    people = read_people(tmp_path)
    assert people.people == ("P1", "P2") and people.curves[0, 50].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_folders_without_people_are_refused_with_what_would_work(tmp_path):
    with pytest.raises(ConfigError, match="there is no such folder"):
        read_people(tmp_path / "none")
    with pytest.raises(ConfigError, match=r"no EMG of people .* a \.csv for each person with columns such as SOL, MG"):
        read_people(tmp_path)
    person(tmp_path, "anna", ["SOL", "knee"])
    with pytest.raises(ConfigError, match="has 1 of the nine muscles"):
        read_people(tmp_path)
    (tmp_path / "anna.csv").write_text("SOL,MG,LG\n1,2\n")
    with pytest.raises(RecordingError, match=r"anna\.csv"):
        read_people(tmp_path)
