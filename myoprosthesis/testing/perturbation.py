"""What every kind of perturbation must do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.emg.corruption import EmgCorruption
from myoprosthesis.perturbations.disturbance_resolver import DisturbanceResolver
from myoprosthesis.policies.hidden_perturbation import HiddenPerturbation
from myoprosthesis.testing.demand import demand
from myoprosthesis.testing.effector import SITES


def check_perturbation(kind: Callable[[Any, TrialPlan], tuple[PerturbationEntry, ...]], options: Any) -> None:
    """Check that a kind of perturbation plans each trial within its times, in the same way each time.

    Its entries can be sent, and then applied by an effector that has what they name.
    """
    trial = TrialPlan(3, ns(3.0), ns(4.0), (0.0, 0.0, 0.0), (0.1, 0.2, 0.0), ns(3.2))
    still = replace(trial, target=trial.start, go_ns=None)
    for one in (trial, still):
        entries = kind(options, one)
        demand(isinstance(entries, tuple), f"a tuple of entries is needed, got {type(entries).__name__}")
        plan = PerturbationPlan("checked", one.until_ns, one.trial, entries, one.from_ns)
        sent = json.loads(plan.to_json())
        demand(
            json.loads(PerturbationPlan.from_json(plan.to_json()).to_json()) == sent,
            "the plan does not come back from JSON as it was",
        )
        same = PerturbationPlan("checked", one.until_ns, one.trial, kind(options, one), one.from_ns)
        demand(json.loads(same.to_json()) == sent, "the same options and trial give another plan the second time")
        for entry in entries:
            demand(entry.from_ns >= one.from_ns, f"an entry begins at {entry.from_ns} ns, before its trial")
            demand(
                entry.until_ns is None or entry.until_ns <= one.until_ns,
                f"an entry ends at {entry.until_ns} ns, after its trial",
            )
        for what, check, some in (
            ("effector", DisturbanceResolver(_capable(entries)).check, plan),
            ("stream of EMG", _emg(entries).check, entries),
            ("network", _network(entries).set_entries, plan.at("hidden")),
        ):
            _accepted(what, check, some)


def _accepted(what: str, check: Callable[[Any], None], entries: Any) -> None:
    try:
        check(entries)
    except Refused as error:
        raise AssertionError(f"no {what} can be perturbed so: {error}") from error


def _capable(entries: tuple[PerturbationEntry, ...]) -> EffectorSpec:
    """The specification of an effector that has every joint, muscle, object and part that the entries name."""
    joints = tuple(dict.fromkeys(j for e in entries for j in e.values.get("joints", ())))
    muscles = tuple(dict.fromkeys(m for e in entries for m in e.values.get("muscles", ()))) or ("muscle",)
    command = Channels("effort", muscles, "1", (0.0,) * len(muscles), (1.0,) * len(muscles))
    objects = tuple(dict.fromkeys(o for e in entries for o in e.values.get("objects", ()))) or ("object",)
    bodies = tuple(dict.fromkeys(b for e in entries for b in e.values.get("bodies", ()))) or ("body",)
    return EffectorSpec(
        "capable", 0.01, command, joints, muscles, "endpoint", sites=SITES, home=(0.0, 0.0, 0.0), objects=objects,
        bodies=bodies,
    )  # fmt: skip


def _emg(entries: tuple[PerturbationEntry, ...]) -> EmgCorruption:
    """What disturbs a stream that has every channel that the entries name."""
    mine = [e.values for e in entries if e.site == "emg"]
    channels = tuple(dict.fromkeys(c for v in mine for c in v.get("channels", ()))) or ("a", "b", "c")
    return EmgCorruption(channels, 10_000.0, next((v["unit"] for v in mine if "unit" in v), "V"))


def _network(entries: tuple[PerturbationEntry, ...]) -> HiddenPerturbation:
    """What disturbs a network that has every unit that the entries name."""
    mine = [e.values for e in entries if e.site == "hidden"]
    named = [1 + max(v.get("units") or [1]) for v in mine]
    return HiddenPerturbation("capable", max([*named, *(len(v["mean"]) for v in mine if "mean" in v)], default=2), 0.01)
