"""Kinds of nodes in a stack: the executable of each, its options, and the kind of component in it."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError


@dataclass(frozen=True)
class NodeType:
    """One kind of node. The options of a component stand beside the node's own."""

    executable: str
    classes: tuple[str, ...]
    """Names of its options dataclasses, in the module of the executable."""
    kind: str = ""
    """The kind of component in it; "" for none."""
    parameter: str = ""
    """The parameter that names the component."""
    place: str = ""
    """Namespace and name of the ROS node in the stack, where it is not called as in a description."""
    room: str = "nodes"
    """The part of the package with the module of the executable."""

    def options(self) -> list[type]:
        """The options dataclasses of the node, without that of its component."""
        module = importlib.import_module(f"myoprosthesis.{self.room}.{self.executable}")
        return [getattr(module, name) for name in self.classes]

    def component_options(self, parameters: Mapping[str, Any]) -> type | None:
        """The options dataclass of the component that `parameters` name; None where the node has none.

        Raises `ConfigError` for an unknown one.
        """
        return registry.options(self.kind, str(parameters.get(self.parameter, ""))) if self.kind else None

    def groups(self, parameters: Mapping[str, Any]) -> list[type]:
        """The options dataclasses of the node and of the component that `parameters` name, where that is known."""
        with contextlib.suppress(ConfigError):
            if component := self.component_options(parameters):
                return [*self.options(), component]
        return self.options()


NODE_TYPES = {
    "emulator": NodeType("emulator_node", ("EmulatorNodeOptions",)),
    "emg": NodeType("emg_node", ("EmgNodeOptions",), "emg_sources", "source"),
    "effector": NodeType("effector_node", ("EffectorNodeOptions",), "effectors", "effector"),
    "twin": NodeType("effector_node", ("EffectorNodeOptions",), "effectors", "effector", "twin/effector"),
    "posture": NodeType("effector_node", ("EffectorNodeOptions",), "effectors", "effector", "posture/effector"),
    "decoder": NodeType(
        "policy_node", ("PolicyNodeOptions", "PostureControlOptions", "AdaptationOptions"), place="posture/policy"
    ),
    "hand": NodeType("effector_node", ("EffectorNodeOptions",), "effectors", "effector", "hand/effector"),
    "policy": NodeType("policy_node", ("PolicyNodeOptions", "PostureControlOptions", "AdaptationOptions")),
    "perturbation": NodeType("perturbation_node", ("PerturbationNodeOptions",)),
    "task": NodeType("task_node", ("TaskNodeOptions",), "tasks", "task"),
    "recorder": NodeType("recorder_node", ("RecorderNodeOptions",)),
    "console": NodeType("console_node", ("ConsoleNodeOptions",), room="console"),
    "markers": NodeType("marker_node", ("MarkerNodeOptions",), room="console"),
}
"""By the names of nodes in a description."""


def node_options() -> dict[str, list[type]]:
    """The options dataclasses of each node, without those of the component in it."""
    return {name: kind.options() for name, kind in NODE_TYPES.items()}


def names_of(groups: list[type]) -> set[str]:
    """Names of all options of some dataclasses."""
    return {f.name for group in groups for f in fields(group)}


def options_in(group: type, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those parameters of a node that are options of one dataclass."""
    names = names_of([group])
    return {k: v for k, v in parameters.items() if k in names}
