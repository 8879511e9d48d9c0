"""Reaches from a file."""

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.tasks import listed
from myoprosthesis.tasks.centre_out import CentreOutOptions


def test_reaches_go_through_a_file_unchanged(tmp_path):
    task = listed.Listed.centre_out(CentreOutOptions(distance=0.12345678901, go_s=0.25))
    reaches = [task(movement)[1] for movement in range(16)]
    listed.write(tmp_path / "r.csv", reaches)
    assert listed.read(tmp_path / "r.csv") == reaches
    task = listed.Listed(listed.ListedOptions(home=(0.1, 0.2), file=str(tmp_path / "r.csv")))
    planned = task.plan(3, 1000)
    assert planned.target == (0.1 + reaches[3].x, 0.2 + reaches[3].y, 0.0) and planned.go_ns == 1000 + ns(0.25)


@pytest.mark.parametrize("text", ["", "x,y\n", "x,y\n1,abc\n", "x,z\n1,2\n"])
def test_a_list_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"r\.csv"):
        listed.read(tmp_path / "r.csv")
    with pytest.raises(ConfigError, match="no.csv"):
        listed.read(tmp_path / "no.csv")
