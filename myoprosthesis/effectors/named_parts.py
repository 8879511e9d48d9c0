"""Endpoint and start of a body by their names in its model."""

from __future__ import annotations

import mujoco

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.state_reader import few


def mark_endpoint(spec: mujoco.MjSpec, name: str) -> None:
    """Put a site at the origin of the body of this name, where there is no site of it.

    Raises `ConfigError` with the names that there are."""
    sites = [s.name for s in spec.sites if s.name]
    if not name or name in sites:
        return
    bodies = [b.name for b in spec.bodies if b.name and b.name != "world"]
    if name not in bodies:
        raise ConfigError(
            f"the model has no site or body {name!r} for its endpoint; sites: {few(sites)}; bodies: {few(bodies)}"
        )
    spec.body(name).add_site(name=name)


def endpoint_of(model: mujoco.MjModel, name: str, endpoint: str) -> int:
    """The number of the site that is the endpoint of effector `name`: `endpoint`, or its own one; −1 for none."""
    sites = [model.site(i).name for i in range(model.nsite)]
    if endpoint:
        if endpoint not in sites:
            raise ConfigError(f"effector {name!r} has no site {endpoint!r}; it has: {few(sites)}")
        return sites.index(endpoint)
    return sites.index("endpoint") if "endpoint" in sites else -1


def keyframe_of(model: mujoco.MjModel, name: str, keyframe: str) -> int:
    """The number of the keyframe of the start of effector `name`: `keyframe`, or its own one; −1 for none."""
    keys = [model.key(i).name for i in range(model.nkey)]
    if keyframe:
        if keyframe not in keys:
            raise ConfigError(f"effector {name!r} has no keyframe {keyframe!r}; it has: {', '.join(keys) or 'none'}")
        return keys.index(keyframe)
    return keys.index("home") if "home" in keys else -1


def unused_keyframes(model: mujoco.MjModel, keyframe: str) -> tuple[str, ...]:
    """A sentence on the keyframes of a model that starts at none of them."""
    keys = [model.key(i).name or f"number {i}" for i in range(model.nkey)]
    if keyframe or not keys or "home" in keys:
        return ()
    names = ", ".join(keys[:8])
    return (f"it starts where its joints are by default, at none of its keyframes ({names}): keyframe names one",)
