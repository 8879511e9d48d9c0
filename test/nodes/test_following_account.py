"""What an effector says of following commands: at changes, and now and then though nothing changed."""

import pytest

from myoprosthesis.nodes import following_account
from myoprosthesis.nodes.following_account import FollowingAccount

DT_NS = 10_000_000


@pytest.fixture
def run(monkeypatch):
    """Note so many ticks, 64 in a second of wall time; the ticks at which something was said, and what."""
    said, now = [], [0]
    clock = type("Clock", (), {"monotonic": staticmethod(lambda: 100 + now[0] / 64)})
    monkeypatch.setattr(following_account, "time", clock)
    account = FollowingAccount(DT_NS, lambda following: said.append((now[0], following.held)))

    def ticks(n, why=""):
        said.clear()
        for _ in range(n):
            now[0] += 1
            account.note(now[0] * DT_NS, why)
        return list(said)

    return ticks


def test_a_change_is_said_at_once_and_the_same_once_a_second(run):
    assert run(1, "no command yet") == [(1, "no command yet")]
    assert run(150) == [(3, ""), (67, ""), (131, "")]  # 20 ms after the one before at the earliest
    assert run(70, "emergency stop") == [(152, "emergency stop"), (216, "emergency stop")]
