"""The section on the learner draws its estimate and its loss as the table has them."""

from dataclasses import replace

import numpy as np

from myoprosthesis.report.section import Omitted
from myoprosthesis.report.sections import learner


def test_estimate_and_loss_are_those_of_the_table(session, made, short):
    drawing = learner.section(session).parts[0]
    np.testing.assert_allclose(drawing.columns["estimate_gain"], [10 * t.known for t in made(short)], rtol=1e-8)
    assert np.array_equal(drawing.columns["loss"], session.table.loss) and "n = 128" in drawing.caption
    field, estimate = drawing.figure.axes[0].lines[:2]
    assert field.get_ydata().tolist() == [0.0] * 32 + [10.0] * 64 + [0.0] * 32
    np.testing.assert_allclose(estimate.get_ydata(), session.table.estimate_gain)


def test_without_a_learner_it_is_left_out(session):
    nothing = np.full(len(session.table), np.nan)
    bare = replace(session, table=replace(session.table, estimate_gain=nothing, loss=nothing))
    assert isinstance(learner.section(bare).parts[0], Omitted)
    only_loss = replace(session, table=replace(session.table, estimate_gain=nothing))
    assert len(learner.section(only_loss).parts[0].figure.axes) == 1
