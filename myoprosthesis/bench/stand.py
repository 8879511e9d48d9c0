"""A small stack for measuring: an effector and a policy, nothing else."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.options import build
from myoprosthesis.onnx_graphs.untrained import untrained
from myoprosthesis.policies.store import FILE
from myoprosthesis.stack.description import NodeSpec
from myoprosthesis.stack.supervisor import Supervisor

DOMAIN = 89
"""ROS domain of measurements, unless ROS_DOMAIN_ID is set: nobody else's stack is heard or disturbed."""


@dataclass
class Stand:
    """What stands there."""

    console: Any
    supervisor: Supervisor
    words: list[str]

    def watch(self, seconds: float) -> None:
        """Listen for so long; raises when a process fails."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.console.hear(0.05)
            if fault := self.supervisor.poll():
                raise MyoError("; ".join([fault, *self.words[-3:]]))

    def until_ready(self, seconds: float = 60.0) -> None:
        """Wait for the first tick."""
        until = time.monotonic() + seconds
        while not self.console.score.ready:
            self.watch(0.1)
            if time.monotonic() > until:
                raise MyoError(f"no tick closed within {seconds:g} s; {'; '.join(self.words[-3:])}")

    def report(self) -> dict[str, Any]:
        """The effector's next diagnostics."""
        self.console.score.effector = {}
        until = time.monotonic() + 5.0
        while not self.console.score.effector and time.monotonic() < until:
            self.watch(0.05)
        return dict(self.console.score.effector)


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
def stand(effector: str, dt: float, lockstep: bool, policy: Path, **policy_options: Any) -> Iterator[Stand]:
    """Effector and policy node, up and heard."""
    from myoprosthesis.nodes.monitor_node import listening

    os.environ.setdefault("ROS_DOMAIN_ID", str(DOMAIN))
    words: list[str] = []
    nodes = [
        NodeSpec("effector", "effector_node", {"effector": effector, "dt": dt, "lockstep": lockstep}, respawn=False),
        NodeSpec(
            "policy", "policy_node", {"policy": str(policy), "lockstep": lockstep, **policy_options}, respawn=False
        ),
    ]
    with listening("bench") as console:
        supervisor = Supervisor(nodes, lambda who, text: words.append(f"[{who}] {text}"))
        try:
            supervisor.start()
            yield Stand(console, supervisor, words)
        finally:
            supervisor.stop()


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="myoprosthesis_bench_") as folder:
        yield Path(folder)
