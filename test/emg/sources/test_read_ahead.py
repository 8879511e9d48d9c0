"""Parts that are read while others are played."""

import threading
import time

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.sources.read_ahead import AHEAD, ReadAhead


def test_all_items_come_in_order_and_none_after_the_last():
    parts = ReadAhead(i for i in range(1, 6))
    assert [parts.take() for _ in range(7)] == [1, 2, 3, 4, 5, None, None]
    parts.close()


def test_an_item_that_takes_long_is_made_while_those_before_it_are_used():
    made, go = [], threading.Event()

    def items():
        for i in range(1, 10):
            made.append(i)
            if i == AHEAD + 1:
                assert go.wait(30.0)
            yield i

    parts = ReadAhead(items())
    assert parts.take() == 1
    end = time.monotonic() + 30.0
    while made[-1] != AHEAD + 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert made[-1] == AHEAD + 1 and parts.take() == 2  # it does not wait for the slow one
    go.set()
    assert parts.take() == 3
    parts.close()


def test_what_making_an_item_raises_is_raised_where_it_is_taken():
    def items():
        yield 1
        raise ConfigError("the file is damaged")

    parts = ReadAhead(items())
    assert parts.take() == 1
    with pytest.raises(ConfigError, match="is damaged"):
        parts.take()
    parts.close()


def test_closing_lets_files_go():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    parts = ReadAhead(items())
    assert parts.take() == 1
    parts.close()
    assert closed.wait(30.0)
