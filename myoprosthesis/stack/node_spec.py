"""One process of a stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NodeSpec:
    """One process."""

    name: str
    executable: str
    parameters: dict[str, Any]
    remappings: dict[str, str] = field(default_factory=dict)
    respawn: bool = True
    delay_s: float = 0.0
    node: str = ""
    """Name of the ROS node, where it is another than the name in this description."""
    namespace: str = ""
    """Namespace below that of the stack."""
    room: str = "nodes"
    """The part of the package with the module of the executable."""

    @property
    def module(self) -> str:
        """The Python module behind the executable."""
        return f"myoprosthesis.{self.room}.{self.executable}"
