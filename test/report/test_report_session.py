"""A session as the sections see it is what lies in its folder."""

import hashlib

import numpy as np

from myoprosthesis.report.report import read


def test_what_a_session_holds_is_what_was_written(session, short, made):
    trials = made(short)
    assert session.sha256 == hashlib.sha256((session.folder / "trials.csv").read_bytes()).hexdigest()
    assert session.settings["name"] == session.name == "planted" and session.provenance["seed"] == short.seed
    assert [(b.name, b.role, len(b.table), b.gain) for b in session.blocks] == [
        ("baseline", "baseline", 32, 0.0), ("adaptation", "adaptation", 64, 10.0), ("washout", "washout", 32, 0.0)
    ]  # fmt: skip
    np.testing.assert_allclose(session.table.lateral_deviation_mm, [t.deviation_mm for t in trials], rtol=1e-8)
    assert len(session.courses) == len(session.course_figures) == 1 and session.faults == ()
    assert [t[0] for t in session.recorded.timing] == [t.trial for t in trials]


def test_a_session_without_a_recording_has_none(write, planted, tmp_path):
    session = read(write(tmp_path / "s", planted(blocks=(("baseline", 16, 0.0),))), seed=4)
    assert session.recorded is None and session.courses == () and session.verdicts == () and session.seed == 4
