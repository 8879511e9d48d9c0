"""The EMG node: a front end or a recording on the graph, conditioned once for every decoder."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.extras import library
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.core.options import build, option
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.emg.calibration import Calibration
from myoprosthesis.emg.conditioning import Conditioned, Conditioner, Conditioning, off_is_nan
from myoprosthesis.emg.source import AskedSource, EmgBlock, SourceSpec
from myoprosthesis.files import yaml_text
from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.diagnostics import Diagnostics
from myoprosthesis.nodes.emg_block_codec import EmgSampleWriter, arrival_message
from myoprosthesis.nodes.emg_loop import EmgLoop
from myoprosthesis.nodes.lifecycle import LoopNode
from myoprosthesis.nodes.node_main import run, say
from myoprosthesis.nodes.parameters import declare, overrides, read
from myoprosthesis.nodes.timers import every
from myoprosthesis.nodes.wait_set import PolledSubscriptions
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import read_contract

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EmgNodeOptions:
    """Parameters of the EMG node; the source's own options stand beside them."""

    source: str = option("recording", "the source of EMG")
    conditioning: str = option(
        "",
        "whose conditioning is done: a decoder's (its name), or options as YAML: '{mains_hz: 50}'; empty: the usual",
        file="name",
    )
    calibration: str = option(
        "", "MVC of each channel, as `calibrate` saved it: a name or a path; empty: not known", file="name"
    )
    period_s: float = option(0.002, "how often the source is read, at most once a sample", "s", 1e-3, 0.1)
    autostart: bool = option(True, "configure and activate at once")


def conditioning(text: str, spec: SourceSpec) -> Conditioning:
    """Conditioning of a source from a parameter: YAML, a decoder's name or path, or empty; raises `ConfigError`."""
    settings: Any = {}
    if text.lstrip().startswith("{"):
        settings = yaml_text.parse(text, "conditioning")
    elif text:
        contract = read_contract(store.find(text))
        if not contract.conditioning:
            raise ConfigError(f"policy {text!r} is no decoder: its contract has no conditioning")
        settings = contract.conditioning
    return build(Conditioning, {**settings, "rate": spec.rate, "unit": spec.unit}, "conditioning")


class EmgTopicPort:
    """`EmgLoopPort` over ROS topics."""

    def __init__(self, node: EmgNode, spec: SourceSpec, asked: bool = False) -> None:
        """`asked`: the source does what a task asks for."""
        self._node = node
        self._inbox = PolledSubscriptions(node)
        self._plans = self._inbox.subscribe(topics.PERTURBATION)
        self._targets = self._inbox.subscribe(topics.TARGET) if asked else None
        self._raw, self._filtered, self._envelope, self._arrival, self._prompt = (
            node.create_publisher(t.type, t.name, t.qos)
            for t in (
                *(topics.EMG_RAW, topics.EMG_FILTERED, topics.EMG_ENVELOPE, topics.EMG_ARRIVAL, topics.EMG_PROMPT),
            )
        )
        self._block = EmgSampleWriter(spec.channels)
        self._levels = JointStateWriter(spec.channels, ("position",))
        self._raw_wanted = False

    def refresh(self) -> None:
        """Find out who listens."""
        self._raw_wanted = self._raw.get_subscription_count() > 0

    def wait(self, timeout_s: float) -> None:
        """See `EmgLoopPort`."""
        self._inbox.wait(timeout_s)

    def plans(self) -> list[PerturbationPlan]:
        """See `EmgLoopPort`."""
        return list(self._inbox.read(self._plans, lambda m: PerturbationPlan.from_json(m.data)))

    def trials(self) -> list[TrialPlan]:
        """See `EmgLoopPort`."""
        return list(self._inbox.read(self._targets, lambda m: TrialPlan.from_json(m.data))) if self._targets else []

    def publish(self, block: EmgBlock, raw: Array, conditioned: Conditioned) -> None:
        """See `EmgLoopPort`."""
        first, newest = int(block.stamps_ns[0]), int(block.stamps_ns[-1])
        times = (block.stamps_ns - first).astype(float) * 1e-9
        self._arrival.publish(arrival_message(newest, block.arrival_ns))
        self._filtered.publish(self._block.pack(first, times, off_is_nan(conditioned)))
        self._envelope.publish(self._levels.pack(newest, conditioned.envelope[-1]))
        if self._raw_wanted:
            self._raw.publish(self._block.pack(first, times, raw))

    def prompt(self, text: str) -> None:
        """See `EmgLoopPort`."""
        self._prompt.publish(topics.EMG_PROMPT.type(data=text))

    def say(self, level: str, text: str) -> None:
        """See `EmgLoopPort`."""
        say(self._node, level, text)


class EmgNode(LoopNode):
    """Opens the source named by its parameters and runs its loop."""

    def __init__(self) -> None:
        super().__init__("emg")
        name = overrides(self).get("source", EmgNodeOptions.__dataclass_fields__["source"].default)
        self._factory, self._own = registry.factory("emg_sources", name), registry.options("emg_sources", name)
        declare(self, ("", EmgNodeOptions), ("", self._own))
        self._options = read(self, EmgNodeOptions)
        self._name = name
        self.loop: EmgLoop | None
        self.check_parameters(EmgNodeOptions, self._own)
        self._spec = self.create_publisher(topics.EMG_SPEC.type, topics.EMG_SPEC.name, topics.EMG_SPEC.qos)
        self._diagnostics = Diagnostics(self, "emg")
        self._port: EmgTopicPort | None = None
        every(self, 0.5, self._report)
        if self._options.autostart:
            self.autostart()

    def _configure(self) -> None:
        o = self._options = read(self, EmgNodeOptions)
        if o.source != self._name:
            raise ConfigError(f"this node was started for source {self._name!r}: start another for {o.source!r}")
        library("scipy.signal", "emg", "conditioning EMG")
        self.lock_topic(topics.EMG_RAW, "source of EMG")
        source = self._factory(read(self, self._own))
        source.open()
        try:
            spec = source.spec
            settings = conditioning(o.conditioning, spec)
            mvc = Calibration.load(o.calibration).mvc(spec, settings) if o.calibration else None
            conditioner = Conditioner(settings, spec.channels, mvc)
        except MyoError:
            source.close()
            raise
        if spec.about:
            say(self, "info", f"{spec.name}: {spec.about}")
        self._port = EmgTopicPort(self, spec, isinstance(source, AskedSource))
        self.loop = EmgLoop(source, conditioner, self._port, o.period_s)
        self.loop.active = False
        text = spec.to_json(conditioning=settings.to_dict(), calibration=o.calibration)
        self._spec.publish(topics.EMG_SPEC.type(data=text))
        self.loop.start(self.thread)

    def close(self) -> None:
        """End what configuring began; safe to call twice."""
        loop = self.loop
        super().close()
        if loop is not None:
            self._tell(loop)  # its last words

    def _report(self) -> None:
        if self.loop is not None and self._port is not None:
            self._port.refresh()
            self._tell(self.loop)

    def _tell(self, loop: EmgLoop) -> None:
        source = loop.source
        values = {
            "source": self._name,
            "ended": source.ended,
            "fault": source.fault,
            "off": list(loop.off),
            "events": dict(loop.events),
            "timing": asdict(source.timing),
            **{k: v for k, v in loop.statistics.summary().items() if k.endswith("_ms")},
        }
        level = diagnostic_status.WARN if source.fault or loop.off else diagnostic_status.OK
        text = source.fault or (f"electrodes off: {', '.join(loop.off)}" if loop.off else "EMG comes")
        self._diagnostics.tell(text, values, level, self._name)


def main() -> None:
    """Entry point of the executable `emg_node`."""
    run(EmgNode, sys.argv)


if __name__ == "__main__":
    main()
