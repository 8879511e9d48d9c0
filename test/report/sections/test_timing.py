"""The section on timing says how long trials, pauses and ticks took by the clock of the recorder."""

import numpy as np
import pytest

from myoprosthesis.report.section import Omitted, SectionTable
from myoprosthesis.report.sections import timing


def test_trials_and_pauses_are_as_the_recorder_received_them(session):
    columns = timing.section(session).parts[-1].columns
    rows = np.array(session.recorded.timing)
    np.testing.assert_allclose(columns["wall_s"], rows[:, 2] - rows[:, 1])
    np.testing.assert_allclose(columns["between_s"][:-1], rows[1:, 1] - rows[:-1, 2])
    np.testing.assert_allclose(columns["between_s"][:-1], 0.0208, atol=0.001)  # 20 ms and a tick of 0.8 ms
    assert np.isnan(columns["between_s"][-1]) and (columns["samples"] == 100).all()
    np.testing.assert_allclose(columns["tick_median_ms"], 0.8, atol=0.05)


def test_the_table_has_the_percentiles_of_trials_and_what_nodes_said(session):
    measured, told = (p for p in timing.section(session).parts if isinstance(p, SectionTable))
    rows = {r[0]: r[1:] for r in measured.rows}
    spans = np.array([1e3 * (end - begin) for _, begin, end, *_ in session.recorded.timing])
    expected = [128, *np.percentile(spans, (50, 95, 99)), spans.max()]
    assert [float(x) for x in rows["a trial, first to last state"]] == pytest.approx(expected, abs=0.051)
    count, median, *_ = (float(x) for x in rows["time from state to state"])
    assert count == 128 * 99 and median == pytest.approx(0.8, rel=0.05)
    assert float(rows["from a state to the command that answers it"][1]) == pytest.approx(0.3, rel=0.05)
    assert told.rows[0][1:] == ("0.800", "1.200", "7.500") and "missed 2 of 12800 ticks" in told.caption


def test_without_a_recording_it_is_left_out(unrecorded):
    assert isinstance(timing.section(unrecorded).parts[0], Omitted)
