from pathlib import Path

from myoprosthesis.core import share


def test_the_shared_folders_are_found():
    assert (share.root() / "config" / "perturbations").is_dir() and (share.root() / "policies").is_dir()


def test_ones_own_policies_come_first(monkeypatch):
    monkeypatch.setenv("MYOPROSTHESIS_POLICIES", "/mine:/ours")
    folders = share.policy_folders()
    assert folders[:2] == [Path("/mine"), Path("/ours")] and folders[-1] == share.root() / "policies"


def test_a_ros_workspace_is_found_by_its_prefix(monkeypatch, tmp_path):
    for folder in ("config", "policies"):
        (tmp_path / "share" / share.PACKAGE / folder).mkdir(parents=True)
    monkeypatch.setattr(share, "__file__", str(tmp_path / "elsewhere" / "a" / "b" / "share.py"))
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/none:{tmp_path}")
    assert share.root.__wrapped__() == tmp_path / "share" / share.PACKAGE
