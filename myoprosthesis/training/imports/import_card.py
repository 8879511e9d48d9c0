"""The card beside a policy that was imported."""

from __future__ import annotations

from collections.abc import Mapping

from myoprosthesis.core.contract import Contract
from myoprosthesis.training.contract_section import contract_section
from myoprosthesis.training.exported_policy import PARITY_STEPS


def import_card(
    contract: Contract,
    what: str,
    source: str,
    gaps: Mapping[str, float],
    command: str,
    files: Mapping[str, tuple[str, str]],
) -> str:
    """Markdown for `card.md`; `files` are names and SHA-256 of what was read, `gaps` differences from originals."""
    read = "\n".join(f"| {role} | `{name}` | `{digest}` |" for role, (name, digest) in files.items())
    compared = "; ".join(f"{gap:.1e} from {name}" for name, gap in gaps.items())
    return f"""# {contract.name}

Commands `{contract.effector}`. Imported, not trained here: {what}. What its numbers mean was taken from {source}.

## Score

Not measured yet: `myoprosthesis evaluate` does.

{contract_section(contract)}

The file differs by {compared}, over {PARITY_STEPS} steps, recurrent state included.

## How it was made

    {command}

| read | file | SHA-256 |
|---|---|---|
{read}
"""
