"""Perturbation node: plans what acts, and when; the node that owns the site applies it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import MyoError, Refused
from myoprosthesis.core.message import TEXT_BYTES, read_object
from myoprosthesis.core.options import option
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.emg.corruption import EmgCorruption
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.lifecycle import ManagedNode
from myoprosthesis.nodes.node_main import run
from myoprosthesis.nodes.parameters import declare, read
from myoprosthesis.nodes.perturbation_sites import PerturbationSites
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner

FOR_EVER_NS = 2**62


@dataclass(frozen=True)
class PerturbationNodeOptions:
    """Parameters of the perturbation node."""

    perturbation: str = option(
        "null", "a preset in config/perturbations/, a kind, or the path of a YAML file; set it to change", file="name"
    )
    gain: float | None = option(None, "size of the gain, in the preset's own direction")
    options: str | dict = option("", "other options instead of the preset's, as YAML: '{ramp_s: 0.2}'")
    catch_rate: float | None = option(None, "share of unperturbed trials instead of the preset's", "1", 0.0, 1.0)
    seed: int | None = option(None, "seed of the catch trials instead of the preset's", "", 0)
    per_trial: bool = option(True, "plan each trial that a task announces; otherwise one plan for ever")
    autostart: bool = option(True, "configure and activate at once")


def planner(options: PerturbationNodeOptions) -> Planner:
    """The planner of the perturbation that the parameters name; raises `ConfigError`."""
    overrides: dict[str, Any] = presets.inline(options.options)
    if options.gain is not None:
        overrides["gain"] = options.gain
    own = {"catch_rate": options.catch_rate, "seed": options.seed}
    changes = {k: v for k, v in own.items() if v is not None}
    made = presets.planner(options.perturbation, overrides, **changes)
    if not options.per_trial:
        made.check_alone()
    return made


class PerturbationNode(ManagedNode):
    """Answers each trial with a plan of perturbations; a change holds from the next trial."""

    def __init__(self) -> None:
        super().__init__("perturbation")
        declare(self, ("", PerturbationNodeOptions))
        self._options = read(self, PerturbationNodeOptions)
        presets.import_kinds()  # not when one is set: the node would miss heartbeats meanwhile
        self._planner = planner(self._options)
        self._trial: TrialPlan | None = None
        self._on = False
        self._sites, self._warned, self._rounding = PerturbationSites(), "", ""
        self._restarted = False
        """Whether simulated time has begun again from 0, and no time of it has come yet."""
        self._plan = self.create_publisher(topics.PERTURBATION.type, topics.PERTURBATION.name, topics.PERTURBATION.qos)
        subscribe(self, topics.TARGET, lambda m: TrialPlan.from_json(m.data), self._on_trial)
        subscribe(self, topics.SPEC, lambda m: EffectorSpec.from_json(m.data), self._on_spec)
        subscribe(self, topics.EMG_SPEC, _corruption, self._on_emg)
        subscribe(self, topics.POLICY_ACTIVE, _contract, self._on_policy)
        self.add_on_set_parameters_callback(self._check)
        self.add_post_set_parameters_callback(self._set)
        self.send_heartbeats()
        if self._options.autostart:
            self.autostart()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Reserve the planning of perturbations here for this node, on this machine."""
        return self.attempt(lambda: self.lock_topic(topics.PERTURBATION, "perturbation"))

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Plans are made."""
        self._on = True
        self._from_now()
        self._publish()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From the next trial on nothing is imposed."""
        self._on = False
        return super().on_deactivate(state)

    def _from_now(self) -> None:
        """Without trials a perturbation begins now: ramps and drifts count from here."""
        if not self._options.per_trial:
            now = 0 if self._restarted else self.get_clock().now().nanoseconds
            self._restarted = False
            self._trial = TrialPlan(-1, now, FOR_EVER_NS, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), None, reset=False)

    def _on_trial(self, trial: TrialPlan) -> None:
        if self._options.per_trial:
            self._trial = trial
            self._publish()

    # -- where a perturbation can act ---------------------------------------------------------------------------

    def _on_spec(self, spec: EffectorSpec) -> None:
        another = self._sites.spec is not None
        self._sites = replace(self._sites, spec=spec)
        self._review()
        if another and not self._options.per_trial:  # an effector that took the place of another has heard no plan
            self._restarted = bool(self.get_parameter("use_sim_time").value)
            self._from_now()
            self._publish()

    def _on_emg(self, corruption: EmgCorruption) -> None:
        self._sites = replace(self._sites, corruption=corruption)
        self._review()

    def _on_policy(self, contract: Contract | None) -> None:
        self._sites = replace(self._sites, contract=contract)
        self._review()

    def _review(self) -> None:
        """The stack has changed: warn once of a perturbation that no longer acts."""
        why, name = "", self._planner.preset.name
        try:
            self._sites.check(self._planner.entries(self._trial.trial if self._trial is not None else 0))
        except MyoError as error:
            why = str(error)
            if why != self._warned:
                self.get_logger().warning(f"perturbation {name!r} does not act in this stack: {why}")
        self._warned = why
        rounding = "" if why else self._sites.rounding(self._planner.entries())
        if rounding and rounding != self._rounding:
            self.get_logger().warning(f"perturbation {name!r}: {rounding}")
        self._rounding = rounding

    def _publish(self) -> None:
        if self._trial is None:
            return
        plan = self._planner.plan(self._trial) if self._on else planner(PerturbationNodeOptions()).plan(self._trial)
        self._plan.publish(topics.PERTURBATION.type(data=plan.to_json()))

    def _check(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        try:
            wanted = planner(read(self, PerturbationNodeOptions, changes=parameters))
            try:
                self._sites.check(wanted.entries())
            except Refused as error:
                raise Refused(
                    f"perturbation {wanted.preset.name!r} cannot act in this stack: {error}; "
                    f"{self._planner.preset.name!r} stays on"
                ) from error
        except MyoError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _set(self, parameters: list[Parameter[Any]]) -> None:
        self._options = read(self, PerturbationNodeOptions)
        self._planner = planner(self._options)
        self._review()
        self._from_now()
        self._publish()


def _contract(message: Any) -> Contract | None:
    """The contract of the policy that is played; None where none is."""
    contract = diagnostic_status.values(message).get("contract")
    return Contract.from_json(json.dumps(contract)) if contract else None


def _corruption(message: Any) -> EmgCorruption:
    """What perturbs the EMG of a specification."""
    spec = read_object(message.data, "the specification of the EMG", TEXT_BYTES)
    return EmgCorruption(spec["channels"], float(spec["rate"]), str(spec["unit"]))


def main() -> None:
    """Entry point of the executable `perturbation_node`."""
    run(PerturbationNode, sys.argv)


if __name__ == "__main__":
    main()
