"""The section on directions draws means by direction, and what carries over to others."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.report.section import Omitted
from myoprosthesis.report.sections import directions


def test_means_by_direction_are_those_of_numpy(session):
    t = session.blocks[1].normal
    series = directions.by_direction("x", "adaptation", t)
    degrees = np.round(np.rad2deg(t.angle) % 360, 3) % 360
    assert series.degrees.tolist() == [45.0 * k for k in range(8)]
    for k, a in enumerate(series.degrees):
        own = t.lateral_deviation_mm[degrees == a]
        assert series.mean[k] == pytest.approx(own.mean()) and series.count[k] == len(own)
        assert series.low[k] < series.mean[k] < series.high[k]


def test_first_and_last_rounds_of_the_course_are_compared(session):
    columns = directions.section(session).parts[0].columns
    titles = list(dict.fromkeys(columns["series"]))
    assert [t.partition(" (n")[0] for t in titles] == [
        "end of baseline", "first in the field", "end in the field", "after-effect",
    ]  # fmt: skip
    first = session.blocks[1].normal.lateral_deviation_mm[:16]
    of = np.array(columns["series"]) == titles[1]
    assert titles[1].endswith("(n = 16)")
    assert np.average(columns["mean"][of], weights=columns["count"][of]) == pytest.approx(first.mean())


def test_a_direction_is_measured_from_the_nearest_trained_one():
    trained = np.deg2rad([0.0, 90.0, 350.0])
    apart = np.rad2deg(directions.nearest(np.deg2rad([10.0, 80.0, 340.0, 180.0, 355.0]), trained))
    np.testing.assert_allclose(np.abs(apart), [10, 10, 10, 90, 5], atol=1e-9)
    np.testing.assert_allclose(apart[:3], [10, -10, -10], atol=1e-9)


def test_generalisation_is_of_channel_trials_or_else_of_normal_ones_alone(session, unrecorded):
    """A movement that is held to its line tells nothing by its deviation."""

    def of(s):
        last = replace(s.blocks[-1], role="generalisation")
        parts = directions.section(replace(s, blocks=(*s.blocks[:-1], last))).parts
        return last, next(p for p in parts if getattr(p, "name", "") == f"generalisation_{last.index}")

    block, drawn = of(session)
    measured = [p.slope for p in session.recorded.profiles if p.trial in set(block.table.trial.tolist())]
    assert f"n = {len(measured)} channel trials" in drawn.caption
    assert list(drawn.columns["degrees_from_trained"]) == [0]
    assert list(drawn.columns["mean"]) == pytest.approx([np.mean(measured)])
    block, drawn = of(unrecorded)
    assert (block.table.kind == "channel").any() and f"n = {len(block.normal)} normal trials" in drawn.caption
    assert list(drawn.columns["mean"]) == pytest.approx([block.normal.lateral_deviation_mm.mean()])


def test_what_a_session_has_not_is_said(session):
    assert isinstance(directions.section(session).parts[-1], Omitted)
