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
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.emg.corruption import EmgCorruption
from myoprosthesis.perturbations.disturbance_resolver import BODY, DisturbanceResolver
from myoprosthesis.policies import hidden_perturbation
from myoprosthesis.policies.policy_controller import PolicyController


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
        if body and self.spec is not None:
            DisturbanceResolver(self.spec).check(PerturbationPlan("", 1, entries=body))
        if emg and self.corruption is not None:
            self.corruption.check(emg)
        if self.contract is not None:
            self._check_policy(self.contract, observed, hidden, emg)

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
