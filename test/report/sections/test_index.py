"""The section on the adaptation index draws the slopes of channel trials and the deviations of catch trials."""

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.report import figures
from myoprosthesis.report.section import Drawing, Omitted, SectionTable
from myoprosthesis.report.sections import index


@pytest.fixture(scope="module")
def drawings(session):
    return {p.name: p for p in index.section(session).parts if isinstance(p, Drawing)}


def test_slopes_are_what_was_planted_with_and_without_a_field(drawings, made, short):
    columns, known = drawings["adaptation_index"].columns, {t.trial: t.known for t in made(short)}
    channel = [t.trial for t in made(short) if t.kind == "channel"]
    assert columns["trial"].tolist() == channel
    np.testing.assert_allclose(columns["channel_slope"], [known[t] for t in channel], atol=1e-4)
    assert columns["block"] == [0 if t < 32 else 1 if t < 96 else 2 for t in channel]


def test_the_final_index_is_the_mean_of_the_last_half(session):
    _, y = index.slopes(session.blocks[1])
    assert len(y) == 7 and index.final_index(session.blocks[1]).value == pytest.approx(y[3:].mean())


def test_the_second_half_of_a_block_is_counted_in_its_trials(session):
    """Catch trials that come early in the block are not in its second half because they are the last of the catches."""
    block = session.blocks[1]
    kind, y = np.full(len(block.table), "normal"), np.full(len(block.table), 1.0)
    half = len(kind) // 2
    for i, value in ((2, -6.0), (half - 1, -4.0), (half, 2.0)):
        kind[i], y[i] = "catch", value
    table = replace(block.table, kind=kind, lateral_deviation_mm=y)
    one = replace(session, blocks=(replace(block, table=table),))
    assert figures.of(one)["blocks"][0]["after_effect_mm"] == 2.0
    rows = next(p for p in index.section(one).parts if isinstance(p, SectionTable)).rows
    assert rows[0][3] == "3" and rows[0][4].startswith("2.0") and rows[0][5] == "–"


def test_without_channel_trials_it_is_left_out(session, unrecorded):
    normal = [replace(b, table=b.table.of("normal")) for b in session.blocks]
    omitted = index.section(replace(unrecorded, blocks=tuple(normal))).parts
    assert any(isinstance(p, Omitted) and "no channel trials" in p.text for p in omitted)
    assert not any(isinstance(p, Drawing) and p.name == "adaptation_index" for p in omitted)
