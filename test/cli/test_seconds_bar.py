"""A bar over a length of time ends at its end."""

import io
import warnings

from myoprosthesis.cli.seconds_bar import SecondsBar


def test_steps_that_do_not_add_up_exactly_end_at_the_end_and_never_beyond():
    shown = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with SecondsBar(1.0, "rest", file=shown, mininterval=0.0) as bar:
            for k in range(1, 12):
                bar.advance_to(k * 0.1)
    assert shown.getvalue().rstrip().endswith("| 1.0/1.0 s") and bar.n == 1.0
