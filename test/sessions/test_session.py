"""Sessions as files say them: what is refused, and which trials come of them."""

import pytest
import yaml

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors import bodies
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.folder import SessionFolder
from myoprosthesis.sessions.session_trials import plan


@pytest.mark.parametrize("name", sessions.names())
def test_every_shipped_session_is_one(name):
    assert sessions.load(name).trials == len(plan(sessions.load(name)))


def test_all_faults_are_told_at_once(data):
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
        ({"blocks": 2 * [{"name": "baseline", "trials": 2}]}, "two blocks are called 'baseline': give each a name of"),
        ({"blocks": [{"name": "x", "trials": 2, "perturbation": "curl_cw_catch"}]}, "of its own"),
        ({"blocks": [{"name": "x", "trials": 2, "perturbation": "curl_cw", "kinds": [{"kind": "curl"}]}]}, "exclude"),
        ({"blocks": [{"name": "x", "trials": 2, "kinds": [{"kind": "curl", "gian": 3}]}]}, "gian"),
        ({"blocks": [{"name": "x", "trials": 2, "kinds": [{"kind": "curl", "start_s": 60}]}]}, "'x': .* never act"),
        ({"always": [{"kind": "noise", "sd": 0.1, "start_s": 60}]}, "noise begins 60 s .* never act"),
        (
            {"blocks": [{"name": "x", "trials": 2, "distance": 0.9}]},
            "out of reach of effector 'arm26'.*0.642 m at most",
        ),
        ({"name": 3}, "name: 3 is not text: put it in quotes"),
        ({"blocks": [{"name": "x", "trials": 2, "perturbation": None}]}, "perturbation: null is not text: put it in"),
        ({"name": ["x"]}, r"name: \['x'\] is not text$"),
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
def test_what_contradicts_itself_is_refused(changes, told, data):
    with pytest.raises(ConfigError, match=told):
        sessions.made(data(**changes))


def test_a_session_survives_being_written_down(data):
    session = sessions.made(data(always=[{"kind": "noise", "terms": ["vision"], "sd": 0.001}]))
    assert sessions.made(yaml.safe_load(yaml.safe_dump(session.to_dict()))) == session


def test_files_that_a_session_names_are_seen_from_its_own_folder(tmp_path, monkeypatch, sound, data):
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


def test_options_of_the_effector_are_the_sessions_and_checked_with_it(tmp_path, monkeypatch, data):
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
