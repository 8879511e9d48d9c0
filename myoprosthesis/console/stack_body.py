"""The body of the effector in a stack, as shapes for a picture of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.options import build
from myoprosthesis.effectors.body_shapes import BodyShapes, drawn_as
from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.stack.client import StackClient


def stack_body(spec: EffectorSpec, stack: Callable[[], StackClient]) -> BodyShapes:
    """The body of an effector with the options that its node has; of a real hand its model.

    Raises:
        MyoError: It has no MuJoCo model, or its node does not say with which options it was made.
    """
    name = drawn_as(spec.name)
    values: dict[str, Any] = {}
    if name == spec.name:
        client = stack()
        name = str(client.get("effector", ["effector"]).get("effector", name))
        values = client.get("effector", [f.name for f in fields(registry.options("effectors", name))])
    options: Any = build(registry.options("effectors", name), {k: v for k, v in values.items() if v != ""})
    body = registry.factory("effectors", name)(options)
    if not isinstance(body, MujocoBody):
        raise Refused(f"effector {name!r} has no MuJoCo model")
    return BodyShapes(body)
