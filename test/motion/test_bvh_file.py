"""BVH files of several makers' skeletons: the model's legs point where the file's do, whatever its rest and names."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.motion.body_angles import postures
from myoprosthesis.motion.bvh_file import LEG_M
from myoprosthesis.motion.formats import read
from myoprosthesis.motion.legs import Legs

N, STEP = 60, 0.02
CMU = {"{}Hip": 0, "{}Knee": 1, "{}Ankle": 2}
MIXAMO = {"mixamorig:{}UpLeg": 0, "mixamorig:{}Leg": 1, "mixamorig:{}Foot": 2}
BLENDER = {"UpperLeg_{}": 0, "LowerLeg_{}": 1, "Foot_{}": 2}


def about(axis, degrees):
    i, j, a = (axis + 1) % 3, (axis + 2) % 3, np.radians(degrees)
    out = np.eye(3)
    out[i, i] = out[j, j] = np.cos(a)
    out[j, i], out[i, j] = np.sin(a), -np.sin(a)
    return out


def legs_of(t):
    """Rotations of hips, thighs and shanks in axes ahead, up and right, and where the hips are (m), at a time."""
    pelvis = about(1, 10 * np.sin(5 * t)) @ about(2, 4 * np.cos(5 * t))
    thighs = [pelvis @ about(2, s * 25 * np.sin(6 * t)) @ about(0, 6 * np.cos(3 * t)) @ about(1, 8) for s in (1, -1)]
    shanks = [thigh @ about(2, -30 - s * 25 * np.sin(6 * t + 1)) for thigh, s in zip(thighs, (1, -1), strict=True)]
    return pelvis, thighs, shanks, np.array([1.2 * t, 0.9 + 0.01 * np.sin(t), 0.0])


def euler(turn, order):
    """Degrees about the axes of `order` ("ZYX" or "ZXY"), each about those that the ones before have turned."""
    if order == "ZXY":
        angles = np.arctan2(-turn[0, 1], turn[1, 1]), np.arcsin(turn[2, 1]), np.arctan2(-turn[2, 0], turn[2, 2])
    else:
        angles = np.arctan2(turn[1, 0], turn[0, 0]), np.arcsin(-turn[2, 0]), np.arctan2(turn[2, 1], turn[2, 2])
    return np.degrees(angles)


def bvh(names=CMU, words=("Right", "Left"), spread=0.0, order="ZYX", up="y", scale=17.7):
    """A file of `legs_of`, whose thighs and shanks stand `spread` (deg) apart at rest."""
    # columns: ahead, up and right in the axes of the file
    axes = np.array({"y": [[0, 0, -1], [0, 1, 0], [1, 0, 0]], "z": [[1, 0, 0], [0, 0, -1], [0, 1, 0]]}[up], float)
    rests = [about(0, -spread), about(0, spread)]
    channels = " ".join(f"{axis}rotation" for axis in order)
    head = f"HIERARCHY\nROOT Hips\n{{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition {channels}\n"
    offsets = []
    for side, rest in zip((1.0, -1.0), rests, strict=True):
        down = rest @ np.array([0.0, -1.0, 0.0])
        offsets.append([axes @ v * scale for v in (
            np.array([0.0, -0.08, 0.08 * side]), 0.42 * down, 0.40 * down, np.array([0.12, -0.05, 0.0])
        )])  # fmt: skip
    for word, side in zip(words, offsets, strict=True):
        for name, offset in zip(names, side[:3], strict=True):
            head += (
                f"JOINT {name.format(word)}\n{{\nOFFSET {' '.join(f'{x:.6f}' for x in offset)}\nCHANNELS 3 {channels}\n"
            )
        head += f"End Site\n{{\nOFFSET {' '.join(f'{x:.6f}' for x in side[3])}\n}}\n" + "}\n" * 3
    rows = []
    for k in range(N):
        pelvis, thighs, shanks, place = legs_of(k * STEP)
        hips = axes @ pelvis @ axes.T
        row = [*(axes @ place * scale), *euler(hips, order)]
        for rest, thigh, shank in zip(rests, thighs, shanks, strict=True):
            turns = [axes @ part @ rest.T @ axes.T for part in (thigh, shank)]
            foot = axes @ shank @ about(2, 10) @ axes.T
            for above, turn in zip((hips, *turns), (*turns, foot), strict=True):
                row += [*euler(above.T @ turn, order)]
        rows.append(" ".join(f"{x:.6f}" for x in row))
    return head + "}\nMOTION\nFrames: " + f"{N}\nFrame Time: {STEP}\n" + "\n".join(rows) + "\n"


def written(path, text):
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def legs():
    return Legs()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"spread": 20.0},
        {"names": MIXAMO, "order": "ZXY", "scale": 100.0},
        {"names": BLENDER, "words": ("R", "L"), "up": "z", "spread": 8.0, "scale": 1.0},
    ],
)
def test_the_models_legs_point_where_those_of_the_file_do(tmp_path, legs, options):
    recording = read(written(tmp_path / "walk.bvh", bvh(**options)))
    assert recording.degrees is True and recording.time_s[1] == pytest.approx(STEP)
    values, remarks = postures(recording)
    model, data = legs.model, mujoco.MjData(legs.model)
    world = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    for k in range(0, N, 7):
        data.qpos[:] = legs.qpos(values[k])
        mujoco.mj_kinematics(model, data)
        _, thighs, shanks, _ = legs_of(k * STEP)
        for side, thigh, shank in zip("rl", thighs, shanks, strict=True):
            for one, other, turn in (("femur", "tibia", thigh), ("tibia", "talus", shank)):
                own = data.xpos[model.body(f"{other}_{side}").id] - data.xpos[model.body(f"{one}_{side}").id]
                wanted = world @ turn @ np.array([0.0, -1.0, 0.0])
                assert np.degrees(np.arccos(own @ wanted / np.linalg.norm(own))) < 5.5, (side, one, k)
    assert recording.columns["ankle_angle_l"] == pytest.approx(10.0, abs=0.02)
    speed = (values[-1, 0] - values[0, 0]) / (recording.time_s[-1] - recording.time_s[0])
    assert speed == pytest.approx(1.2 * LEG_M / 0.82, rel=0.02)
    assert "lengths in a BVH file have no unit" in recording.remarks[0] and not any("sign" in r for r in remarks)


def test_angles_are_those_of_opensims_hip(tmp_path):
    recording = read(written(tmp_path / "walk.bvh", bvh(spread=15.0)))
    t = recording.time_s
    for side, s in (("r", 1.0), ("l", -1.0)):
        np.testing.assert_allclose(recording.columns[f"hip_flexion_{side}"], s * 25 * np.sin(6 * t), atol=1e-3)
        np.testing.assert_allclose(recording.columns[f"hip_adduction_{side}"], s * 6 * np.cos(3 * t), atol=1e-3)
        np.testing.assert_allclose(recording.columns[f"hip_rotation_{side}"], s * 8.0, atol=1e-3)
        np.testing.assert_allclose(
            recording.columns[f"knee_angle_{side}"], 30 + s * 25 * np.sin(6 * t + 1), atol=1e-3
        )  # fmt: skip


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda text: text.replace("RightKnee", "Knee2"), "none of its joints is known as the right shank .RightLeg, "),
        (lambda text: text.replace("Frames: 60", "Frames: 61"), "it says 61 frames of 24 numbers, and 1440 numbers"),
        (lambda text: text.replace("Frame Time: 0.02", "Frame Time: 0"), "60 frames with 0 s between them"),
        (lambda text: text.partition("MOTION")[0], "no Frames: and Frame Time:"),
        (lambda text: text.replace("Zrotation", "Wrotation", 1), "a channel 'Wrotation'"),
        (lambda text: text.replace("{", "", 1), "cannot be read|no HIERARCHY"),
        (lambda text: "", "no HIERARCHY"),
        (
            lambda text: text.replace("OFFSET 0 0 0", "OFFSET 0 0 zero"),
            "its skeleton cannot be read, near joint 'Hips'",
        ),
    ],
)
def test_what_is_no_skeleton_of_two_legs_is_refused(tmp_path, change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read(written(tmp_path / "walk.bvh", change(bvh())))
