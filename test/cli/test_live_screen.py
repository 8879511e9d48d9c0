"""A live screen draws at most as often as it was made to: pictures on a terminal, lines elsewhere."""

import io
from functools import partial

import pytest
from rich.console import Console

from myoprosthesis.cli import live_screen
from myoprosthesis.cli.live_screen import LiveScreen


@pytest.fixture
def clock(monkeypatch):
    times = [100.0]
    monkeypatch.setattr(live_screen.time, "monotonic", lambda: times[0])
    return times


def test_lines_come_at_their_interval_once_there_is_something_to_write(clock):
    written = []

    def write_line(ready):
        written.extend([clock[0]] * ready)
        return ready

    with LiveScreen(Console(file=io.StringIO()), False, 0.1, 5.0) as screen:
        for clock[0], ready in [(100.0, False), (100.1, True), (104.0, True), (105.1, True), (105.2, True)]:
            screen.redraw(lambda: pytest.fail("a picture is drawn without a terminal"), partial(write_line, ready))
    assert written == [100.1, 105.1]


def test_pictures_come_at_their_interval_and_lines_never():
    console = Console(file=io.StringIO(), force_terminal=True)
    drawn = []
    with LiveScreen(console, True, 60.0, 60.0) as screen:
        for _ in range(3):
            screen.redraw(lambda: drawn.append(1) or "the picture", lambda: pytest.fail("a line beside a picture"))
    assert drawn == [1] and "the picture" in console.file.getvalue()
