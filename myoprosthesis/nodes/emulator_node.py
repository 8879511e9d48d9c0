"""Emulator node: an emulated hand on a pseudo-terminal, with faults on demand."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.options import option
from myoprosthesis.core.private import make_private
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.emulators.fault import KINDS, Fault
from myoprosthesis.hands import data_sheets
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.node_main import run
from myoprosthesis.nodes.parameters import declare, read
from myoprosthesis.nodes.timers import every


@dataclass(frozen=True)
class EmulatorNodeOptions:
    """Parameters of the emulator node."""

    hand: str = option("ability_hand", "the hand that is emulated")
    path: str = option("", "name of its port; empty: one in a new folder")
    fault: str = option("", f"set it for a fault, KIND[@DELAY][:DURATION] in s; empty ends all: {', '.join(KINDS)}")


class EmulatorNode(Node):
    """Serves one emulated hand; `ros2 param set /emulator fault unplug:2` unplugs it for two seconds."""

    def __init__(self) -> None:
        super().__init__("emulator")
        declare(self, ("", EmulatorNodeOptions))
        o = read(self, EmulatorNodeOptions)
        if o.path:
            make_private(Path(o.path).parent)
            Path(o.path).unlink(missing_ok=True)  # of an emulator that was killed
        faults = [Fault.parse(o.fault)] if o.fault else []
        data = data_sheets.load(o.hand)
        self.port = EmulatedPort(registry.factory("emulators", o.hand)(data), faults, o.path)
        self._hand = o.hand
        self._logged_at = 0.0
        self._diagnostics = Diagnostics(self, "emulator")
        self.add_on_set_parameters_callback(self._check)
        self.add_post_set_parameters_callback(self._set)
        every(self, 0.5, self._report)

    def close(self) -> None:
        """Remove the port, once its owner has closed it."""
        self.port.settle()
        self.port.close()

    def _check(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        try:
            read(self, EmulatorNodeOptions, changes=parameters)
            for p in parameters:
                if p.name != "fault":
                    raise ConfigError(f"{p.name} cannot be changed while the hand is emulated: set it at the start")
                if p.value:
                    Fault.parse(p.value)
        except MyoError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _set(self, parameters: list[Parameter[Any]]) -> None:
        for p in parameters:
            if p.name == "fault" and p.value:
                fault = Fault.parse(p.value)
                self.port.fault(fault.kind, fault.for_s, fault.after_s)
            elif p.name == "fault":
                self.port.heal()

    def _report(self) -> None:
        for then, text in [e for e in self.port.events if e[0] > self._logged_at]:
            self.get_logger().warning(text)
            self._logged_at = then
        emulator = self.port.emulator
        values = {
            **self.port.counts, "refused": emulator.refused, "watchdog_events": emulator.watchdog_events,
            "path": self.port.path,
        }  # fmt: skip
        self._diagnostics.tell("emulated", values, hardware=self._hand)


def main() -> None:
    """Entry point of the executable `emulator_node`."""
    run(EmulatorNode, sys.argv)


if __name__ == "__main__":
    main()
