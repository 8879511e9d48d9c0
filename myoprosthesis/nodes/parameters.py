"""ROS parameters from options dataclasses, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_origin, get_type_hints

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python

from myoprosthesis.core.deprecated import present_parameters
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.message import PLAN_BYTES
from myoprosthesis.core.options import build, describe
from myoprosthesis.files import yaml_text

T = TypeVar("T")
LONGEST = PLAN_BYTES
"""Characters of a parameter's value that is set while a node runs."""
_ALWAYS = {"use_sim_time", "start_type_description_service"}


def overrides(node: Node) -> dict[str, Any]:
    """What the command line and parameter files say for this node, by full parameter name."""
    return present_parameters(
        {name: p.value for name, p in node._parameter_overrides.items() if not name.startswith("qos_overrides")}
    )


def declare(node: Node, *groups: tuple[str, type], values: Mapping[str, Any] | None = None) -> None:
    """Declare the fields of options dataclasses, each under its prefix (`""` for none); unknown names are refused.

    Their values are `values` (None: those on the command line and in parameter files).
    """
    values = overrides(node) if values is None else values
    known = {f"{prefix}{f.name}": f for prefix, cls in groups for f in fields(cls)}  # type: ignore[arg-type]
    faults = [str(unknown("parameter", name, known)) for name in values if name not in known and name not in _ALWAYS]
    if faults:
        raise ConfigError(f"node {node.get_name()!r}: " + "; ".join(faults))
    for name, f in known.items():
        default = f.default if f.default is not MISSING else ()
        descriptor = ParameterDescriptor(description=describe(f), dynamic_typing=True)
        node.declare_parameter(name, to_ros(values.get(name, default)), descriptor, ignore_override=True)


def read(node: Node, cls: type[T], prefix: str = "", changes: list[Parameter[Any]] | None = None) -> T:
    """The options of `cls` from the node's parameters, with `changes` on top; raises `ConfigError`."""
    changed = {p.name: _short(p.name, p.value) for p in changes or ()}
    values, hints = {}, get_type_hints(cls)
    for f in fields(cls):  # type: ignore[arg-type]
        name = prefix + f.name
        value = changed[name] if name in changed else node.get_parameter(name).value
        needed = f.default is MISSING and f.default_factory is MISSING
        if value is None or (isinstance(value, str) and value == "" and not needed and not isinstance(f.default, str)):
            continue
        hint = hints[f.name]
        values[f.name] = _mapping(name, value) if dict in (hint, get_origin(hint)) else value
    return build(cls, values, f"node {node.get_name()!r}")


def _short(name: str, value: Any) -> Any:
    """The value, if it is not too long to be looked at; raises `ConfigError`."""
    parts = [value] if isinstance(value, (str, bytes)) else value if isinstance(value, Sequence) else ()
    length = sum(len(part) if isinstance(part, (str, bytes)) else 8 for part in parts)
    if length > LONGEST:
        raise ConfigError(f"{name} has {length} characters, at most {LONGEST} are read")
    return value


def _mapping(name: str, value: Any) -> Any:
    """ROS has no mappings: a parameter holds one as YAML."""
    return yaml_text.parse(value, f"{name}, a mapping such as '{{rate: 200}}',") if isinstance(value, str) else value


def to_messages(values: Mapping[str, Any]) -> list[Any]:
    """Messages (rcl_interfaces/Parameter) that set parameters to `values`, by name."""
    return [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]


def from_message(value: Any) -> Any:
    """The value in a message (rcl_interfaces/ParameterValue); None where a parameter is not set."""
    return parameter_value_to_python(value)


def to_ros(value: Any) -> Any:
    """A value that a ROS parameter can hold.

    An empty list, whose type ROS cannot know, becomes an empty text; whole numbers among others become such.
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(dict(value)) if value else ""
    if isinstance(value, (tuple, list)):
        kinds = {type(v) for v in value}
        return [float(v) for v in value] if kinds == {int, float} else list(value) if len(value) else ""
    return value
