"""What a person asks of a running stack, each in one call that returns a sentence on what holds now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from myoprosthesis.core.command_guard import STOPPED
from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.options import build
from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner
from myoprosthesis.stack.client import StackClient

REPORT_S = 3.0
"""How long the effector's next report may take to come."""
FOLLOWS_S = 1.5
"""How long what an effector misses for a moment, on a busy machine, is not told; it reports each half second."""
ALL = -1
"""Of the task's parameter `released`: trials are planned without end."""


def swap(stack: StackClient, name: str) -> str:
    """Change the policy: wait until it is really played, or its node says why not."""
    stack.check_no_session("the policy")
    before = stack.active_policy()
    there = before.policy == name and before.text == "active"
    now = before if there else stack.swap(name)
    stack.spin_until(lambda: stack.status.effector.effector, REPORT_S)
    if stack.status.effector.idle not in ("", STOPPED):
        stack.spin_until(lambda: not stack.status.effector.idle, FOLLOWS_S)
    paused, idle = stack.status.effector.paused, stack.status.effector.idle
    if now.text == "ready":
        after = ", once time goes on (myoprosthesis continue)" if paused else ""
        return f"{name} is loaded and is played from the next trial on{after}; until then {now.policy}"
    already = " already" if there else f" (before: {now.previous})" if now.previous else ""
    text = f"{now.policy} is played{already}" + (f"; the effector does not follow it: {idle}" if idle else "")
    return text + (f"\nwarning: {now.warning}" if now.warning else "")


def perturb(stack: StackClient, name: str, gain: float | None = None, overrides: Mapping[str, Any] = {}) -> str:
    """Change what is imposed, all of it at once; the node refuses what nothing in its stack can apply."""
    values = {"perturbation": name, "gain": gain, "options": json.dumps(dict(overrides)) if overrides else ""}
    made = planner(build(PerturbationNodeOptions, {k: v for k, v in values.items() if v not in (None, "")}))
    stack.check_no_session("the perturbation")
    stack.set("perturbation", {**values, "gain": "" if gain is None else gain})
    by_trial = stack.get("perturbation", ["per_trial"]).get("per_trial", True)
    gains = ", ".join(f"{kind} {size:g}" for kind, size in made.gains) if gain is not None else ""
    acting = f" with a gain of {gains} (its own direction)" if gains else ""
    return f"{name}{acting} from {'the next trial' if by_trial else 'now'} on"


def rollback(stack: StackClient) -> str:
    """Go back to the policy before this one."""
    stack.check_no_session("the policy")
    return stack.trigger("policy", "rollback")


def cross_fade(stack: StackClient, seconds: float) -> str:
    """Set how long a swap takes."""
    stack.check_no_session("the policy")
    stack.set("policy", {"blend_s": seconds})
    return f"a swap takes {seconds:g} s from now on"


def reset(stack: StackClient) -> str:
    """Put a simulated body to its start."""
    stack.check_no_session("the start")
    return stack.trigger("effector", "reset")


def hold_task(stack: StackClient) -> str:
    """Plan no further trial; those that were planned are done."""
    if stack.in_session:
        return stack.hold_session(True)
    _check_task(stack)
    stack.set("task", {"released": 0})
    return "no further trial is planned; those that are planned already are done"


def continue_task(stack: StackClient) -> str:
    """Plan trials without end again."""
    if stack.in_session:
        return stack.hold_session(False)
    _check_task(stack)
    stack.set("task", {"released": ALL})
    return "trials follow each other again"


def next_trial(stack: StackClient) -> str:
    """Plan one trial of a task that is held."""
    if stack.in_session:
        raise Refused("a session releases its trials itself: pause and continue it")
    _check_task(stack)
    if stack.get("task", ["released"]).get("released", ALL) == ALL:
        raise Refused("trials follow each other already: hold the task first, to have them one by one")
    stack.spin_until(lambda: stack.status.newest_event is not None, REPORT_S)
    event, number = stack.status.newest_event or ("end", -1)
    if event not in ("end", "lost"):
        raise Refused(f"trial {number} still runs: the next one can be asked for when it is over")
    stack.set("task", {"released": number + 2})
    return f"trial {number + 1} is planned, and no other after it"


def _check_task(stack: StackClient) -> None:
    if not stack.has("task"):
        raise ConfigError("this stack has no task")
