"""What the sources of EMG share."""

import time

import pytest

from myoprosthesis.core.errors import SourceError
from myoprosthesis.emg.source import SourceSpec, opened, silence


def test_only_an_open_source_has_a_specification():
    spec = SourceSpec("some", ("ch1",), 1000.0, "V")
    assert opened(spec, "the board") is spec
    with pytest.raises(SourceError, match="^the board is not open yet$"):
        opened(None, "the board")


def test_a_source_is_silent_after_its_limit():
    now = time.monotonic()
    assert silence("the board", now, 60.0, 5, "is it on?") == ""
    assert silence("the board", now - 61, 60.0, 5, "is it on?") == (
        "nothing has come from the board for more than 60 s: is it on?"
    )
    assert silence("the board", now - 61, 60.0, 0, "is it on?") == (
        "the board has sent no sample since it was opened: is it on?"
    )
