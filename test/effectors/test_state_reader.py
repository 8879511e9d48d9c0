"""What of a model is in the state: sites, objects, contacts, and a floating base, each checked against MuJoCo."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.disturbance import NO_DISTURBANCE
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.fingerprint import fingerprint
from myoprosthesis.effectors.bodies import BodyOptions, myolegs
from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.testing import check_effector

SCENE = """<mujoco><option timestep="0.002" integrator="implicitfast"/><worldbody>
<body name="arm" pos="0 0 1"><joint name="elbow" axis="0 1 0" damping="1" armature=".1" range="-2 2"/>
<geom type="capsule" size=".03" fromto="0 0 0 .3 0 0" mass="1"/><site name="endpoint" pos=".3 0 0"/>
<site name="middle" pos=".15 0 .01"/></body>
<body name="cup" pos="{cup}"><freejoint name="cup_free"/><geom size=".03" mass=".2"/></body>
<body pos="0 2 .5"><freejoint/><geom size=".03" mass=".2"/></body>
<body name="pad"><geom name="pad" type="box" size=".2 .2 .01"/><site name="pad" type="box" size=".3 .3 .05"/></body>
</worldbody><sensor><touch name="pressure" site="pad"/><jointpos name="angle" joint="elbow"/></sensor>
<actuator><position joint="elbow" kp="100" kv="10"/></actuator></mujoco>"""


def scene(cup="0 0 .039", **options):
    return MujocoBody("scene", mujoco.MjModel.from_xml_string(SCENE.format(cup=cup)), BodyOptions(**options))


def test_free_bodies_that_no_actuator_moves_are_objects_and_no_joints():
    body = scene(cup="1 0 5")
    spec = body.spec
    pose = ("x", "y", "z", "qw", "qx", "qy", "qz")
    assert spec.joints == ("elbow",) and spec.objects == ("cup", "joint2") and not spec.root
    assert spec.groups["objects"] == tuple(f"{o}/{a}" for o in spec.objects for a in pose)
    assert spec.channels == ("elbow", "endpoint/x", "endpoint/y", "endpoint/z", *spec.groups["objects"])
    assert spec.units["cup/x"] == ("m", "m/s", "N") and spec.units["cup/qx"] == ("1", "rad/s", "N·m")
    state = body.reset(0)
    np.testing.assert_array_equal(state.object("cup")[0], [1, 0, 5, 1, 0, 0, 0])
    body.data.qvel[1:7] = [1, 2, 3, 4, 5, 6]
    mujoco.mj_step1(body.model, body.data)
    state = body._state(np.zeros(1))
    np.testing.assert_array_equal(state.object("cup")[1], [1, 2, 3, 0, 4, 5, 6])
    np.testing.assert_array_equal(state.group("objects")[:, :7], state.object("cup"))
    assert not state.object("joint2")[1].any() and state.joint_load.shape == (1,)
    fallen = body.reset(0)
    for _ in range(20):
        fallen = body.step(np.zeros(1), NO_DISTURBANCE)
    assert fallen.object("cup")[1, 2] == pytest.approx(-9.81 * 0.2, rel=1e-6)  # v = g t
    with pytest.raises(ConfigError, match="unknown object 'cap'.*did you mean 'cup'"):
        state.object("cap")
    assert len(fingerprint(body)) == 2


def test_an_effector_with_objects_sites_and_contacts_passes_its_check():
    check_effector(lambda: scene(observed_sites=("middle",), contacts=("pressure",)), seconds=1.0)


def test_observed_sites_move_as_their_places_do():
    body = scene(observed_sites=("middle", "pad"))
    assert body.spec.groups["sites"][3:6] == ("middle/x", "middle/y", "middle/z")
    body.reset(0)
    for _ in range(5):
        state = body.step(np.ones(1), NO_DISTURBANCE)
    jacobian = np.zeros((3, body.model.nv))
    mujoco.mj_jacSite(body.model, body.data, jacobian, None, body.model.site("middle").id)
    np.testing.assert_allclose(state.site("middle")[1], jacobian @ body.data.qvel, atol=1e-12)
    np.testing.assert_array_equal(state.site("middle")[0], body.data.site("middle").xpos)
    assert np.abs(state.site("middle")[1]).max() > 0.05
    np.testing.assert_array_equal(state.site("pad"), 0.0)
    np.testing.assert_array_equal(state.site("endpoint")[0], state.endpoint_position)
    with pytest.raises(ConfigError, match="unknown site of the model 'midle'"):
        scene(observed_sites=("midle",))


def test_a_contact_is_the_weight_that_rests_on_it():
    body = scene(contacts=("pressure",))
    assert body.spec.channels[-1] == "pressure" and body.spec.units["pressure"][2] == "N"
    body.reset(0)
    for _ in range(100):
        state = body.step(np.zeros(1), NO_DISTURBANCE)
    assert state.group("contacts")[2, 0] == pytest.approx(0.2 * 9.81, rel=1e-3)
    with pytest.raises(ConfigError, match="'angle' is no touch sensor"):
        scene(contacts=("angle",))


def test_the_floating_base_of_a_body_is_a_group_of_its_own_and_keeps_its_channels():
    body = myolegs(BodyOptions())
    spec, state = body.spec, body.reset(0)
    assert spec.root == "root" and not spec.objects
    assert spec.groups["root"] == spec.joints[:7] and spec.groups["joints"] == spec.joints[7:]
    assert spec.channels[:35] == spec.joints and spec.channels[-3:] == ("endpoint/x", "endpoint/y", "endpoint/z")
    np.testing.assert_array_equal(state.group("root")[0], body.data.qpos[:7])
    assert state.joint_position.shape == (35,) and state.group("joints").shape == (3, 28)
