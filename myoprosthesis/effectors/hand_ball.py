"""The MyoSim hand, palm up, with a free ball on the palm."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco

from myoprosthesis.core.options import option
from myoprosthesis.effectors.bodies import MYOHAND, MYOHAND_ENDPOINT, myosim_scene
from myoprosthesis.effectors.compiled_model import compiled
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.scenes.composition import compose
from myoprosthesis.scenes.prop import Prop

PALM_UP = {"pro_sup_r": -1.57}
"""rad by joint, at the start."""
PALM = (-0.235, -0.513, 1.489)
"""m: where a ball of no size would lie on the palm then."""


@dataclass(frozen=True)
class HandBallOptions(BodyOptions):
    """Options of the hand with a ball; the ball's place is the object `ball` of the state."""

    radius: float = option(0.022, "radius of the ball", "m", 0.005, 0.05)
    mass: float = option(0.043, "mass of the ball", "kg", 1e-3, 1.0)
    friction: float = option(1.0, "sliding friction of the ball", "", 0.0, 5.0)
    offset: tuple[float, float, float] = option(
        (0.0, 0.0, 0.0), "of the ball's start from the middle of the palm, x, y, z", "m", -0.5, 0.5
    )


def hand_ball(options: HandBallOptions) -> MujocoBody:
    """The MyoSim hand, 39 muscles, palm up, with a ball that it can hold, roll and drop."""
    x, y, z = (p + d for p, d in zip(PALM, options.offset, strict=True))
    friction = (options.friction, 0.005, 0.0001)
    ball = Prop("ball", (options.radius,), options.mass, friction=friction, position=(x, y, z + options.radius))

    def scene(spec: mujoco.MjSpec) -> mujoco.MjSpec:
        spec.add_key(name="home", qpos=[PALM_UP.get(joint.name, joint.ref) for joint in spec.joints])
        return compose(spec, [ball])

    model = compiled(lambda: myosim_scene(MYOHAND, scene), "the scene hand_ball")
    return MujocoBody("hand_ball", model, options, MYOHAND_ENDPOINT)
