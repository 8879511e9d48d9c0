"""Who is let in: tokens, names of this machine, pages of other servers."""

from __future__ import annotations

import os
import stat

import pytest

from myoprosthesis.console.access import (
    LOOK,
    STEER,
    Tokens,
    host_allowed,
    hosts,
    is_local,
    keep_tokens,
    kept_tokens,
    origin_allowed,
)
from myoprosthesis.core.child_process import RUN
from myoprosthesis.core.private import runtime_folder

LOCAL = hosts(False)


def test_a_token_gives_its_role_and_nothing_else_does():
    tokens = Tokens("abc", "xyz")
    assert (tokens.role("abc"), tokens.role("xyz")) == (STEER, LOOK)
    for other in ("", "ab", "abcd", "ABC", None, 3, ["abc"], "é", "a" * 10_000):
        assert tokens.role(other) == ""


def test_tokens_are_long_and_new_for_each_console(monkeypatch):
    monkeypatch.delenv(RUN, raising=False)
    made = [kept_tokens("myoprosthesis_test_nowhere") for _ in range(3)]
    assert len({t.steer for t in made} | {t.look for t in made}) == 6
    assert all(len(t.steer) >= 32 for t in made)


def test_tokens_outlive_a_restart_within_a_run_and_nobody_else_reads_them(monkeypatch, tmp_path):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv(RUN, "one")
    tokens = kept_tokens("stack")
    keep_tokens("stack", tokens)
    file = runtime_folder("stack") / "console"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert kept_tokens("stack") == tokens
    monkeypatch.setenv(RUN, "another")
    assert kept_tokens("stack").steer != tokens.steer
    file.write_text("{")
    assert kept_tokens("stack").steer != tokens.steer


@pytest.mark.parametrize(
    "host, allowed, open_",
    [
        ("127.0.0.1:8770", True, True),
        ("localhost:8770", True, True),
        ("LOCALHOST:8770", True, True),
        ("[::1]:8770", True, True),
        ("127.0.0.1:8771", False, False),
        ("127.0.0.1", False, False),
        ("192.168.1.5:8770", False, True),
        ("[fe80::1]:8770", False, True),
        ("evil.example:8770", False, False),
        ("127.0.0.1.evil.example:8770", False, False),
        ("", False, False),
        (":8770", False, False),
        ("a:b:8770", False, False),
    ],
)
def test_only_names_of_this_machine_are_answered(host, allowed, open_):
    assert host_allowed(host, 8770, LOCAL, False) is allowed
    assert host_allowed(host, 8770, hosts(True), True) is open_


def test_a_browser_is_local_by_its_number():
    for here in ("127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"):
        assert is_local(here)
    for elsewhere in ("192.168.1.5", "10.0.0.1", "fe80::1%eth0", "::ffff:192.168.1.5", "0.0.0.0", "", "localhost"):
        assert not is_local(elsewhere)


def test_only_the_servers_own_page_opens_a_socket():
    assert origin_allowed([], "127.0.0.1:8770") and origin_allowed(["http://127.0.0.1:8770"], "127.0.0.1:8770")
    for other in ("http://127.0.0.1:8771", "https://127.0.0.1:8770", "null", "http://evil.example", ""):
        assert not origin_allowed([other], "127.0.0.1:8770")
    assert not origin_allowed(["http://127.0.0.1:8770", "http://evil.example"], "127.0.0.1:8770")
