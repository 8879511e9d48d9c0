"""Another effector while a stack runs: checked before anything is let go, and undone when it cannot be commanded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.options import build
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.parameters import to_ros
from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner
from myoprosthesis.nodes.perturbation_sites import PerturbationSites
from myoprosthesis.nodes.stack_client import DISCOVERY_S, StackClient
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract
from myoprosthesis.tasks.plan_only import complete
from myoprosthesis.tasks.task import channels_of

FOLLOW_S = 15.0
"""How long it may take until the new effector follows commands."""
NODE = "effector"


def options_of(name: str, given: Mapping[str, Any]) -> Any:
    """The options of an effector; raises `ConfigError` for one that it does not have, or a port that is not there."""
    made: Any = build(registry.options("effectors", name), given, f"effector {name!r}")
    port = str(given.get("port", ""))
    if port.startswith("/") and not Path(port).exists():
        raise ConfigError(f"there is no port {port}: plug the hand in first; the effector in use goes on")
    return made


class EffectorSwitch:
    """An exchange in the stack of a `StackClient`: made ready by its constructor, which refuses what cannot work and
    changes nothing; done by `run`."""

    def __init__(self, graph: StackClient, name: str, given: Mapping[str, Any]) -> None:
        """`given` are options of the new effector `name`."""
        self._graph, self.name = graph, name
        options_of(name, given)
        now = graph.get(NODE, ["effector", "lockstep"])
        self.former = str(now["effector"])
        self._former_options = graph.get(NODE, [f.name for f in fields(registry.options("effectors", self.former))])
        self._given = {**given, **self._port(given)}
        made = options_of(name, self._given)
        self._options = {f.name: to_ros(getattr(made, f.name)) for f in fields(made)}
        self._spec: EffectorSpec = registry.factory("effectors", name)(made).spec
        if now.get("lockstep") and not self._spec.pausable:
            raise self._refusal(f"effector {name!r} has no time of its own, and this stack runs in lockstep")
        self._fit_task()
        self._played = graph.active(DISCOVERY_S) if graph.has("policy") else {}
        self._fit(str(self._played.get("file", "")))

    def run(self) -> str:
        """Change; the state of the new effector in one sentence. When it cannot be brought up, or does not follow
        commands, the former one is brought back, and a `ConfigError` says why."""
        try:
            self._change(self.name, self._options)
            return self._confirm()
        except (MyoError, KeyboardInterrupt) as error:
            why = str(error) or "interrupted"
            try:
                self._change(self.former, self._former_options)
            except MyoError as second:
                raise ConfigError(
                    f"effector {self.name!r} is not commanded: {why}; {self.former} could not be brought back either "
                    f"({second}): nothing moves, exchange it for one that can be"
                ) from error
            raise ConfigError(f"effector {self.name!r} is not commanded: {why}; {self.former} goes on") from error

    def _refusal(self, why: str) -> ConfigError:
        return ConfigError(f"{why}; {self.former} goes on")

    def _port(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A hand's port where none is given: the emulated one of this stack, if it emulates that hand."""
        if self.name not in registry.names("hand_protocols") or given.get("port"):
            return {}
        if self.name == self.former and self._former_options.get("port"):
            return {"port": self._former_options["port"]}
        emulated: dict[str, Any] = {}
        if self._graph.has("emulator"):
            emulated = self._graph.get("emulator", ["hand", "path"])
        if emulated.get("hand") != self.name:
            raise self._refusal(
                f"{self.name} needs its port: --option port=/dev/ttyUSB0; without a hand, "
                f"`myoprosthesis emulate {self.name}` gives one"
            )
        return {"port": emulated["path"]}

    def _fit_task(self) -> None:
        """Refuse an effector with which the task that runs cannot be done."""
        if not self._graph.has("task"):
            return
        name = str(self._graph.get("task", ["task"]).get("task", ""))
        if name not in registry.names("tasks"):
            return
        options = registry.options("tasks", name)
        own = self._graph.get("task", [f.name for f in fields(options)])
        task = complete(registry.factory("tasks", name), build(options, {k: v for k, v in own.items() if v != ""}))
        try:
            task.needs(self._spec)
        except Refused as error:
            takes = "endpoint" in {f.name for f in fields(registry.options("effectors", self.name))}
            hint = (
                ": name a site or a body as one with --option endpoint=NAME"
                if takes and not self._spec.endpoint
                else ""
            )
            raise self._refusal(f"task {name!r} cannot be done: {error}{hint}") from error

    def _fit(self, file: str) -> None:
        """Refuse an effector that what is played does not fit."""
        if not file:
            return
        try:
            contract = read_contract(Path(file))
            if contract.conditioning:
                told: list[Any] = []
                subscribe(self._graph.node, topics.EMG_SPEC, told.append)
                if not self._graph.spin_until(lambda: bool(told), DISCOVERY_S):
                    raise ConfigError("no EMG is heard that the decoder could be fitted with")
                emg = json.loads(told[-1].data)
                stream = EmgStreamSpec(tuple(emg["channels"]), float(emg["rate"]), dict(emg["conditioning"]))
                own = self._graph.get("policy", [f.name for f in fields(PostureControlOptions)])
                drive = build(PostureControlOptions, {k: v for k, v in own.items() if v != ""})
                DecoderController(str(self._played["policy"]), OnnxPolicy(file), self._spec, stream, drive)
            else:
                task = str(self._graph.get("policy", ["task"]).get("task", ""))
                contract.match(self._spec, channels_of(task))
        except MyoError as error:
            raise self._refusal(str(error)) from error

    def imposed(self) -> str:
        """Empty, or why what is imposed now does not act on the new effector."""
        if not self._graph.has("perturbation"):
            return ""
        now = self._graph.get("perturbation", ["perturbation", "gain", "options"])
        wanted = planner(build(PerturbationNodeOptions, {k: v for k, v in now.items() if v != ""}))
        why = PerturbationSites(self._spec).refusal(wanted.entries())
        return f"{wanted.preset.name} does not act on it: {why}" if why else ""

    def _change(self, name: str, options: Mapping[str, Any]) -> None:
        """Whatever state the node is in: `name` with these options, active."""
        graph = self._graph
        graph.change(NODE, "deactivate")
        graph.change(NODE, "cleanup")
        graph.set(NODE, {"effector": name})
        if options:
            graph.set(NODE, dict(options))
        graph.effector.clear()
        if not graph.change(NODE, "configure"):
            graph.spin_until(lambda: "refused" in graph.effector, 2.0)
            raise ConfigError(str(graph.effector.get("refused") or "it could not be brought up; its node says why"))
        graph.effector.clear()
        if not graph.change(NODE, "activate"):
            raise ConfigError("it was brought up but could not be activated; its node says why")

    def _confirm(self) -> str:
        """Wait until the policy is fitted to the new effector and this follows its commands."""
        graph, known = self._graph, bool(self._played)

        def fitted() -> bool:
            last = graph.active(0.0)
            return not known or (last.get("fitted_to") == self._spec.name and last.get("text") == "active")

        def follows() -> bool:
            e = graph.effector
            return e.get("effector") == self._spec.name and (not e.get("idle") or bool(e.get("stopped")))

        if not graph.spin_until(lambda: fitted() and follows(), FOLLOW_S):
            idle = graph.effector.get("idle") or "nothing was heard of it"
            raise ConfigError("the policy was not fitted to it" if not fitted() else f"it does not follow: {idle}")
        if graph.effector.get("stopped"):
            return f"{self.name} is in the place of {self.former}; the emergency stop is on until `resume`"
        if not known:
            return f"{self.name} is in the place of {self.former}; no policy commands it"
        return f"{self.name} is commanded now"
