"""Numbers as people read them, and columns as files hold them."""

import math

import pytest

from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.report.section import bounded, code, columns_text, number, share


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (3.14159, 2, "3.14"), (-3.14159, 1, "−3.1"), (-0.004, 2, "0.00"), (0.0, 0, "0"),
        (None, 2, "–"), (math.nan, 2, "–"), (math.inf, 2, "–"),
    ],
)  # fmt: skip
def test_a_number_has_its_digits_a_true_minus_and_no_negative_zero(value, digits, text):
    assert number(value, digits) == text


def test_a_share_is_in_per_cent():
    assert [share(x) for x in (0.873, -0.2, 0.0, None, math.nan)] == ["87 %", "−20 %", "0 %", "–", "–"]


def test_an_interval_stands_with_its_bounds_unless_it_has_none():
    assert bounded(Interval(3.2, 2.9, 3.55)) == '3.20 <span class="bounds">[2.90, 3.55]</span>'
    percent = bounded(Interval(0.5, 0.25, 0.75), 3, percent=True)
    assert percent == '50\u202f% <span class="bounds">[25, 75]</span>'
    assert bounded(Interval(3.2, math.nan, math.nan), 1) == "3.2" and bounded(None) == "–"


def test_columns_are_rows_of_a_csv_with_nine_digits_and_empty_cells():
    columns = {"name": ["a", "b, c"], "n": [1, 2], "x": [1 / 3, math.nan], "right": [True, math.inf]}
    assert columns_text(columns) == 'name,n,x,right\na,1,0.333333333,True\n"b, c",2,,\n'
    with pytest.raises(ValueError):
        columns_text({"a": [1], "b": [1, 2]})


def test_code_is_text():
    assert code("<b> & c") == "<code>&lt;b&gt; &amp; c</code>"
