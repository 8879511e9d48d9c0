"""The policy node: runs an ONNX policy by its contract and swaps it while it runs."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from myoprosthesis.core.child_process import CRASHED
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.message import TEXT_BYTES, read_object
from myoprosthesis.core.options import option
from myoprosthesis.core.output import LAST_S
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.decoder_loop import DecoderLoop
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.effector_loop import PARTICIPANTS
from myoprosthesis.nodes.lifecycle import LoopNode
from myoprosthesis.nodes.node_main import run, say
from myoprosthesis.nodes.parameters import declare, read
from myoprosthesis.nodes.policy_loop import PolicyLoop, switcher_for
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every
from myoprosthesis.nodes.topic_ports import DecoderPort, PolicyPort
from myoprosthesis.policies import store
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract
from myoprosthesis.policies.onnx_session import WATCHDOG
from myoprosthesis.policies.switching import ControllerSwitcher
from myoprosthesis.tasks.task import channels_of

DECODER_MEMORY_S = 3.0
"""The past that a decoder lives through before it is played: a window, and the median by which it tells drift."""


@dataclass(frozen=True)
class PolicyNodeOptions:
    """Parameters of the policy node."""

    policy: str = option("reach_null", "the policy that is played: a name or a path; set it to swap", file="name")
    shadow: str = option("", "a policy that runs beside it and is only published; empty: none", file="name")
    blend_s: float = option(0.1, "length of the cross-fade at a swap", "s", 0.0, 10.0)
    lockstep: bool = option(False, "answer every state under its own stamp")
    parties: tuple[str, ...] = option(
        (), "who must have spoken before a state is answered, in lockstep", choices=PARTICIPANTS
    )
    seed: int = option(0, "seed of the noise that a perturbation puts on the observation", "", 0)
    task: str = option("", "the task whose channels a policy may observe; empty: those that all tasks have")
    autostart: bool = option(True, "configure and activate as soon as the effector is known")


class PolicyNode(LoopNode):
    """Builds a switcher for the effector that it hears of, and swaps policies off the control thread."""

    def __init__(self) -> None:
        super().__init__("policy")
        declare(self, ("", PolicyNodeOptions), ("", PostureControlOptions))
        self._options, self._drive = read(self, PolicyNodeOptions), read(self, PostureControlOptions)
        self.decodes = bool(read_contract(store.find(self._options.policy)).conditioning)
        """Whether it plays decoders, which hear EMG, or policies that see the effector: the first one says."""
        self.spec: EffectorSpec | None = None
        self.stream: EmgStreamSpec | None = None
        self.loop: PolicyLoop | DecoderLoop | None
        self._port: PolicyPort | DecoderPort | None = None
        self._newest, self._pending = 0, ""
        self._active = self.create_publisher(
            topics.POLICY_ACTIVE.type, topics.POLICY_ACTIVE.name, topics.POLICY_ACTIVE.qos
        )
        subscribe(self, topics.SPEC, self._meet)
        if self.decodes:
            subscribe(self, topics.EMG_SPEC, self._tune_in)
        self._diagnostics = Diagnostics(self, "policy")
        self.create_service(Trigger, "~/rollback", self._rollback)
        self.add_on_set_parameters_callback(self._check)
        self.add_post_set_parameters_callback(self._set)
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._rung = self.create_guard_condition(self._handle)
        every(self, 0.5, self._refresh)

    # -- lifecycle ----------------------------------------------------------------------------------------------

    # Configured: the policy is loaded, fitted to the effector, and listens. Active: commands are sent.

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Commands are sent."""
        result = super().on_activate(state)
        self._tell("active")
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """No command is sent any more."""
        result = super().on_deactivate(state)
        self._tell("inactive")
        return result

    def close(self) -> None:
        """End the loop; safe to call twice."""
        if self.loop is not None:
            self._tell("inactive")
        super().close()
        self._port = None

    def _meet(self, message: Any) -> None:
        """An effector has told what it is."""
        spec = EffectorSpec.from_json(message.data)
        if spec != self.spec:
            self.spec = spec
            self._begin()

    def _tune_in(self, message: Any) -> None:
        """An EMG node has told what it hears and what it does to it."""
        told = read_object(message.data, "the specification of the EMG", TEXT_BYTES)
        stream = EmgStreamSpec(tuple(map(str, told["channels"])), float(told["rate"]), dict(told["conditioning"]))
        if stream != self.stream:
            self.stream = stream
            self._begin()

    def _begin(self) -> None:
        """Bring the node up once all is known that it must know; when something of it has become another, anew."""
        if self.spec is None or (self.decodes and self.stream is None):
            return
        if self.was_up:
            self.get_logger().warning(f"the effector is now {self.spec.name!r}: the policy is matched to its channels")
            self.anew()
        elif self._options.autostart:
            self.autostart()

    def _player(self, spec: EffectorSpec, blend_s: float) -> ControllerSwitcher:
        stream = self.stream
        if not self.decodes:
            return switcher_for(spec, blend_s, channels_of(self._options.task))
        assert stream is not None

        def make(name: str, policy: Any) -> Controller:
            return DecoderController(name, policy, spec, stream, self._drive)

        return ControllerSwitcher(spec, make, blend_s, DECODER_MEMORY_S)

    def _configure(self) -> None:
        if self.spec is None:
            raise MyoError("no effector is known yet: start one, it tells what it is on effector/spec")
        if self.decodes and self.stream is None:
            raise MyoError("no EMG is known yet: start an EMG node, it tells what it hears on emg/spec")
        o, self._drive = read(self, PolicyNodeOptions), read(self, PostureControlOptions)
        self._options = o
        self.claim(topics.COMMAND, "policy")
        switcher = self._player(self.spec, o.blend_s)
        policy = OnnxPolicy(store.find(o.policy))
        policy.warm_up()
        switcher.switch(switcher.fit(o.policy, policy))
        if o.shadow:
            switcher.shadow = switcher.fit(o.shadow, OnnxPolicy(store.find(o.shadow)))
        if self.stream is not None:
            self._port = port = DecoderPort(self, self.spec)
            self.loop = DecoderLoop(switcher, port, self.stream)
        else:
            self._port = PolicyPort(self, self.spec)
            self.loop = PolicyLoop(
                switcher,
                self._port,
                lockstep=o.lockstep,
                parties=o.parties,
                seed=o.seed,
                task_channels=tuple(channels_of(o.task)),
            )
        self.loop.on_lost = lambda name, why: self._ring(lambda: self._lose(name, why))
        self.loop.start(self.thread)

    # -- swap ---------------------------------------------------------------------------------------------------

    def _check(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        """Refuse with a reason what cannot be played here."""
        try:
            options = read(self, PolicyNodeOptions, changes=parameters)
            for p in parameters:
                if self.loop is not None and p.name in ("lockstep", "parties", "task", "autostart", "seed"):
                    raise MyoError(f"{p.name} cannot be changed while the policy runs: set it at the start")
                if p.name == "policy" and self.loop is not None and p.value == self.loop.switcher.name:
                    continue  # it is played already, whatever has become of its file
                if p.name in {f.name for f in fields(PostureControlOptions)} and self.loop is not None:
                    raise MyoError(f"{p.name} cannot be changed while the policy runs: set it at the start")
                if p.name == "policy" or (p.name == "shadow" and p.value):
                    contract = read_contract(store.find(getattr(options, p.name)))
                    self._match(contract)
        except MyoError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _match(self, contract: Contract) -> None:
        """Refuse what cannot be played here; whether a decoder's answers move this hand is found when it is fitted."""
        if bool(contract.conditioning) != self.decodes:
            hears, other = ("EMG", "the effector") if self.decodes else ("the effector", "EMG")
            raise MyoError(
                f"policy {contract.name!r} hears {other}, what runs here hears {hears}: start a stack for it"
            )
        if self.stream is not None:
            contract.match_emg(self.stream.channels, self.stream.conditioning)
        elif self.spec is not None:
            contract.match(self.spec, channels_of(self._options.task))

    def _set(self, parameters: list[Parameter[Any]]) -> None:
        """Begin what was accepted."""
        if self.loop is None:
            return
        switcher = self.loop.switcher
        for p in parameters:
            if p.name == "blend_s":
                switcher.blend_s = float(p.value)
            elif p.name == "policy" and p.value != switcher.name:
                self._swap(str(p.value))
            elif p.name == "policy" and self._pending:  # back to what is played: the last wish counts
                self._newest, self._pending = self._newest + 1, ""
                self.loop.request(self.loop.cancel_switch)
                self._tell("active")
            elif p.name == "shadow":
                self._listen(str(p.value))

    def _swap(self, name: str) -> None:
        self._newest, self._pending = self._newest + 1, name
        ticket = self._newest
        self._tell("loading", candidate=name)
        threading.Thread(target=self._load, args=(name, ticket), name="swap", daemon=True).start()

    def _load(self, name: str, ticket: int, kept: Controller | None = None) -> None:
        """In a worker: load and warm up, then ask for the switch."""
        loop = self.loop
        assert loop is not None
        try:
            controller = kept
            if controller is None:
                policy = OnnxPolicy(store.find(name))
                policy.warm_up()
                controller = loop.switcher.fit(name, policy)
        except Exception as error:  # whatever it was: the worker must say so
            why = str(error) if isinstance(error, MyoError) else f"{type(error).__name__}: {error}"
            self._ring(lambda: self._failed(ticket, name, why))
            return
        if ticket == self._newest:
            loop.switch(
                controller,
                lambda: self._ring(lambda: self._done(ticket)),
                lambda why: self._ring(lambda: self._failed(ticket, name, why)),
            )
            if self._port is not None:
                self._port.wake()
            self._ring(lambda: self._ready(ticket, name))

    def _ready(self, ticket: int, name: str) -> None:
        """Tell that a policy is at the door: it is let in once it has caught up (lockstep: with the next trial)."""
        if ticket == self._newest and self._pending:
            self._tell("ready", candidate=name)

    def _ring(self, event: Callable[[], None]) -> None:
        """Have `event` done by the executor: the control thread and the workers do not touch parameters."""
        self._events.put(event)
        self._rung.trigger()

    def _handle(self) -> None:
        while not self._events.empty():
            self._events.get()()

    def _settled(self, ticket: int) -> bool:
        """Whether nothing newer is on its way; the parameter then names what is really played."""
        if ticket != self._newest and self._pending:
            return False
        self._pending = ""
        self._follow()
        return True

    def _done(self, ticket: int) -> None:
        if self._settled(ticket):
            self._tell("active")

    def _follow(self) -> None:
        """Let the parameter name what is really played."""
        loop = self.loop
        if loop is not None and loop.switcher.current is not None:
            self.set_parameters([Parameter("policy", value=loop.switcher.name)])

    def _failed(self, ticket: int, name: str, why: str) -> None:
        """The parameter goes back to what is really played."""
        self.get_logger().error(f"policy {name!r} is not swapped in: {why}")
        if self._settled(ticket):
            self._tell("active", refused=name, why=why)

    def _lose(self, name: str, why: str) -> None:
        """What was played, or was coming, cannot answer any more."""
        loop = self.loop
        if loop is None:
            return
        if loop.switcher.current is not None:
            self.get_logger().error(f"policy {name!r} is let go of: {why}")
            self._follow()
            self._tell("active", refused=name, why=why)
            return
        self.get_logger().error(f"policy {name!r} is let go of, the effector idles until another is swapped in: {why}")
        before = loop.switcher.previous.name if loop.switcher.previous else ""
        values = {"policy": name, "why": why, "previous": before, "pid": os.getpid()}
        self._active.publish(diagnostic_status.status("policy", "failed", values, diagnostic_status.ERROR))

    def _rollback(self, request: Any, response: Any) -> Any:
        """Back to the policy before this one; the loaded object is used, whatever has become of its file."""
        loop = self.loop
        before = loop.switcher.previous if loop is not None else None
        if before is None:
            response.success, response.message = False, "there is no earlier policy to go back to"
            return response
        self._newest, self._pending = self._newest + 1, before.name
        ticket = self._newest
        self._tell("loading", candidate=before.name)

        def back() -> None:
            self._load(before.name, ticket, before)

        threading.Thread(target=back, name="rollback", daemon=True).start()
        response.success, response.message = True, f"going back to {before.name}"
        return response

    def _listen(self, name: str) -> None:
        loop = self.loop
        assert loop is not None

        def failed(why: str) -> None:
            self._ring(lambda: say(self, "error", f"shadow {name!r}: {why}"))

        def work() -> None:
            controller = None
            if name:
                try:
                    controller = loop.switcher.fit(name, OnnxPolicy(store.find(name)))
                except Exception as error:  # whatever it was: the worker must say so
                    failed(str(error))
                    return
            loop.set_shadow(controller, lambda: None, failed)

        threading.Thread(target=work, name="shadow", daemon=True).start()

    # -- telling ------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self._port is not None:
            self._port.refresh()
        if isinstance(self.loop, DecoderLoop):
            self._report_decisions(self.loop)
        elif self.loop is not None and self.loop.switcher.current is not None:
            controller = self.loop.switcher.current
            values = {
                "policy": controller.name,
                "events": dict(getattr(controller, "events", {})),
                "errors": self.loop.errors,
            }
            self._diagnostics.tell("playing" if self.loop.active else "inactive", values)

    def _report_decisions(self, loop: DecoderLoop) -> None:
        """What was decided so far."""
        said = {asked: dict(chosen) for asked, chosen in loop.prompted.items()}
        values = {
            "policy": loop.switcher.name, "events": dict(loop.events), "prompted": said, "decided": loop.decided,
            **{k: v for k, v in loop.ledger.summary().items() if k.endswith("_ms")},
        }  # fmt: skip
        self._diagnostics.tell("decoding", values)

    def _tell(self, text: str, **more: Any) -> None:
        loop = self.loop
        controller = loop.switcher.current if loop is not None else None
        if controller is None or self.spec is None:
            return
        if text == "active" and not loop.active:  # type: ignore[union-attr]
            text = "inactive"
        contract = controller.contract
        changed = contract.physics_changed(self.spec)
        if changed:
            self.get_logger().warning(changed, once=True)
        values = {
            "policy": controller.name,
            "file": str(controller.policy.path.resolve()) if isinstance(controller.policy, OnnxPolicy) else "",
            "since_ns": loop.since_ns if loop is not None else None,
            "dt": contract.dt,
            # a decoder commands with every block of EMG, however seldom it decides: it is dead as soon as others are
            "deadline_s": min(contract.deadline_s, self.spec.timeout_s) if self.decodes else contract.deadline_s,
            "effector": contract.effector,
            "sha256": getattr(controller.policy, "sha256", ""),
            "result": contract.result,
            "seed": contract.seed,
            "previous": loop.switcher.previous.name if loop and loop.switcher.previous else "",
            "pid": os.getpid(),
            "warning": changed,
            "step_over_bound": loop.switcher.step_over_bound
            if loop and np.isfinite(loop.switcher.step_over_bound)
            else None,
            **more,
        }
        level = diagnostic_status.WARN if changed or "why" in more else diagnostic_status.OK
        self._active.publish(diagnostic_status.status("policy", text, values, level, self.spec.name))


def _give_up() -> None:
    """A single operator of a network that does not end: only with its process. Another one is started."""
    print("a policy computes and cannot be ended: its process is started again", file=sys.stderr, flush=True)
    time.sleep(LAST_S)  # for the sentence to leave
    os._exit(CRASHED)


def main() -> None:
    """Entry point of the executable `policy_node`."""
    WATCHDOG.stuck = _give_up
    sys.exit(run(PolicyNode, sys.argv))


if __name__ == "__main__":
    main()
