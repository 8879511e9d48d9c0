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
from myoprosthesis.report.session_blocks import ReportBlock
from myoprosthesis.report.trial_table import CHANNEL

FILE = "perturbation.yaml"


def read(
    folder: Path, blocks: Sequence[ReportBlock], settings: Mapping[str, Any], faults: list[str]
) -> dict[int, Planner]:
    """What acts in the normal trials of each block and not in all of the session's, by the block's index.

    Where the folder does not say it, a curl field of the table's gain, all through the trial; that is a sentence more
    in `faults` where it counts, in a session with channel trials.
    """
    try:
        preset = yaml_text.read_mapping(folder / FILE, FILE, ", ".join(f.name for f in fields(Preset)))
        runs = [build(PerturbationBlock, b, "block") for b in preset.get("blocks", ())]
        always = len(settings.get("always") or ())
        return {b.index: _planner(b, runs, always) for b in blocks}
    except (MyoError, OSError, TypeError) as error:
        if any(len(b.table.of(CHANNEL)) for b in blocks):
            why = "is not there" if not (folder / FILE).is_file() else f"cannot be read ({_short(error)})"
            faults.append(f"{FILE} {why}: fields are taken as curl fields that act all through a trial.")
        return {b.index: Planner(Preset(b.name, kinds=({"kind": "curl", "gain": b.gain},))) for b in blocks if b.gain}


def _planner(block: ReportBlock, runs: Sequence[PerturbationBlock], always: int) -> Planner:
    number = int(block.normal.trial[0]) if len(block.normal) else -1
    kinds = next((run.kinds[always:] for run in runs if number >= 0 and run.holds(number)), ())
    return Planner(Preset(block.name, kinds=kinds))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
