"""Parameters of nodes from several layers, of which a later one counts: a stack's file, options, files, settings."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.location import anchored
from myoprosthesis.core.options import build
from myoprosthesis.files.parameter_file import ALWAYS, NEAR, ParameterEntry, entries, parameters
from myoprosthesis.stack.node_types import NODE_TYPES, names_of, options_in

GRIPS = "grips"
"""The parameter of the policy that says what each answer of a decoder moves: a later layer changes the answers that it
names, and leaves the others as they are."""


PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "effector": {"effector": "effector", "duration_s": "duration", "seed": "seed"},
    "policy": {"policy": "policy", "seed": "seed"},
    "decoder": {"seed": "seed"},
    "perturbation": {"perturbation": "perturbation"},
    "task": {"task": "task", "trials": "trials", "seed": "seed"},
}
"""By node the parameters that an option of the stack sets."""


@dataclass(frozen=True)
class ParameterLayer:
    """Parameters by node from one place, and the folder from which files that they name are seen."""

    data: Mapping[str, Any]
    where: str
    """The place, for sentences."""
    base: Path

    def entries(self, nodes: Mapping[str, str]) -> list[ParameterEntry]:
        """What it says for nodes, given by name with their full names."""
        return entries(dict(self.data), self.where, dict(nodes), NODE_TYPES)


def layered(name: str, full: str, nodes: Mapping[str, str], layers: list[ParameterLayer]) -> dict[str, Any]:
    """The parameters of the node `name`, whose full name is `full`, with paths as seen from their layers' folders.

    The component, whose options stand beside the node's, is known once all layers are read: hence twice.
    """
    values: dict[str, Any] = {}
    bases: dict[str, Path] = {}
    read = [(layer.entries(nodes), layer.base) for layer in layers]
    for _ in range(2):
        known = {*names_of(NODE_TYPES[name].groups(values)), *ALWAYS}
        values, bases = {}, {}
        for layer, base in read:
            own = parameters(layer, full, known)
            values |= {k: _with_former(values.get(k), v) if k == GRIPS else v for k, v in own.items()}
            bases |= dict.fromkeys(own, base)
    for group in NODE_TYPES[name].groups(values):
        for base in dict.fromkeys(bases.values()):
            here = {k: v for k, v in values.items() if bases[k] == base}
            values.update(anchored(group, options_in(group, here), base))
    return values


def slips(layers: list[ParameterLayer], nodes: Mapping[str, str], values: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Parameters for several nodes that none of them knows, and which are nearly called like one that some know.

    Others may be those of nodes of other packages. `values` are the parameters of each node, by all layers.
    """
    known = {n: {*names_of(NODE_TYPES[n].groups(values.get(n, {}))), *ALWAYS} for n in nodes}
    faults = []
    for layer in layers:
        for entry in (e for e in layer.entries(nodes) if not e.exact):
            there = set().union(*(known[n] for n, full in nodes.items() if entry.takes(full)))
            faults += [
                f"{layer.where}: {entry.pattern!r}: {unknown('parameter', key, sorted(there))}"
                for key in entry.parameters
                if key not in there and difflib.get_close_matches(key, there, 1, NEAR)
            ]
    return faults


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values but for empty texts, lists and mappings, which stand for the default."""
    return {k: v for k, v in values.items() if not (isinstance(v, Collection) and len(v) == 0)}


def as_ros(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that ROS parameters can hold, those that are not empty: a mapping becomes YAML."""
    return {k: json.dumps(v) if isinstance(v, dict) else v for k, v in without_empty(values).items()}


def parameter_faults(name: str, parameters: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with the parameters of one node."""
    faults = []
    try:
        NODE_TYPES[name].component_options(parameters)
    except ConfigError as error:
        return [str(error)]
    groups = NODE_TYPES[name].groups(parameters)
    known = names_of(groups)
    strange = [k for k in parameters if k not in known and k not in ALWAYS and not k.startswith("qos_overrides")]
    faults += [f"node {name!r}: {unknown('parameter', k, known)}" for k in strange]
    for key in ALWAYS:
        if not isinstance(parameters.get(key, True), bool):
            faults.append(f"node {name!r}: {key}: {parameters[key]!r} is not true or false")
    for group in groups:
        try:
            build(group, without_empty(options_in(group, parameters)), f"node {name!r}")
        except ConfigError as error:
            faults.append(str(error))
    if name == "perturbation" and not faults:
        from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner

        try:
            planner(build(PerturbationNodeOptions, options_in(PerturbationNodeOptions, parameters)))
        except ConfigError as error:
            faults.append(str(error))
    return faults


def contradictions(
    asked: Mapping[str, Any], name: str, chosen: Mapping[str, Any], values: Mapping[str, Any]
) -> list[str]:
    """What the options of the stack that were `asked` ask of a node, and its parameters otherwise.

    `chosen` are the parameters of the node `name` by the options, `values` those by all layers."""
    return [
        f"{option} is {asked[option]} by the option, and {values[key]} by the parameter {key} of {name}: "
        "give one of them"
        for key, option in PARAMETERS.get(name, {}).items()
        if option in asked and key in chosen and values.get(key, chosen[key]) != chosen[key]
    ]


def _with_former(former: Any, pairs: Any) -> Any:
    """Pairs `answer=grip` with those of other answers that an earlier layer has.

    Anything else is returned as it is, to be refused later.
    """
    if not all(isinstance(v, (list, tuple)) and all(isinstance(p, str) for p in v) for v in (former, pairs)):
        return pairs
    answers = {p.partition("=")[0] for p in pairs}
    return [*(p for p in former if p.partition("=")[0] not in answers), *pairs]
