"""Pictures show the body, filling them, and nothing of the room around it."""

import subprocess
import sys

import numpy as np
import pytest


def read(path):
    from matplotlib.image import imread

    return imread(path)[..., :3]


@pytest.mark.parametrize("effector", ["myolegs", "arm26"])
def test_the_body_fills_the_picture(effector, drawing, command, tmp_path):
    done = command("picture", effector, "--out", str(tmp_path / "p.png"), "--size", "90x90", env=drawing)
    assert done.returncode == 0, done.stderr
    body = (read(tmp_path / "p.png") < 1).any(axis=2)
    height, width = (np.ptp(np.flatnonzero(body.any(axis=k))) + 1 for k in (1, 0))
    assert max(height, width) > 45 and 0.01 < body.mean() < 0.6
    assert not body[:, [0, -1]].any() and not body[[0, -1]].any()


def test_postures_stand_beside_each_other_under_their_names(drawing, command, tmp_path):
    words = ("picture", "ability_hand_model", "--size", "80x80", "--out", str(tmp_path / "p.png"), "--pose")
    done = command(*words, "open", "power", env=drawing)
    assert done.returncode == 0, done.stderr
    image = read(tmp_path / "p.png")
    half = image.shape[1] // 2
    assert image.shape[0] > 80 and not np.array_equal(image[:, :half], image[:, half : 2 * half])
    done = command(*words, "fist", env=drawing)
    assert done.returncode == 2 and "unknown pose 'fist': known are" in done.stderr


WALKED = """
import mujoco, numpy as np
from myoprosthesis.core import registry
from myoprosthesis.effectors.body_picture import BodyPicture
model = registry.factory("effectors", "myolegs")(registry.options("effectors", "myolegs")(keyframe="standing")).model
data = mujoco.MjData(model)
mujoco.mj_resetDataKeyframe(model, data, 0)
images = []
with BodyPicture(model, 90, 90) as picture:
    for place in (0.0, 3.0):
        data.qpos[:2] = place, -place
        mujoco.mj_forward(model, data)
        images.append(picture.image(data).astype(int))
assert (images[0] != 255).sum() > 500
print((np.abs(images[1] - images[0]) > 30).any(axis=2).sum())
"""


def test_the_view_goes_along_with_legs_that_walk(drawing):
    done = subprocess.run([sys.executable, "-c", WALKED], env=drawing, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 40
