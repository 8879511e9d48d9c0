"""The body as markers: where the simulation has it, read by others, and only while somebody looks."""

from __future__ import annotations

import json
import re
from urllib.parse import urlparse
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
import yaml
from visualization_msgs.msg import Marker, MarkerArray

from myoprosthesis.core import registry, share
from myoprosthesis.hands import data_sheets
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.body_markers import LOAD_M, BodyMarkers, no_markers

pytestmark = pytest.mark.realtime

NS = "marked"
NOWHERE = np.full(3, np.nan)


@pytest.fixture
def made(moved_body, tmp_path):
    """By the name of an effector: its body, its shapes after a movement, and their markers."""

    def markers(name):
        body, _, shapes = moved_body(name)
        return body, shapes, BodyMarkers(shapes, body.spec.frame, tmp_path)

    return markers


def place_of(marker):
    p = marker.pose.position
    return np.array([p.x, p.y, p.z])


def corners_of(marker):
    """What a viewer draws of a solid, roughly: its middle, and the ends of its axes."""
    q, s = marker.pose.orientation, marker.scale
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, np.array([q.w, q.x, q.y, q.z]))
    return place_of(marker) + 0.5 * turn.reshape(3, 3).T * np.array([[s.x], [s.y], [s.z]])


@pytest.mark.parametrize("name", ["arm26", "myohand", "myolegs"])
def test_markers_stand_where_the_simulation_has_its_geoms(name, made):
    body, shapes, markers = made(name)
    model, data = body.model, shapes.data
    mujoco.mj_forward(model, data)
    out = markers.at(3_000_000_007, [], NOWHERE, NOWHERE).markers
    solids = [m for m in out if m.ns == "body"]
    assert len({(m.ns, m.id) for m in out}) == len(out)
    assert all((m.header.stamp.sec, m.header.stamp.nanosec) == (3, 7) for m in out)
    assert all(m.header.frame_id == body.spec.frame for m in out)
    whole = [m for m in solids if m.type == Marker.MESH_RESOURCE]
    geoms = np.array([data.geom_xpos[g] for g in range(model.ngeom)])
    for marker in whole:  # a mesh stands where its geom does
        assert np.abs(geoms - place_of(marker)).max(axis=1).min() < 1e-5
    ends = np.concatenate([corners_of(m) for m in solids if m.type == Marker.CYLINDER] or [np.zeros((0, 3))])
    for point in ends.reshape(-1, 3):  # a cylinder's axes are those of a geom
        assert np.linalg.norm(geoms - point, axis=1).min() < model.geom_size[:, :2].sum(axis=1).max() + 1e-6
    muscles = [m for m in out if m.ns == "muscles"]
    assert len(muscles) == len(shapes.description["tendons"])
    wraps = data.wrap_xpos.reshape(-1, 3)
    for marker in muscles:
        assert len(marker.points) % 2 == 0
        for p in marker.points:
            assert np.linalg.norm(wraps - [p.x, p.y, p.z], axis=1).min() < 1e-5


def test_a_muscle_is_redder_and_thicker_the_more_it_is_active(made):
    body, shapes, markers = made("arm26")
    row = np.zeros(len(body.spec.channels))
    seen = []
    for activation in (0.0, 1.0):
        for name in body.spec.muscles:
            row[body.spec.channels.index(f"{name}/activation")] = activation
        shapes.place(body.spec.channels, row)
        (marker, *_) = [m for m in markers.at(0, [], NOWHERE, NOWHERE).markers if m.ns == "muscles"]
        seen.append((marker.color.r, marker.scale.x))
    assert seen[1][0] > seen[0][0] + 0.3 and seen[1][1] > 2 * seen[0][1]


def test_a_mesh_is_a_file_that_another_program_reads(made):
    body, shapes, markers = made("myohand")
    marker = next(m for m in markers.at(0, [], NOWHERE, NOWHERE).markers if m.type == Marker.MESH_RESOURCE)
    address = urlparse(marker.mesh_resource)
    spec = mujoco.MjSpec.from_string(
        f'<mujoco><asset><mesh name="m" file="{address.path}"/></asset>'
        '<worldbody><geom type="mesh" mesh="m"/></worldbody></mujoco>'
    )
    read = spec.compile()
    first = shapes.description["meshes"][0]
    assert address.scheme == "file" and read.mesh_facenum[0] == first["triangles"]


def test_what_is_not_there_is_taken_off_the_picture(made):
    _, _, markers = made("arm26")
    here, force = np.array([0.1, 0.2, 0.0]), np.array([3.0, -4.0, 0.0])

    def shown(*what):
        all_of = markers.at(0, *what).markers
        return *(m for m in all_of if m.ns == "target"), *(m for m in all_of if m.ns == "load")

    target, load = shown([here], here, force)
    assert (target.action, load.action) == (Marker.ADD, Marker.ADD)
    np.testing.assert_allclose(place_of(target), here)
    a, b = load.points
    np.testing.assert_allclose([b.x - a.x, b.y - a.y, b.z - a.z], LOAD_M * force, atol=1e-12)
    target, load = shown([NOWHERE], here, np.zeros(3))
    assert (target.action, load.action) == (Marker.DELETE, Marker.DELETE)
    first, second, _ = shown([NOWHERE, here], here, force)
    assert (first.action, second.action, first.id, second.id) == (Marker.DELETE, Marker.ADD, 0, 1)
    np.testing.assert_allclose(place_of(second), here)
    first, second, _ = shown([], here, force)
    assert (first.action, second.action) == (Marker.DELETE, Marker.DELETE), "between trials"
    assert no_markers().markers[0].action == Marker.DELETEALL


def test_a_viewer_sees_the_body_of_a_stack_move(start):
    stack = start(effector="arm26", perturbation="curl_cw", namespace=NS, markers=True)
    try:
        stack.ready()
        states = stack.probe.hear(topics.STATE, topics.reliable(2000))
        pictures = stack.probe.hear(topics.Topic("markers", MarkerArray, topics.reliable(5)))
        views = [stack.probe.hear(topic) for topic in (topics.JOINT_STATES, topics.ACTIVATION)]
        assert stack.until(lambda: len(pictures) > 10, 30.0), stack.words[-5:]
        drawn = lambda p: {(m.ns, m.id): m for m in p.markers}  # noqa: E731
        marks = ("load", 0), ("target", 0)
        shown = lambda p: all(m in p and p[m].action == Marker.ADD for m in marks)  # noqa: E731
        assert stack.until(lambda: shown(drawn(pictures[-1])), 30.0)
        newest = drawn(pictures[-1])
        body = lambda p: [place_of(m) for m in p.markers if m.ns == "body"]  # noqa: E731
        moved = lambda: np.ptp([body(p) for p in pictures if len(p.markers) > 1], axis=0).max()  # noqa: E731
        assert stack.until(lambda: moved() > 0.05, 30.0)
        stamp = newest["load", 0].header.stamp
        assert stack.until(lambda: any(s.header.stamp == stamp for s in states))
        state = next(s for s in states if s.header.stamp == stamp)
        begin = newest["load", 0].points[0]
        there = dict(zip(state.name, state.position, strict=True))
        assert (begin.x, begin.y) == (there["endpoint/x"], there["endpoint/y"])
        assert stack.until(lambda: all(views), 30.0)
        here = [(t.name, v[-1].name) for t, v in zip((topics.JOINT_STATES, topics.ACTIVATION), views, strict=True)]
        assert set(curves("reach")) == {f"/{topic}/{name}/position" for topic, names in here for name in names}
    finally:
        stack.close()


def test_the_layout_for_rviz_shows_the_topic_in_the_frame_of_the_bodies():
    manager = yaml.safe_load((share.root() / "config" / "layouts" / "body.rviz").read_text())["Visualization Manager"]
    (display,) = (d for d in manager["Displays"] if d["Class"].endswith("MarkerArray"))
    frames = {
        registry.factory("effectors", n)(registry.options("effectors", n)()).spec.frame for n in ("arm26", "myohand")
    }
    assert display["Topic"]["Value"] == "/markers" and frames == {manager["Global Options"]["Fixed Frame"]}


LAYOUTS = share.root() / "config" / "layouts"


def curves(layout):
    """What PlotJuggler's layout of a stack draws: /TOPIC/NAME/FIELD, as it names values of a JointState."""
    return [c.attrib["name"] for c in ElementTree.parse(LAYOUTS / f"{layout}.plotjuggler.xml").iter("curve")]


def test_the_layout_for_plotjuggler_draws_the_hand_and_the_emg_of_the_stack():
    recording = yaml.safe_load((share.root() / "config" / "recordings" / "libemg_myo" / "recording.yaml").read_text())
    emg = {f"/{topics.EMG_ENVELOPE.name}/{channel}/position" for channel in recording["channels"]}
    joints = {f"/{topics.JOINT_STATES.name}/{joint}/position" for joint in data_sheets.load("ability_hand").names}
    assert set(curves("emg_hand")) == emg | joints


@pytest.mark.parametrize("stack", ["body", "emg_hand"])
def test_the_layouts_for_foxglove_show_topics_that_there_are(stack):
    """Every panel is placed once, and every path begins with a topic of this package and a field of its message."""
    layout = json.loads((LAYOUTS / f"{stack}.foxglove.json").read_text())
    panels = layout["configById"]

    def placed(part):
        return [part] if isinstance(part, str) else placed(part["first"]) + placed(part["second"])

    assert sorted(placed(layout["layout"])) == sorted(panels)
    known = {f"/{t.name.lstrip('/')}": t.type for t in vars(topics).values() if isinstance(t, topics.Topic)}
    known["/markers"] = MarkerArray
    for panel in panels.values():
        for path in panel.get("paths", ()):
            topic, field, number = re.fullmatch(r"(.+?)[.](\w+)\[(\d+)\]", path["value"]).groups()
            assert hasattr(known[topic](), field) and int(number) < 8
        named = [panel.get("topicPath"), panel.get("topicToRender"), *panel.get("topics", ())]
        assert {n for n in named if n} <= set(known)
    assert panels["3D!body"]["followTf"] == "world" and panels["3D!body"]["topics"] == {"/markers": {"visible": True}}
