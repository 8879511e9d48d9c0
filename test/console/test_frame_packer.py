"""What a frame says of a state."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.console.frame_packer import HEAD, Curves, FramePacker, Sample
from myoprosthesis.console.status_view import as_plain
from myoprosthesis.core import registry
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.effectors.body_shapes import BodyShapes


@pytest.fixture
def arm():
    body = registry.factory("effectors", "arm26")(registry.options("effectors", "arm26")())
    return body.spec, body.reset(0).table


def unpacked(frame: bytes) -> tuple[tuple[int, int, int, float], np.ndarray]:
    return HEAD.unpack_from(frame), np.frombuffer(frame, "<f4", offset=HEAD.size)


def test_a_frame_has_target_endpoint_load_and_a_value_for_each_curve(arm):
    spec, table = arm
    names = spec.channels
    table[2, names.index("endpoint/y")] = -3.0
    packer = FramePacker(spec, None, [Curves("envelope", "", "1", ("a", "b")), Curves("none", "", "1", ())])
    place = table[0, [names.index(f"endpoint/{axis}") for axis in "xyz"]]
    state = JointStateFrame(1_500_000_000, names, *table)
    (kind, layout, number, now), values = unpacked(packer.pack(state, Sample({"endpoint": place + [0.03, 0.04, 0.0]})))
    assert (kind, layout, number, now) == (1, packer.layout, 1, 1.5) and [c.key for c in packer.curves] == [
        "error",
        "activation",
        "joints",
        "envelope",
    ]
    assert values[:3] == pytest.approx(place) and values[3:6].tolist() == [0.0, -3.0, 0.0]
    assert values[6:9] == pytest.approx(place + [0.03, 0.04, 0.0])
    assert values[9] == pytest.approx(50.0)  # mm
    assert values[16:18] == pytest.approx(table[0, :2]) and np.isnan(values[18:]).all() and values.size == 20
    (*_, number, _), values = unpacked(packer.pack(state, Sample({}, {"envelope": np.array([1.0, 2.0])})))
    assert number == 2 and np.isnan(values[6:9]).all() and np.isnan(values[9]) and values[18:].tolist() == [1.0, 2.0]


def test_targets_of_other_parts_change_the_layout_and_have_a_distance_each(arm):
    spec, table = arm
    names = (*spec.channels, *(f"ball{k}/{axis}" for k in (1, 2) for axis in "xyz"))
    balls = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    state = JointStateFrame(0, names, *np.concatenate([table, [balls, 0 * balls, 0 * balls]], axis=1))
    packer, other = FramePacker(spec, None), FramePacker(spec, None)
    before = packer.layout
    assert before != other.layout, "no two share one"
    asked = {"ball1": balls[:3] + [0.0, 0.003, 0.004], "ball2": np.full(3, np.nan)}
    (_, layout, *_), values = unpacked(packer.pack(state, Sample(asked)))
    assert layout == packer.layout != before and packer.parts == ("ball1", "ball2")
    assert packer.curves[0].names == ("ball1", "ball2")
    assert values[6:9] == pytest.approx(asked["ball1"]) and np.isnan(values[9:12]).all()
    assert values[12] == pytest.approx(5.0, abs=1e-4) and np.isnan(values[13])
    (_, between, *_), values = unpacked(packer.pack(state, Sample()))
    assert between == layout and np.isnan(values[6:14]).all(), "between trials it stays"
    assert unpacked(packer.pack(state, Sample({"endpoint": np.zeros(3)})))[0][1] not in (before, layout)


def test_joints_that_slide_have_curves_of_their_own_in_m():
    body = registry.factory("effectors", "myolegs")(registry.options("effectors", "myolegs")())
    spec, table = body.spec, body.reset(0).table
    packer = FramePacker(spec, None)
    by_title = {c.title: c for c in packer.curves}
    turning, sliding = by_title["joints"], by_title["joints that slide"]
    assert (turning.unit, sliding.unit) == ("rad", "m") and "knee_angle_translation1_r" in sliding.names
    assert not {*turning.names} & {*sliding.names} and "knee_angle_r" in turning.names
    _, values = unpacked(packer.pack(JointStateFrame(0, spec.channels, *table), Sample()))
    at = values.size - len(sliding.names)
    wanted = [table[0, spec.channels.index(name)] for name in (*turning.names, *sliding.names)]
    assert values[at - len(turning.names) :] == pytest.approx(wanted, abs=1e-6)


def made(name, **options):
    body = registry.factory("effectors", name)(registry.options("effectors", name)(**options))
    return body, BodyShapes(body)


def test_contacts_are_where_their_sensors_are_with_their_forces():
    names = ("r_foot", "l_toes")
    body, shapes = made("myolegs", contacts=names, keyframe="standing")
    table = body.reset(0).table
    channels = body.spec.channels
    table[2, [channels.index(n) for n in names]] = [420.0, 0.0]
    packer = FramePacker(body.spec, shapes)
    _, values = unpacked(packer.pack(JointStateFrame(0, channels, *table), Sample()))
    contacts = values[9:17].reshape(2, 4)
    assert contacts[:, 3].tolist() == [420.0, 0.0] and (np.abs(contacts[:, 2]) < 0.1).all(), "at the floor"
    right, left = contacts[:, 0:2]
    assert np.linalg.norm(right - left) > 0.1


def test_a_twin_is_drawn_beside_the_body_once_there_is_one():
    body, shapes = made("ability_hand_model")
    channels, n = body.spec.channels, 7 * shapes.description["parts"]
    here, there = body.reset(0).table, body.reset(0).table
    there[0, channels.index("index")] += 0.5
    packer = FramePacker(body.spec, shapes)
    state = JointStateFrame(0, channels, *here)
    alone = packer.pack(state, Sample())
    assert not packer.ghost
    before = packer.layout
    _, values = unpacked(packer.pack(state, Sample(twin=JointStateFrame(0, channels, *there))))
    assert packer.ghost and packer.layout != before
    own, ghost = values[-len(shapes.packed()) :][:n], values[-len(shapes.packed()) - n :][:n]
    assert np.abs(own - ghost).max() > 0.005 and np.isfinite(ghost).all()
    np.testing.assert_array_equal(own, unpacked(alone)[1][-len(shapes.packed()) :][:n], "the body stays where it is")
    for twin in (None, JointStateFrame(0, ("other",), np.zeros(1), np.zeros(1), np.zeros(1))):
        _, values = unpacked(packer.pack(state, Sample(twin=twin)))
        assert np.isnan(values[-len(shapes.packed()) - n :][:n]).all(), "no twin, or another body"


def test_extremes_are_all_lowest_values_before_all_highest_ones(arm):
    spec, table = arm
    packer = FramePacker(spec, None, [Curves("raw", "", "V", ("a", "b"), extremes=True)])
    state = JointStateFrame(0, spec.channels, *table)
    _, values = unpacked(packer.pack(state, Sample({}, {"raw": np.array([[-1.0, -2.0], [3.0, 4.0]])})))
    assert values[-4:].tolist() == [-1.0, -2.0, 3.0, 4.0]
    _, values = unpacked(packer.pack(state, Sample({}, {"raw": np.zeros((2, 3))})))
    assert np.isnan(values[-4:]).all()  # of other channels


def test_what_json_cannot_hold_is_null_and_texts_are_short():
    plain = as_plain({"a": float("nan"), "b": ["\x1b[31m" + "x" * 900, np.float64(2.0)], "c": {"d": None, "e": True}})
    assert plain["a"] is None and plain["c"] == {"d": None, "e": True} and plain["b"][1] == 2.0
    assert "\x1b" not in plain["b"][0] and len(plain["b"][0]) < 400
    assert len(as_plain(list(range(1000)))) == 64
