"""Parameter files of a stack: in this package's own short layout, by node, or as ROS reads them, by patterns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from myoprosthesis.core.deprecated import present_parameters
from myoprosthesis.core.errors import ConfigError, unknown

MARK = "ros__parameters"
ALWAYS = ("use_sim_time", "start_type_description_service")
"""Parameters that every ROS node has, beside its own."""
NEAR = 0.8
"""A node's name this much like one of the stack's is taken for a slip; others are those of other packages."""


@dataclass(frozen=True)
class ParameterEntry:
    """Parameters for the nodes that a pattern of full names takes in: `/left/effector`, `/*`, `/**/effector`, `/**`."""

    pattern: str
    parameters: dict[str, Any]

    @property
    def exact(self) -> bool:
        """True without wildcards."""
        return "*" not in self.pattern

    def takes(self, node: str) -> bool:
        """Whether it takes in the node with this full name. `*` stands for one part of it, `**` for any number."""
        parts = {"*": "/[^/]+", "**": "(?:/[^/]+)*"}
        tokens = self.pattern.strip("/").split("/")
        return bool(re.fullmatch("".join(parts.get(t, "/" + re.escape(t)) for t in tokens), node))


def entries(
    data: Mapping[str, Any], where: str, nodes: Mapping[str, str], own: Collection[str]
) -> list[ParameterEntry]:
    """Entries of a parameter file, in its order.

    `nodes`: full name of each node of the stack by its name in the stack; `own`: names of nodes in the short layout,
    whatever their namespace.
    """
    out: list[ParameterEntry] = []
    for key, value in data.items():
        name = str(key).strip("/")
        if _has_mark(value):
            out += _ros(str(key), value, where)
        elif name not in own:
            raise ConfigError(f"{where}: {unknown('node', name, own)}")
        elif not isinstance(value, Mapping):
            raise ConfigError(f"{where}: node {name!r} needs a mapping of parameters, got {value!r}")
        else:
            out.append(ParameterEntry(nodes.get(name, f"/{name}"), present_parameters(value)))
    for entry in out:
        _check(entry, where, nodes)
    if any(_has_mark(v) for v in data.values()) and not any(e.takes(n) for e in out for n in nodes.values()):
        raise ConfigError(f"{where} has no parameters for this stack, whose nodes are {', '.join(nodes.values())}")
    return out


def parameters(layer: list[ParameterEntry], node: str, known: Collection[str]) -> dict[str, Any]:
    """Parameters that the entries have for the node of this full name.

    A later entry overrides an earlier one, whichever is more exact, as in ROS. Of one for several nodes only the
    parameters that are `known` to the node are taken.
    """
    out: dict[str, Any] = {}
    for entry in (e for e in layer if e.takes(node)):
        heeded = entry.parameters if entry.exact else {k: v for k, v in entry.parameters.items() if k in known}
        out.update(heeded)
    return out


def _has_mark(value: Any) -> bool:
    return isinstance(value, Mapping) and (MARK in value or any(_has_mark(v) for v in value.values()))


def _ros(key: str, value: Mapping[str, Any], where: str, space: str = "") -> Iterator[ParameterEntry]:
    """The entries below a key, which may be a node, or a namespace that holds some."""
    pattern = f"{space}/{key.strip('/')}"
    for name, inner in value.items():
        if name == MARK:
            if not isinstance(inner, Mapping):
                raise ConfigError(f"{where}: {MARK} of {pattern!r} needs a mapping of parameters, got {inner!r}")
            yield ParameterEntry(pattern, present_parameters(inner))
        elif isinstance(inner, Mapping):
            yield from _ros(str(name), inner, where, pattern)
        else:
            raise ConfigError(f"{where}: unknown parameter {name!r} of {pattern!r}: it stands beside {MARK}, not in it")


def _check(entry: ParameterEntry, where: str, nodes: Mapping[str, str]) -> None:
    """Refuse what was meant for a node of the stack and does not reach it."""
    if not entry.exact or any(entry.takes(n) for n in nodes.values()):
        return
    space, _, last = entry.pattern.rpartition("/")
    names = {full.rpartition("/")[2]: full for full in nodes.values()}
    if last in names and not space:
        raise ConfigError(
            f"{where}: {entry.pattern!r} is not the node of this stack, which is {names[last]!r}: write that, or "
            f"'/**/{last}' for any namespace"
        )
    if last not in names and difflib.get_close_matches(last, names, 1, NEAR):
        raise ConfigError(f"{where}: {unknown('node', last, names)}")
