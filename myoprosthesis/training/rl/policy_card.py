"""The card beside a policy that was trained through a curriculum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from myoprosthesis.core.contract import Contract
from myoprosthesis.training.contract_section import contract_section
from myoprosthesis.training.rl.curriculum import RlCurriculum

WORDS = {"ppo": "PPO", "sac": "SAC", "imitation": "imitation of the teacher (DAgger)"}
"""The algorithms as a card calls them."""


def policy_card(
    contract: Contract, plan: RlCurriculum, history: Sequence[dict[str, Any]], command: str, gap: float
) -> str:
    """Markdown for `card.md`; `contract.result` has the figures of the evaluation."""
    figures = "\n".join(f"| {name} | {value:.3g} |" for name, value in contract.result.items())
    last = history[-1] if history else {"samples": 0.0, "seconds": 0.0, "batch": 0}
    stages = "\n".join(_stage(stage.name, plan, history) for stage in plan.stages)
    sizes = "×".join(map(str, plan.network.actor))
    return f"""# {contract.name}

Commands `{contract.effector}`, trained by {WORDS[plan.algorithm]} in {plan.env} through the curriculum
`{plan.name}`: a multilayer perceptron ({sizes}, {plan.network.activation}) between a fixed normaliser and
an action map (low-pass, resting point, sigmoid).

## Score

Without exploration, on the last stage that was reached, {contract.result.get("episodes", 0):g} episodes that were not
in the training ({contract.simulator}):

| figure | mean |
|---|---|
{figures}

{contract_section(contract)}

torch and onnxruntime agree to {gap:.1e} over 1000 steps, recurrent state included.

## How it was made

    {command}

{last["batch"]} batches, {last["samples"] / 1e6:.3g} million samples, {last["seconds"] / 3600:.2g} hours. The complete
configuration is in `training.yaml`, the course in `curve.png` and `curve.csv`. A trial is drawn by
`myoprosthesis policy film {contract.name} --out strip.png`.

| stage | batches | best score, exploration included | to be passed at |
|---|---|---|---|
{stages}
"""


def _stage(name: str, plan: RlCurriculum, history: Sequence[dict[str, Any]]) -> str:
    rows = [row for row in history if row["stage"] == name]
    best = f"{max(row['score'] for row in rows):.3g}" if rows else "not reached"
    stage = next(s for s in plan.stages if s.name == name)
    return f"| {name} | {len(rows)} | {best} | {'–' if stage.timed else format(stage.promote, 'g')} |"
