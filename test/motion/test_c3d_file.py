"""C3D files with the angles of Plug-in Gait, written by py-c3d: signs, places, units, and what is refused."""

import io

import c3d
import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.motion.formats import read

RATE, N = 100.0, 80
ANGLES = [f"{side}{joint}Angles" for side in "LR" for joint in ("Pelvis", "Hip", "Knee", "Ankle")]
MARKERS = ["LASI", "RASI", "LPSI", "RPSI"]


def values(label):
    """Three numbers in each frame, other ones for each point."""
    t, first = np.arange(N) / RATE, float((ANGLES + MARKERS).index(label)) if label in ANGLES + MARKERS else 50.0
    return np.stack([10.0 + first + np.sin(t), 20.0 + first + np.cos(t), 30.0 + first - t], axis=1)


def file(path, points=None, units="mm", up="+Z", angle_units="deg", lost=()):
    """A C3D file of these points, each (n, 3); frames in `lost` are marked as invalid."""
    points = {label: values(label) for label in ANGLES} if points is None else points
    writer = c3d.Writer(point_rate=RATE, point_scale=-1.0)
    writer.set_point_labels(list(points))
    writer.set_screen_axis("+X", up)
    group = writer.point_group
    group.set_str("UNITS", "unit of places", units, len(units))
    group.add_str("ANGLE_UNITS", "unit of angles", angle_units, len(angle_units))
    for k in range(N):
        rows = np.zeros((len(points), 5), np.float32)
        rows[:, :3] = [p[k] for p in points.values()]
        rows[:, 3:] = -1.0 if k in lost else 0.0
        writer.add_frames([(rows, np.array([[]]))])
    with path.open("wb") as handle:
        writer.write(handle)
    return path


def walked(x_per_s, y_per_s, mm=1000.0):
    """Markers of somebody who goes this way (m/s) in the axes of the file."""
    t = np.arange(N)[:, None] / RATE
    centre = mm * (np.array([1.0, 2.0, 0.9]) + t * np.array([x_per_s, y_per_s, 0.0]))
    apart = mm * 0.1 * np.array([(1, 1, 0), (1, -1, 0), (-1, 1, 0), (-1, -1, 0)])
    return {m: centre + a for m, a in zip(MARKERS, apart, strict=True)}


def test_angles_have_opensims_names_and_signs(tmp_path):
    told = read(file(tmp_path / "walk.c3d"))
    assert told.degrees is True and len(told.time_s) == N
    np.testing.assert_allclose(told.time_s, np.arange(N) / RATE)
    wanted = {"pelvis_tilt": -values("LPelvisAngles")[:, 0], "pelvis_list": values("LPelvisAngles")[:, 1],
              "pelvis_rotation": -values("LPelvisAngles")[:, 2]}  # fmt: skip
    for side in "LR":
        hip = values(f"{side}HipAngles")
        wanted |= {f"hip_{n}_{side.lower()}": hip[:, k] for k, n in enumerate(("flexion", "adduction", "rotation"))}
        wanted[f"knee_angle_{side.lower()}"] = values(f"{side}KneeAngles")[:, 0]
        wanted[f"ankle_angle_{side.lower()}"] = values(f"{side}AnkleAngles")[:, 0]
    assert set(told.columns) == set(wanted)
    for name, column in wanted.items():
        np.testing.assert_allclose(told.columns[name], column, atol=1e-5)


def test_the_pelvis_by_the_right_side_is_the_same_pelvis(tmp_path):
    left = {label: values(label) for label in ANGLES if label != "RPelvisAngles"}
    right = {label: p for label, p in left.items() if label != "LPelvisAngles"}
    right["RPelvisAngles"] = left["LPelvisAngles"] * (1.0, -1.0, -1.0)
    for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation"):
        one, other = (read(file(tmp_path / "walk.c3d", p)).columns[name] for p in (left, right))
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("way", [(1.2, 0.0), (-1.2, 0.0), (0.0, 1.2), (-0.7, -0.9)])
def test_the_pelvis_goes_ahead_whichever_way_it_goes_in_the_room(tmp_path, way):
    points = {label: values(label) for label in ANGLES} | walked(*way)
    told = read(file(tmp_path / "walk.c3d", points)).columns
    steps = np.diff(told["pelvis_tx"]) * RATE
    np.testing.assert_allclose(steps, np.hypot(*way), atol=1e-3)
    np.testing.assert_allclose(told["pelvis_tz"], told["pelvis_tz"][0], atol=1e-4)
    np.testing.assert_allclose(told["pelvis_ty"], 0.9, atol=1e-5)


def test_metres_and_an_axis_y_that_is_up_are_read_as_the_file_says(tmp_path):
    points = {label: values(label) for label in ANGLES}
    points |= {m: p[:, [1, 2, 0]] for m, p in walked(1.0, 0.0, mm=1.0).items()}
    told = read(file(tmp_path / "walk.c3d", points, units="m", up="+Y")).columns
    np.testing.assert_allclose(told["pelvis_ty"], 0.9, atol=1e-5)
    np.testing.assert_allclose(np.diff(told["pelvis_tx"]) * RATE, 1.0, atol=1e-3)


def test_frames_that_are_marked_as_invalid_have_no_numbers_and_that_is_said(tmp_path):
    told = read(file(tmp_path / "walk.c3d", lost=[0, 1, 2, 79]))
    with pytest.raises(ConfigError, match=r"no number at 0 s; there are some from 0\.03 to 0\.78 s"):
        told.checked()
    told.within(0.03, 0.78).checked()


REFUSED = {
    "no angles": ({"points": walked(1.0, 0.0)}, "it has no LHipAngles, LKneeAngles"),
    "two persons": (
        {"points": {f"{who}:{label}": values(label) for who in ("ann", "ben") for label in ANGLES}}, "of two persons"
    ),
    "an unknown unit": (
        {"points": {label: values(label) for label in ANGLES} | walked(1.0, 0.0), "units": "in"}, "are in 'in'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("options, sentence", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused(tmp_path, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read(file(tmp_path / "walk.c3d", **options))


def test_a_subject_before_the_labels_is_left_out(tmp_path):
    told = read(file(tmp_path / "walk.c3d", {f"ann:{label}": values(label) for label in ANGLES}))
    assert "hip_flexion_r" in told.columns


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    path = file(tmp_path / "walk.c3d")
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(ConfigError, match=r"it is cut short: it says 80 frames, and \d\d are there"):
        read(path)


def test_damaged_files_are_refused(tmp_path):
    data = file(tmp_path / "walk.c3d").read_bytes()
    rng = np.random.default_rng(0)
    for k in range(60):
        damaged = bytearray(data[: rng.integers(0, len(data))] if k % 2 else data)
        for _ in range(rng.integers(1, 20)):
            if damaged:
                damaged[rng.integers(min(len(damaged), 2048))] = rng.integers(256)
        (tmp_path / "damaged.c3d").write_bytes(bytes(damaged))
        try:
            read(tmp_path / "damaged.c3d")
        except ConfigError as error:
            assert "damaged.c3d: " in str(error)
    assert io.BytesIO(data).read(2)[1] == 0x50  # what makes a file C3D
