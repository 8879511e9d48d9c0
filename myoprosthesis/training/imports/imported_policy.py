"""A network of another library as a policy: the sizes and bounds checked, the file compared and written with a card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from myoprosthesis.core.command_map import CommandMap
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.onnx_graphs.actor_network import ActorNetwork
from myoprosthesis.onnx_graphs.actor_policy import actor_policy
from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.policies.onnx_session import OnnxSession
from myoprosthesis.policies.store import FILE
from myoprosthesis.training import checkpoint, exported_policy
from myoprosthesis.training.exported_policy import PARITY, PARITY_STEPS
from myoprosthesis.training.imports.import_card import import_card
from myoprosthesis.training.imports.policy_interface import PolicyInterface

CARD = "card.md"
Act = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""The network's action (m,) for its observation (n,), step by step from a state of zero."""


@dataclass(frozen=True, eq=False)
class ImportedPolicy:
    """A policy that has been made of a network, not yet written."""

    model: onnx.ModelProto
    contract: Contract
    interface: PolicyInterface
    command_map: CommandMap
    typical: NDArray[np.floating]
    """(2, n) mean and deviation of observations in the network's units."""
    what: str
    """What the network is, for the card."""


def of_actor(network: ActorNetwork, interface: PolicyInterface, what: str) -> tuple[ImportedPolicy, ActorNetwork]:
    """The policy of an actor, and the actor with its bounds; raises `ConfigError` where they do not fit together."""
    contract, source = interface.contract, interface.source
    for name, numbers in network.arrays().items():
        if not np.isfinite(numbers).all():
            raise ConfigError(f"the {name} are not finite: a network that was broken in its training is not imported")
    for own, wanted, verb in (
        (network.n_observations, contract.observation_size, "observe"),
        (network.n_actions, contract.action.size, "command"),
    ):
        if own != wanted:
            raise ConfigError(f"the network {verb}s {own} numbers, {source} has {wanted}")
    normaliser = network.normaliser
    if normaliser is not None and normaliser.mean.size != network.n_observations:
        raise ConfigError(f"the normaliser has {normaliser.mean.size} numbers, the network observes "
                          f"{network.n_observations}")  # fmt: skip
    network = _bounded(network, interface)
    command_map = _mapped(network, interface)
    contract = replace(contract, hidden=network.hidden)
    model = actor_policy(contract, network, interface.observation_scale, command_map)
    mean, deviation = np.zeros(network.n_observations), np.ones(network.n_observations)
    if normaliser is not None:
        mean, deviation = np.asarray(normaliser.mean, float), np.asarray(normaliser.deviation, float)
    return ImportedPolicy(model, contract, interface, command_map, np.stack([mean, deviation]), what), network


def _bounded(network: ActorNetwork, interface: PolicyInterface) -> ActorNetwork:
    """With the bounds of the interface, which are the network's own where both are known."""
    least, most = interface.least, interface.most
    if network.low is None or network.high is None:
        if least is None or most is None:
            if network.squashed:
                raise ConfigError(
                    f"the network's action is squashed between bounds that its file does not show: say them in "
                    f"{interface.source}, as action_map: {{clip: [least, greatest]}}"
                )
            return network
        shape = (network.n_actions,)
        return replace(network, low=np.broadcast_to(least, shape), high=np.broadcast_to(most, shape))
    if least is not None and most is not None:
        for own, other in ((network.low, least), (network.high, most)):
            if not np.allclose(own, other, atol=1e-6):
                raise ConfigError(
                    f"the network's action goes from {network.low.min():g} to {network.high.max():g}, that of "
                    f"{interface.source} from {least.min():g} to {most.max():g}: it was trained with another one"
                )
    return network


def _mapped(network: ActorNetwork, interface: PolicyInterface) -> CommandMap:
    """The map to the command, without bounds that the network has itself."""
    if interface.command_map is not None:
        own = interface.command_map
        return own if network.low is None else replace(own, least=None, most=None)
    low, high = interface.contract.action.bounds()
    if network.low is not None and network.high is not None:
        if np.allclose(network.low, low, atol=1e-6) and np.allclose(network.high, high, atol=1e-6):
            return CommandMap()
        span = f"from {network.low.min():g} to {network.high.max():g}"
    else:
        span = "without bounds"
    raise ConfigError(
        f"the network's action is one {span}, the command one from {low.min():g} to {high.max():g}: say in "
        f"{interface.source} how one becomes the other, as action_map: {{scale: 0.5, offset: 0.5}}, or with squash: "
        "logistic, or {} for the same numbers"
    )


def difference(policy: ImportedPolicy, original: Act, steps: int = PARITY_STEPS) -> float:
    """Largest difference of command between the file and `original` over random observations, each from its own state.

    Commands with a range above 1 are compared as shares of it. A tenth of the observations is far from usual ones.
    """
    session = OnnxSession(policy.model.SerializeToString())
    rng = np.random.default_rng(0)
    (mean, deviation), scale = policy.typical, policy.interface.observation_scale
    low, high = policy.contract.action.bounds()
    outputs = ["action", *(f"{name}_out" for name, _ in policy.contract.hidden)]
    feed = {name: np.zeros(shape, np.float32) for name, shape in policy.contract.hidden}
    worst = 0.0
    for _ in range(steps):
        spread = 20.0 if rng.random() < 0.1 else 1.0
        observation = ((mean + rng.normal(0, spread, mean.size) * deviation) / scale).astype(np.float32)
        wanted = policy.command_map(original(observation * scale), low, high)
        action, *states = session.run(outputs, {"observation": observation[None], **feed})
        feed = dict(zip(feed, states, strict=True))
        worst = max(worst, float((np.abs(action[0] - wanted) / np.maximum(1.0, high - low)).max()))
    return worst


def write(policy: ImportedPolicy, folder: Path, gaps: dict[str, float], command: str, files: dict[str, Path]) -> Path:
    """Write file and card into `folder`, and return the file's path.

    `gaps` are differences from originals by name, `files` what was read. Raises `ConfigError` where one of `gaps` is
    above `PARITY` or not a number, and where there is a policy already.
    """
    path = folder / FILE
    if path.exists():
        raise ConfigError(f"{path} is there already: give another folder by --out, or remove it")
    data = policy.model.SerializeToString()
    try:
        read_contract(path, data)
    except ContractError as error:
        raise ConfigError(str(error)) from error
    digests = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    for name, gap in gaps.items():
        if not gap <= PARITY:
            raise ConfigError(
                f"{path} was not written: it differs from {name} by {gap:.2g} over {PARITY_STEPS} steps, at most "
                f"{PARITY:g} is allowed"
            )
    exported_policy.write(policy.model, max(gaps.values()), path)
    sources = {name: (file.name, digests[name]) for name, file in files.items()}
    checkpoint.write(
        folder / CARD, import_card(policy.contract, policy.what, policy.interface.source, gaps, command, sources)
    )
    return path
