"""A body as shapes for a picture: where MuJoCo itself has it, and coloured by its muscles."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.errors import Refused
from myoprosthesis.effectors.body_shapes import BodyShapes


def body_of(name: str):
    return registry.factory("effectors", name)(registry.options("effectors", name)())


@pytest.fixture(scope="module", params=["arm26", "myohand", "myolegs"])
def moved(request, moved_body):
    return moved_body(request.param)


def test_parts_and_tendons_are_where_the_simulation_has_them(moved):
    body, _, shapes = moved
    packed, n, k = shapes.packed(), len(shapes.description["tendons"]), 7 * shapes.description["parts"]
    # couplings of joints are soft in the simulation, and exact in the picture
    apart = np.abs(packed[:k].reshape(-1, 7)[:, :3] - body.data.xpos[shapes._parts]).max()
    assert apart < 5e-3
    counts = packed[k + n : k + 2 * n].astype(int)
    assert packed.size == k + 2 * n + 3 * counts.sum()
    points = packed[k + 2 * n :].reshape(-1, 3)
    lengths = [
        np.nansum(np.linalg.norm(np.diff(part, axis=0), axis=1))
        for part in np.split(points, np.cumsum(counts)[:-1])
        if len(part)
    ]
    # a path over a surface is drawn as a chord: it is never longer
    paths = shapes.data.ten_length[np.flatnonzero(shapes.data.ten_wrapnum)]
    assert all(0.7 * length <= drawn <= length + 1e-4 for drawn, length in zip(lengths, paths, strict=True))


def test_tendons_have_the_activation_of_their_muscles(moved):
    body, state, shapes = moved
    names, k = shapes.description["tendons"], 7 * shapes.description["parts"]
    drawn = dict(zip(names, shapes.packed()[k : k + len(names)].tolist(), strict=True))
    by_muscle = {
        body.model.tendon(int(body.model.actuator_trnid[a, 0])).name: x
        for a, x in zip(body.actuation.muscles, state.activation, strict=True)
    }
    assert {t: x for t, x in drawn.items() if x >= 0} == pytest.approx(by_muscle, abs=1e-6)


def test_bellies_without_a_path_belong_to_their_muscles():
    description = BodyShapes(body_of("arm26")).description
    named = [[description["tendons"][k] for k in s["muscles"]] for s in description["shapes"] if s["muscles"]]
    assert sorted(named) == [["biceps"], ["brachioradialis"], ["triceps_lateral", "triceps_long"]]


def test_the_meshes_of_the_largest_bodies_are_small():
    import json
    import zlib

    for name in ("myoarm", "myolegs"):
        shapes = BodyShapes(body_of(name))
        assert len(zlib.compress(shapes.meshes)) + len(json.dumps(shapes.description)) < 1_000_000
        ends = [m["at"] + 12 * m["vertices"] + 6 * m["triangles"] for m in shapes.description["meshes"]]
        assert max(ends) <= len(shapes.meshes) and all(m["at"] % 4 == 0 for m in shapes.description["meshes"])


def test_a_state_that_is_not_finite_leaves_the_body_and_one_of_another_body_is_refused(moved):
    body, state, shapes = moved
    before = shapes.packed()
    broken = state.table[0].copy()
    broken[0] = np.nan
    assert not shapes.place(body.spec.channels, broken)
    assert np.array_equal(shapes.packed(), before, equal_nan=True)
    with pytest.raises(Refused, match="is drawn from"):
        shapes.place(("nothing",), np.zeros(1))
    shapes.place(body.spec.channels, state.table[0].copy())


def test_the_body_itself_is_not_moved():
    body = body_of("arm26")
    body.reset(0)
    before = body.get_state()
    shapes = BodyShapes(body)
    shapes.place(body.spec.channels, np.zeros(len(body.spec.channels)))
    assert np.array_equal(body.get_state(), before) and isinstance(shapes.data, mujoco.MjData)


def test_a_part_of_a_body_that_walks_is_followed_and_of_one_that_is_fastened_none():
    """The root of the legs has no shape of its own: what hangs on it has."""
    legs, arm = (BodyShapes(body_of(name)) for name in ("myolegs", "arm26"))
    part = legs.description["follow"]
    assert 0 <= part < legs.description["parts"] and arm.description["follow"] == -1
    state = dict(zip(legs.body.spec.channels, legs.body.reset(0).table[0], strict=True))
    places = []
    for x in (0.0, 7.0):
        row = np.array(list({**state, "root/x": x}.values()))
        assert legs.place(legs.body.spec.channels, row)
        places.append(legs.packed()[7 * part])
    assert places[1] - places[0] == pytest.approx(7.0, abs=1e-4)
