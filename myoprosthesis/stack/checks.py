"""Checks of a whole description before anything starts: policy, grips, EMG, port, perturbation."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, Refused, unknown
from myoprosthesis.core.options import build
from myoprosthesis.core.serial_errors import explain
from myoprosthesis.decoders.posture_control import HOLD, PostureControlOptions
from myoprosthesis.files import yaml_text
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.node_types import options_in
from myoprosthesis.stack.parameter_layers import GRIPS

WITHOUT_DEVICE = ("recording", "recorded_person", "synthetic")
"""Sources of EMG whose channels and rate are known before the stack runs."""


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


def decoder_grips(parameters: Mapping[str, Any]) -> list[str]:
    """What each answer of the decoder in a policy node moves, as pairs; without rest, and without what only stays."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    contract = read_contract(store.find(str(parameters["policy"])))
    control = PostureControlOptions(tuple(parameters.get(GRIPS) or ()))
    answers = contract.action.names[:-1] if contract.conditioning else ()
    moved = {a: control.meaning(a) for a in answers if a != contract.decoding.get("rest")}
    return [f"{answer}={pose}" for answer, pose in moved.items() if pose != HOLD]


def task_options_of(policy: str) -> dict[str, Any]:
    """The options of the task for which a policy is made, by its contract; none of one that cannot be read."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    try:
        return read_contract(store.find(policy)).task_options
    except MyoError:
        return {}


def check_policy(specs: Sequence[NodeSpec], stack: str = "", default: str = "", train: str = "") -> None:
    """A policy or decoder that cannot be read is refused before anything starts.

    `default` is the one that the file of the `stack` names, `train` the command that makes it."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    parameters = next(s.parameters for s in specs if s.name == "policy")
    if default and parameters["policy"] == default and not Path(default).suffix and default not in store.names():
        raise ConfigError(
            f"stack {stack!r} plays policy {default!r}, and there is none of this name yet: give another with --policy "
            f"(there are {', '.join(store.names())}), or train one ({train or 'myoprosthesis train --help'})"
        )
    for spec in specs:
        for key in ("policy", "shadow") if spec.name in ("policy", "decoder") else ():
            if spec.parameters.get(key):
                read_contract(store.find(str(spec.parameters[key])))


def check_start(specs: Sequence[NodeSpec]) -> None:
    """Refuse a missing port, and a decoder that does not fit the EMG or the effector, before anything starts.

    For stacks from EMG to a hand. The EMG of a device is not looked at: it would have to be opened.
    """
    from myoprosthesis.decoders.decoder import Decoder
    from myoprosthesis.decoders.posture_control import PostureController, PostureControlOptions
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    by_name = {s.name: s.parameters for s in specs}
    if "emg" not in by_name:
        return
    port = str(by_name["effector"].get("port", ""))
    if port.startswith("/") and not by_name["effector"].get("wait_s") and not Path(port).exists():
        raise ConfigError(explain(port, FileNotFoundError(errno.ENOENT, ""), "hand"))
    player, body = ("decoder", "posture") if "decoder" in by_name else ("policy", "effector")
    name = str(by_name[player]["policy"])
    contract = read_contract(store.find(name))
    if by_name["emg"]["source"] in WITHOUT_DEVICE:
        contract.match_emg(*_emg_of(by_name["emg"]))
    decoder, action = Decoder(_Unloaded(contract)), contract.action
    options = build(PostureControlOptions, options_in(PostureControlOptions, by_name[player]))
    PostureController(name, decoder.names, action.units[0], decoder.settings, _spec_of(by_name[body]), options)


@dataclass
class _Unloaded:
    """The contract of a decoder without its graph: it can be matched, and not run."""

    contract: Contract

    def step(self, observation: NDArray[np.float32]) -> NDArray[np.float64]:
        """Nothing is loaded: raises `ConfigError`."""
        raise ConfigError(f"decoder {self.contract.name!r} was read without its graph: it can be matched, and not run")

    def reset(self) -> None:
        """There is no state."""


def _emg_of(parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Channels and conditioning of the EMG that a node with these parameters would publish."""
    from myoprosthesis.nodes.emg_node import EmgNodeOptions, conditioning

    name = str(parameters["source"])
    own = options_in(registry.options("emg_sources", name), parameters)
    if isinstance(own.get("layout"), str):
        own["layout"] = yaml_text.parse(own["layout"], "layout")
    source = registry.factory("emg_sources", name)(build(registry.options("emg_sources", name), own, name))
    source.open()
    try:
        options = build(EmgNodeOptions, options_in(EmgNodeOptions, parameters))
        return source.spec.channels, conditioning(options.conditioning, source.spec).to_dict()
    finally:
        source.close()


def _spec_of(parameters: Mapping[str, Any]) -> EffectorSpec:
    """Specification of the effector that a node with these parameters would bring up."""
    name = str(parameters["effector"])
    own = registry.options("effectors", name)
    made: Any = registry.factory("effectors", name)(build(own, options_in(own, parameters)))
    spec: EffectorSpec = made.spec
    return spec


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
    sites = PerturbationSites(_spec_of(effector), contract_of(str(store.find(str(policy["policy"])))))
    decoder = next((s.parameters for s in specs if s.name == "decoder"), None)
    try:
        sites.check([e for e in entries if decoder is None or e.site != "emg"])
        if decoder is not None:
            decoded = PerturbationSites(contract=contract_of(str(store.find(str(decoder["policy"])))))
            decoded.check([e for e in entries if e.site == "emg"])
    except Refused as error:
        raise ConfigError(f"perturbation {imposed.preset.name!r} cannot act in this stack: {error}") from error
