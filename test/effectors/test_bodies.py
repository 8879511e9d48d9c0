import subprocess
import sys

import mujoco
import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.effectors import bodies
from myoprosthesis.effectors.bodies import BodyOptions

SIZES = {  # muscles, joints
    "arm26": (6, 2), "point_mass": (4, 2), "myoelbow": (6, 1), "myohand": (39, 23), "myoarm": (63, 38),
    "myolegs": (80, 35),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_the_shipped_bodies(name):
    spec = registry.factory("effectors", name)(BodyOptions()).spec
    assert (len(spec.muscles), len(spec.joints)) == SIZES[name]
    assert spec.command.names == spec.muscles and spec.command.quantity == "effort" and spec.command.unit == "1"
    assert (
        spec.name == name
        and spec.resettable
        and spec.pausable
        and spec.deterministic
        and spec.sites == ("endpoint", "joint", "muscle", *(("body",) if name == "myolegs" else ()))
    )
    assert spec.rate_limit is None and spec.fail == "relax"


def test_loading_says_nothing_and_leaves_nothing(tmp_path):
    code = (
        "from myoprosthesis.effectors.bodies import *;"
        "body = myohand(BodyOptions()); body.reset(0);"
        "from myoprosthesis.core.disturbance import NO_DISTURBANCE;"
        "import numpy; body.step(numpy.zeros(39), NO_DISTURBANCE)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "") and not list(tmp_path.iterdir())


PULLS = {"right": (1, 0), "up": (0, 1), "left": (-1, 0), "down": (0, -1)}


def excited(body, muscle, seconds=0.1):
    """State after a while with one muscle fully excited."""
    body.reset(0)
    command = [float(m == muscle) for m in body.spec.muscles]
    for _ in range(round(seconds / body.spec.dt)):
        state = body.step(np.array(command), NO_DISTURBANCE)
    return state


@pytest.mark.parametrize("muscle", PULLS)
def test_the_point_mass_goes_where_its_muscle_is_named_for(muscle):
    state = excited(bodies.point_mass(BodyOptions()), muscle)
    for moved, wanted in zip(state.joint_position, PULLS[muscle], strict=True):
        assert moved * wanted > 0.01 or wanted == 0 and abs(moved) < 1e-6


FLEXES = {  # shoulder, elbow: +1 flexes, −1 extends, 0 does not span
    "pectoralis": (1, 0), "deltoid": (-1, 0), "brachioradialis": (0, 1), "triceps_lateral": (0, -1), "biceps": (1, 1),
    "triceps_long": (-1, -1),
}  # fmt: skip


@pytest.mark.parametrize("muscle", FLEXES)
def test_the_muscles_of_the_arm_pull_as_in_anatomy(muscle):
    state = excited(bodies.arm26(BodyOptions()), muscle, 0.05)
    for effort, wanted in zip(state.joint_effort, FLEXES[muscle], strict=True):
        assert effort * wanted > 1.0 or wanted == 0 and abs(effort) < 0.2  # N·m; of passive muscles


def test_a_resting_arm_rests():
    body = bodies.arm26(BodyOptions())
    start = body.reset(0)
    for _ in range(200):
        state = body.step(np.zeros(6), NO_DISTURBANCE)
    assert abs(state.joint_position - start.joint_position).max() < 1e-3


@pytest.mark.parametrize("place", [0.0, 3.0, 40.0])
def test_legs_stand_on_the_same_ground_wherever_they_are(place):
    model = registry.factory("effectors", "myolegs")(BodyOptions(keyframe="standing")).model
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    data.qpos[0] = place
    mujoco.mj_step(model, data, 10)
    assert {model.geom(int(contact.geom1)).name for contact in data.contact} == {"terrain"}
    assert -0.01 < min(data.contact.dist) < 0.001
    assert 0.9 < data.qpos[2] < 0.96
