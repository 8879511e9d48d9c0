"""Policies by name and by path."""

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.policies import store


@pytest.fixture
def own(tmp_path, monkeypatch, sound):
    folder = tmp_path / "mine" / "reach_null"
    folder.mkdir(parents=True)
    (folder / "policy.onnx").write_bytes(sound())
    monkeypatch.setenv("MYOPROSTHESIS_POLICIES", str(tmp_path / "mine"))
    return folder


def test_shipped_policies_have_names():
    assert {"reach_null", "reach_cw", "reach_ccw", "point_mass_null"} <= set(store.names())


def test_ones_own_hide_shipped_ones(own):
    assert store.find("reach_null") == own / "policy.onnx"


def test_paths_of_the_file_and_of_its_folder(own, monkeypatch):
    assert store.find(str(own)) == store.find(str(own / "policy.onnx")) == own / "policy.onnx"
    monkeypatch.chdir(own)
    assert store.find("policy.onnx").is_file() and store.find("./policy.onnx").is_file()


@pytest.mark.parametrize("name", ["reach_nul", "", ".", "/", "../..", "a\0b", "reach_null/", "REACH_NULL"])
def test_an_unknown_name_lists_what_there_is(name):
    with pytest.raises(ConfigError, match="unknown policy .*: known are .*reach_null.*"):
        store.find(name)


@pytest.mark.parametrize("name", ["x" * 100_000, "~nobody_of_that_name/policy", "/" + "y/" * 5000])
def test_names_that_the_system_refuses_are_refused_too(name):
    with pytest.raises(ConfigError) as caught:
        store.find(name)
    assert len(str(caught.value)) < 1000


def test_a_node_elsewhere_finds_what_is_named_here(own, monkeypatch, tmp_path):
    assert store.abroad("reach_null") == str(own / "policy.onnx")
    assert store.abroad("reach_cw") == "reach_cw" and store.abroad("known_to_the_node") == "known_to_the_node"
    monkeypatch.chdir(own)
    for given in ("policy.onnx", "./policy.onnx", "../reach_null"):
        assert store.abroad(given).startswith("/") and store.find(store.abroad(given)).samefile(own / "policy.onnx")
    with pytest.raises(ConfigError, match="no such file"):
        store.abroad("./absent.onnx")


def test_a_path_at_which_there_is_no_policy_is_told_as_such(tmp_path):
    for name in (str(tmp_path / "none.onnx"), "none.onnx"):
        for look in (store.find, store.abroad):
            with pytest.raises(ConfigError, match="none.onnx': there is no such file"):
                look(name)
