"""Where in a stack a perturbation can act: at the effector, in what the policy sees or remembers, in the EMG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.emg.corruption import EmgCorruption
from myoprosthesis.perturbations.disturbance_resolver import BODY, DisturbanceResolver
from myoprosthesis.perturbations.planner import ENDLESS_NS
from myoprosthesis.policies import hidden_perturbation
from myoprosthesis.policies.policy_controller import PolicyController


def _check_window(entry: PerturbationEntry, dt: float) -> None:
    """Refuse what lasts shorter than a period (s): it may lie between two of them, and never act."""
    length = None if entry.until_ns is None else (entry.until_ns - entry.from_ns) / NS
    if length is not None and length < dt * (1 - 1e-9):
        raise Refused(
            f"{_called(entry)} lasts {length * 1e3:g} ms, and what acts at the {entry.site} does so in whole periods "
            f"of {dt * 1e3:g} ms: give it as long at least (duration_s)"
        )


def _called(entry: PerturbationEntry) -> str:
    return "a force" if entry.kind == "law" else entry.kind


def _span(begin_ns: int, end_ns: int) -> str:
    return f"from {begin_ns / 1e6:g} ms " + ("on" if end_ns >= ENDLESS_NS else f"to {end_ns / 1e6:g} ms")


@dataclass(frozen=True)
class _Read:
    """A policy of which only the contract is there."""

    contract: Contract

    def reset(self) -> None:
        """Nothing runs."""


@dataclass(frozen=True)
class PerturbationSites:
    """The sites of one stack; what is not known (None) is not judged."""

    spec: EffectorSpec | None = None
    contract: Contract | None = None
    """Of the policy that is played: a decoder's means that there is EMG; any other's, that only `corruption` tells."""
    corruption: EmgCorruption | None = None

    def check(self, entries: Sequence[PerturbationEntry]) -> None:
        """Raise `Refused` where no node of this stack can apply one of the entries."""
        body, observed, hidden, emg = (
            tuple(e for e in entries if e.site in sites) for sites in (BODY, ("observation",), ("hidden",), ("emg",))
        )
        for of, acting in ((self.spec, body), (self.contract, (*observed, *hidden))):
            if of is not None:
                for entry in acting:
                    _check_window(entry, of.dt)
        if body and self.spec is not None:
            DisturbanceResolver(self.spec).check(PerturbationPlan("", 1, entries=body))
        if emg and self.corruption is not None:
            self.corruption.check(emg)
        if self.contract is not None:
            self._check_policy(self.contract, observed, hidden, emg)

    def rounding(self, entries: Sequence[PerturbationEntry]) -> str:
        """A sentence on a window that is not one of whole periods; empty: they all are."""
        for entry in entries:
            of = (
                self.contract if entry.site in ("observation", "hidden") else None if entry.site == "emg" else self.spec
            )
            if of is not None and entry.until_ns is not None:
                step, window = round(of.dt * NS), (entry.from_ns, min(entry.until_ns, ENDLESS_NS))
                acts = tuple(t if t == ENDLESS_NS else -(-t // step) * step for t in window)
                if acts != window:
                    wanted, done = (_span(*times) for times in (window, acts))
                    return (
                        f"{_called(entry)} acts in whole periods of {of.dt * 1e3:g} ms, {done} of a trial, not {wanted}"
                    )
        return ""

    def _check_policy(
        self,
        contract: Contract,
        observed: Sequence[PerturbationEntry],
        hidden: Sequence[PerturbationEntry],
        emg: Sequence[PerturbationEntry],
    ) -> None:
        decodes = bool(contract.conditioning)
        if emg and not decodes and self.corruption is None:
            raise Refused(
                f"it acts on EMG, and there is none in this stack (policy {contract.name!r} sees the effector)"
            )
        if decodes and (observed or hidden):
            site = (*observed, *hidden)[0].site
            raise Refused(
                f"it acts on the {site} of a policy, and {contract.name!r} is a decoder: perturb its EMG instead"
            )
        if hidden:
            units = sum(int(np.prod(shape)) for _, shape in contract.hidden)
            hidden_perturbation.HiddenPerturbation(contract.name, units, contract.dt).set_entries(hidden)
        if observed and self.spec is not None:
            policy: Any = _Read(contract)
            task = {c: "" for c in contract.state_channels() if c not in self.spec.channels}
            PolicyController(contract.name, policy, self.spec, task).perturb(observed)


def contract_of(file: str) -> Contract | None:
    """The contract in a policy's file; None where it cannot be read any more."""
    from myoprosthesis.core.errors import MyoError
    from myoprosthesis.policies.onnx_policy import read_contract

    try:
        return read_contract(Path(file)) if file else None
    except MyoError:
        return None
