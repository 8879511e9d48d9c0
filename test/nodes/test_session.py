"""Sessions over the real graph: the same table every time, whatever dies in between."""

import csv
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

import onnx
import pytest
import yaml

from myoprosthesis.core.errors import Refused
from myoprosthesis.effectors import bodies
from myoprosthesis.nodes.publisher_lock import PublisherLock
from myoprosthesis.policies import store
from myoprosthesis.report import trial_table
from myoprosthesis.stack import session_runner

SESSION = {
    "name": "short",
    "task": {"trial_s": 0.6},
    "always": [{"kind": "noise", "terms": ["vision"], "sd": 0.002}],
    "blocks": [
        {"name": "baseline", "trials": 8},
        {"name": "adaptation", "trials": 16, "perturbation": "curl_cw", "channel_rate": 0.25, "lead_in": 4},
        {"name": "washout", "trials": 8, "policy": "reach_cw"},
    ],
}


@pytest.fixture
def session(tmp_path):
    def write(**changes):
        file = tmp_path / "short.yaml"
        file.write_text(yaml.safe_dump({**SESSION, **changes}))
        return str(file)

    return write


@pytest.fixture(scope="module")
def unbroken(command, tmp_path_factory):
    """The table of the session when nothing stands in its way."""
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "short.yaml").write_text(yaml.safe_dump(SESSION))
    done = command("session", "run", str(folder / "short.yaml"), "--out", str(folder / "out"), "--quiet")
    assert done.returncode == 0, done.stderr
    return (folder / "out" / "trials.csv").read_bytes()


@pytest.fixture
def begin(begin):
    return lambda *words, **more: begin("session", "run", *words, "--quiet", **{"stderr": subprocess.PIPE, **more})


def rows(folder):
    table = folder / "trials.csv"
    return len(table.read_text().splitlines()) - 1 if table.is_file() else 0


def wait_for(process, done, seconds=180.0):
    """Until `done`, while the session goes on."""
    until = time.monotonic() + seconds
    while not done():
        assert process.poll() is None, f"ended with status {process.returncode}"
        assert time.monotonic() < until, "the session goes on, but not on to this"
        time.sleep(0.02)


def test_a_session_moves_a_body_with_the_options_that_it_gives(command, session, tmp_path):
    """The shipped point mass by a copy of its file, beside the session's."""
    (tmp_path / "own.xml").write_text((bodies.MODELS / "point_mass.xml").read_text())
    file = session(
        effector="mjcf", effector_options={"file": "own.xml"}, policy="point_mass_null",
        blocks=[{"name": "baseline", "trials": 2}],
    )  # fmt: skip
    done = command("session", "run", file, "--out", str(tmp_path / "out"), "--quiet")
    assert done.returncode == 0, done.stderr
    table = list(csv.DictReader((tmp_path / "out" / "trials.csv").open()))
    assert len(table) == 2 and all(not row["lost"] and float(row["endpoint_error_mm"]) < 50.0 for row in table)


def test_actions_that_were_cut_are_told_of_at_the_end_and_in_the_figures(command, session, tmp_path):
    model = onnx.load(store.find("point_mass_null"))
    text = next(p for p in model.metadata_props if p.key == "myoprosthesis.contract")
    contract = json.loads(text.value)
    contract["action"] |= {"low": [0.4] * 4, "high": [0.41] * 4}
    text.value = json.dumps(contract)
    (tmp_path / "tight").mkdir()
    onnx.save(model, tmp_path / "tight" / "policy.onnx")
    file = session(effector="point_mass", policy=str(tmp_path / "tight"), blocks=[{"name": "baseline", "trials": 3}])
    figures = tmp_path / "figures.json"
    done = command("session", "run", file, "--out", str(tmp_path / "out"), "--quiet", "--json", str(figures))
    assert done.returncode == 0, done.stderr
    ((name, counts),) = json.loads(figures.read_text())["policy_events"].items()
    n = counts["clipped"]
    assert 100 < n <= 180  # of three trials of 0.6 s, but for what came after the last report
    where = f"{n} of {name} beyond a limit of its contract, cut to it"
    assert f"actions: {where}\n" in done.stdout


def test_a_session_that_is_paused_killed_interrupted_and_wounded_comes_to_the_same_table(
    begin, unbroken, command_here, session, tmp_path
):
    folder, words = tmp_path / "short", tmp_path / "words.txt"
    with words.open("w") as file:
        process = begin(session(), "--out", str(folder), stderr=file)
    wait_for(process, lambda: rows(folder) >= 2)
    assert "pausing" in command_here("session", "pause").stdout
    wait_for(process, lambda: "paused before trial" in words.read_text())
    held = rows(folder)
    time.sleep(1.0)
    assert rows(folder) == held < 32
    assert "going on" in command_here("session", "continue").stdout
    wait_for(process, lambda: rows(folder) > held)

    kill(process)
    killed = rows(folder)
    assert killed < 32

    process = begin("--resume", str(folder))
    wait_for(process, lambda: rows(folder) > killed)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 130 and f"--resume {folder}" in told and "Traceback" not in told
    assert rows(folder) < 31

    process = begin("--resume", str(folder))
    stopped = rows(folder)
    wait_for(process, lambda: rows(folder) > stopped)
    os.kill(int(children(process, "-f", "policy_node")[0]), signal.SIGKILL)
    told = process.communicate(timeout=300)[1]
    assert process.returncode == 0, told
    assert "policy died by signal 9" in told and "started again" in told
    assert (folder / "trials.csv").read_bytes() == unbroken
    lines = unbroken.decode().splitlines()
    assert [line.split(",")[13] for line in lines[1:]] == 24 * ["reach_null"] + 8 * ["reach_cw"]


def kill(process):
    """Kill a session, and wait for the end of its nodes."""
    nodes = children(process)
    assert nodes
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 60.0
    while any(os.path.exists(f"/proc/{node}") for node in nodes):
        assert time.monotonic() < until, "a node outlives the session"
        time.sleep(0.05)


def children(process, *words):
    """Numbers of the processes that a process has started."""
    return subprocess.run(["pgrep", "-P", str(process.pid), *words], capture_output=True, text=True).stdout.split()


def test_a_policy_that_dies_while_it_is_given_what_was_learned_costs_no_finished_trial(begin, session, tmp_path):
    learner = {"compile": False, "steps": 1, "batch": 2}
    process = begin(session(learner=learner, blocks=[{"name": "x", "trials": 4}]), "--out", str(tmp_path / "wounded"))
    wait_for(process, lambda: rows(tmp_path / "wounded") >= 2)
    os.kill(int(children(process, "-f", "policy_node")[0]), signal.SIGKILL)
    told = process.communicate(timeout=300)[1]
    assert process.returncode == 0 and rows(tmp_path / "wounded") == 4, told
    assert "policy died by signal 9" in told and "started again" in told


def test_what_cannot_begin_leaves_no_folder(command, session, tmp_path):
    held = PublisherLock("/state")
    try:
        done = command("session", "run", session(), "--out", str(tmp_path / "out"))
    finally:
        held.close()
    assert done.returncode == 2 and "another effector publishes" in done.stderr and not (tmp_path / "out").exists()
    done = command("session", "run", session(learner={"compile": "off"}), "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and "blocks cannot name others" in done.stderr and not (tmp_path / "out").exists()


def test_no_trial_begins_while_the_disk_has_no_room_for_it(monkeypatch, tmp_path):
    listener = SimpleNamespace(held="")
    conductor = SimpleNamespace(paused=False, listener=listener, recorder={"text": "recording"})
    session_runner._check_free(conductor, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000_000))
    with pytest.raises(Refused, match="less than 1 MiB is free"):
        session_runner._check_free(conductor, tmp_path)


def test_an_emergency_stop_costs_the_trials_that_it_befalls_and_no_others(begin, session, tmp_path, probe):
    """The session waits for the end of it; the rows of lost trials say why and are in no figure."""
    folder, words = tmp_path / "stopped", tmp_path / "words.txt"
    with words.open("w") as file:
        blocks = [{"name": "adaptation", "trials": 36, "perturbation": "curl_cw"}]
        process = begin(session(blocks=blocks), "--out", str(folder), stderr=file)
        wait_for(process, lambda: rows(folder) >= 3)
        assert probe.trigger("effector/estop")[0]
        wait_for(process, lambda: "does not follow commands (emergency stop); take it off with" in words.read_text())
        done = rows(folder)
        probe.spin(0.5)
        assert rows(folder) == done
        assert probe.trigger("effector/resume")[0]
        assert process.wait(300) == 0, words.read_text()
    table = list(csv.DictReader((folder / "trials.csv").open()))
    lost = [int(r["trial"]) for r in table if r["lost"]]
    assert len(table) == 36 and 1 <= len(lost) <= 3 and lost[0] >= 3 and lost[-1] == lost[0] + len(lost) - 1
    assert {r["lost"] for r in table if r["lost"]} == {"emergency stop"}
    assert all(bool(r["endpoint_error_mm"]) == (not r["lost"]) == bool(r["success"]) for r in table)
    assert f"trial {lost[0]} is lost" in words.read_text()
    found = trial_table.read(folder / "trials.csv")
    assert sorted({*found.table.trial.tolist(), *lost}) == list(range(36)) and len(found.table) == 36 - len(lost)


def test_where_no_session_runs_there_is_none_to_be_paused(command_here):
    for word in ("pause", "continue"):
        refused = command_here("session", word)
        assert refused.returncode == 2 and "error: no session runs here: start one" in refused.stderr, refused


def test_nobody_but_the_session_chooses_what_is_played_and_imposed(begin, session, tmp_path, probe, command_here):
    """By this package's commands it is refused; by ROS's own parameters it costs the trials that it befalls."""
    folder, words = tmp_path / "steered", tmp_path / "words.txt"
    with words.open("w") as file:
        field = {"name": "adaptation", "trials": 56, "perturbation": "curl_cw"}
        short = {**field, "name": "short", "trials": 2, "policy": "reach_cw"}
        blocks = [{"name": "baseline", "trials": 2}, short, {**field, "policy": "reach_null"}]
        process = begin(session(blocks=blocks), "--out", str(folder), stderr=file)
        wait_for(process, lambda: rows(folder) >= 2)
        for steering in (
            ["swap", "reach_cw"],
            ["perturb", "null"],
            ["rollback"],
            ["switch-effector", "arm26"],
            ["reset"],
        ):
            refused = command_here(*steering)
            assert refused.returncode == 2 and "a session runs here, and chooses" in refused.stderr, refused
        wait_for(process, lambda: rows(folder) >= 6)
        assert not probe.set("perturbation", perturbation="curl_ccw")
        wait_for(process, lambda: "curl_ccw was imposed in the place of the session's own" in words.read_text())
        assert not probe.set("perturbation", perturbation=str(folder / "perturbation.yaml"))
        before = rows(folder)
        wait_for(process, lambda: rows(folder) >= before + 6)
        assert not probe.set("policy", policy="reach_cw")
        wait_for(process, lambda: "reach_cw was played in the place of reach_null" in words.read_text())
        assert process.wait(300) == 0, words.read_text()
    table = list(csv.DictReader((folder / "trials.csv").open()))
    why = [row["lost"] for row in table]
    assert why[:6] == [""] * 6, why
    assert why[-1] == "reach_cw was played in the place of reach_null", (why, words.read_text())
    assert "" in why[before:], why
    assert {"curl_ccw was imposed in the place of the session's own"} < {w for w in why if w}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "one of the two"),
        (("nothing",), "unknown session"),
        (("--resume", "nowhere"), "no session.yaml"),
        (("rigid", "--resume", "x"), "one of the two"),
    ],
)
def test_what_cannot_be_run_is_refused(command_here, words, told):
    done = command_here("session", "run", *words)
    assert done.returncode == 2 and told in done.stderr and done.stderr.count("\n") == 1


def test_a_session_with_a_learner_that_is_killed_goes_on_as_it_would_have(begin, command, session, tmp_path):
    """The learner's state is committed with each row; what the table says of it is the same to the last digit."""
    blocks = [{"name": "baseline", "trials": 2}, {"name": "adaptation", "trials": 4, "perturbation": "curl_cw"}]
    file = session(blocks=blocks, learner={"compile": "off", "steps": 1, "batch": 2, "field_rate": 0.5})
    done = command("session", "run", file, "--out", "whole", "--quiet", "--json", str(tmp_path / "f"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    whole = (tmp_path / "whole" / "trials.csv").read_bytes()
    process = begin(file, "--out", str(tmp_path / "cut"))
    wait_for(process, lambda: rows(tmp_path / "cut") >= 3)
    kill(process)
    done = command("session", "run", "--resume", str(tmp_path / "cut"), "--quiet")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cut" / "trials.csv").read_bytes() == whole
    table = list(csv.DictReader(io.StringIO(whole.decode())))
    gains = [float(r["estimate_gain"]) for r in table]
    assert gains[:3] == [0.0, 0.0, 0.0] and 3.0 < gains[3] < gains[5] < 11.0
    assert len({r["policy_sha256"] for r in table}) == 6 and all(r["loss"] for r in table)
    kept = sorted(f.name for f in (tmp_path / "cut" / "policies").iterdir())
    assert kept == [f"trial_{n:04d}.onnx" for n in (0, 1, 2, 5)]  # that begin or end a block
    told = json.loads((tmp_path / "f").read_text())
    assert told["table_sha256"] == hashlib.sha256(whole).hexdigest() and len(told["blocks"]) == 2
