"""The section of a card that says what a contract says."""

from __future__ import annotations

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.observation_term import Term


def contract_section(contract: Contract) -> str:
    """Markdown with period, recurrent state, observation and action."""
    terms = "\n".join(
        f"| {t.name} | {', '.join(t.channels) if isinstance(t, Term) else t.kind} | {t.size} |"
        for t in contract.observation
    )
    hidden = ", ".join(f"{name} {shape}" for name, shape in contract.hidden) or "none"
    return f"""## Contract

Period {1e3 * contract.dt:g} ms. Recurrent state: {hidden}, zero at the start of each trial.
Observation, {contract.observation_size} numbers in this order:

| term | channels or kind | numbers |
|---|---|---|
{terms}

Action, {contract.action.size} values of `{contract.action.quantity}`: {", ".join(contract.action.names)}."""
