"""The section on trajectories draws the recorded paths, early and late in each block."""

import numpy as np

from myoprosthesis.report.accumulators import SHOWN
from myoprosthesis.report.section import Omitted
from myoprosthesis.report.sections import paths


def test_paths_are_those_that_were_recorded(session, made, short, movement):
    columns = paths.section(session).parts[0].columns
    trial, panel = np.array(columns["trial"]), np.array(columns["panel"])
    xy = np.column_stack([columns["x_m"], columns["y_m"]])
    trials = {t.trial: t for t in made(short)}
    for one in np.unique(trial):
        recorded = movement(trials[one], short)[0][:, :2]
        np.testing.assert_allclose(xy[trial == one][[0, -1]], recorded[[0, -1]], atol=1e-6)
        far = np.abs(recorded[:, None] - xy[trial == one]).sum(axis=2).min(axis=1)
        assert far.max() < 0.005
        kind = trials[one].kind
        assert set(panel[trial == one]) <= ({"early", "late"} if kind == "normal" else {kind})


def test_early_trials_come_before_late_ones_and_none_is_drawn_twice(session):
    columns = paths.section(session).parts[0].columns
    which = {t: (b, p) for t, b, p in zip(columns["trial"], columns["block"], columns["panel"], strict=True)}
    for block in (0, 1, 2):
        early = [t for t, key in which.items() if key == (block, "early")]
        late = [t for t, key in which.items() if key == (block, "late")]
        assert 0 < len(early) <= SHOWN and 0 < len(late) <= SHOWN and np.mean(early) < np.mean(late)
        assert not set(early) & set(late)


def test_what_is_counted_is_what_is_drawn(session, monkeypatch):
    whole = paths.section(session).parts[0]
    monkeypatch.setattr(paths, "MOST", 1)
    (part,) = paths.section(session).parts
    assert set(part.columns["block"]) == {0} and "The first 1 blocks are drawn" in part.caption
    early = [t for t, p in zip(part.columns["trial"], part.columns["panel"], strict=True) if p == "early"]
    assert f"{len(set(early))} early" in part.caption and part.caption[:200] != whole.caption[:200]


def test_without_a_recording_it_is_left_out(unrecorded):
    assert isinstance(paths.section(unrecorded).parts[0], Omitted)
