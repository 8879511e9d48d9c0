"""What a session imposed in each of its blocks, as its folder says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.options import build
from myoprosthesis.files import yaml_text
from myoprosthesis.perturbations.planner import PerturbationBlock, Planner, Preset
from myoprosthesis.report.trial_table import CHANNEL, NORMAL, TrialTable

FILE = "perturbation.yaml"
Kinds = tuple[dict[str, Any], ...]


def read(folder: Path, table: TrialTable, settings: Mapping[str, Any], faults: list[str]) -> dict[int, Kinds]:
    """What acts in the normal trials of each block and not in all of the session's, by the block's index.

    Nothing, and a sentence in `faults` where it counts, in a session with channel trials, if the folder does not say
    it.
    """
    try:
        preset = yaml_text.read_mapping(folder / FILE, FILE, ", ".join(f.name for f in fields(Preset)))
        runs = [build(PerturbationBlock, b, "block") for b in preset.get("blocks", ())]
        always = len(settings.get("always") or ())
        out = {block: _kinds(table, block, runs, always) for block in dict.fromkeys(table.block.tolist())}
        for kinds in out.values():
            planner(kinds)
        return out
    except (MyoError, OSError, TypeError) as error:
        if len(table.of(CHANNEL)):
            why = "is not there" if not (folder / FILE).is_file() else f"cannot be read ({_short(error)})"
            faults.append(f"{FILE} {why}: fields are taken as curl fields that act all through a trial.")
        return {}


def planner(kinds: Kinds) -> Planner:
    """Plans them for any trial; raises `ConfigError`."""
    return Planner(Preset(kinds=kinds))


def words(kinds: Kinds) -> str:
    """Each kind with its options: `rotation (degrees 30)`."""
    own = [", ".join(_option(name, v) for name, v in k.items() if name != "kind") for k in kinds]
    return ", ".join(f"{k.get('kind')} ({o})" if o else f"{k.get('kind')}" for k, o in zip(kinds, own, strict=True))


def _option(name: str, value: Any) -> str:
    numbers = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{name} {value:.4g}" if numbers else f"{name} {value}"


def _kinds(table: TrialTable, block: int, runs: Sequence[PerturbationBlock], always: int) -> Kinds:
    normal = table.trial[(table.block == block) & (table.kind == NORMAL)]
    kinds = next((run.kinds[always:] for run in runs if len(normal) and run.holds(int(normal[0]))), ())
    return tuple(k for k in kinds if k.get("kind") != "withhold")  # whether the endpoint is seen is the block's


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
