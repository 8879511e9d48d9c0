"""What is kept of the movements is what was planted in them."""

import numpy as np
import pytest
import yaml

from myoprosthesis.report import accumulators, imposed_kinds, session_blocks, session_data, trial_table
from myoprosthesis.report.accumulators import Mean, durations
from myoprosthesis.report.report import read


@pytest.fixture(scope="module")
def everything(session_folder):
    table = trial_table.read(session_folder / "trials.csv").table
    found = session_blocks.blocks(table, {}, imposed_kinds.read(session_folder, table, {}, []))
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
    found = session_blocks.blocks(table, {}, imposed_kinds.read(folder, table, {}, []))
    chosen = accumulators.select(found)
    out = accumulators.gather(recording.movements(table.trial.tolist()), chosen, 0.8)
    known = {t.trial: t.known for t in made(p)}
    assert out.profiles and all(q.slope == pytest.approx(known[q.trial], abs=1e-6) for q in out.profiles)
    assert all(q.ideal.max() > 3 and q.ideal.min() > -1e-6 for q in out.profiles)


WINDOW = {"start_s": 0.3, "ramp_s": 0.2, "duration_s": 0.3}


def test_the_ideal_force_is_that_of_the_field_in_its_window(write, planted, movement, made, tmp_path):
    """The field rises from 0.1 s after go for 0.2 s and is off at 0.4 s; the other blocks are held against it."""
    p = planted(blocks=(("baseline", 16, 0.0), ("adaptation", 32, 1.0), ("washout", 16, 0.0)), window=WINDOW)
    found = {q.trial: q for q in read(write(tmp_path / "s", p, recorded=True)).recorded.profiles}
    channel = [t for t in made(p) if t.kind == "channel"]
    assert {t.block for t in channel} == {0, 1, 2} and found.keys() == {t.trial for t in channel}
    for t in channel:
        x, v, load = movement(t, p)
        after = np.arange(len(x)) * 0.01 - 0.2
        begun = after - 0.01  # the load of a state is that of the period before it, and so is what would cancel it
        acts = np.clip((begun + 0.005 - 0.1) / 0.2, 0, 1) * (begun < 0.4 - 1e-9)
        ahead = x[-1] / np.linalg.norm(x[-1])
        ideal, wall = 10 * acts * (v @ ahead), load @ np.array([ahead[1], -ahead[0], 0])
        q = found[t.trial]
        away = np.abs(after - 0.405) > 0.02  # between two samples, at its end, it is in between
        shown = np.interp(after[away], np.linspace(-0.1, 0.8, 101), q.ideal)
        np.testing.assert_allclose(shown, ideal[away], atol=0.06)
        if t.block != 1:  # the table has none
            i, f = ideal[after > -1e-9], wall[after > -1e-9]
            assert q.slope == pytest.approx(f @ i / (i @ i), abs=1e-3) and (t.block or not q.slope)


def test_a_block_with_a_load_at_the_joints_is_not_held_against_a_field(write, planted, tmp_path):
    """Neither its own nor that of another block."""
    p = planted(blocks=(("baseline", 16, 0.0), ("adaptation", 32, 1.0), ("washout", 16, 0.0)))
    folder = write(tmp_path / "s", p, recorded=True)
    text = yaml.safe_load((folder / "perturbation.yaml").read_text())
    for run in text["blocks"]:
        if run["first"] < 16 and not run["kinds"]:
            run["kinds"] = [{"kind": "joint_load", "joints": ["elbow"], "torque": 1.0}]
    (folder / "perturbation.yaml").write_text(yaml.safe_dump(text))
    slopes = {q.trial: q.slope for q in read(folder).recorded.profiles}
    assert all(np.isnan(s) == (trial < 16) for trial, s in slopes.items()) and min(slopes) < 16 < 48 < max(slopes)


def test_fields_that_the_folder_does_not_say_are_curl_fields_and_it_is_said(write, planted, tmp_path):
    folder = write(tmp_path / "s", planted(blocks=(("baseline", 16, 0.0), ("adaptation", 32, 1.0))), recorded=True)
    before = read(folder)
    (folder / "perturbation.yaml").unlink()
    after = read(folder)
    assert before.faults == ()
    assert after.faults == (
        "perturbation.yaml is not there: fields are taken as curl fields that act all through a trial.",
    )
    pairs = zip(before.recorded.profiles, after.recorded.profiles, strict=True)
    assert all(np.allclose(a.ideal, b.ideal) and a.slope == pytest.approx(b.slope) for a, b in pairs)
    (folder / "perturbation.yaml").write_text("blocks: [{kinds: [{kind: none_such}]}]")
    assert "perturbation.yaml cannot be read (" in read(folder).faults[0]


def test_early_and_late_hold_each_target_and_have_no_trial_in_common(everything):
    found, chosen, out = everything
    kinds = {t: k for b in found for t, k in zip(b.table.trial.tolist(), b.table.kind.tolist(), strict=True)}
    for b in found:
        early, late = ({t for t, p in chosen.phase.items() if p == (b.index, name)} for name in ("early", "late"))
        assert not early & late and max(early) < max(late)
        assert {chosen.place[t] for t in early} == set(range(8))
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
