"""The loop of an EMG front end: samples that have come are disturbed on purpose, conditioned once, and published."""

from __future__ import annotations

import time
from collections import Counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import Refused
from myoprosthesis.core.loop_rate import LoopRate
from myoprosthesis.core.loop_statistics import LoopStatistics
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.process_tuning import request_fifo_scheduling
from myoprosthesis.core.schedule import Schedule
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.emg.conditioning import Conditioned, Conditioner
from myoprosthesis.emg.corruption import SITE, EmgCorruption
from myoprosthesis.emg.source import AskedSource, EmgBlock, EmgSource
from myoprosthesis.nodes.control_loop import ControlLoop

Array = NDArray[np.float64]


PLANS_S = 0.02
"""How often plans and requests are looked at: a source is read far more often."""


class EmgLoopPort(Protocol):
    """What the loop needs of the world."""

    def wait(self, timeout_s: float) -> None:
        """Until something has come, or the time is over."""

    def plans(self) -> list[PerturbationPlan]:
        """Plans that came since the last call, oldest first."""

    def trials(self) -> list[TrialPlan]:
        """Trials that a task has planned since the last call, oldest first; of a source that does what is asked for."""

    def publish(self, block: EmgBlock, raw: Array, conditioned: Conditioned) -> None:
        """Publish a block: `raw` as disturbed on purpose, and the result of conditioning it."""

    def prompt(self, text: str) -> None:
        """What is asked for has changed."""

    def say(self, level: str, text: str) -> None:
        """Tell people."""


class EmgLoop(ControlLoop):
    """Reads the source every `period_s`, or each period of its samples where that is longer.

    A source that is silent or lost is said once, and waited for.
    """

    def __init__(self, source: EmgSource, conditioner: Conditioner, port: EmgLoopPort, period_s: float) -> None:
        super().__init__(lockstep=False)
        spec = source.spec
        self.source, self.conditioner, self.port = source, conditioner, port
        self.statistics = LoopStatistics()
        self.events: Counter[str] = Counter()
        self.off: tuple[str, ...] = ()
        """Channels whose electrode is off, saturated or still."""
        self.refused = ""
        self._corruption = EmgCorruption(spec.channels, spec.rate, spec.unit)
        self._schedule: Schedule[PerturbationPlan] = Schedule()
        self._plan: PerturbationPlan | None = None
        self._period_s = max(period_s, 1 / spec.rate)
        self._trials: Schedule[TrialPlan] = Schedule()
        self._prompt, self._asked, self._fault, self._ended = "", "", "", False

    def _run(self) -> None:
        request_fifo_scheduling()
        pacer = LoopRate(self._period_s)
        pacer.start()
        next_plans_s = 0.0
        while not self._stop.is_set():
            pacer.wait()
            if (now := time.monotonic()) > next_plans_s:
                next_plans_s = now + PLANS_S
                self._serve_requests()
            block = self.source.read()
            if block is not None and self.active:
                for part in block.by_prompt():
                    self._process(part)
        if self._prompt:  # nobody is asked for anything any more
            self.port.prompt("")
        self.source.close()

    def _serve_requests(self) -> None:
        """What others want, and how the source is."""
        self.port.wait(0.0)
        self._serve()
        for plan in self.port.plans():
            self._schedule.add(plan)
        if isinstance(self.source, AskedSource):
            self._ask(self.source, time.time_ns())
        self._watch()

    def _ask(self, source: AskedSource, now_ns: int) -> None:
        """Have the source do what the trial that runs asks for, from its go signal on."""
        for trial in self.port.trials():
            self._trials.add(trial)
        plan = self._trials.current(now_ns)
        asked = plan.label if plan is not None and plan.go_ns is not None and now_ns >= plan.go_ns else ""
        if asked == self._asked:
            return
        self._asked = asked
        try:
            source.ask(asked)
        except Refused as error:
            self.events["asked_in_vain"] += 1
            self.port.say("error", str(error))

    def _process(self, block: EmgBlock) -> None:
        raw = self._corrupted(block)
        done = self.conditioner.filter(raw)
        self.events["samples"] += len(block)
        self.events["artefacts"] += int(done.artefact.any(axis=1).sum())
        channels = self.source.spec.channels
        off = tuple(c for c, bad in zip(channels, done.off[-1], strict=True) if bad)
        if off != self.off:
            self.off = off
            self.events["lead_off"] += bool(off)
            self.port.say("warning" if off else "info", f"electrodes off: {', '.join(off)}" if off else "electrodes on")
        if block.prompt != self._prompt:  # before its samples, so that none is decoded under the prompt before
            self._prompt = block.prompt
            self.port.prompt(block.prompt)
        self.port.publish(block, raw, done)
        self.statistics.note("taken_to_arrived", max(0.0, (block.arrival_ns - int(block.stamps_ns[-1])) * 1e-9))
        self.statistics.note("arrived_to_published", max(0.0, (time.time_ns() - block.arrival_ns) * 1e-9))

    def _corrupted(self, block: EmgBlock) -> Array:
        plan = self._schedule.current(int(block.stamps_ns[-1]))
        entries = plan.at(SITE) if plan is not None else ()
        if plan is not self._plan:
            self._plan = plan
            try:
                self._corruption.check(entries)
                self.refused = ""
            except Refused as error:
                self.refused = str(error)
                self.port.say("error", f"the perturbation is refused: {self.refused}")
        return self._corruption.apply(block.samples, block.stamps_ns, () if self.refused else entries)

    def _watch(self) -> None:
        """Say once that samples do not come, and once that they do again."""
        fault, ended = self.source.fault, self.source.ended
        if fault != self._fault:
            self._fault = fault
            self.events["faults"] += bool(fault)
            self.port.say("warning" if fault else "info", f"no EMG: {fault}" if fault else "EMG comes again")
        if ended and not self._ended:
            self.port.say("info", "the recording has ended")
        self._ended = ended
