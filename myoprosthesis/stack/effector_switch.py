"""Switches the effector of a running stack: checked before anything changes, undone when it cannot be commanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.message import TEXT_BYTES, read_object
from myoprosthesis.core.options import build
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.parameters import to_ros
from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner
from myoprosthesis.nodes.perturbation_sites import PerturbationSites
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract
from myoprosthesis.stack.client import DISCOVERY_S, StackClient
from myoprosthesis.stack.reports import EffectorReport, PolicyReport
from myoprosthesis.tasks.plan_only import complete
from myoprosthesis.tasks.task import channels_of

FOLLOW_S = 15.0
"""How long it may take until the new effector follows commands."""
NODE = "effector"


def effector_options(name: str, values: Mapping[str, Any]) -> Any:
    """The options of an effector; raises `ConfigError` for one that it does not have, or for a missing port."""
    options: Any = build(registry.options("effectors", name), values, f"effector {name!r}")
    port = str(values.get("port", ""))
    if port.startswith("/") and not Path(port).exists():
        raise ConfigError(f"there is no port {port}: plug the hand in first; the effector in use goes on")
    return options


class EffectorSwitch:
    """A switch to another effector in the stack of a `StackClient`.

    The constructor refuses what cannot work, and changes nothing; `run` switches.
    """

    def __init__(self, stack: StackClient, name: str, values: Mapping[str, Any]) -> None:
        """`values` are options of the new effector `name`."""
        self._stack, self.name = stack, name
        effector_options(name, values)
        stack.check_no_session("the effector")
        now = stack.get(NODE, ["effector", "lockstep"])
        self.former = str(now["effector"])
        self._former_options = stack.get(NODE, [f.name for f in fields(registry.options("effectors", self.former))])
        options = effector_options(name, {**values, **self._port(values)})
        self._options = {f.name: to_ros(getattr(options, f.name)) for f in fields(options)}
        self._spec: EffectorSpec = registry.factory("effectors", name)(options).spec
        if now.get("lockstep") and not self._spec.pausable:
            raise self._refusal(f"effector {name!r} has no time of its own, and this stack runs in lockstep")
        self._fit_task()
        self._policy = stack.active_policy(DISCOVERY_S) if stack.has("policy") else PolicyReport()
        self._fit(self._policy.file)

    def run(self) -> str:
        """Switch, and return the state of the new effector in one sentence.

        When it cannot be started, or does not follow commands, the former one is started again, and a `ConfigError`
        says why.
        """
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
                    f"({second}): nothing moves, switch to one that can be"
                ) from error
            raise ConfigError(f"effector {self.name!r} is not commanded: {why}; {self.former} goes on") from error

    def _refusal(self, why: str) -> ConfigError:
        return ConfigError(f"{why}; {self.former} goes on")

    def _port(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A hand's port where none is given: the emulated one of this stack, if it emulates that hand."""
        if self.name not in registry.names("hand_protocols") or values.get("port"):
            return {}
        if self.name == self.former and self._former_options.get("port"):
            return {"port": self._former_options["port"]}
        emulated: dict[str, Any] = {}
        if self._stack.has("emulator"):
            emulated = self._stack.get("emulator", ["hand", "path"])
        if emulated.get("hand") != self.name:
            raise self._refusal(
                f"{self.name} needs its port: --option port=/dev/ttyUSB0; without a hand, "
                f"`myoprosthesis emulate {self.name}` gives one"
            )
        return {"port": emulated["path"]}

    def _fit_task(self) -> None:
        """Refuse an effector with which the task that runs cannot be done."""
        if not self._stack.has("task"):
            return
        name = str(self._stack.get("task", ["task"]).get("task", ""))
        if name not in registry.names("tasks"):
            return
        options = registry.options("tasks", name)
        own = self._stack.get("task", [f.name for f in fields(options)])
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
        """Refuse an effector that the active policy does not fit."""
        if not file:
            return
        try:
            contract = read_contract(Path(file))
            if contract.conditioning:
                specs: list[Any] = []
                subscribe(self._stack.node, topics.EMG_SPEC, specs.append)
                if not self._stack.spin_until(lambda: bool(specs), DISCOVERY_S):
                    raise ConfigError("no EMG is published that the decoder could be fitted with")
                emg = read_object(specs[-1].data, "the specification of the EMG", TEXT_BYTES)
                stream = EmgStreamSpec(tuple(emg["channels"]), float(emg["rate"]), dict(emg["conditioning"]))
                own = self._stack.get("policy", [f.name for f in fields(PostureControlOptions)])
                drive = build(PostureControlOptions, {k: v for k, v in own.items() if v != ""})
                DecoderController(self._policy.policy, OnnxPolicy(file), self._spec, stream, drive)
            else:
                task = str(self._stack.get("policy", ["task"]).get("task", ""))
                contract.match(self._spec, channels_of(task))
        except MyoError as error:
            raise self._refusal(str(error)) from error

    def check_perturbation(self) -> None:
        """Raise `Refused` where the perturbation that is planned now does not act on the new effector."""
        if not self._stack.has("perturbation"):
            return
        now = self._stack.get("perturbation", ["perturbation", "gain", "options"])
        plan = planner(build(PerturbationNodeOptions, {k: v for k, v in now.items() if v != ""}))
        try:
            PerturbationSites(self._spec).check(plan.entries())
        except Refused as error:
            raise Refused(f"{plan.preset.name} does not act on it: {error}") from error

    def _change(self, name: str, options: Mapping[str, Any]) -> None:
        """Whatever state the node is in: `name` with these options, active."""
        stack, status = self._stack, self._stack.status
        stack.change(NODE, "deactivate")
        stack.change(NODE, "cleanup")
        stack.set(NODE, {"effector": name})
        if options:
            stack.set(NODE, dict(options))
        status.effector = EffectorReport()
        if not stack.change(NODE, "configure"):
            stack.spin_until(lambda: status.effector.refused, 2.0)
            raise ConfigError(status.effector.refused or "it could not be brought up; its node says why")
        status.effector = EffectorReport()
        if not stack.change(NODE, "activate"):
            raise ConfigError("it was brought up but could not be activated; its node says why")

    def _confirm(self) -> str:
        """Wait until the policy is fitted to the new effector and this follows its commands."""
        status, has_policy = self._stack.status, bool(self._policy.text)

        def fitted() -> bool:
            policy = status.policy
            return not has_policy or (policy.fitted_to == self._spec.name and policy.text == "active")

        def follows() -> bool:
            e = status.effector
            return e.effector == self._spec.name and (not e.idle or e.stopped)

        if not self._stack.spin_until(lambda: fitted() and follows(), FOLLOW_S):
            idle = status.effector.idle or "it did not report"
            raise ConfigError("the policy was not fitted to it" if not fitted() else f"it does not follow: {idle}")
        if status.effector.stopped:
            return f"{self.name} is in the place of {self.former}; the emergency stop is on until `resume`"
        if not has_policy:
            return f"{self.name} is in the place of {self.former}; no policy commands it"
        return f"{self.name} is commanded now"
