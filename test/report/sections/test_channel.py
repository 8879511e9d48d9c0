"""The section on the channel's force draws means of the recorded forces, positive against the field."""

import numpy as np

from myoprosthesis.report.section import Omitted
from myoprosthesis.report.sections import channel


def test_a_panel_is_the_mean_of_the_force_that_was_planted(session, made, short, movement):
    shown = channel.panels(session, session.recorded.profiles)
    assert [p.title for p in shown] == [
        "baseline", "adaptation early", "adaptation mid", "adaptation late", "washout",
    ]  # fmt: skip
    own = [t for t in made(short) if t.kind == "channel" and t.name == "adaptation"]
    assert [p.n for p in shown[1:4]] == [len(g) for g in np.array_split(own, 3)] and sum(p.n for p in shown) == 13
    time = np.arange(100) * 0.01 - 0.2
    for panel, group in zip(shown[1:4], np.array_split(own, 3), strict=True):
        force = [np.linalg.norm(movement(t, short)[2], axis=1) for t in group]
        expected = np.interp(session.recorded.times, time, np.mean(force, axis=0))
        inside = session.recorded.times <= time[-1]
        np.testing.assert_allclose(panel.force[inside], expected[inside], atol=0.01)
        assert (panel.low <= panel.force + 1e-9).all() and (panel.force <= panel.high + 1e-9).all()
        known = np.mean([t.known for t in group])
        np.testing.assert_allclose(panel.force.max() / panel.ideal.max(), known, atol=0.02)
    assert shown[0].ideal is None and np.abs(shown[0].force).max() < 1e-6


def test_the_tables_hold_the_panels_and_every_slope(session):
    drawing = channel.section(session).parts[0]
    shown = channel.panels(session, session.recorded.profiles)
    assert np.array_equal(drawing.columns["adaptation_late_N"], shown[3].force)
    assert drawing.more["slopes"]["trial"] == [p.trial for p in session.recorded.profiles]


def test_without_a_recording_it_is_left_out(unrecorded):
    assert isinstance(channel.section(unrecorded).parts[0], Omitted)
