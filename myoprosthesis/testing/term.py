"""What every kind of observation term must do."""

from __future__ import annotations

from typing import Any

import numpy as np

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.observation import ObservationBuilder
from myoprosthesis.core.observation_term import RegisteredTerm, Term, from_dict, to_dict
from myoprosthesis.testing.demand import demand

OTHER = "another/channel"


def check_term(kind: str, options: dict[str, Any], dt: float = 0.01, steps: int = 60) -> None:
    """Check that a term of a registered kind survives JSON and is a pure function of the past.

    It gives `size` finite numbers, the same in a second instance and after a reset, from the channels that it names and
    from no time before its `lookback_s`.
    """
    term = RegisteredTerm("checked", kind, options)
    again = from_dict(to_dict(term))
    demand(kind == Term.kind or again == term, "it does not come back from JSON as it was")
    state = tuple(dict.fromkeys(i.channel for i in term.inputs if i.source != "action"))
    acts = tuple(dict.fromkeys(i.channel for i in term.inputs if i.source == "action")) or ("muscle",)
    action = Channels("effort", acts, "1", (0.0,) * len(acts), (1.0,) * len(acts))
    names = (*state, OTHER)
    rng = np.random.default_rng(0)
    tables = rng.normal(0.0, 1.0, (steps, 3, len(names)))
    goals = rng.normal(0.0, 1.0, (steps, len(names)))
    actions = rng.uniform(0.0, 1.0, (steps, len(acts)))

    def run(builder: ObservationBuilder, first: int = 0, other: float = 0.0) -> list[Any]:
        seen = []
        for table, goal, act in zip(tables[first:], goals[first:], actions[first:], strict=True):
            changed = table.copy()
            changed[:, -1] += other
            kept = changed.copy()

            def ahead(ahead_s: float, goal: Any = goal) -> dict[str, float]:
                return {channel: float(x) + ahead_s for channel, x in zip(names, goal, strict=True)}

            seen.append(builder.observe(changed, goal=ahead))
            demand(np.array_equal(changed, kept), "it changes the table")
            builder.act(act)
        return seen

    def make() -> ObservationBuilder:
        return ObservationBuilder([term], names, dt, 0.0, action)

    one = make()
    seen = run(one)
    for values in seen:
        demand(values.shape == (term.size,), f"it observes {values.shape} numbers, and its size is {term.size}")
        demand(bool(np.isfinite(values).all()), "it observes a number that is not finite")
    one.reset()
    demand(np.array_equal(run(one), seen), "after a reset it observes otherwise: it remembers something itself")
    demand(np.array_equal(run(make()), seen), "a second instance observes otherwise")
    demand(np.array_equal(run(make(), other=9.0), seen), "it reads a channel that it does not name in `inputs`")
    begin = steps // 3
    ticks = round(term.lookback_s / dt) + 1
    late = run(make(), begin)[ticks:]
    demand(np.array_equal(late, seen[begin + ticks :]), "it depends on what was before its lookback_s")
