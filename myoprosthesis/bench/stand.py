"""A small stack for measuring: an effector and a policy, nothing else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.onnx_graphs.untrained import untrained
from myoprosthesis.policies.store import FILE
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.reports import EffectorReport

if TYPE_CHECKING:
    from myoprosthesis.stack.runner import StackRunner

DOMAIN = 89
"""ROS domain of measurements, unless ROS_DOMAIN_ID is set: no other stack is disturbed."""
REPORT_S = 5.0


def next_report(stack: StackRunner) -> EffectorReport:
    """The effector's next report, newer than this call."""
    stack.status.effector = EffectorReport()
    if not stack.wait_until(lambda: stack.status.ready, REPORT_S):
        raise ConfigError(f"the effector did not report within {REPORT_S:g} s; {'; '.join(list(stack.lines)[-3:])}")
    return stack.status.effector


def spec_of(effector: str, dt: float) -> EffectorSpec:
    """The specification of an effector with this control period."""
    options = registry.options("effectors", effector)
    body = registry.factory("effectors", effector)(build(options, {"dt": dt}))
    return body.spec  # type: ignore[no-any-return]


def write_policy(folder: Path, spec: EffectorSpec, hidden: int, seed: int) -> Path:
    """An untrained policy for `spec` in a folder of its own."""
    path = folder / f"untrained_{seed}" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(untrained(spec, path.parent.name, hidden, seed=seed))
    return path


@contextmanager
def stand(
    effector: str, dt: float, lockstep: bool, policy: Path, more: Sequence[NodeSpec] = (), **policy_options: Any
) -> Iterator[StackRunner]:
    """A stack of an effector and a policy node, and `more`, started."""
    from myoprosthesis.stack.runner import StackRunner

    os.environ.setdefault("ROS_DOMAIN_ID", str(DOMAIN))
    own = {"effector": effector, "dt": dt, "lockstep": lockstep}
    nodes = [
        NodeSpec("effector", "effector_node", own, respawn=False),
        NodeSpec(
            "policy", "policy_node", {"policy": str(policy), "lockstep": lockstep, **policy_options}, respawn=False
        ),
        *more,
    ]
    with StackRunner(nodes) as stack:
        yield stack


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="myoprosthesis_bench_") as folder:
        yield Path(folder)
