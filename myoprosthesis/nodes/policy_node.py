"""Policy node: runs an ONNX policy by its contract, and swaps it while it runs."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, fields
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from myoprosthesis.core.child_process import CRASHED
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, PhysicsChanged, PolicyLost
from myoprosthesis.core.message import TEXT_BYTES, read_object
from myoprosthesis.core.options import option
from myoprosthesis.core.output import LAST_S
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.decoder_adapter import AdaptationOptions, DecoderAdapter, check_adaptation
from myoprosthesis.nodes.decoder_loop import DecoderLoop
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.effector_loop import PARTICIPANTS
from myoprosthesis.nodes.executor_queue import ExecutorQueue
from myoprosthesis.nodes.lifecycle import LoopNode
from myoprosthesis.nodes.node_main import run, say
from myoprosthesis.nodes.parameters import declare, read
from myoprosthesis.nodes.policy_loader import PolicyLoader
from myoprosthesis.nodes.policy_loop import PolicyLoop, switcher_for
from myoprosthesis.nodes.policy_status import active_values, loop_values
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every
from myoprosthesis.nodes.topic_ports import DecoderPort, PolicyPort
from myoprosthesis.policies import store
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract
from myoprosthesis.policies.onnx_session import WATCHDOG
from myoprosthesis.policies.switching import ControllerSwitcher
from myoprosthesis.tasks.task import channels_of

FIXED = (
    {"lockstep", "participants", "task", "goal", "autostart", "seed"}
    | {f.name for f in fields(PostureControlOptions)}
    | {f.name for f in fields(AdaptationOptions) if f.name != "adapt"}
)
"""Parameters that stay as they are while a policy runs."""
DECODER_MEMORY_S = 3.0
"""The past that a decoder replays before it is active: a window, and the median by which it notices drift."""


@dataclass(frozen=True)
class PolicyNodeOptions:
    """Parameters of the policy node."""

    policy: str = option("reach_null", "the policy that is played: a name or a path; set it to swap", file="name")
    shadow: str = option("", "a policy that runs beside it and is only published; empty: none", file="name")
    blend_s: float = option(0.1, "length of the cross-fade at a swap", "s", 0.0, 10.0)
    lockstep: bool = option(False, "answer every state under its own stamp")
    participants: tuple[str, ...] = option(
        (), "nodes whose plans a state's answer waits for, in lockstep", choices=PARTICIPANTS
    )
    seed: int = option(0, "seed of the noise that a perturbation puts on the observation", "", 0)
    task: str = option("", "the task whose channels a policy may observe; empty: those that all tasks have")
    goal: str = option(
        "", "topic with the state of another effector whose joints the goal follows, as target/<joint>; empty: none"
    )
    autostart: bool = option(True, "configure and activate as soon as the effector is known")


class PolicyNode(LoopNode):
    """Fits policies to the effector that is there, and swaps them off the control thread (it is the `SwapListener`)."""

    def __init__(self) -> None:
        super().__init__("policy")
        declare(self, ("", PolicyNodeOptions), ("", PostureControlOptions), ("", AdaptationOptions))
        self._options, self._drive = read(self, PolicyNodeOptions), read(self, PostureControlOptions)
        self.decodes = bool(read_contract(store.find(self._options.policy)).conditioning)
        """Whether it runs decoders of EMG, or policies that observe the effector: the first one decides."""
        self.spec: EffectorSpec | None = None
        self.stream: EmgStreamSpec | None = None
        self.loop: PolicyLoop | DecoderLoop | None
        self._port: PolicyPort | DecoderPort | None = None
        self._adapter: DecoderAdapter | None = None
        self._phase = "active", ""
        """What is published of the policy: the text, and the one that is on its way."""
        self._shadow_why = ""
        self._active = self.create_publisher(
            topics.POLICY_ACTIVE.type, topics.POLICY_ACTIVE.name, topics.POLICY_ACTIVE.qos
        )
        subscribe(self, topics.SPEC, lambda m: EffectorSpec.from_json(m.data), self._on_spec)
        if self.decodes:
            subscribe(self, topics.EMG_SPEC, _stream, self._on_stream)
        self._diagnostics = Diagnostics(self, "policy")
        self.create_service(Trigger, "~/rollback", self._rollback)
        self.add_on_set_parameters_callback(self._check)
        self.add_post_set_parameters_callback(self._set)
        self._executor_queue = ExecutorQueue(self)
        self._loader = PolicyLoader(self, self._executor_queue.call, self._wake)
        every(self, 0.5, self._refresh)

    # -- lifecycle ----------------------------------------------------------------------------------------------

    # Configured: the policy is loaded and fitted to the effector, and observes. Active: commands are sent.

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Send commands."""
        result = super().on_activate(state)
        self._publish("active")
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Send no command any more."""
        result = super().on_deactivate(state)
        self._publish("inactive")
        return result

    def close(self) -> None:
        """End the loop; safe to call twice."""
        if self.loop is not None:
            self._publish("inactive")
        if self._adapter is not None:
            self._adapter.close()
        loop = self.loop
        super().close()
        if loop is not None and (status := loop_values(loop)) is not None:
            self._diagnostics.tell(*status)  # its last words
        self._port, self._adapter = None, None

    def _on_spec(self, spec: EffectorSpec) -> None:
        if spec != self.spec:
            self.spec = spec
            self._begin()

    def _on_stream(self, stream: EmgStreamSpec) -> None:
        if stream != self.stream:
            self.stream = stream
            self._begin()

    def _begin(self) -> None:
        """Configure once the effector and EMG specifications have arrived; again when either changes."""
        if self.spec is None or (self.decodes and self.stream is None):
            return
        if self.was_up:
            self.get_logger().warning(f"the effector is now {self.spec.name!r}: the policy is matched to its channels")
            self.reconfigure()
        elif self._options.autostart:
            self.autostart()

    def _configure(self) -> None:
        if self.spec is None:
            raise MyoError("no effector is known yet: start one, it tells what it is on effector/spec")
        if self.decodes and self.stream is None:
            raise MyoError("no EMG is known yet: start an EMG node, it tells what it hears on emg/spec")
        o, self._drive = read(self, PolicyNodeOptions), read(self, PostureControlOptions)
        self._options = o
        self.lock_topic(topics.COMMAND, "policy")
        self.loop = loop = self._loop(self.spec, o)
        policy = OnnxPolicy(store.find(o.policy))
        policy.warm_up()
        loop.switcher.switch(loop.switcher.fit(o.policy, policy))
        if o.shadow:
            loop.switcher.shadow = loop.switcher.fit(o.shadow, OnnxPolicy(store.find(o.shadow)))
        self._adapt(read(self, AdaptationOptions))
        loop.on_lost = lambda error: self._executor_queue.call(lambda: self._lost(error))
        if isinstance(loop, PolicyLoop):
            loop.on_unaware = lambda why: self._executor_queue.call(lambda: self._publish_again(unaware=why))
        loop.start(self.thread)

    def _loop(self, spec: EffectorSpec, o: PolicyNodeOptions) -> PolicyLoop | DecoderLoop:
        """The control loop for an effector, without a policy yet."""
        stream = self.stream
        if stream is not None:

            def make(name: str, policy: Any) -> Controller:
                return DecoderController(name, policy, spec, stream, self._drive)

            self._port = decoder_port = DecoderPort(self, spec)
            return DecoderLoop(ControllerSwitcher(spec, make, o.blend_s, DECODER_MEMORY_S), decoder_port, stream)
        units = channels_of(o.task)
        if o.goal and o.lockstep:
            raise ConfigError(f"the goal is the state on {o.goal!r}, which has its own time: not in lockstep")
        self._port = port = PolicyPort(self, spec, o.goal)
        return PolicyLoop(
            switcher_for(spec, o.blend_s, units),
            port,
            lockstep=o.lockstep,
            participants=o.participants,
            seed=o.seed,
            task_channels=tuple(units),
            followed=bool(o.goal),
        )

    def _adapt(self, options: AdaptationOptions) -> None:
        """Adapt the decoder from now on, or no longer; raises `ConfigError` where it cannot be adapted."""
        if self._adapter is not None:
            self._adapter.close()
        self._adapter = None
        if not options.adapt:
            return
        check_adaptation(self.loop)
        if isinstance(self.loop, DecoderLoop):
            self._adapter = DecoderAdapter(options, self.loop, self._loader, lambda *line: say(self, *line))

    # -- swap ---------------------------------------------------------------------------------------------------

    def _check(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        """Refuse with a reason what cannot run here."""
        try:
            options = read(self, PolicyNodeOptions, changes=parameters)
            read(self, AdaptationOptions, changes=parameters)
            for p in parameters:
                if p.name in FIXED and self.loop is not None:
                    raise MyoError(f"{p.name} cannot be changed while the policy runs: set it at the start")
                if p.name == "adapt" and p.value and self.loop is not None:
                    check_adaptation(self.loop)
                if p.name == "policy" and self.loop is not None and p.value == self.loop.switcher.name:
                    continue  # it is active already, whatever has become of its file
                if p.name == "policy" or (p.name == "shadow" and p.value):
                    contract = read_contract(store.find(getattr(options, p.name)))
                    self._match(contract)
        except MyoError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _match(self, contract: Contract) -> None:
        """Raise `MyoError` for a policy that cannot run here.

        Whether a decoder's answers move this hand is checked when it is fitted.
        """
        if bool(contract.conditioning) != self.decodes:
            here, other = ("EMG", "the effector") if self.decodes else ("the effector", "EMG")
            raise MyoError(
                f"policy {contract.name!r} observes {other}, and this stack observes {here}: start a stack for it"
            )
        if self.stream is not None:
            contract.match_emg(self.stream.channels, self.stream.conditioning)
        elif self.spec is not None:
            contract.match(self.spec, channels_of(self._options.task))

    def _set(self, parameters: list[Parameter[Any]]) -> None:
        """Begin what was accepted."""
        loop = self.loop
        if loop is None:
            return
        for p in parameters:
            if p.name == "blend_s":
                loop.switcher.blend_s = float(p.value)
            elif p.name == "policy" and p.value != loop.switcher.name:
                self._loader.swap(loop, str(p.value))
            elif p.name == "policy" and self._loader.pending:  # back to the active one: the newest request counts
                self._loader.cancel(loop)
                self._publish("active")
            elif p.name == "adapt":
                self._adapt(read(self, AdaptationOptions))
            elif p.name == "shadow":
                self._shadow_why = ""
                self._loader.set_shadow(loop, str(p.value), self._publish_again, self._shadow_refused)

    def _wake(self) -> None:
        if self._port is not None:
            self._port.wake()

    def swap_loading(self, name: str) -> None:
        """See `SwapListener`."""
        self._publish("loading", candidate=name)

    def swap_ready(self, name: str) -> None:
        """See `SwapListener`."""
        self._publish("ready", candidate=name)

    def swap_done(self) -> None:
        """See `SwapListener`."""
        self._name_current()
        self._publish("active")
        if self._adapter is not None:
            try:
                self._adapter.follow()
            except ConfigError as error:
                self.get_logger().warning(f"this decoder is not adapted while it is used: {error}")

    def swap_refused(self, name: str, why: str, newest: bool) -> None:
        """See `SwapListener`."""
        self.get_logger().error(f"policy {name!r} is not swapped in: {why}")
        if newest:
            self._name_current()
            self._publish("active", refused=name, why=why)

    def _shadow_refused(self, why: str) -> None:
        self._shadow_why = why
        self.get_logger().error(why)
        self._publish_again()

    def _name_current(self) -> None:
        """Set the parameter to the name of the current policy."""
        loop = self.loop
        if loop is not None and loop.switcher.current is not None:
            self.set_parameters([Parameter("policy", value=loop.switcher.name)])

    def _lost(self, error: PolicyLost) -> None:
        """A policy that cannot be run any more was dropped."""
        loop, name, why = self.loop, error.policy, str(error)
        if loop is None:
            return
        if loop.switcher.current is not None:
            self.get_logger().error(f"policy {name!r} is let go of: {why}")
            self._name_current()
            self._publish("active", refused=name, why=why)
            return
        self.get_logger().error(f"policy {name!r} is let go of, the effector idles until another is swapped in: {why}")
        before = loop.switcher.previous.name if loop.switcher.previous else ""
        values = {"policy": name, "why": why, "previous": before, "pid": os.getpid()}
        self._active.publish(diagnostic_status.status("policy", "failed", values, diagnostic_status.ERROR))

    def _rollback(self, request: Any, response: Any) -> Any:
        """Back to the policy before this one; the loaded object is used, whatever has become of its file."""
        loop = self.loop
        before = loop.switcher.previous if loop is not None else None
        if loop is None or before is None:
            response.success, response.message = False, "there is no earlier policy to go back to"
            return response
        self._loader.swap(loop, before.name, before)
        response.success, response.message = True, f"going back to {before.name}"
        if self._adapter is not None:  # what a person takes back is not done again
            self.set_parameters([Parameter("adapt", value="")])
            response.message += "; it is not adapted any more, until adapt is set again"
        return response

    # -- publishing ---------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self._port is not None:
            self._port.refresh()
        if self.loop is not None and (status := loop_values(self.loop)) is not None:
            self._diagnostics.tell(*status)

    def _publish(self, text: str, **more: Any) -> None:
        """Publish the state of the current policy, and `more`, on `policy/active`."""
        self._phase = text, str(more.get("candidate", ""))
        loop = self.loop
        controller = loop.switcher.current if loop is not None else None
        if loop is None or controller is None or self.spec is None:
            return
        if text == "active" and not loop.active:
            text = "inactive"
        warning = ""
        try:
            controller.contract.check_physics(self.spec)
        except PhysicsChanged as change:
            warning = str(change)
            self.get_logger().warning(warning, once=True)
        values = active_values(controller, loop, self.spec, warning) | {"shadow_why": self._shadow_why} | more
        level = diagnostic_status.WARN if warning or "why" in more else diagnostic_status.OK
        self._active.publish(diagnostic_status.status("policy", text, values, level, self.spec.name))

    def _publish_again(self, **more: Any) -> None:
        """Publish what has become of something else, where the swap that is on its way stands as before."""
        text, candidate = self._phase
        self._publish(text, candidate=candidate, **more)


def _stream(message: Any) -> EmgStreamSpec:
    """The EMG that a specification describes."""
    data = read_object(message.data, "the specification of the EMG", TEXT_BYTES)
    return EmgStreamSpec(tuple(map(str, data["channels"])), float(data["rate"]), dict(data["conditioning"]))


def _give_up() -> None:
    """End the process: only so ends a single operator of a network that does not. The stack starts another one."""
    print("a policy computes and cannot be ended: its process is started again", file=sys.stderr, flush=True)
    time.sleep(LAST_S)  # for the sentence to leave
    os._exit(CRASHED)


def main() -> None:
    """Entry point of the executable `policy_node`."""
    WATCHDOG.stuck = _give_up
    run(PolicyNode, sys.argv)


if __name__ == "__main__":
    main()
