"""The half of a stack that runs here, where the rest of it runs on another machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from myoprosthesis.core.errors import ConfigError, StackError, unknown
from myoprosthesis.stack.description import StackOptions
from myoprosthesis.stack.node_spec import NodeSpec

if TYPE_CHECKING:
    from myoprosthesis.stack.status import StackStatus


def chosen_nodes(specs: Sequence[NodeSpec], options: StackOptions) -> tuple[NodeSpec, ...]:
    """Those of a stack's nodes that run on this machine; raises `ConfigError` for a choice that cannot work.

    A recorder, a console or markers that are asked for run here in any case."""
    if not options.nodes:
        return tuple(specs)
    names = [spec.name for spec in specs]
    for name in options.nodes:
        if name not in names:
            raise ConfigError(f"nodes: {unknown('node', name, names)}")
    if "emulator" in names and ("emulator" in options.nodes) != ("effector" in options.nodes):
        raise ConfigError("nodes: emulator and effector share a port, and run on one machine")
    asked = {"recorder": options.record, "console": options.gui or options.gui_network, "markers": options.markers}
    here = {*options.nodes, *(name for name, wanted in asked.items() if wanted)}
    return tuple(spec for spec in specs if spec.name in here)


def check_halves(whole: Sequence[NodeSpec], here: Sequence[NodeSpec], status: StackStatus) -> None:
    """Refuse an effector elsewhere that keeps another time than this half of the stack; raises `StackError`."""
    effector = next(n for n in whole if n.name == "effector")
    if effector not in here:
        check_time(bool(effector.parameters.get("lockstep")), status)


def check_time(lockstep: bool, status: StackStatus) -> None:
    """Refuse an effector that has reported, and keeps another time; raises `StackError`."""
    kinds = {True: "in lockstep", False: "in real time"}
    if status.effector.effector and bool(status.effector.lockstep) != lockstep:
        raise StackError(
            f"the effector runs {kinds[not lockstep]}, and this half of the stack {kinds[lockstep]}: give both the "
            "same options"
        )
