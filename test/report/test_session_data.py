"""Movements come out of a recording as they were planted, however it was cut."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.report import session_data


def read(folder, trials=None):
    faults = []
    found = session_data.recording(folder, faults)
    wanted = session_data.load(folder).reading.table.trial.tolist() if trials is None else trials
    return {m.plan.trial: m for m in found.movements(wanted)}, found, faults


def test_movements_are_those_that_were_recorded(session_folder, made, planted, movement):
    found, recording, faults = read(session_folder)
    trials = made(planted())
    assert sorted(found) == [t.trial for t in trials] and faults == [] and recording.faults == []
    for t in (trials[0], trials[75], trials[100], trials[-1]):
        m = found[t.trial]
        x, v, load = movement(t, planted())
        np.testing.assert_allclose(m.position, x[:, :2], atol=1e-12)
        np.testing.assert_allclose(m.velocity, v[:, :2], atol=1e-12)
        np.testing.assert_allclose(m.load, load[:, :2], atol=1e-12)
        np.testing.assert_allclose(m.time, np.arange(100) * 0.01 - 0.2, atol=1e-9)
        np.testing.assert_allclose(m.activation[:, 2], 0.1 + 0.1 * (0.5 + t.known))
        assert m.hidden.shape == (100, 10) and len(m.command_time) == 100 and m.expected == 100
        assert (np.diff(m.wall) > 0).all()
    assert recording.muscles == tuple(f"muscle_{i}" for i in range(6))
    assert recording.duration_s == pytest.approx(0.8)


def test_a_trial_that_was_planned_again_counts_as_it_was_made_the_second_time(write, record, planted, made, tmp_path):
    p = planted()
    folder = write(tmp_path / "s", p)
    every = made(p)
    record(folder / "recording", every[:40], p)
    again = [replace(t, deviation_mm=77.0) if t.trial == 39 else t for t in every[39:60]]
    record(folder / "recording", again, p, start_ns=500_000_000_000, wall_s=1.7e9 + 1000)
    found, _, _ = read(folder)
    assert sorted(found) == list(range(60))
    sideways = found[39].position @ np.array([found[39].target[1], -found[39].target[0]]) / 0.1
    assert np.abs(sideways).max() == pytest.approx(0.077, abs=1e-4)


def test_what_the_nodes_measured_is_what_they_said_last_and_ticks_add_up_over_starts(record, planted, made, tmp_path):
    p = planted()
    (tmp_path / "s").mkdir()
    record(tmp_path / "s" / "recording", made(p)[:3], p)
    record(tmp_path / "s" / "recording", made(p)[3:5], p)
    recording = session_data.recording(tmp_path / "s", [])
    told = recording.ledgers()["effector"]
    assert told["ticks"] == 500 and told["missed_ticks"] == 4 and told["round_trip_ms"]["p99"] == 1.2


def test_only_the_wanted_trials_are_read_and_none_is_kept(session_folder):
    found, recording, _ = read(session_folder, [3, 250])
    assert sorted(found) == [3, 250] and recording.trials_found == 2
    held = session_data.Held()
    for table in recording.bag.tables("state", rows=500):
        held.add(table, session_data.STATE, recording.kept)
        held.forget(int(table.stamp_ns[-1]) - 2_000_000_000)
        assert len(held._parts) <= 2


def test_a_state_that_was_said_twice_counts_once():
    stamps = np.array([0, 10, 10, 20])
    held = session_data.Held()
    held._parts.append(session_data.Part(stamps, np.array([1, 2, 9, 10]), stamps[:, None] * 1.0))
    part = held.between(0, 100)
    assert part.stamp_ns.tolist() == [0, 10, 20] and part.received_ns.tolist() == [1, 2, 10]


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_recording_that_was_cut_gives_the_movements_before_the_cut(session_folder, tmp_path, share):
    folder = tmp_path / "cut"
    shutil.copytree(session_folder, folder)
    file = folder / "recording" / "recording_0.mcap"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    found, recording, _ = read(folder)
    assert 0.8 * share * 288 < len(found) < 288 and recording.trials_found == len(found)
    assert any("ends without its index" in f for f in recording.faults)


def test_a_topic_that_fell_silent_is_not_waited_for(session_folder):
    _, recording, _ = read(session_folder)
    held = {t: session_data.Held() for t in ("state", "command", "policy/hidden")}
    held["state"].newest_ns, held["command"].newest_ns, held["policy/hidden"].newest_ns = 10**12, 10**12, 5
    assert recording._whole(10**9, held)
    held["state"].newest_ns = 2 * 10**9
    assert not recording._whole(10**9, held)


def test_a_table_that_was_changed_afterwards_is_told_of(write, tmp_path):
    folder = write(tmp_path / "s")
    table = (folder / "trials.csv").read_bytes()
    (folder / "provenance.json").write_text(json.dumps({"table_sha256": hashlib.sha256(table).hexdigest()}))
    assert session_data.load(folder).faults == ()
    (folder / "trials.csv").write_bytes(table[: table.rindex(b"\n", 0, -1) + 1])
    assert "trials.csv is not as the session left it" in session_data.load(folder).faults[0]


def test_what_is_no_folder_of_a_session_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no folder: give the folder of a session"):
        session_data.load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="there is no trials.csv in it"):
        session_data.load(tmp_path)


def test_without_a_recording_settings_or_provenance_a_sentence_says_so(write, tmp_path):
    folder = write(tmp_path / "s")
    (folder / "session.yaml").write_text("blocks: [\n")
    (folder / "provenance.json").write_text("{")
    faults = []
    assert session_data.recording(folder, faults) is None
    told = [*session_data.load(folder).faults, *faults]
    for word in ("session.yaml cannot be read", "provenance.json cannot be read", "There is no recording"):
        assert any(word in f for f in told)
    (folder / "recording").mkdir()
    assert session_data.recording(folder, faults) is None and "cannot be read" in faults[-1]
