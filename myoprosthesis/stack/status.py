"""State of a running stack, from what its nodes report, and the figures of its trials, decisions and ticks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from myoprosthesis.core.content_names import ContentNames
from myoprosthesis.core.text import counted
from myoprosthesis.core.trial_record import EVENT
from myoprosthesis.nodes.decoder_adapter import COUNTED
from myoprosthesis.stack.reports import ActionCounts, DecisionReport, EffectorReport, PolicyReport, report
from myoprosthesis.stack.trial_figures import figures_of
from myoprosthesis.stack.trial_outcome import COLUMNS, TrialOutcome, TrialSetting

Condition = tuple[str, str]
"""The policy that was played and the perturbation that was imposed."""
_EVER = -(2**62)


RECORDER_S = 5.0
"""A recorder that has not reported for this long has ended."""
DECODERS = ("posture/policy", "policy")
"""Nodes in which a decoder may run; the first that reports does."""


@dataclass
class StackStatus:
    """A stack as its nodes have reported it so far."""

    effector: EffectorReport = field(default_factory=EffectorReport)
    policy: PolicyReport = field(default_factory=PolicyReport)
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The newest diagnostics of other nodes: `policy`, `emg`, `emulator`, `twin/effector`, `posture/policy` …"""
    recorders: dict[str, dict[str, Any]] = field(default_factory=dict)
    _recorded_s: dict[str, float] = field(default_factory=dict)
    """The newest report of each recorder, by its folder."""
    decision: DecisionReport = field(default_factory=DecisionReport)
    trials: list[TrialOutcome] = field(default_factory=list)
    keep: int = 0
    """How many of the newest trials are kept; 0: all, which figures of them need."""
    over: int = 0
    """How many trials are over."""
    lost: int = 0
    """How many of these do not count, since they were interrupted."""
    ended: bool = False
    began: float = 0.0
    """When the first tick was done (monotonic clock, s); 0 before."""
    reported: float = 0.0
    """When the effector reported last (monotonic clock, s); 0 before."""
    trial: int = -1
    """The number of the trial that runs; -1 before the first."""
    newest_event: tuple[str, int] | None = None
    """The newest event of a trial and its number, which comes at once; all events, in order, take their time."""
    _before: list[EffectorReport] = field(default_factory=list)
    """The last report of each run of the effector before this one: it was switched, or started again."""
    _plans: dict[int, str] = field(default_factory=dict)
    _starts: dict[int, int] = field(default_factory=dict)
    _played: list[tuple[int, str]] = field(default_factory=list)
    _names: ContentNames = field(default_factory=ContentNames)
    _newest_ns: int = 0
    _actions: ActionCounts = field(default_factory=ActionCounts)
    _decoders: list[Mapping[str, Any]] = field(default_factory=list)
    """The last report of each run of the decoders' node before this one: it was started again."""

    # -- reports ------------------------------------------------------------------------------------------------

    def add_effector(self, values: Mapping[str, Any]) -> None:
        """The effector's newest diagnostics; one that counts fewer ticks than before has started again."""
        newest = report(EffectorReport, values)
        if newest.ticks < self.effector.ticks:
            self._before.append(self.effector)
        self.effector, self.reported = newest, time.monotonic()
        if self.ready and not self.began:
            self.began = time.monotonic() - newest.seconds

    def add_node(self, name: str, values: dict[str, Any]) -> None:
        """Take the newest diagnostics of another node.

        A decoder that counts fewer decisions than before was restarted, and its earlier decisions still count.
        """
        before = self.others.get(name, {})
        if name in DECODERS and _decisions(values) < _decisions(before):
            self._decoders.append(before)
        if name == "policy":
            self._actions.add(values)
        self.others[name] = values

    def add_policy(self, values: Mapping[str, Any]) -> None:
        """What the policy node runs, or is about to."""
        self.policy = now = report(PolicyReport, values)
        name = self._names.of(now.policy, str(values.get("sha256") or "")) if now.policy else ""
        if name and now.text == "active" and (not self._played or self._played[-1][1] != name):
            if not self._played and now.previous:
                self._played.append((_EVER, ""))
            # without a time it was never switched to: it has run since its node began, however late that is heard
            began = self._newest_ns if self._played else _EVER
            self._played.append((now.since_ns if isinstance(now.since_ns, int) else began, name))

    def add_perturbation(self, trial: int, name: str) -> None:
        """What is imposed in a trial; the newest plan of a trial that is not over counts."""
        self._plans[trial] = name

    def add_recorder(self, values: dict[str, Any]) -> None:
        """The newest report of a recorder."""
        folder = str(values.get("folder", ""))
        self.recorders.pop(folder, None)
        self.recorders[folder] = values
        self._recorded_s[folder] = time.monotonic()

    def not_whole(self) -> list[str]:
        """A sentence on each recording that lacks messages, or that could not be written at last."""
        out = []
        for folder, values in self.recorders.items():
            lost, fault = int(values.get("lost") or 0), str(values.get("fault") or "")
            if lost or fault:
                out.append(f"{folder} is not whole, {counted(lost, 'message')} lost" + (f": {fault}" if fault else ""))
        return out

    @property
    def recorder(self) -> dict[str, Any] | None:
        """The newest report of the recorders that have reported lately; None: nothing is recorded."""
        now = time.monotonic()
        lately = [v for folder, v in self.recorders.items() if now - self._recorded_s.get(folder, 0.0) < RECORDER_S]
        return lately[-1] if lately else None

    def add_decision(self, choice: str, values: Mapping[str, Any]) -> None:
        """The newest decision of a decoder."""
        flags = {k: bool(values.get(k)) for k in ("rejected", "drifting")}
        self.decision = DecisionReport(choice, values.get("confidence"), **flags, known=True)

    def add_trial_event(self, event: str, values: dict[str, Any]) -> None:
        """An event of a trial: `start`, `go`, `end` or `lost`; one that lacks its number or time is ignored."""
        number, now = values.get("trial"), values.get("time_ns")
        if not isinstance(number, int) or not isinstance(now, int):
            return
        self._newest_ns = now
        if event == "start":
            self.trial = number
            self._starts[number] = now
        elif event in ("end", "lost"):
            lost = str(values.get("why") or "states are missing") if event == "lost" else ""
            self.trials.append(TrialOutcome(number, self._starts.pop(number, now), now, values, lost))
            self.over, self.lost = self.over + 1, self.lost + bool(lost)
            self.ended = bool(values.get("last"))
            if self.keep and len(self.trials) > self.keep:
                del self.trials[: -self.keep]
                first = self.trials[0].number
                self._plans = {n: name for n, name in self._plans.items() if n < 0 or n >= first}

    def add_newest_event(self, event: str, values: Mapping[str, Any]) -> None:
        """The newest event of a trial."""
        if isinstance(number := values.get("trial"), int):
            self.newest_event = event, number

    # -- figures ------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """True once a first tick has closed."""
        return self.effector.ticks > 0

    @property
    def perturbation(self) -> str:
        """What is imposed now, by the effector's report; else by the newest plan."""
        return self.effector.perturbation or self._plans.get(self.trial, self._plans.get(-1, ""))

    def condition(self, trial: TrialOutcome) -> Condition:
        """Policy and perturbation of a trial, each empty where it is not known.

        A policy that changed within the trial is shown as `before → after`.
        """
        before = [name for since, name in self._played if since <= trial.from_ns][-1:]
        within = [name for since, name in self._played if trial.from_ns < since < trial.until_ns]
        names = [*before, *within]
        return " → ".join(names) if all(names) else "", self._plans.get(trial.number, self._plans.get(-1, ""))

    def _known(self, condition: Condition) -> bool:
        """Whether a condition is known whole, as far as the run has a policy and a perturbation."""
        policy, name = condition
        return bool(policy or not self.policy.text) and bool(name or not self.perturbation)

    def scored(self) -> list[TrialOutcome]:
        """Trials that count: movements to a target that were neither catch trials nor lost."""
        return [t for t in self.trials if t.scored]

    @property
    def next_trial(self) -> int | None:
        """The number of the first trial that is not over, if any is over."""
        return max((t.number + 1 for t in self.trials), default=None)

    @property
    def trials_complete(self) -> bool:
        """Whether `trials` has the last trial that is over, by the newest event; false before one is known."""
        if self.newest_event is None:
            return False
        event, number = self.newest_event
        last = number if event in ("end", "lost") else number - 1
        return last < 0 or any(t.number == last for t in self.trials[-2:])

    @property
    def running(self) -> dict[str, Any]:
        """Number, label and figures so far of the trial that runs; empty where the task reports none of it."""
        reported = self.others.get("task", {})
        number, figures = reported.get("trial"), reported.get("figures")
        over = any(t.number == number for t in self.trials[-2:])
        if number is None or over or not isinstance(figures, dict):
            return {}
        numbers = {k: v for k, v in figures.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
        return {"trial": number, "label": reported.get("label") or "", "figures": numbers}

    def conditions(self) -> list[dict[str, Any]]:
        """Figures of the trials that count, by condition, in the order in which the conditions first came.

        A condition is an effector with its options and period, the options of a task, a policy and a perturbation.
        Trials whose condition is not known are left out, such as those before this status was followed.
        """
        groups: dict[tuple[TrialSetting, Condition], list[TrialOutcome]] = {}
        for trial in self.scored():
            if self._known(condition := self.condition(trial)):
                groups.setdefault((trial.setting, condition), []).append(trial)
        return [
            {**asdict(setting), "policy": policy, "perturbation": name, **figures_of([t.values for t in trials])}
            for (setting, (policy, name)), trials in groups.items()
        ]

    def table(self) -> list[dict[str, Any]]:
        """A row for each trial that is over: its condition, its outcome, and every figure that its task gave.

        All have the same keys, `COLUMNS` first, with None where there is no value.
        """
        rows = []
        for t in self.trials:
            policy, name = self.condition(t)
            v = t.values
            row = dict.fromkeys(COLUMNS) | {
                "trial": t.number, "label": v.get("label", ""), **asdict(t.setting),
                "policy": policy, "perturbation": name,
                "catch": bool(v.get("catch", False)), "scored": t.scored, "lost": t.lost,
                "states_missing": t.states_missing, "start_s": t.from_ns * 1e-9, "end_s": t.until_ns * 1e-9,
            }  # fmt: skip
            for key, point in (("start", v.get("start")), ("target", v.get("target"))):
                if isinstance(point, Sequence) and not isinstance(point, str):
                    row |= {f"{key}_{axis}_m": x for axis, x in zip("xyz", point, strict=False)}
            rows.append({**row, **{k: x for k, x in v.items() if k not in EVENT}})
        own = sorted({key for row in rows for key in row} - set(COLUMNS))
        return [{key: row.get(key) for key in (*COLUMNS, *own)} for row in rows]

    def decoding(self) -> dict[str, Any]:
        """Figures of a stack that decodes EMG; empty for any other."""
        emg, emulator = (self.others.get(n, {}) for n in ("emg", "emulator"))
        if not emg:
            return {}
        policy: Mapping[str, Any] = next((self.others[n] for n in DECODERS if n in self.others), {})
        commanded = report(EffectorReport, self.others.get("posture/effector", {})) if self.muscles else self.effector
        runs, device = [*self._decoders, policy], self.effector.device
        events: Counter[str] = sum((Counter(r.get("events") or {}) for r in runs), Counter())
        prompted = _by_prompt(r.get("prompted") or {} for r in runs)
        decisions = int(events["decisions"])
        latency, since = commanded.latency_ms, commanded.latency_since_arrival_ms
        by_condition = [
            {"policy": played, "perturbation": name, **_prompted(counts)}
            for (played, name), counts in _by_condition([r.get("decided") or {} for r in runs]).items()
        ]
        return {
            "source": emg.get("source"),
            "samples": emg.get("events", {}).get("samples", 0),
            "emg_events": emg.get("events", {}),
            "timing": emg.get("timing", {}),
            "decisions": decisions,
            **_prompted(prompted),
            "decisions_by_condition": by_condition,
            **({} if self.trials else {"conditions": by_condition}),
            "rejection_rate": int(events.get("rejected", 0)) / decisions if decisions else None,
            "drift_events": int(events.get("drift_events", 0)),
            "decoder_gaps": int(events.get("gaps", 0)),
            "adaptations": {k.removeprefix(COUNTED): n for k, n in events.items() if k.startswith(COUNTED)},
            "decision_ms": policy.get("decision_ms"),
            "latency_ms": _percentiles(latency),
            "latency_since_arrival_ms": _percentiles(since),
            **self._stages(),
            "frames_sent": device.get("frames_sent"),
            "checksum_errors": device.get("damaged", 0),
            "device_events": device,
            "watchdog_events": emulator.get("watchdog_events"),
            "emulated": bool(emulator),
            "port": emulator.get("path"),
            "twin_apart": self.others.get("twin/effector", {}).get("apart"),
        }

    @property
    def muscles(self) -> bool:
        """Whether the decoder's posture is what muscles follow."""
        return "posture/effector" in self.others

    def _stages(self) -> dict[str, Any]:
        """Where the time from a sample to the muscles, and on to the hand, goes; empty without muscles."""
        if not self.muscles:
            return {}
        posture, policy, hand = (self.others.get(n, {}) for n in ("posture/effector", "policy", "hand/effector"))
        return {
            "stages_ms": {
                "sample taken to posture": _percentiles(posture.get("latency_ms") or {}),
                "posture to excitation": _percentiles(policy.get("goal_age_ms") or {}),
                "state to muscle": _percentiles(self.effector.latency_ms),
                "joints to hand": _percentiles(hand.get("latency_ms") or {}),
            }
        }

    def _hand(self) -> dict[str, Any]:
        """What a hand beside the muscles counts since it was started last; empty without one."""
        if not (values := self.others.get("hand/effector")):
            return {}
        hand = report(EffectorReport, values)
        counted = {"ticks": hand.ticks, "missed_ticks": hand.missed_ticks, "guard_events": dict(hand.events)}
        return {"hand": {"effector": hand.effector, "idle": hand.idle, **counted, "device_events": hand.device}}

    def summary(self) -> dict[str, Any]:
        """The figures of `up --json`.

        Figures of trials are of all that count where there was one condition, and null where there were several, or an
        unknown one: then they are under `conditions`. Ticks and the guard's counts are of all `effector_runs`; ages,
        durations and the hash are of the last one.
        """
        conditions, e = self.conditions(), self.effector
        unknown = len(self.scored()) - sum(c["trials"] for c in conditions)
        whole = conditions[0] if len(conditions) == 1 and not unknown else figures_of([])
        runs = [*self._before, e]
        seconds = sum(r.seconds for r in runs)
        simulated = sum(r.ticks * r.dt for r in runs)
        return {
            "trials": self.over - self.lost,
            "trials_scored": len(self.scored()),
            "trials_lost": self.lost,
            "states_missing": sum(t.states_missing or 0 for t in self.trials if not t.lost),
            "trials_of_unknown_condition": unknown,
            **{k: whole[k] for k in ("success_rate", "endpoint_error_mm", "lateral_deviation_mm")},
            "conditions": conditions,
            "real_time_factor": simulated / seconds if seconds else None,
            "ticks": sum(r.ticks for r in runs),
            "missed_ticks": sum(r.missed_ticks for r in runs),
            "effector_runs": len(runs),
            "command_age_ms": _percentiles(e.command_age_ms),
            "lateness_ms": e.lateness_ms or None,
            "round_trip_ms": _percentiles(e.round_trip_ms),
            "effector": e.effector or None,
            "policy": self.policy.policy or None,
            "perturbation": self.perturbation,
            "lockstep": e.lockstep,
            "guard_events": dict(sum((Counter(r.events) for r in runs), Counter[str]())),
            "policy_events": {name: dict(counts) for name, counts in self._actions.total.items()},
            "trace_sha256": e.trace_sha256,
            **self.decoding(),
            **self._hand(),
            "by_trial": self.table(),
        }


def _decisions(policy: Mapping[str, Any]) -> int:
    return int((policy.get("events") or {}).get("decisions", 0))


def _by_condition(runs: Sequence[Mapping[str, Any]]) -> dict[Condition, dict[str, Counter[str]]]:
    """Counts of what was decided, by prompt, for each condition, of all runs together."""
    out: dict[Condition, dict[str, Counter[str]]] = {}
    for run in runs:
        for policy, by_perturbation in run.items():
            for perturbation, prompted in by_perturbation.items():
                for prompt, choices in prompted.items():
                    out.setdefault((policy, perturbation), {}).setdefault(prompt, Counter()).update(choices)
    return out


def _by_prompt(runs: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, Counter[str]]:
    """Counts of what was decided, by prompt, of all runs together."""
    out: dict[str, Counter[str]] = {}
    for run in runs:
        for prompt, choices in run.items():
            out.setdefault(prompt, Counter()).update(choices)
    return out


def _percentiles(duration: Mapping[str, float]) -> dict[str, float | None]:
    return {q: duration.get(q) for q in ("p50", "p99")}


def _prompted(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Share of decisions that were the one asked for, whole and by class."""
    totals = {asked: sum(chosen.values()) for asked, chosen in counts.items()}
    right = {asked: chosen.get(asked, 0) for asked, chosen in counts.items()}
    return {
        "judged": sum(totals.values()),
        "accuracy": sum(right.values()) / sum(totals.values()) if sum(totals.values()) else None,
        "per_class": {asked: right[asked] / n for asked, n in sorted(totals.items()) if n},
    }
