"""Folders and links in places where other users can write."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.private import make_private, runtime_folder
from myoprosthesis.core.serial_errors import refuse_foreign_link
from myoprosthesis.stack.description import StackOptions, describe

OTHER = 12_345
root = pytest.mark.skipif(os.getuid() != 0, reason="another user's files need root to be made")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for temporary files as /tmp is one: everyone can write, nobody can take another's away."""
    base = tmp_path / "tmp"
    base.mkdir()
    base.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return base


def spoilt(folder: Path, how: str, elsewhere: Path) -> None:
    if how == "a link":
        elsewhere.mkdir(mode=0o700)
        folder.symlink_to(elsewhere)
    elif how == "a file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod({"open": 0o777, "open to its group": 0o770, "another's": 0o700}[how])
        if how == "another's":
            os.chown(folder, OTHER, OTHER)


HOWS = ("a link", "a file", "open", "open to its group", pytest.param("another's", marks=root))


@pytest.mark.parametrize("how", HOWS)
def test_a_folder_that_is_not_ours_alone_is_refused(place, tmp_path, how):
    spoilt(place / "mine", how, tmp_path / "elsewhere")
    for attempt in (lambda: runtime_folder("mine"), lambda: make_private(place / "mine")):
        with pytest.raises(ConfigError, match="another user could put a port"):
            attempt()
    assert not (tmp_path / "elsewhere").exists() or not list((tmp_path / "elsewhere").iterdir())


def test_a_folder_where_anybody_can_exchange_it_is_refused(place):
    place.chmod(0o777)
    with pytest.raises(ConfigError, match="others can write"):
        make_private(place / "mine")


def test_a_folder_of_our_own_is_made_for_us_alone_and_used_again(place):
    for _ in range(2):
        make_private(runtime_folder("mine"))
    assert stat.S_IMODE((place / "mine").stat().st_mode) == 0o700


def test_the_runtime_folder_of_the_session_comes_first_where_it_is_ours(place, tmp_path, monkeypatch):
    own = tmp_path / "run"
    own.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))
    assert runtime_folder("mine") == own / "mine"
    own.chmod(0o777)
    assert runtime_folder("mine") == place / "mine"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert runtime_folder("mine") == place / "mine"


@pytest.mark.parametrize("how", HOWS)
def test_a_stack_with_an_emulated_hand_is_refused_before_it_starts(place, tmp_path, how):
    port = Path(next(n.parameters["port"] for n in describe(StackOptions(stack="emg-hand")) if n.name == "effector"))
    assert port.parent.parent == place
    spoilt(port.parent, how, tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="another user could put a port"):
        describe(StackOptions(stack="emg-hand"))


@root
def test_a_port_that_is_another_user_s_link_is_not_opened(place):
    from myoprosthesis.effectors.serial_hand.port_client import PortClient

    master, slave = os.openpty()
    try:
        mine, theirs = place / "mine", place / "theirs"
        for link in (mine, theirs):
            link.symlink_to(os.ttyname(slave))
        os.lchown(theirs, OTHER, OTHER)
        refuse_foreign_link(str(mine))
        (place / "again").symlink_to(theirs)
        for link in (theirs, place / "again"):
            port = PortClient(str(link), 115_200)
            with pytest.raises(Exception, match="a link that another user"):
                port.open()
        place.chmod(0o777)
        with pytest.raises(OSError, match="others can write"):
            refuse_foreign_link(str(mine))
        refuse_foreign_link(os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
