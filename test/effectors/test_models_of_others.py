"""Peculiarities of models that others write, as plain MuJoCo treats them."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody

ARM = """<mujoco>{option}<worldbody>{more}<body><joint name="{joint}" axis="0 1 0" range="-2 2"/>
<geom type="capsule" size=".03" fromto="0 0 0 .3 0 0" mass="1"/><site name="s" pos=".1 0 .02"/></body>
<site name="o" pos="0 0 .1"/></worldbody><tendon><spatial name="t"><site site="o"/><site site="s"/></spatial></tendon>
<actuator>{actuator}</actuator></mujoco>"""
SERVO = '<position name="servo" joint="j" kp="100" kv="10" ctrlrange="-1 1"/>'
MUSCLE = '<muscle name="m" tendon="t" lengthrange=".05 .3" force="50" ctrlrange="{}"/>'


def body(actuator=SERVO, option="", more="", joint="j"):
    xml = ARM.format(actuator=actuator.replace('joint="j"', f'joint="{joint}"'), option=option, more=more, joint=joint)
    return MujocoBody("arm", mujoco.MjModel.from_xml_string(xml), BodyOptions())


@pytest.mark.parametrize(("given", "low", "high"), [("0 1", 0, 1), ("0.2 0.5", 0.2, 0.5), ("-1 1", 0, 1)])
def test_the_excitation_of_a_muscle_is_commanded_within_its_ctrlrange(given, low, high):
    spec = body(MUSCLE.format(given)).spec
    assert (spec.command.low, spec.command.high) == ((low,), (high,)) and np.allclose(spec.relaxed_command, low)


def test_actuators_that_are_all_disabled_are_refused():
    with pytest.raises(ConfigError, match="actuators without effect cannot be commanded .actuation or their group"):
        body(option='<option><flag actuation="disable"/></option>')


def test_two_channels_of_one_name_are_refused():
    ball = '<body name="ball" pos="1 0 0"><freejoint/><geom size=".02" mass=".1"/></body>'
    assert "ball/x" in body(more=ball).spec.channels
    with pytest.raises(ConfigError, match="two channels of the state of effector 'arm' are called 'ball/x'"):
        body(more=ball, joint="ball/x")
