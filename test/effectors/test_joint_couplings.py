"""Joints that follow others are put where the constraints of MuJoCo want them."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.effectors import joint_couplings

MODEL = mujoco.MjModel.from_xml_string("""<mujoco><worldbody>
<body><joint name="lead" type="hinge" ref="0.1"/><geom size=".1"/></body>
<body><joint name="slide" type="slide" ref="0.2"/><geom size=".1"/></body>
<body><joint name="fixed"/><geom size=".1"/></body>
<body><joint name="free"/><geom size=".1"/></body></worldbody>
<equality><joint joint1="slide" joint2="lead" polycoef="0.01 0.5 -0.25 0.125 0.0625"/>
<joint joint1="fixed" polycoef="0.3 0 0 0 0"/>
<joint joint1="free" joint2="lead" active="false"/></equality></mujoco>""")


def test_a_follower_is_where_no_constraint_is_violated():
    data = mujoco.MjData(MODEL)
    for angle in (-0.7, 0.1, 0.9):
        data.qpos[:] = [angle, 5.0, 5.0, 0.4]
        joint_couplings.follow(MODEL, data.qpos)
        mujoco.mj_forward(MODEL, data)
        assert data.efc_pos[:2] == pytest.approx([0.0, 0.0], abs=1e-12)
        assert data.qpos[0] == angle and data.qpos[3] == 0.4, "an inactive coupling moves nothing"


def test_many_positions_are_done_at_once():
    qpos = np.random.default_rng(1).normal(size=(6, 4))
    rows = qpos.copy()
    joint_couplings.follow(MODEL, qpos)
    for row in rows:
        joint_couplings.follow(MODEL, row)
    assert np.array_equal(qpos, rows)


def test_a_follower_moves_with_its_leader_and_not_by_itself():
    rates = joint_couplings.motions(MODEL)
    assert rates[:, 0].tolist() == [1.0, 0.5, 0.0, 0.0] and rates[:, 1].tolist() == [0.0] * 4
    assert rates[3].tolist() == [0.0, 0.0, 0.0, 1.0]
