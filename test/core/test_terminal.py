"""Characters that a terminal does not know cost nothing but themselves."""

import io
import sys

import pytest

from myoprosthesis.core.terminal import accept_all_characters

TEXT = "10 N·s/m, −3 … 5 µV → √2 × 4° 手 Müller"
SHOWN = {
    "utf-8": TEXT,
    "latin-1": "10 N·s/m, -3 ... 5 µV -> ?2 × 4° ? Müller",
    "ascii": "10 N*s/m, -3 ... 5 uV -> ?2 x 4 deg ? Muller",
}


@pytest.mark.parametrize("encoding", SHOWN)
def test_what_is_not_known_is_written_as_its_nearest(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    accept_all_characters()
    print(TEXT, flush=True)
    assert raw.getvalue().decode(encoding).rstrip("\n") == SHOWN[encoding]


def test_a_stream_that_is_no_terminal_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    accept_all_characters()
    print(TEXT, end="")
    assert sys.stdout.getvalue() == TEXT
