"""Control loop of a decoder: a block of conditioned EMG in, a posture out at once.

The stream is its clock: without EMG there are no commands. A decoder is reset after a gap in time, so that no window
has samples from both sides of it.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.content_names import ContentNames
from myoprosthesis.core.errors import ContractError, MyoError
from myoprosthesis.core.loop_statistics import LoopStatistics
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.core.text import brief
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.feature_log import FeatureLog
from myoprosthesis.decoders.options import JUDGED_AFTER_S
from myoprosthesis.nodes.emg_block_codec import EmgSamples
from myoprosthesis.nodes.switching_loop import SwitchingLoop, SwitchingPort
from myoprosthesis.policies.controller import Controller
from myoprosthesis.policies.switching import ControllerSwitcher

Array = NDArray[np.float64]
GAP_S = 0.05
"""A step in time between samples of so much more than a period is a gap: stamps that are read off arrival scatter."""


class DecoderLoopPort(SwitchingPort, Protocol):
    """What the loop needs of the world."""

    def blocks(self) -> list[EmgSamples]:
        """Blocks that came since the last call, oldest first."""

    def posture(self) -> Array | None:
        """Where the effector is, in the order of its command; None while nobody knows."""

    def following(self) -> bool:
        """Whether the effector has followed commands since the last call, as far as is known."""

    def imposed(self, stamp_ns: int) -> str:
        """Name of the perturbation in force at a time; empty where none is known."""

    def prompt(self, sent_ns: int) -> str:
        """What was asked for when a block was published (`EmgSamples.sent_ns`), if somebody asks."""

    def decided(self, stamp_ns: int, controller: DecoderController) -> None:
        """Tell the newest decision."""


class DecoderLoop(SwitchingLoop):
    """Plays decoders; counts what they decide. The posture begins where the effector is when the first block comes."""

    def __init__(self, switcher: ControllerSwitcher, port: DecoderLoopPort, stream: EmgStreamSpec) -> None:
        super().__init__(switcher, lockstep=False)
        self.port, self.stream = port, stream
        self.statistics = LoopStatistics()
        self.events: Counter[str] = Counter()
        self._strange: set[str] = set()
        """Prompts that are no class of the decoder, of which it was told."""
        self.prompted: dict[str, Counter[str]] = {}
        """What was decided under each prompt that is a class of the decoder."""
        self.decided: dict[str, dict[str, dict[str, Counter[str]]]] = {}
        """The same by decoder and by the perturbation in force all through a decision's window."""
        self.feature_log: FeatureLog | None = None
        """Where the features of the decoder that is used are kept; None: nobody needs them."""
        self._names = ContentNames()
        self._counting = threading.Lock()
        """Held while decisions are counted, and while the counts are copied."""
        self._rng = np.random.default_rng(0)
        self._drifting = False
        self._newest_ns: int | None = None
        self._asked, self._asked_ns = "", 0
        self._imposed, self._imposed_ns = "", 0

    def _run(self) -> None:
        request_fifo_scheduling()
        while not self._stop.is_set():
            self.port.wait(0.1)
            self._serve()
            for block in self.port.blocks():
                try:
                    self._tick(block)
                except MyoError as error:
                    self._fail(error, self.port)

    def _tick(self, block: EmgSamples) -> None:
        if block.channels != self.stream.channels:
            raise MyoError(f"the EMG has become another: {brief(', '.join(block.channels))}")
        switcher, block = self.switcher, self._after_gap(block)
        self._swaps.activate_ready(block.newest_ns)
        self._note_prompt(block)
        controller, seconds = switcher.active, len(block.times) / self.stream.rate
        if controller is None:
            self._swaps.replay_some(seconds)
            return
        if not self._placed(_decoding(controller)):
            return
        if not self.port.following():
            self._adopt_posture()
        began = time.perf_counter()
        command, _ = switcher.update(block.values, Moment(self._rng, seconds=seconds))
        if self.active:
            self.port.command(block.newest_ns, command)
        played = _decoding(switcher.current)
        if played.new_decisions:
            self.statistics.note("decision", (time.perf_counter() - began) / len(played.new_decisions))
            self.port.decided(block.newest_ns, played)
            if self.feature_log is not None:
                self.feature_log.add(played.new_features)
            self._count(played, block)
        self.port.updated(block.newest_ns, switcher)
        self._swaps.replay_some(seconds)

    def _after_gap(self, block: EmgSamples) -> EmgSamples:
        """What of a block comes after the last gap in time, if there is one, before which the decoders forget all."""
        before = -np.inf if self._newest_ns is None else (self._newest_ns - block.stamp_ns) * 1e-9
        self._newest_ns = block.newest_ns
        gaps = np.flatnonzero(np.diff(block.times, prepend=before) > 1 / self.stream.rate + GAP_S)
        if before == -np.inf:
            gaps = gaps[1:]
        if not gaps.size:
            return block
        self.events["gaps"] += len(gaps)
        for controller in self.switcher.controllers():
            controller.reset()
        return replace(block, times=block.times[gaps[-1] :], values=block.values[gaps[-1] :])

    def _placed(self, controller: DecoderController) -> bool:
        """Whether it is known where the hand was when the decoding began."""
        if controller.command is None:
            posture = self.port.posture()
            if posture is None:
                return False
            controller.on_activate(posture)
            if controller.command is None:  # the posture was none: not finite
                return False
        shadow = self.switcher.shadow
        if shadow is not None and shadow.command is None and controller.command is not None:
            shadow.on_activate(controller.command)
        return True

    def _adopt_posture(self) -> None:
        """Go on from where the hand is: what was decided while it did not follow is not made up for when it does."""
        posture = self.port.posture()
        if posture is not None:
            for controller in self.switcher.controllers():
                controller.on_activate(posture)

    def _note_prompt(self, block: EmgSamples) -> None:
        """What is asked for, from the first sample of the block on under which it is."""
        asked = self.port.prompt(block.sent_ns)
        if asked != self._asked:
            self._asked, self._asked_ns = asked, block.stamp_ns

    def counts(self) -> dict[str, Any]:
        """Copies of what was counted, `events`, `prompted` and `decided`, of one moment."""
        with self._counting:
            return copy.deepcopy({"events": self.events, "prompted": self.prompted, "decided": self.decided})

    def _count(self, controller: DecoderController, block: EmgSamples) -> None:
        now_ns, asked = block.newest_ns, self._asked
        imposed = self.port.imposed(now_ns) or self._imposed  # behind the last trial it is still what it was
        if imposed != self._imposed:
            self._imposed, self._imposed_ns = imposed, now_ns
        steady = asked in controller.classes and now_ns - self._asked_ns > JUDGED_AFTER_S * NS
        if asked and controller.classes and asked not in (*controller.classes, *self._strange):
            self._strange.add(asked)
            self.port.say(
                "warning",
                f"the prompt {asked!r} is none of the classes of decoder {controller.name!r}, "
                f"{', '.join(controller.classes)}: what is decided under it is not judged (label_names says how the "
                "labels of a file are called, ignore leaves some out)",
            )
        name = self._names.of(controller.name, getattr(controller.policy, "sha256", ""))
        of_one = now_ns - self._imposed_ns >= controller.window / self.stream.rate * NS
        for decision in controller.new_decisions:
            with self._counting:
                self.events["decisions"] += 1
                self.events["rejected"] += decision.rejected
                if steady:
                    self.prompted.setdefault(asked, Counter())[decision.choice] += 1
                if steady and of_one:
                    here = self.decided.setdefault(name, {}).setdefault(imposed, {})
                    here.setdefault(asked, Counter())[decision.choice] += 1
            if decision.drifting and not self._drifting:
                self.events["drift_events"] += 1
                self.port.say(
                    "warning",
                    f"the EMG differs from what decoder {controller.name!r} was fitted on (drift): check the "
                    "electrodes, or fit again (myoprosthesis refit)",
                )
            self._drifting = decision.drifting


def _decoding(controller: Controller | None) -> DecoderController:
    """The controller, which must be one of a decoder; raises `ContractError`."""
    if not isinstance(controller, DecoderController):
        raise ContractError("this node runs decoders of EMG, and no policies that observe the effector")
    return controller
