"""The section on the network's state projects the means of conditions onto the axes that they share."""

from dataclasses import replace

import numpy as np

from myoprosthesis.report.section import Drawing, Omitted
from myoprosthesis.report.sections import hidden


def test_the_variance_of_the_axes_is_that_of_numpy(session):
    drawn = {p.name: p for p in hidden.section(session).parts if isinstance(p, Drawing)}
    means = {k: m.value for k, m in session.recorded.hidden.items()}
    every = np.concatenate(list(means.values()))
    values = np.linalg.svd(every - every.mean(axis=0), compute_uv=False) ** 2
    columns = drawn["hidden_states"].columns
    for axis in (1, 2, 3):
        np.testing.assert_allclose(np.sum(columns[f"axis_{axis}"] ** 2), values[axis - 1], rtol=1e-6, atol=1e-9)
    assert len(columns["time_s"]) == len(every)


def test_the_distance_of_conditions_is_the_mean_over_targets_in_all_units(session):
    columns = next(p for p in hidden.section(session).parts if p.name == "hidden_distance").columns
    means = {k: m.value for k, m in session.recorded.hidden.items()}
    pairs = [(means[(1, "late", t)], means[(0, "late", t)]) for t in range(8)]
    apart = np.mean([np.linalg.norm(a - b, axis=1) for a, b in pairs], axis=0)
    np.testing.assert_allclose(columns["adaptation, late"], apart, rtol=1e-6, atol=1e-9)


def test_without_states_it_is_left_out(unrecorded):
    assert isinstance(hidden.section(unrecorded).parts[0], Omitted)


def test_a_network_that_learns_is_one_network_until_another_is_swapped_in(session):
    """Each trial has its own, as it was learned until then."""

    def named(b):
        return replace(b, table=replace(b.table, policy=np.array([f"own_{t:04d}" for t in b.table.trial])))

    blocks = [{"name": b.name} for b in session.blocks]
    learns = replace(
        session, blocks=tuple(map(named, session.blocks)), settings={"learner": {"rate": 1}, "blocks": blocks}
    )
    drawn = {p.name: p for p in hidden.section(learns).parts if isinstance(p, Drawing)}
    assert (
        set(drawn["hidden_states"].columns["block"]) == {0, 1, 2} and "Left out" not in drawn["hidden_states"].caption
    )
    blocks[2]["policy"] = "reach_cw"
    drawn = {p.name: p for p in hidden.section(learns).parts if isinstance(p, Drawing)}
    assert set(drawn["hidden_states"].columns["block"]) == {0, 1}
    fixed = replace(learns, settings={"blocks": blocks})  # swapped by hand: no two blocks have one
    drawn = {p.name: p for p in hidden.section(fixed).parts if isinstance(p, Drawing)}
    assert set(drawn["hidden_states"].columns["block"]) == {0}


def test_blocks_of_another_network_are_left_out_and_named(session):
    """Its units are others, however many they are."""
    last = session.blocks[-1]
    other = replace(last.table, policy=np.full(len(last.table), "reach_cw"))
    of_two = replace(session, blocks=(*session.blocks[:-1], replace(last, table=other)))
    drawn = {p.name: p for p in hidden.section(of_two).parts if isinstance(p, Drawing)}
    assert last.index not in set(drawn["hidden_states"].columns["block"])
    assert f"those of another network than reach_null: {last.name} (reach_cw)" in drawn["hidden_states"].caption
    assert not any(last.name in column for column in drawn["hidden_distance"].columns)
