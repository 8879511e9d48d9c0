"""What is kept of the movements is what was planted in them."""

import numpy as np
import pytest

from myoprosthesis.report import accumulators, session_blocks, session_data, trial_table
from myoprosthesis.report.accumulators import Mean, durations


@pytest.fixture(scope="module")
def everything(session_folder):
    table = trial_table.read(session_folder / "trials.csv").table
    found = session_blocks.blocks(table, {})
    chosen = accumulators.select(found)
    recording = session_data.recording(session_folder, [])
    return found, chosen, accumulators.gather(recording.movements(table.trial.tolist()), chosen, recording.duration_s)


def test_slopes_are_the_share_of_the_field_that_is_compensated(everything, made, planted):
    found = {p.trial: p for p in everything[2].profiles}
    known = {t.trial: t.known for t in made(planted()) if t.kind == "channel"}
    assert found.keys() == known.keys()
    for trial, p in found.items():  # also in blocks without a field: against the session's
        assert p.slope == pytest.approx(known[trial], abs=1e-6)
        assert p.ideal.max() == pytest.approx(10 * 0.375, rel=0.01) and p.force.min() > -1e-6


def test_the_mirror_field_gives_the_same_profiles(write, record, planted, made, tmp_path):
    p = planted(gain=-10.0, blocks=(("baseline", 16, 0.0), ("adaptation", 32, 1.0)))
    folder = write(tmp_path / "s", p, recorded=True)
    table = trial_table.read(folder / "trials.csv").table
    recording = session_data.recording(folder, [])
    chosen = accumulators.select(session_blocks.blocks(table, {}))
    out = accumulators.gather(recording.movements(table.trial.tolist()), chosen, 0.8)
    known = {t.trial: t.known for t in made(p)}
    assert out.profiles and all(q.slope == pytest.approx(known[q.trial], abs=1e-6) for q in out.profiles)
    assert all(q.ideal.max() > 3 and q.ideal.min() > -1e-6 for q in out.profiles)


def test_early_and_late_hold_each_target_and_have_no_trial_in_common(everything):
    found, chosen, out = everything
    kinds = {t: k for b in found for t, k in zip(b.table.trial.tolist(), b.table.kind.tolist(), strict=True)}
    for b in found:
        early, late = ({t for t, p in chosen.phase.items() if p == (b.index, name)} for name in ("early", "late"))
        assert not early & late and max(early) < max(late)
        assert {chosen.target[t] for t in early} == set(range(8))
        assert all(kinds[t] == "normal" for t in early | late)
    assert set(out.paths) == set(chosen.paths)
    assert all(p.shape == (accumulators.POINTS, 2) and p.dtype == np.float32 for p in out.paths.values())


def test_a_target_that_was_reached_once_is_early_and_not_late(write, planted, tmp_path):
    folder = write(tmp_path / "s", planted(blocks=(("baseline", 8, 0.0), ("adaptation", 16, 1.0)), special=False))
    chosen = accumulators.select(session_blocks.blocks(trial_table.read(folder / "trials.csv").table, {}))
    assert [p for _, p in sorted(chosen.phase.items())] == [(0, "early")] * 8 + [(1, "early")] * 8 + [(1, "late")] * 8


def test_mean_activation_and_hidden_states_by_block_and_target(everything, made, planted):
    _, _, out = everything
    own = [t.known for t in made(planted()) if (t.block, t.target, t.kind) == (1, 2, "normal")]
    mean = out.activity[(1, 2)]
    assert mean.n == len(own)
    np.testing.assert_allclose(mean.value[:, 3], 0.1 + 0.15 * (0.5 + np.mean(own)), rtol=1e-6)
    assert out.units == 10 and {k[:2] for k in out.hidden} == {(b, p) for b in range(3) for p in ("early", "late")}


def test_timing_is_that_of_the_recording(everything):
    out = everything[2]
    assert len(out.ticks) == 288 * 99 and out.ticks.percentile(50) == pytest.approx(8e-4, rel=0.06)
    assert len(out.answers) == 288 * 100 and out.answers.percentile(99) == pytest.approx(3e-4, rel=0.06)
    assert all(samples == expected == 100 for *_, samples, expected in out.timing)


def test_percentiles_of_a_histogram_are_right_to_its_bins():
    rng = np.random.default_rng(0)
    x = rng.lognormal(-6, 1, 20_000)
    d = durations()
    for part in np.array_split(x, 7):
        d.extend(part)
    for q in (1, 50, 99):
        assert d.percentile(q) == pytest.approx(np.percentile(x, q), rel=0.07)
    assert d.largest == x.max() and np.isnan(durations().percentile(50))


def test_a_mean_leaves_out_what_does_not_fit():
    m = Mean()
    for x in (np.ones((3, 2)), 3 * np.ones((3, 2)), np.zeros((3, 4))):
        m.add(x)
    assert m.n == 2 and (m.value == 2).all()
