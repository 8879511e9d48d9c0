"""Sessions as files say them: what is refused, and which trials come of them."""

from collections import Counter

import numpy as np
import pytest
import yaml

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.effectors import bodies
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.folder import COLUMNS, SessionFolder
from myoprosthesis.sessions.session import SessionBlock
from myoprosthesis.sessions.session_trials import CATCH, CHANNEL, NORMAL, plan, preset, trial_kinds
from myoprosthesis.sessions.trial_metrics import PlayedTrial, row
from myoprosthesis.tasks import listed
from myoprosthesis.training.adaptation import options
from myoprosthesis.training.adaptation.options import LearnerOptions


def data(**changes):
    block = {"name": "adaptation", "trials": 100, "perturbation": "curl_cw", "catch_rate": 0.1, "channel_rate": 0.1}
    return {"name": "some", "blocks": [{"name": "baseline", "trials": 16}, block], **changes}


@pytest.mark.parametrize("name", sessions.names())
def test_every_shipped_session_is_one(name):
    assert sessions.load(name).trials == len(plan(sessions.load(name)))


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError) as told:
        sessions.made(data(
            policy="reach_nul", effector="arm27", speed=3, task={"targts": 8},
            blocks=[{"name": "a", "trials": 0}, {"name": "b", "trials": 3, "perturbation": "curl_cv"},
                    {"name": "c", "trials": 3, "policy": "nobody", "gain": 2}],
        ))  # fmt: skip
    for fault in ("speed", "block 'a': trials", "block 'c'", "gain", "'reach_nul'", "did you mean 'arm26'", "targts",
                  "'curl_cv'", "'nobody'"):  # fmt: skip
        assert fault in str(told.value)
    with pytest.raises(ConfigError) as told:
        sessions.made(
            data(
                policy="reach_nul",
                effector="arm27",
                task={"targts": 8},
                blocks=[
                    {"name": "b", "trials": 3, "perturbation": "curl_cv"},
                    {"name": "c", "trials": 3, "policy": "nobody"},
                ],
            )
        )
    for fault in ("'reach_nul'", "did you mean 'arm26'", "targts", "'curl_cv'", "'nobody'"):
        assert fault in str(told.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "a/b"}, "folder"),
        ({"blocks": []}, "needs blocks"),
        ({"blocks": [{"name": "x", "trials": 2, "perturbation": "curl_cw_catch"}]}, "of its own"),
        ({"blocks": [{"name": "x", "trials": 2, "perturbation": "curl_cw", "kinds": [{"kind": "curl"}]}]}, "exclude"),
        ({"blocks": [{"name": "x", "trials": 2, "kinds": [{"kind": "curl", "gian": 3}]}]}, "gian"),
        ({"channel": {"stifness": 3}}, "stifness"),
        ({"task": {"between": "return"}}, "leave these out"),
        ({"always": [{"kind": "nois"}]}, "'nois'.*did you mean 'noise'"),
        ({"policy": "point_mass_null"}, "'point_mass_null' commands 4 channels, effector 'arm26' takes 6"),
        ({"effector": "myohand"}, "'reach_null' commands 6 channels, effector 'myohand' takes 39"),
        ({"effector": "mirror"}, "no endpoint|commands"),
        ({"effector": "mjcf"}, r"effector_options: \{file: PATH\}"),
        ({"learner": {"field_rat": 1}}, "did you mean 'field_rate'"),
        ({"learner": {"compile": "maybe", "steps": 0}}, "steps: 0.*one of auto, on, off; got 'maybe'"),
        ({"learner": {"steps": 1}, "blocks": [{"name": "x", "trials": 2, "policy": "reach_cw"}]}, "blocks cannot name"),
        ({"blocks": [{"name": "x", "trials": 9, "catch_rate": 0.3, "channel_rate": 0.3}]}, "half"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, told):
    with pytest.raises(ConfigError, match=told):
        sessions.made(data(**changes))


def test_what_cannot_be_noted_is_told_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="provenance.json cannot be written: No such file"):
        SessionFolder(tmp_path / "gone").note(ended=1.0)


def test_on_and_off_are_words_although_yaml_makes_them_truths():
    for text, choice in (("off", "off"), ("on", "on"), ("'off'", "off"), ("auto", "auto")):
        assert options.read(yaml.safe_load(f"compile: {text}")) == (LearnerOptions(), choice)


def test_a_session_survives_being_written_down():
    session = sessions.made(data(always=[{"kind": "noise", "terms": ["vision"], "sd": 0.001}]))
    assert sessions.made(yaml.safe_load(yaml.safe_dump(session.to_dict()))) == session


def test_special_trials_are_as_many_as_asked_for_and_spread():
    kinds = trial_kinds(SessionBlock("b", 248, catch_rate=0.1, channel_rate=0.125, lead_in=8), np.random.default_rng(3))
    assert Counter(kinds) == {CATCH: 24, CHANNEL: 30, NORMAL: 194} and set(kinds[:8]) == {NORMAL}
    gaps = np.diff([i for i, k in enumerate(kinds) if k == CHANNEL])
    assert gaps.max() < 16
    assert kinds == trial_kinds(SessionBlock("b", 248, catch_rate=0.1, channel_rate=0.125), np.random.default_rng(3))


def test_every_round_of_targets_is_whole_across_blocks():
    trials = plan(sessions.made(data(blocks=[{"name": "a", "trials": 12}, {"name": "b", "trials": 12}])))
    for turn in range(3):
        assert sorted(t.target for t in trials[8 * turn : 8 * turn + 8]) == list(range(8))
    elsewhere = plan(sessions.made(data(blocks=[{"name": "a", "trials": 8}, {"name": "b", "trials": 8, "targets": 4}])))
    assert {t.target for t in elsewhere[8:]} == {0, 1, 2, 3}
    other_seed = plan(sessions.made(data(seed=1)))
    assert [t.target for t in other_seed] != [t.target for t in plan(sessions.made(data()))]


def test_the_preset_imposes_what_each_trial_is(tmp_path):
    session = sessions.made(data(channel={"stiffness": 1500.0}))
    trials = plan(session)
    file = tmp_path / "perturbation.yaml"
    file.write_text(yaml.safe_dump(preset(session, trials)))
    planner = Planner(presets.load(str(file)))
    for trial in trials:
        entries = planner.plan(TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), 0)).entries
        wanted = {NORMAL: [10.0] if trial.block else [], CATCH: [], CHANNEL: [0.0]}[trial.kind]
        assert [e.values["B"][0][1] for e in entries] == wanted
        if trial.kind == CHANNEL:
            assert entries[0].values["K"][1][1] == -1500.0


def test_reaches_go_through_a_file_unchanged(tmp_path):
    session = sessions.made(data(task={"distance": 0.12345678901, "go_s": 0.25}))
    reaches = [t.reach for t in plan(session)]
    listed.write(tmp_path / "r.csv", reaches)
    assert listed.read(tmp_path / "r.csv") == reaches
    task = listed.Listed(listed.ListedOptions(home=(0.1, 0.2), file=str(tmp_path / "r.csv")))
    told = task.plan(3, 1000)
    assert told.target == (0.1 + reaches[3].x, 0.2 + reaches[3].y, 0.0) and told.go_ns == 1000 + ns(0.25)


@pytest.mark.parametrize("text", ["", "x,y\n", "x,y\n1,abc\n", "x,z\n1,2\n"])
def test_a_list_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"r\.csv"):
        listed.read(tmp_path / "r.csv")
    with pytest.raises(ConfigError, match="no.csv"):
        listed.read(tmp_path / "no.csv")


def straight(speed=0.4, push=0.0):
    """A movement along x in a channel of which the hand presses against the left wall with `push` × the ideal force."""
    n, dt = 100, 0.01
    v = np.zeros((n, 3))
    v[20:70, 0] = speed * np.sin(np.pi * np.arange(50) / 50)
    x = np.cumsum(v, axis=0) * dt
    load = np.zeros((n, 3))
    load[:, 1] = -push * 10 * v[:, 0]  # a CW field pushes along −y; the hand presses along +y, the wall back
    return np.arange(n) * ns(dt), x, v, load


@pytest.mark.parametrize("push", [0.0, 0.5, 1.0])
def test_the_slope_of_a_channel_trial_is_the_share_of_the_field_that_is_met(push):
    session = sessions.made(data())
    trial = next(t for t in plan(session) if t.kind == CHANNEL and t.block == 1)
    time_ns, x, v, load = straight(push=push)
    there = TrialPlan(trial.number, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2))
    got = row(session, trial, there, time_ns, x, v, load, 0.01, PlayedTrial("p", "0"))
    assert got["channel_slope"] == pytest.approx(push) and got["gain"] == 10.0 and list(got) == list(COLUMNS)
    assert got["channel_force_N"] == pytest.approx(-push * 4.0)  # the hand presses to the left of its motion


def folder(tmp_path):
    session = sessions.made(data())
    return SessionFolder.create(tmp_path / "s", session, plan(session), "myoprosthesis session run some")


def some_row(number):
    return {**dict.fromkeys(COLUMNS), "trial": number, "label": 'a "b", c', "loss": 0.1234567891234}


def test_a_row_that_was_cut_is_taken_off(tmp_path):
    there = folder(tmp_path)
    for number in range(3):
        there.append(some_row(number))
    whole = there.table.read_bytes()
    there.table.write_bytes(whole[:-5])
    assert [r["trial"] for r in there.rows()] == ["0", "1"]
    there.append(some_row(2))
    assert there.table.read_bytes() == whole and there.rows()[2]["label"] == 'a "b", c'


def test_a_full_disk_leaves_the_table_as_it_was(tmp_path, monkeypatch):
    there = folder(tmp_path)
    there.append(some_row(0))
    before = there.table.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError):
        there.append(some_row(1))
    assert there.table.read_bytes() == before


def test_a_folder_is_not_written_over(tmp_path):
    folder(tmp_path)
    with pytest.raises(ConfigError, match="--resume"):
        folder(tmp_path)
    with pytest.raises(ConfigError, match=r"session\.yaml"):
        SessionFolder.open(tmp_path)
    (tmp_path / "s" / "trials.csv").write_text("trial,what\n1,2\n")
    with pytest.raises(ConfigError, match="columns"):
        SessionFolder.open(tmp_path / "s")[0].rows()


def test_files_that_a_session_names_are_seen_from_its_own_folder(tmp_path, monkeypatch, sound):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "there"
    (there / "mine.yaml").write_text("kinds: [{kind: curl, gain: 3}]")
    (there / "policy.onnx").write_bytes(sound())
    (there / "session.yaml").write_text(yaml.safe_dump(data(
        effector="point_mass", policy="policy.onnx",
        blocks=[{"name": "a", "trials": 4, "perturbation": "mine.yaml"},
                {"name": "b", "trials": 4, "perturbation": "curl_cw", "policy": "./policy.onnx"}],
    )))  # fmt: skip
    made = sessions.load("there/session.yaml")
    assert made.policy == str(there / "policy.onnx") == made.blocks[1].policy
    assert made.blocks[0].perturbation == str(there / "mine.yaml") and made.blocks[1].perturbation == "curl_cw"
    folder = SessionFolder.create(tmp_path / "out", made, plan(made), "test")
    assert SessionFolder.open(folder.path)[1] == made


def test_options_of_the_effector_are_the_sessions_and_checked_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "there"
    there.mkdir()
    model = bodies.MODELS / "point_mass.xml"
    (there / "mass.xml").write_text(model.read_text().replace('mass="1"', 'mass="2"'))
    mine = data(effector="mjcf", policy="point_mass_null", effector_options={"file": "mass.xml", "dt": 0.01})
    (there / "session.yaml").write_text(yaml.safe_dump(mine))
    made = sessions.load("there/session.yaml")
    assert made.effector_options == {"file": str(there / "mass.xml"), "dt": 0.01}
    assert sessions.effector(made).spec.name == "mass"
    folder = SessionFolder.create(tmp_path / "out", made, plan(made), "test")
    assert SessionFolder.open(folder.path)[1] == made
    with pytest.raises(ConfigError, match="effector_options of 'point_mass': unknown option 'file'"):
        sessions.made({**mine, "effector": "point_mass"})
    with pytest.raises(ConfigError, match="leave effector_options out"):
        sessions.made({**mine, "effector_options": {"file": str(model)}, "learner": {"kind": "gradient"}})


def test_the_row_of_a_lost_trial_says_why_and_has_no_figures():
    session = sessions.made(data())
    trial = plan(session)[0]
    there = TrialPlan(0, 0, ns(1.0), (0.0, 0.3, 0.0), (0.1, 0.3, 0.0), ns(0.2))
    n = np.zeros((100, 3))
    values = row(session, trial, there, np.arange(100), n, n, n, 0.01, PlayedTrial("p", "s"), "emergency stop")
    assert set(values) == set(COLUMNS) and values["lost"] == "emergency stop"
    assert values["success"] is values["endpoint_error_mm"] is values["lateral_deviation_mm"] is None
    assert values["samples"] == 100 and values["target_x"] == 0.1
