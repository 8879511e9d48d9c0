"""A body among props, on a terrain."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.scenes.prop import Prop
from myoprosthesis.scenes.terrain import Terrain


def compose(spec: mujoco.MjSpec, props: Sequence[Prop] = (), terrain: Terrain | None = None) -> mujoco.MjSpec:
    """`spec`, changed in place: with the terrain, and the props at their start poses, in its keyframes too.

    The body's own numbers in `qpos`, `qvel` and `ctrl` stay where they are. Raises `ConfigError` where a prop has the
    name of another body.
    """
    if terrain is not None:
        terrain.add_to(spec)
    for prop in props:
        if prop.name in [body.name for body in spec.bodies]:
            raise ConfigError(f"the scene has a body {prop.name!r} already: give the prop another name")
        prop.add_to(spec)
        for key in spec.keys:
            if len(key.qpos):
                key.qpos = [*key.qpos, *prop.pose]
            if len(key.qvel):
                key.qvel = [*key.qvel, *(0.0,) * 6]
    return spec
