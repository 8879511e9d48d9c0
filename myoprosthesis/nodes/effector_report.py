"""What the effector node publishes of the effector that it runs."""

from __future__ import annotations

from typing import Any

from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.nodes import diagnostic_status
from myoprosthesis.nodes.effector_loop import EffectorLoop
from myoprosthesis.nodes.twin_monitor import TwinMonitor


def effector_report(
    loop: EffectorLoop, rate: float | None, twin: TwinMonitor | None
) -> tuple[str, bytes, dict[str, Any]]:
    """Text, level and values of the node's diagnostics; `rate` in ticks per second, None where it is not known yet."""
    guard = loop.guard
    apart = dict(zip(("joint", "rad"), twin.newest.worst, strict=True)) if twin and twin.newest else None
    values = {
        "effector": guard.spec.name,
        "lockstep": loop.lockstep,
        "dt": guard.spec.dt,
        "tick": loop.tick,
        "rate": rate,
        "perturbation": loop.perturbation,
        "joints": _joints(loop.state),
        "paused": loop.paused,
        "finished": loop.finished,
        "stopped": guard.stopped,
        "idle": guard.reason,
        "waiting_for": loop.waiting_for,
        "events": dict(guard.events),
        "error": loop.error,
        "device": guard.device_events,
        "apart": apart,
        "trace_sha256": loop.trace_sha256(),
        **loop.statistics.summary(),
    }
    failing = diagnostic_status.ERROR if loop.error or guard.stopped else diagnostic_status.WARN
    level = failing if loop.error or guard.stopped or guard.reason else diagnostic_status.OK
    return loop.error or guard.reason or "following commands", level, values


def _joints(state: EffectorState | None) -> dict[str, list[float]]:
    """Position and effort by joint."""
    if state is None:
        return {}
    pairs = zip(state.joint_position.tolist(), state.joint_effort.tolist(), strict=True)
    return dict(zip(state.spec.joints, map(list, pairs), strict=True))
