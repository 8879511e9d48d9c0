"""The hand of the Baoding contest: 39 muscles, palm up, with two balls on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mujoco

from myoprosthesis.core.options import option
from myoprosthesis.effectors.bodies import MODELS
from myoprosthesis.effectors.compiled_model import compiled
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.scenes.composition import compose
from myoprosthesis.scenes.prop import Prop
from myoprosthesis.scenes.terrain import Terrain

PALM = "trapezium"
"""The part of the hand in whose frame the balls go round."""
ENDPOINT = "IFtip"
PRONATION = -1.57
"""rad, at the start: palm up; all other joints are at 0."""
BALLS = {"ball1": (-0.227, -0.511, 1.452), "ball2": (-0.256, -0.552, 1.442)}
"""m, where the balls are let go at the start."""
COLOURS = {"ball1": (1.0, 0.8, 0.31, 1.0), "ball2": (0.84, 0.59, 0.53, 1.0)}


@dataclass(frozen=True)
class BaodingHandOptions(BodyOptions):
    """Options of the hand with two balls; the balls are the objects `ball1` and `ball2` of the state."""

    dt: float = option(0.025, "control period, a whole multiple of the model's 2.5 ms", "s", 1e-4, 1.0)
    frames: tuple[str, ...] = option((PALM,), "bodies whose pose is in the state; the targets are in that of the palm")
    radius: float = option(0.022, "radius of the balls", "m", 0.005, 0.05)
    mass: float = option(0.043, "mass of each ball", "kg", 1e-3, 1.0)
    friction: tuple[float, float, float] = option(
        (1.0, 0.005, 0.0001), "sliding, torsional (m) and rolling (m) friction of the balls", "", 0.0, 5.0
    )


def baoding_hand(options: BaodingHandOptions) -> MujocoBody:
    """The hand of MyoChallenge 2022, palm up, with the two balls just above it."""
    balls = [
        Prop(
            name,
            (options.radius,),
            options.mass,
            friction=options.friction,
            contact=4,
            position=place,
            rgba=COLOURS[name],
        )
        for name, place in BALLS.items()
    ]

    def load() -> mujoco.MjModel:
        import myo_sim

        spec = mujoco.MjSpec.from_file(str(MODELS / "contest_hand.xml"))
        spec.meshdir = str(Path(myo_sim.__file__).parent / "models" / "meshes")
        spec.add_key(name="home", qpos=[PRONATION if joint.name == "pro_sup" else 0.0 for joint in spec.joints])
        return compose(spec, balls, Terrain()).compile()

    return MujocoBody("baoding_hand", compiled(load, "the scene baoding_hand"), options, ENDPOINT)
