"""The trials of a session, one by one, as decided before the first one begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.perturbation_plan import PerturbationEntry, PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.planner import Planner, Preset
from myoprosthesis.sessions.session import Session, SessionBlock, imposed
from myoprosthesis.tasks.listed import Listed, Reach

NORMAL, CATCH, CHANNEL = "normal", "catch", "channel"
_SPECIAL = 0x5350
"""Keeps these random numbers apart from those of the targets."""


@dataclass(frozen=True)
class SessionTrial:
    """One trial as it is planned."""

    number: int
    block: int
    kind: str
    """`normal`, `catch` (nothing imposed, by surprise) or `channel` (between force walls)."""
    target: int
    reach: Reach
    perturbation: str
    """Name of what is imposed."""
    policy: str
    """The policy that is swapped in before it; empty: none."""
    rest_s: float
    """Rest before it, in real time."""


def plan(session: Session) -> list[SessionTrial]:
    """All trials of a session; the same session always gives the same ones."""
    trials: list[SessionTrial] = []
    movements: dict[Any, int] = {}
    for number, block in enumerate(session.blocks):
        options = session.reaching_of(block)
        task = Listed.centre_out(options)
        kinds = trial_kinds(block, np.random.default_rng((session.seed, number, _SPECIAL)))
        for i in range(block.trials):
            movement = movements.get(options, 0)  # the order of targets continues from block to block
            movements[options] = movement + 1
            target, reach = task(movement)
            trials.append(
                SessionTrial(
                    len(trials), number, kinds[i], target, reach, _name(block, kinds[i]),
                    block.policy if i == 0 else "", block.rest_s if i == 0 else 0.0,
                )
            )  # fmt: skip
    return trials


def trial_kinds(block: SessionBlock, rng: np.random.Generator) -> list[str]:
    """The kind of each trial of a block.

    In every 1/rate trials after the lead-in one is of each special kind, at a random place among the normal ones, so
    that their share is the rate and they are spread over the block.
    """
    kinds = [NORMAL] * block.trials
    for kind, rate in ((CHANNEL, block.channel_rate), (CATCH, block.catch_rate)):
        every = 1 / rate if rate else 0.0
        first = float(block.lead_in)
        while rate and first + every <= block.trials + 1e-9:
            window = range(int(np.ceil(first - 1e-9)), min(block.trials, int(np.ceil(first + every - 1e-9))))
            free = [i for i in window if kinds[i] == NORMAL]
            if free:
                kinds[int(rng.choice(free))] = kind
            first += every
    return kinds


def preset(session: Session, trials: Sequence[SessionTrial]) -> dict[str, Any]:
    """The perturbations of all trials as one preset, with a block for each run of equal trials."""
    blocks: list[dict[str, Any]] = []
    for trial in trials:
        kinds = kinds_of(session, trial)
        if blocks and blocks[-1]["kinds"] == kinds:
            blocks[-1]["last"] = trial.number
        else:
            blocks.append({"first": trial.number, "last": trial.number, "kinds": kinds})
    return {"name": session.name, "about": session.about, "seed": session.seed, "blocks": blocks}


def kinds_of(session: Session, trial: SessionTrial) -> list[dict[str, Any]]:
    """The perturbations of one trial."""
    block = session.blocks[trial.block]
    kinds: list[dict[str, Any]] = [dict(k) for k in session.always]
    if not block.feedback:
        kinds.append({"kind": "withhold", "terms": ["vision"]})
    if trial.kind == CHANNEL:
        kinds.append({"kind": "channel", **session.channel})
    elif trial.kind == NORMAL:
        kinds += [dict(k) for k in imposed(block)]
    return kinds


def imposed_in(block: SessionBlock, trial: TrialPlan) -> PerturbationPlan:
    """What acts in a block's normal trials, in its windows within this trial."""
    return Planner(Preset(block.name, kinds=imposed(block))).plan(trial)


def field_at(fields: Sequence[PerturbationEntry], now_ns: int) -> ForceField:
    """Their law at one moment."""
    laws = ((ForceField.from_dict(dict(e.values)), e.gain(now_ns)) for e in fields)
    return sum((law if gain == 1.0 else law * gain for law, gain in laws if gain), ForceField.zero())


def curl_gain(law: ForceField) -> float:
    """b of the curl field F = b·[v_y, −v_x] in a law, N·s/m: its antisymmetric part in the plane."""
    return float(law.B[0, 1] - law.B[1, 0]) / 2


def largest_curl(fields: Sequence[PerturbationEntry], trial: TrialPlan) -> float:
    """The largest b, N·s/m, by its size and with its sign, that the fields of a trial have together at any time."""
    ends = [(e.from_ns, e.from_ns + round(e.ramp_s * NS), trial.until_ns if e.until_ns is None else e.until_ns)
            for e in fields]  # fmt: skip
    times = sorted({min(max(t, trial.from_ns), trial.until_ns - 1) for begin, risen, end in ends
                    for t in (begin, risen, end - 1, end)})  # fmt: skip
    return max((curl_gain(field_at(fields, t)) for t in times), key=abs, default=0.0)


def _name(block: SessionBlock, kind: str) -> str:
    if kind == CHANNEL:
        return "channel"
    if kind == CATCH:
        return f"{block.name} (catch)"
    return ", ".join(str(k.get("kind")) for k in imposed(block)) or "null"
