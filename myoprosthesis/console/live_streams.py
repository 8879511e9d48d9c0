"""The topics that a picture is made of, subscribed to while a page is open, and read at its pace."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.console.frame_packer import Curves, Sample
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.joint_state import JointStateFrame, JointStateReader
from myoprosthesis.core.message import TEXT_BYTES, read_object
from myoprosthesis.core.text import printable
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_target import target_places
from myoprosthesis.nodes import topics
from myoprosthesis.nodes.emg_block_codec import EmgSampleReader
from myoprosthesis.nodes.node_main import Node
from myoprosthesis.nodes.subscription import decode
from myoprosthesis.nodes.wait_set import PolledSubscriptions

PLANS = 8
"""Plans of trials that are kept."""
TWIN_NS = 500_000_000
"""A state of a twin that is this much older is not drawn."""
BLOCKS = 64
"""Blocks of EMG that may come between two frames."""


@dataclass(frozen=True)
class EmgSignals:
    """Channels of EMG, and the units of its samples and envelopes; no channels: there is none."""

    channels: tuple[str, ...] = ()
    unit: str = ""
    envelope: str = ""

    @classmethod
    def from_json(cls, text: str) -> EmgSignals:
        """Of a message on `emg/spec`."""
        data = read_object(text, "the specification of the EMG", TEXT_BYTES)
        unit = printable(data.get("unit", ""), 20)
        return cls(tuple(str(c) for c in data["channels"]), unit, "of maximum" if data.get("calibration") else unit)


class LiveStreams:
    """Subscriptions past the executor: between two frames nothing is computed, however often a topic is published."""

    def __init__(self, node: Node, emg: EmgSignals) -> None:
        self._node, self._reader, self._emg_reader = node, JointStateReader(), JointStateReader()
        self._block_reader = EmgSampleReader()
        self._lock = threading.Lock()
        inputs = PolledSubscriptions(node)
        self._state = inputs.subscribe(topics.STATE, topics.newest(), raw=True)
        self._target = inputs.subscribe(topics.TARGET, raw=True)
        self._twin = inputs.subscribe(topics.TWIN_STATE, topics.newest(), raw=True)
        self._twin_reader = JointStateReader()
        self._of_twin: JointStateFrame | None = None
        self._plans: list[TrialPlan] = []
        self.emg = emg
        self._open = [self._state, self._target, self._twin]
        self._values: dict[str, NDArray[np.floating]] = {}
        self._raw: Any = None
        if emg.channels:
            raw = topics.newest()
            raw.depth = BLOCKS
            self._raw = inputs.subscribe(topics.EMG_RAW, raw, raw=True)
            self._envelope = inputs.subscribe(topics.EMG_ENVELOPE, topics.newest(), raw=True)
            self._decision = inputs.subscribe(topics.EMG_DECISION, topics.newest(), raw=True)
            self._open += [self._raw, self._envelope, self._decision]

    @staticmethod
    def curves(emg: EmgSignals) -> tuple[Curves, ...]:
        """The curves of EMG."""
        names = emg.channels
        return (
            Curves("confidence", "confidence of the decision", "1", ("confidence",) if names else ()),
            Curves("envelope", "EMG envelope", emg.envelope, names),
            Curves("raw", "EMG, lowest and highest of each frame", emg.unit, names, extremes=True),
        )

    def close(self) -> None:
        """Subscribe to nothing any more; from the executor's thread."""
        with self._lock:
            for subscription in self._open:
                self._node.destroy_subscription(subscription)
            self._open = []

    def newest(self) -> tuple[JointStateFrame, Sample] | None:
        """The newest state since the last call with what belongs to it; None where none came, or it was damaged."""
        with self._lock, suppress(MyoError):
            if not self._open:
                return None
            for message, _ in PolledSubscriptions.drain(self._target, PLANS):
                with suppress(MyoError):
                    self._add(TrialPlan.from_json(decode(message, topics.TARGET.type, "target").data))
            if self.emg.channels:
                self._read_emg()
            if twins := PolledSubscriptions.drain(self._twin, 2):
                self._of_twin = self._twin_reader.read(twins[-1][0])
            states = PolledSubscriptions.drain(self._state, 2)
            if not states:
                return None
            state = self._reader.read(states[-1][0])
            twin = self._of_twin
            if twin is not None and abs(twin.stamp_ns - state.stamp_ns) > TWIN_NS:
                twin = None
            return state, Sample(self._targets(state), dict(self._values), twin)
        return None

    def _add(self, plan: TrialPlan) -> None:
        """A trial that is planned again replaces its former plan."""
        self._plans = [p for p in self._plans if p.trial != plan.trial][1 - PLANS :] + [plan]

    def _targets(self, state: JointStateFrame) -> dict[str, NDArray[np.float64]]:
        running = [p for p in self._plans if p.from_ns <= state.stamp_ns <= p.until_ns]
        return target_places(running[-1], state.stamp_ns, state.names, state.rows()[0]) if running else {}

    def _read_emg(self) -> None:
        for message, _ in PolledSubscriptions.drain(self._envelope, 2):
            self._values["envelope"] = self._emg_reader.read(message).position
        for message, _ in PolledSubscriptions.drain(self._decision, 2):
            decision = JointStateReader().read(message)
            if "confidence" in decision.names:
                self._values["confidence"] = decision.position[decision.names.index("confidence"), None]
        blocks = [
            self._block_reader.read(message).values for message, _ in PolledSubscriptions.drain(self._raw, BLOCKS)
        ]
        self._values.pop("raw", None)
        if blocks and len({b.shape[1] for b in blocks}) == 1:
            rows = np.concatenate(blocks)
            self._values["raw"] = np.stack([rows.min(axis=0), rows.max(axis=0)])
