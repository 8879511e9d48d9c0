"""Small models with what other people's robots have: servos with gears, grippers on tendons, muscles beside servos."""

from pathlib import Path

ARM = """<mujoco><compiler angle="radian" autolimits="true"/><option integrator="{integrator}" timestep="0.002"/>
<worldbody>
<body pos="0 0 1"><joint name="shoulder" axis="0 1 0" range="-2 2" damping="1" armature="0.1"/>
<geom type="capsule" size="0.03" fromto="0 0 0 0.3 0 0" mass="1"/>
<body pos="0.3 0 0"><joint name="elbow" axis="0 1 0" range="-2.5 2.5" damping="1" armature="0.1"/>
<geom type="capsule" size="0.03" fromto="0 0 0 0.3 0 0" mass="1"/>{tip}
<body pos="0.3 0 0"><joint name="left" type="slide" axis="0 1 0" range="0 0.04" damping="2"/>
<geom type="box" size="0.01 0.005 0.02" mass="0.05" contype="0" conaffinity="0"/></body>
<body pos="0.3 0 0"><joint name="right" type="slide" axis="0 -1 0" range="0 0.04" damping="2"/>
<geom type="box" size="0.01 0.005 0.02" mass="0.05" contype="0" conaffinity="0"/></body></body></body>
<site name="a0" pos="0 0.05 1.1"/><site name="b0" pos="0 0.05 0.9"/></worldbody>
<tendon><fixed name="split"><joint joint="left" coef="0.5"/><joint joint="right" coef="0.5"/></fixed></tendon>
<equality><joint joint1="left" joint2="right"/></equality>
<actuator>{actuators}</actuator>
<keyframe><key name="home" qpos="0.8 -1.2 0.02 0.02"/></keyframe></mujoco>"""
TIP = '<site name="endpoint" pos="0.3 0 0"/><site name="a1" pos="0 0 0.04"/><site name="b1" pos="0 0 -0.04"/>'
SHOULDER = '<position name="s" joint="shoulder" kp="500" kv="40"/>'
ELBOW = '<position name="e" joint="elbow" kp="500" kv="40"/>'

SERVOS = {
    "stiff": SHOULDER + ELBOW,
    "slow": "".join(f'<position joint="{j}" kp="60" kv="60" forcerange="-60 60"/>' for j in ("shoulder", "elbow")),
    "geared": SHOULDER + '<position joint="elbow" gear="2" kp="500" kv="40" ctrlrange="-5 5"/>',
    "geared backwards": SHOULDER + '<position joint="elbow" gear="-3" kp="200" kv="20"/>',
    "filtered": SHOULDER + '<position joint="elbow" kp="500" kv="40" timeconst="0.05"/>',
    "underdamped": SHOULDER + '<position joint="elbow" kp="300" kv="5"/>',
    "gripper": SHOULDER + ELBOW + '<position name="grip" tendon="split" kp="100" kv="5" ctrlrange="0 0.04"/>',
    "gripper in counts": SHOULDER + ELBOW + '<general name="grip" tendon="split" ctrlrange="0 255" biastype="affine" '
    'gainprm="0.0157" biasprm="0 -100 -10" forcerange="-100 100"/>',
}  # fmt: skip
"""Bodies of position servos only."""
MIXED = {
    "servo and motor": SHOULDER + '<motor name="m" joint="elbow" ctrlrange="-5 5"/>',
    "servo and speed": SHOULDER + '<velocity name="v" joint="elbow" kv="20" ctrlrange="-2 2"/>',
    "spring": SHOULDER + '<general name="spring" joint="elbow" ctrlrange="0 1" gaintype="affine" biastype="affine" '
    'gainprm="50 5 0" biasprm="0 -100 -20"/>',
}  # fmt: skip
"""Bodies that can hold some of their joints."""


def arm(actuators: str, integrator: str = "implicitfast", tip: str = TIP) -> str:
    """The MJCF of a two-joint arm with two coupled fingers."""
    return ARM.format(actuators=actuators, integrator=integrator, tip=tip)


def muscle_arm(names: bool = True, servo: bool = True) -> str:
    """A servo shoulder and two muscles about the elbow."""
    muscles = "".join(f'<muscle tendon="{t}" {f"""name="m_{t}" """ if names else ""}force="80"/>' for t in ("a", "b"))
    tendons = "".join(
        f'<spatial name="{t}" range="0.2 0.5"><site site="{t}0"/><site site="{t}1"/></spatial>' for t in ("a", "b")
    )
    return arm((SHOULDER if servo else "") + muscles).replace("</tendon>", tendons + "</tendon>")


def write(folder: Path, text: str, name: str = "robot.xml") -> Path:
    """The file with a model."""
    path = folder / name
    path.write_text(text)
    return path
