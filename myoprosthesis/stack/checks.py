"""Checks of a whole description before anything starts: policy, grips, perturbation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, MyoError, Refused, unknown
from myoprosthesis.core.options import build
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.node_types import options_in
from myoprosthesis.stack.parameter_layers import GRIPS


def check_grips(specs: Sequence[NodeSpec], decoder: str, layers: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a grip that a person gives for what the decoder, in the node of that name, never answers."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    answers = [p.partition("=")[0] for layer in layers for p in layer.get(GRIPS) or () if isinstance(p, str)]
    if not answers:
        return
    name = str(next(s.parameters for s in specs if s.name == decoder)["policy"])
    contract = read_contract(store.find(name))
    known = contract.action.names[:-1] if contract.conditioning else ()
    for answer in answers:
        if answer not in known:
            raise unknown(f"answer of {contract.name!r} in {decoder}.grips,", answer, known)


def task_options_of(policy: str) -> dict[str, Any]:
    """The options of the task for which a policy is made, by its contract; none of one that cannot be read."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    try:
        return read_contract(store.find(policy)).task_options
    except MyoError:
        return {}


def check_policy(specs: Sequence[NodeSpec], stack: str = "", default: str = "") -> None:
    """A policy or decoder that cannot be read is refused before anything starts.

    `default` is the one that the file of the `stack` names."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    parameters = next(s.parameters for s in specs if s.name == "policy")
    if default and parameters["policy"] == default and not Path(default).suffix and default not in store.names():
        raise ConfigError(
            f"stack {stack!r} plays policy {default!r}, and there is none of this name yet: give another with --policy "
            f"(there are {', '.join(store.names())}), or train one (myoprosthesis train --help)"
        )
    for spec in specs:
        for key in ("policy", "shadow") if spec.name in ("policy", "decoder") else ():
            if spec.parameters.get(key):
                read_contract(store.find(str(spec.parameters[key])))


def check_perturbation(specs: Sequence[NodeSpec]) -> None:
    """A perturbation that nothing in the stack can apply is refused before anything starts."""
    from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner
    from myoprosthesis.nodes.perturbation_sites import PerturbationSites, contract_of
    from myoprosthesis.policies import store

    effector, policy, perturbation = (
        next(s.parameters for s in specs if s.name == name) for name in ("effector", "policy", "perturbation")
    )
    imposed = planner(build(PerturbationNodeOptions, options_in(PerturbationNodeOptions, perturbation)))
    entries = imposed.entries()
    if not entries:
        return
    own = registry.options("effectors", str(effector["effector"]))
    made: Any = registry.factory("effectors", str(effector["effector"]))(build(own, options_in(own, effector)))
    sites = PerturbationSites(made.spec, contract_of(str(store.find(str(policy["policy"])))))
    decoder = next((s.parameters for s in specs if s.name == "decoder"), None)
    try:
        sites.check([e for e in entries if decoder is None or e.site != "emg"])
        if decoder is not None:
            decoded = PerturbationSites(contract=contract_of(str(store.find(str(decoder["policy"])))))
            decoded.check([e for e in entries if e.site == "emg"])
    except Refused as error:
        raise ConfigError(f"perturbation {imposed.preset.name!r} cannot act in this stack: {error}") from error
