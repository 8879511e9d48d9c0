"""The section on lateral deviation draws every trial and the means of rounds."""

import numpy as np
import pytest

from myoprosthesis.report.sections import deviation


@pytest.fixture(scope="module")
def drawing(session):
    return deviation.section(session).parts[0]


def test_every_trial_is_drawn_as_the_table_has_it(drawing, session):
    assert np.array_equal(drawing.columns["lateral_deviation_mm"], session.table.lateral_deviation_mm)
    assert np.array_equal(drawing.columns["trial"], np.arange(128))
    counts = {k: int((session.table.kind == k).sum()) for k in ("normal", "catch", "channel")}
    assert f"n = {counts['normal']} normal, {counts['catch']} catch, {counts['channel']} channel" in drawing.caption


def test_means_of_rounds_are_over_the_normal_trials_of_each_eight(drawing, session):
    t, joined = session.table, drawing.more["rounds"]
    normal = t.kind == "normal"
    rounds = [(np.arange(len(t)) // 8 == k) & normal for k in range(len(t) // 8)]
    np.testing.assert_allclose(joined["mean_mm"], [t.lateral_deviation_mm[r].mean() for r in rounds])
    np.testing.assert_allclose(joined["trial"], [t.trial[r].mean() for r in rounds])
    assert joined["n"].tolist() == [r.sum() for r in rounds]
    assert (joined["low_mm"] <= joined["mean_mm"]).all() and (joined["mean_mm"] <= joined["high_mm"]).all()


def test_an_exponential_is_found_where_one_was_planted(session, short):
    fits = {b.name: f for b, f in deviation.curves(session)}
    assert set(fits) == {"adaptation", "washout"} and deviation.curved(fits["adaptation"])
    assert fits["adaptation"].tau.value == pytest.approx(short.tau, rel=0.35)
