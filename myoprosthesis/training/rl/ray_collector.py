"""Collection of rollouts on the machines of a Ray cluster, with the result that one machine would give."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.extras import library
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.collector_spec import CollectorSpec
from myoprosthesis.training.rl.experience import Experience, joined
from myoprosthesis.training.rl.replay_buffer import Symmetry

CONNECT_S = 5.0
START_S = 600.0
"""For an actor to come up: a node loads torch and compiles the model."""
REPLACEMENTS = 5
"""Actors that may be lost in one rollout."""
VERSIONS = ("myoprosthesis", "mujoco", "numpy", "torch")
"""Packages that must be the same on all nodes."""


class CollectorActor:
    """A collector on a node of the cluster."""

    def __init__(self, spec: CollectorSpec, state: dict[str, Any] | None) -> None:
        import torch

        torch.set_num_threads(1)
        self.collector = spec.make()
        if state is not None:
            self.collector.load_state(state)

    def collect(
        self, weights: Mapping[str, NDArray[np.float32]], stage: int, batch: int
    ) -> tuple[Experience, dict[str, Any], str]:
        """A rollout, the state after it, from which another actor can go on, and the node."""
        rollout = self.collector.collect({k: v.copy() for k, v in weights.items()}, stage, batch)
        return rollout, self.collector.state(), self.node()

    def node(self) -> str:
        """Identifier of the node."""
        ray = library("ray", "ray", "training on several machines")
        return str(ray.get_runtime_context().get_node_id())

    def description(self) -> tuple[int, ActionMap, Symmetry | None, dict[str, str], str]:
        """Size of an observation, action map, symmetry, versions of the packages that decide the result, the node."""
        here = self.collector
        return here.size, here.map, here.symmetry, {name: version(name) for name in VERSIONS}, self.node()

    def contract(self, name: str) -> Contract:
        """See `Collector.contract`."""
        return self.collector.contract(name)


@dataclass
class _Part:
    spec: CollectorSpec
    actor: Any = None
    node: str = ""
    """Where the actor is."""
    state: dict[str, Any] | None = None
    """After the last rollout."""


class RayCollector:
    """One actor on each node collects a part of the simulations; a lost one is replaced by one in the same state.

    The nodes need this package in the versions of this machine. Nodes whose processors round otherwise (other vector
    units) give other rollouts than one machine would.
    """

    def __init__(self, spec: CollectorSpec, address: str, count: int = 0) -> None:
        """Connect to the cluster and start the actors.

        Args:
            spec: All simulations.
            address: `ray://HOST:PORT` of a Ray client server, `HOST:PORT` of a head node, or `local` for this machine.
            count: Actors; 0: one for each node.

        Raises:
            ConfigError: Ray is not installed, nothing answers there, or the nodes have other versions.
        """
        self._ray = library("ray", "ray", "training on several machines")
        self._owner = not self._ray.is_initialized()
        if self._owner:
            self._connect(address)
        self._remote = self._ray.remote(num_cpus=0)(CollectorActor)
        self._turn, self._lost = 0, set[str]()
        self.replaced = 0
        """Actors that were lost and replaced so far."""
        self._parts = [_Part(part) for part in spec.parts(count or len(self._nodes()))]
        for part in self._parts:
            self._start(part)
        descriptions = [self._get(part.actor.description.remote(), START_S) for part in self._parts]
        self.size, self.map, self._symmetry, *_ = descriptions[0]
        here = {name: version(name) for name in VERSIONS}
        for part, (*_, there, node) in zip(self._parts, descriptions, strict=True):
            part.node = node
            for name in VERSIONS:
                if there[name] != here[name]:
                    raise ConfigError(f"a node of {address} has {name} {there[name]}, this machine {here[name]}")

    @property
    def symmetry(self) -> Symmetry | None:
        """See `Collector.symmetry`."""
        return self._symmetry

    def collect(self, weights: Mapping[str, NDArray[np.float32]], stage: int, batch: int) -> Experience:
        """See `Collector.collect`."""
        shared = self._ray.put(dict(weights))
        lost = 0
        pending = {part.actor.collect.remote(shared, stage, batch): i for i, part in enumerate(self._parts)}
        results: list[Experience | None] = [None] * len(self._parts)
        while pending:
            done, _ = self._ray.wait(list(pending), num_returns=1)
            i = pending.pop(done[0])
            part = self._parts[i]
            try:
                results[i], part.state, part.node = self._get(done[0])
            except (self._ray.exceptions.RayActorError, self._ray.exceptions.ActorUnschedulableError) as error:
                lost += 1
                if lost > REPLACEMENTS:
                    raise ConfigError(
                        f"{lost} collectors were lost in one rollout, the last one: {_brief(error)}; continue with "
                        "--resume once the cluster is well"
                    ) from error
                self.replaced += 1
                self._lost.add(part.node)  # the cluster may need half a minute to see that it has gone
                self._start(part)
                pending[part.actor.collect.remote(shared, stage, batch)] = i
        return joined([result for result in results if result is not None])

    def contract(self, name: str) -> Contract:
        """See `Collector.contract`."""
        contract: Contract = self._get(self._parts[0].actor.contract.remote(name))
        return contract

    def state(self) -> dict[str, Any]:
        """See `Collector.state`; one for each part, so that a run is resumed with as many actors."""
        return {"parts": [part.state for part in self._parts]}

    def load_state(self, state: dict[str, Any]) -> None:
        """See `Collector.load_state`."""
        states = state.get("parts", [])
        if len(states) != len(self._parts):
            raise ConfigError(
                f"the run was saved with {len(states) or 1} collectors, here are {len(self._parts)}: resume it with "
                "as many, or start from its weights (--from)"
            )
        for part, own in zip(self._parts, states, strict=True):
            self._ray.kill(part.actor)
            part.state = own
            self._start(part)

    def close(self) -> None:
        """See `Collector.close`."""
        for part in self._parts:
            self._ray.kill(part.actor)
        if self._owner:
            self._ray.shutdown()

    def _connect(self, address: str) -> None:
        if address != "local":
            host, _, port = address.removeprefix("ray://").rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
            except (OSError, ValueError, OverflowError) as error:
                raise ConfigError(
                    f"no Ray cluster answers at {address!r} ({_brief(error)}): start one there with "
                    "`ray start --head`, and give its address as ray://HOST:10001 or HOST:6379"
                ) from error
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # Ray raises its own kinds, RuntimeError and ConnectionError
            raise ConfigError(f"the Ray cluster at {address!r} cannot be used: {_brief(error)}") from error

    def _nodes(self) -> list[str]:
        """Identifiers of the nodes that are alive; those that lost an actor only where there are no others."""
        alive = sorted(node["NodeID"] for node in self._ray.nodes() if node["Alive"])
        return [node for node in alive if node not in self._lost] or alive

    def _start(self, part: _Part) -> None:
        """Start an actor for `part`, on the next node in turn."""
        scheduling = library("ray.util.scheduling_strategies", "ray", "training on several machines")
        nodes = self._nodes()
        part.node = nodes[self._turn % len(nodes)]
        self._turn += 1
        strategy = scheduling.NodeAffinitySchedulingStrategy(part.node, soft=False)
        part.actor = self._remote.options(scheduling_strategy=strategy).remote(part.spec, part.state)

    def _get(self, reference: Any, timeout_s: float | None = None) -> Any:
        try:
            return self._ray.get(reference, timeout=timeout_s)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause if isinstance(getattr(error, "cause", None), MyoError) else error
            raise ConfigError(f"a collector cannot go on: {_brief(cause)}") from error
        except self._ray.exceptions.GetTimeoutError as error:
            raise ConfigError(f"no collector was ready within {timeout_s:g} s: has the cluster a node?") from error


def _brief(error: object) -> str:
    return " ".join(str(error).split())[-300:]
