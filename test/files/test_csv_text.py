"""Rows become the lines of a CSV file that is read back as it was."""

import csv
import io

from myoprosthesis.files.csv_text import csv_text


def test_rows_are_read_back_as_they_were():
    rows = [["a", "b"], ['x "y", z', "two\nlines"], ["é", ""]]
    text = csv_text(*rows)
    assert text.startswith("a,b\n") and "\r" not in text
    assert list(csv.reader(io.StringIO(text, newline=""))) == rows


def test_none_is_empty_and_no_rows_are_no_text():
    assert csv_text([1, None, 0.5]) == "1,,0.5\n" and csv_text() == ""
