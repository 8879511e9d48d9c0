"""A recording in the Rerun viewer: the body with its muscles and targets, beside joints and activations.

`python examples/08_rerun.py recordings/mine` opens the viewer; with a second argument, FILE.rrd, it writes that file,
which `rerun FILE.rrd` opens. Without a recording it makes a short one. Needs `pip install rerun-sdk`.
"""

import subprocess
import sys
import tempfile

import numpy as np

from myoprosthesis.core.nanoseconds import NS, ns
from myoprosthesis.effectors.body_shapes import BodyShapes, drawn_as
from myoprosthesis.films import recorded_motion
from myoprosthesis.films.placed_body import body_of
from myoprosthesis.recording.bag import Bag

try:
    import rerun as rr
    import rerun.blueprint as rrb
except ImportError:
    sys.exit(print("skipped: rerun-sdk is not installed (pip install rerun-sdk)"))

FPS, PULLED, SLACK, TARGET = 30, np.array([216, 38, 26]), np.array([90, 115, 190]), (25, 153, 77)


def record(folder):
    """Four reaches in simulated time."""
    words = ["up", "reach", "--lockstep", "--trials", "4", "--seed", "11", "--record", folder, "--quiet"]
    subprocess.run(["myoprosthesis", *words], check=True, capture_output=True)


def log_shapes(shapes):
    """The shapes of the body, once; each moves by the transform of its entity."""
    for k, shape in enumerate(shapes.description["shapes"]):
        a, b, c = shape["size"]
        colour = [int(255 * x) for x in shape["colour"]]
        if shape["kind"] == "mesh":
            mesh = shapes.description["meshes"][shape["mesh"]]
            n, m = mesh["vertices"], mesh["triangles"]
            vertices = np.frombuffer(shapes.meshes, "<f4", 3 * n, mesh["at"]).reshape(n, 3)
            triangles = np.frombuffer(shapes.meshes, "<u2", 3 * m, mesh["at"] + 12 * n).reshape(m, 3)
            corners = vertices[triangles]
            sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            normals = np.zeros((n, 3))
            np.add.at(normals, triangles, sides[:, None])
            normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
            faces = {"triangle_indices": triangles, "vertex_normals": normals, "albedo_factor": colour}
            solid = rr.Mesh3D(vertex_positions=vertices, **faces)
        elif shape["kind"] == "capsule":  # it begins at the origin of its entity
            ends = {"lengths": [2 * b], "radii": [a], "translations": [[0, 0, -b]]}
            solid = rr.Capsules3D(**ends, colors=[colour], fill_mode="solid")
        elif shape["kind"] == "cylinder":
            solid = rr.Cylinders3D(lengths=[2 * b], radii=[a], colors=[colour], fill_mode="solid")
        elif shape["kind"] == "box":
            solid = rr.Boxes3D(half_sizes=[[a, b, c]], colors=[colour], fill_mode="solid")
        else:
            half = [a, b, c] if shape["kind"] == "ellipsoid" else [a, a, a]
            solid = rr.Ellipsoids3D(half_sizes=[half], colors=[colour], fill_mode="solid")
        rr.log(f"world/body/{k}", solid, static=True)


def log_moment(shapes, motion, now):
    """The body, its muscles and its targets at one instant, ns."""
    row = motion.positions[motion.row(now)]
    rr.set_time("time", duration=(now - int(motion.stamps_ns[0])) / NS)
    if not shapes.place(motion.channels, row):
        return
    for k, (x, y, z, qw, qx, qy, qz) in enumerate(shapes.solids()):
        rr.log(f"world/body/{k}", rr.Transform3D(translation=[x, y, z], quaternion=[qx, qy, qz, qw]))
    n, size = len(shapes.description["tendons"]), shapes.description["radius"]
    packed = shapes.packed()[7 * shapes.description["parts"] :]
    activation, points = packed[:n], packed[2 * n :].reshape(-1, 3)
    ends = np.cumsum(packed[n : 2 * n].astype(int))[:-1]
    strips = [p[np.isfinite(p).all(axis=1)] for p in np.split(points, ends)] if n else []
    seen = np.sqrt(np.maximum(activation, 0.0))
    colours = (SLACK + seen[:, None] * (PULLED - SLACK)).astype(np.uint8)
    rr.log("world/muscles", rr.LineStrips3D(strips, colors=colours, radii=size * (0.004 + 0.012 * seen)))
    places = [p for p in motion.targets(now).values() if np.isfinite(p).all()]
    rr.log("world/target", rr.Points3D(places, radii=0.03 * size, colors=[TARGET] * len(places)))


def log_curves(spec, motion):
    """Joints and activations, every state."""
    times = [rr.TimeColumn("time", duration=(motion.stamps_ns - motion.stamps_ns[0]) / NS)]
    wanted = {"joints": spec.groups["joints"], "activation": [f"{m}/activation" for m in spec.muscles]}
    for title, names in wanted.items():
        columns = [motion.channels.index(name) for name in names if name in motion.channels]
        if columns:
            rr.log(title, rr.SeriesLines(names=[motion.channels[k] for k in columns]), static=True)
            values = motion.positions[:, columns]
            rows = rr.Scalars.columns(scalars=values.ravel()).partition([len(columns)] * len(values))
            rr.send_columns(title, times, rows)


def main(folder, file):
    """Send a recording to the viewer, or write it to `file`."""
    motion = recorded_motion.read(Bag(folder))
    shapes = BodyShapes(body_of(drawn_as(motion.effector), motion))
    curves = [rrb.TimeSeriesView(origin=title, name=title) for title in ("joints", "activation")]
    body = rrb.Spatial3DView(origin="world", name=motion.effector)
    layout = rrb.Blueprint(rrb.Horizontal(body, rrb.Vertical(*curves)), collapse_panels=True)
    rr.init("myoprosthesis", spawn=not file, default_blueprint=layout)
    if file:
        rr.save(file, default_blueprint=layout)
    rr.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    log_shapes(shapes)
    log_curves(shapes.body.spec, motion)
    pictures = range(int(motion.stamps_ns[0]), int(motion.stamps_ns[-1]) + 1, ns(1 / FPS))
    for now in pictures:
        log_moment(shapes, motion, now)
    solids, tendons = (len(shapes.description[kind]) for kind in ("shapes", "tendons"))
    print(f"{len(pictures)} pictures of {motion.effector}, {motion.seconds:.1f} s: {solids} shapes, {tendons} tendons")


if len(sys.argv) > 1:
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
else:
    with tempfile.TemporaryDirectory() as made:
        record(made)
        main(made, "reach.rrd")
