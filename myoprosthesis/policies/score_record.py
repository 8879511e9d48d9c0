"""The score of a policy in its own contract and on its card, with the options under which it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from myoprosthesis.core.contract import METADATA_KEY, Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.atomic import write_atomic
from myoprosthesis.policies.onnx_policy import read_contract, read_file

CARD, SECTION, NEXT = "card.md", "## Score\n", "\n## "
DEVIATIONS = 4.0
"""Standard errors of a mean score by which it may differ from the card's."""
LEAST = 0.02
"""By which a score may differ in any case: another simulator or processor plays a few trials otherwise."""


def record(path: Path, figures: Mapping[str, Any], options: Mapping[str, Any], skill: Mapping[str, Any]) -> Contract:
    """Write `figures`, of trials of a task with these `options`, into the contract of the policy in `path`.

    Args:
        path: The policy's file; `card.md` beside it gets the figures in its section on the score, if there is one.
        figures: By name, with `score`, `score_sd`, `episodes` and `seed`.
        options: Of the task, beside those that are figures.
        skill: Options of the task that say what the policy is made for; see `Contract.task_options`.

    Returns:
        The contract as it is now.
    """
    contract = read_contract(path)
    result = {**figures, **({"options": dict(options)} if options else {})}
    contract = replace(contract, result=result, task_options={**contract.task_options, **skill})
    model = onnx.load_model_from_string(read_file(path))
    for entry in model.metadata_props:
        if entry.key == METADATA_KEY:
            entry.value = contract.to_json()
    write_atomic(path, model.SerializeToString())
    card = path.with_name(CARD)
    if card.is_file():
        text = card.read_text(encoding="utf-8")
        before, heading, rest = text.partition(SECTION)
        after = rest[rest.index(NEXT) :] if NEXT in rest else ""
        if not heading:
            before = text.rstrip("\n") + "\n\n"
        write_atomic(card, before + SECTION + _section(contract) + after)
    return contract


def _section(contract: Contract) -> str:
    """The section of the card on the score, without its heading."""
    result = dict(contract.result)
    options = ", ".join(f"{k} = {v}" for k, v in result.pop("options", {}).items()) or "as by default"
    rows = "\n".join(f"| {k} | {_shown(v)} |" for k, v in result.items())
    near = f"{tolerance(result):.3f}"
    return f"""
{result["episodes"]} trials that were not in the training, on {contract.simulator}; options of the task: {options}.
`myoprosthesis policy verify {contract.name}` plays the same ones again and accepts a score within {near}.

| figure | mean |
|---|---|
{rows}
"""


def _shown(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def tolerance(result: Mapping[str, Any]) -> float:
    """By how much a score measured again may differ: `DEVIATIONS` standard errors of its mean, at least `LEAST`."""
    try:
        deviation, episodes = float(result["score_sd"]), int(result["episodes"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"a score needs its score_sd and its episodes to be verified; the card has {', '.join(result)}"
        ) from error
    return float(max(LEAST, DEVIATIONS * deviation / max(1, episodes) ** 0.5))
