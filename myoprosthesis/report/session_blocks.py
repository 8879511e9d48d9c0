"""The blocks of a session: what each was for, and which of them make a course of adaptation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.report.imposed_kinds import Kinds
from myoprosthesis.report.trial_table import NORMAL, TrialTable

BASELINE, ADAPTATION, WASHOUT, GENERALISATION = ROLES = ("baseline", "adaptation", "washout", "generalisation")
_NAMED = (
    (WASHOUT, "wash|de-?adapt|extinct|after-?effect"),
    (GENERALISATION, "generali[sz]|transfer|probe"),
    (BASELINE, "base|famil|warm"),
    (ADAPTATION, "adapt|learn|train|field|curl|exposure|acquisition"),
)


@dataclass(frozen=True, eq=False)
class ReportBlock:
    """Successive trials under one condition."""

    index: int
    name: str
    role: str
    """One of `ROLES`."""
    gain: float
    """N·s/m, of its curl field, clockwise positive; 0 without one."""
    table: TrialTable
    imposed: Kinds = ()
    """What acts in its normal trials: kinds of perturbations with their options."""
    by: str = ""
    """What the role was taken from, where the session gives none: the block's `name`, or its `conditions`."""

    @property
    def normal(self) -> TrialTable:
        """Its trials with the block's field as it is."""
        return self.table.of(NORMAL)

    @property
    def second_half(self) -> TrialTable:
        """Its trials of any kind from its middle on, by their numbers."""
        number = self.table.trial
        return self.table.where(2 * number > number.min() + number.max())


@dataclass(frozen=True)
class ReportCourse:
    """Neighbouring blocks that belong together: before the field, with it, and after it (which may be missing)."""

    baseline: tuple[ReportBlock, ...]
    adaptation: tuple[ReportBlock, ...]
    washout: tuple[ReportBlock, ...]


def blocks(
    table: TrialTable, settings: Mapping[str, Any], imposed: Mapping[int, Kinds] | None = None
) -> list[ReportBlock]:
    """The blocks that have a finished trial.

    `imposed` is what acts in each, by its index; without it a block with a gain has a curl field all through a trial.

    The role of a block is `role` in the session's own blocks, else follows from its name, else from its conditions:
    blocks with a curl field are adaptation, those before the first of them baseline, those after it washout, and those
    with anything else imposed, or without feedback, generalisation.
    """
    entries = settings.get("blocks")
    entries = entries if isinstance(entries, Sequence) and not isinstance(entries, str) else []
    out: list[ReportBlock] = []
    met = False
    for index in dict.fromkeys(table.block.tolist()):
        own = table.where(table.block == index)
        gains = own.gain[np.isfinite(own.gain) & (own.gain != 0)]
        gain = float(np.median(gains)) if len(gains) else 0.0
        entry = entries[index] if 0 <= index < len(entries) and isinstance(entries[index], Mapping) else {}
        plain = not entry.get("kinds") and entry.get("feedback", True) is not False
        role, by = _role(str(own.block_name[0]), entry.get("role"), gain, met, plain)
        met |= role == ADAPTATION
        curl: Kinds = ({"kind": "curl", "gain": gain},) if gain else ()
        acts = (imposed or {}).get(index, curl)
        out.append(ReportBlock(index, str(own.block_name[0]), role, gain, own, acts, by))
    return out


def _role(name: str, role_key: Any, gain: float, met: bool, plain: bool) -> tuple[str, str]:
    """A block's role, and what it was taken from where the session does not say it."""
    role_key = role_key or (name if name in ROLES else "")
    if role_key:
        if role_key not in ROLES:
            raise ConfigError(f"block {name!r} has the role {role_key!r}, known are {', '.join(ROLES)}")
        return str(role_key), ""
    for role, pattern in _NAMED:
        if re.search(pattern, name, re.IGNORECASE):
            return role, "name"
    return ADAPTATION if gain else GENERALISATION if not plain else WASHOUT if met else BASELINE, "conditions"


def courses(blocks: Sequence[ReportBlock]) -> list[ReportCourse]:
    """One per run of neighbouring adaptation blocks in one field, with the baseline before and the washout after.

    Fields of one kind and direction are one, such as one that is brought in by degrees.
    """
    runs = [
        (role, tuple(run))
        for (role, _), run in groupby(
            (b for b in blocks if b.role != GENERALISATION),
            lambda b: (b.role, _direction(b) if b.role == ADAPTATION else ""),
        )
    ]
    out = []
    for i, (role, run) in enumerate(runs):
        if role != ADAPTATION:
            continue
        before = [r for name, r in runs[:i] if name == BASELINE]
        after = runs[i + 1][1] if i + 1 < len(runs) and runs[i + 1][0] == WASHOUT else ()
        out.append(ReportCourse(before[-1] if before else (), run, after))
    return out


def _direction(block: ReportBlock) -> str:
    """What is imposed, with signs in place of the numbers."""

    def signs(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): signs(v) for k, v in sorted(value.items())}
        if isinstance(value, (list, tuple)):
            return [signs(v) for v in value]
        return float(np.sign(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    names = "" if block.imposed else " / ".join(dict.fromkeys(block.normal.perturbation.tolist()))
    return json.dumps([names, signs(block.imposed)], default=str)


def normal(of: Sequence[ReportBlock]) -> TrialTable | None:
    """The normal trials of neighbouring blocks as one table, with a finite lateral deviation."""
    if not of:
        return None
    parts = [b.normal for b in of]
    parts = [t.where(np.isfinite(t.lateral_deviation_mm)) for t in parts]
    names = list(TrialTable.__dataclass_fields__)
    return TrialTable(*(np.concatenate([getattr(t, n) for t in parts]) for n in names))


def rounds(table: TrialTable) -> list[TrialTable]:
    """The normal trials of a block, cut into rounds of as many trials (of any kind) as the block has targets."""
    n = max(1, len(set(table.place.tolist())))
    cut = [table.where(np.arange(i, min(i + n, len(table)))) for i in range(0, len(table), n)]
    return [r for r in (c.of(NORMAL) for c in cut) if np.isfinite(r.lateral_deviation_mm).any()]
