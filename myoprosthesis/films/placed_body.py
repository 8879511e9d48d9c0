"""A simulated body put where a recording says it was."""

from __future__ import annotations

import mujoco
import numpy as np

from myoprosthesis.core import registry
from myoprosthesis.core.errors import Refused
from myoprosthesis.effectors import joint_couplings
from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.films.recorded_motion import RecordedMotion

NEEDED = ("root", "joints", "objects")
"""Groups of channels that say where a body is."""


class PlacedBody:
    """The body of a recording, at any of its instants.

    Args:
        motion: What was recorded.
        effector: The body; empty: the one that the recording names.

    Raises:
        Refused: The effector has no MuJoCo model, or joints or objects that the recording does not have.
        ConfigError: An unknown effector.
    """

    def __init__(self, motion: RecordedMotion, effector: str = "") -> None:
        self.motion, self.body = motion, body_of(effector or motion.effector, motion)
        groups = self.body.spec.groups
        self._activations = frozenset(groups.get("activation", ()))
        placed = {name for group in NEEDED for name in groups.get(group, ())} | self._activations
        self._columns = [(name, k) for k, name in enumerate(motion.channels) if name in placed]

    def at(self, now_ns: int) -> mujoco.MjData:
        """The body in the newest state that there was, up to its forward kinematics.

        Joints that follow others are where these want them; activations are within 0 and 1."""
        body, row = self.body, self.motion.positions[self.motion.row(now_ns)]
        initial = {name: x for name, x in self.motion.initial(now_ns).items() if body.objects.is_property(name)}
        for name, k in self._columns:
            initial[name] = float(np.clip(row[k], 0.0, 1.0) if name in self._activations else row[k])
        body.reset(0, initial)
        joint_couplings.follow(body.model, body.data.qpos)
        mujoco.mj_forward(body.model, body.data)
        return body.data


def body_of(effector: str, motion: RecordedMotion) -> MujocoBody:
    """The simulated body of this name whose joints and objects are all in the motion; raises `Refused`."""
    if not effector:
        raise Refused("the recording does not say which body it is of; name one with --effector (see `effectors`)")
    options = registry.options("effectors", effector)
    body = registry.factory("effectors", effector)(options())
    if not isinstance(body, MujocoBody):
        raise Refused(f"effector {effector!r} has no MuJoCo model to draw; name one that has with --effector")
    groups = body.spec.groups
    missing = [name for group in NEEDED for name in groups.get(group, ()) if name not in motion.channels]
    if missing:
        raise Refused(
            f"the recording has no {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}, which {effector!r} is "
            "drawn from; name another body with --effector"
        )
    return body
