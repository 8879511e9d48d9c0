"""What the sources of EMG share."""

import pytest

from myoprosthesis.core.errors import SourceError
from myoprosthesis.emg.source import SourceSpec, opened


def test_only_an_open_source_has_a_specification():
    spec = SourceSpec("some", ("ch1",), 1000.0, "V")
    assert opened(spec, "the board") is spec
    with pytest.raises(SourceError, match="^the board is not open yet$"):
        opened(None, "the board")
