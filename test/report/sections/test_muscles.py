"""The section on muscles shows the mean of what was recorded, by block, target and muscle."""

import numpy as np
import pytest

from myoprosthesis.analysis.synergies import vaf_curve
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.report import accumulators
from myoprosthesis.report.recorded_movement import RecordedMovement
from myoprosthesis.report.section import Omitted
from myoprosthesis.report.sections import muscles


@pytest.fixture(scope="module")
def drawings(session):
    return {p.name: p for p in muscles.section(session).parts}


def test_activations_are_means_over_the_normal_trials_of_a_block_at_a_target(drawings, made, short):
    columns = {k: np.array(v) for k, v in drawings["muscle_activity"].columns.items()}
    for target in np.unique(columns["target"]):
        for block in (0, 1, 2):
            own = [t.known for t in made(short) if (t.block, t.target, t.kind) == (block, target, "normal")]
            here = (columns["target"] == target) & (columns["block"] == block)
            expected = 0.1 + 0.05 * np.arange(6) * (0.5 + np.mean(own))
            np.testing.assert_allclose(columns["activation"][here], expected, atol=1e-5)


def test_the_mean_is_over_the_samples_and_not_over_points_between_them(session):
    """An activation that jumps at its last sample weighs as one sample."""
    m = RecordedMovement(
        TrialPlan(40, 0, ns(1), (0, 0, 0), (0.1, 0, 0), ns(0.2)), np.arange(100) * 0.01 - 0.2, np.arange(100.0),
        np.zeros((100, 2)), np.zeros((100, 2)), np.zeros((100, 2)), np.append(np.zeros(99), 8.0)[:, None],
        np.zeros(0), np.zeros((0, 0)), np.zeros(0), np.zeros(0), 100,
    )  # fmt: skip
    chosen = accumulators.select(session.blocks)
    assert chosen.kind[40] == "normal"
    (mean,) = accumulators.gather([m], chosen, 0.8).active.values()
    assert mean.value == pytest.approx([0.1])


def test_the_synergies_account_for_what_the_analysis_says(drawings, session):
    columns = drawings["synergies"].columns
    own = [m.value for k, m in sorted(session.recorded.activity.items()) if k[0] == 1]
    np.testing.assert_allclose(columns["block_1"], vaf_curve(np.concatenate(own), most=5, seed=0))
    assert columns["block_1"][0] > 0.9 and columns["synergies"].tolist() == [1, 2, 3, 4, 5]


def test_without_a_recording_it_is_left_out(unrecorded):
    assert isinstance(muscles.section(unrecorded).parts[0], Omitted)
