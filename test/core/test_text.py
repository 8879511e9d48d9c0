"""Text of others is text on the terminal."""

import pytest

from myoprosthesis.core.text import brief, counted, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("élan µV 手 → ok", "élan µV 手 → ok"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("a\u202eb\u200b\x9b2J\r", "a\\u202eb\\u200b\\x9b2J\\r"),
        ("two\nlines", "two\nlines"),
        (3, "3"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert printable(text) == shown


def test_long_text_is_cut_and_says_so():
    assert printable("x" * 100, 10) == "xxxxxxxxxx… (90 more characters)"


def test_for_a_sentence_a_value_is_one_line_without_control_characters():
    assert brief("two\n lines \x1b[2J") == r"two lines \x1b[2J"
    assert brief("x" * 500) == "x" * 120 + "…"


def test_one_is_not_counted_in_the_plural():
    assert [counted(n, "gap") for n in (0, 1, 2)] == ["0 gaps", "1 gap", "2 gaps"]
