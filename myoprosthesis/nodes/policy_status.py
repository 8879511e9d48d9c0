"""What the policy node publishes of the policy that it runs."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.nodes.decoder_loop import DecoderLoop
from myoprosthesis.nodes.policy_loop import PolicyLoop
from myoprosthesis.nodes.switching_loop import SwitchingLoop
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.onnx_policy import OnnxPolicy


def active_values(controller: Controller, loop: SwitchingLoop, spec: EffectorSpec, warning: str) -> dict[str, Any]:
    """Values of `policy/active`: the current policy, its contract, and how it was switched to."""
    contract, switcher = controller.contract, loop.switcher
    # a decoder commands with every block of EMG, however seldom it decides: it is dead as soon as others are
    decodes = isinstance(loop, DecoderLoop)
    deadline_s = min(contract.deadline_s, spec.timeout_s) if decodes else contract.deadline_s
    return {
        "policy": controller.name,
        "file": str(controller.policy.path.resolve()) if isinstance(controller.policy, OnnxPolicy) else "",
        "contract": json.loads(contract.to_json()),
        "since_ns": loop.since_ns,
        "dt": contract.dt,
        "deadline_s": deadline_s,
        "effector": contract.effector,
        "sha256": getattr(controller.policy, "sha256", ""),
        "result": contract.result,
        "task_options": contract.task_options,
        "seed": contract.seed,
        "previous": switcher.previous.name if switcher.previous else "",
        "shadow": switcher.shadow.name if switcher.shadow else "",
        "pid": os.getpid(),
        "warning": warning,
        "step_over_bound": switcher.step_over_bound if np.isfinite(switcher.step_over_bound) else None,
    }


def loop_values(loop: SwitchingLoop) -> tuple[str, dict[str, Any]] | None:
    """State and values of the node's diagnostics; None where nothing runs."""
    if isinstance(loop, DecoderLoop):
        times = {k: v for k, v in loop.statistics.summary().items() if k.endswith("_ms")}
        return "decoding", {"policy": loop.switcher.name, **loop.counts(), **times}
    controller = loop.switcher.current
    if controller is None:
        return None
    values: dict[str, Any] = {
        "policy": controller.name,
        "events": dict(getattr(controller, "events", {})),
        "errors": loop.errors,
    }
    if isinstance(loop, PolicyLoop):
        values |= {k: v for k, v in loop.statistics.summary().items() if k.endswith("_ms")}
    return "playing" if loop.active else "inactive", values
