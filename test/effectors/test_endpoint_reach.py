"""How far an endpoint comes on slides; on hinges it is tested with the bodies that ship."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.effectors.bodies import point_mass
from myoprosthesis.effectors.endpoint_reach import endpoint_reach
from myoprosthesis.effectors.mujoco_body import BodyOptions

SLIDES = """<mujoco><worldbody><body><joint name="x" type="slide" axis="1 0 0" range="-.1 .5"/>
  <joint name="y" type="slide" axis="0 1 0" {limits}/><geom size=".1"/>{arm}</body></worldbody></mujoco>"""
FREE = mujoco.MjModel.from_xml_string(
    """<mujoco><worldbody><body><freejoint/><geom size=".1"/><site name="tip"/></body></worldbody></mujoco>"""
)
LIMITS, TIP = 'range="-.2 .2"', '<site name="tip" pos="0 .1 0"/>'
ARM = """<body pos=".1 0 0"><joint name="turn"/><geom size=".1"/><body pos="0 .3 0">
  <joint name="out" type="slide" axis="0 1 0" range="0 .2"/><geom size=".1"/>
  <site name="tip" pos="0 .1 0"/></body></body>"""


@pytest.mark.parametrize("arm", [TIP, ARM])
def test_slides_with_limits_are_within_the_reach(arm):
    """No posture is beyond it, nor with limits passed by a tenth of a travel; it is no more than 1.3 times as far."""
    model = mujoco.MjModel.from_xml_string(SLIDES.format(limits=LIMITS, arm=arm))
    data, rng, farthest = mujoco.MjData(model), np.random.default_rng(0), 0.0
    *centre, most = endpoint_reach(model, model.site("tip").id)
    slides = model.jnt_type == mujoco.mjtJoint.mjJNT_SLIDE
    low, high = np.where(slides, model.jnt_range.T, [[-np.pi], [np.pi]])
    for _ in range(2000):
        corner = rng.choice([-0.1, 1.1], model.nq)
        data.qpos[:] = np.where(slides, low + corner * (high - low), rng.uniform(low, high))
        mujoco.mj_kinematics(model, data)
        farthest = max(farthest, float(np.linalg.norm(data.site_xpos[model.site("tip").id] - centre)))
    assert most / 1.3 < farthest <= most + 1e-9


def test_the_reach_of_a_body_that_slides_without_limits_or_floats_is_not_known():
    assert point_mass(BodyOptions()).spec.reach == () and endpoint_reach(FREE, 0) == ()
    for arm in (TIP, ARM):
        model = mujoco.MjModel.from_xml_string(SLIDES.format(limits="", arm=arm))
        assert endpoint_reach(model, model.site("tip").id) == ()
