"""What a person sees of a running stack."""

from __future__ import annotations

import atexit
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO, cast

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from myoprosthesis.cli import figure_words
from myoprosthesis.cli.live_screen import LiveScreen
from myoprosthesis.core.output import Unheld
from myoprosthesis.core.text import counted
from myoprosthesis.decoders.options import JUDGED_AFTER_S
from myoprosthesis.stack.reports import CUT

if TYPE_CHECKING:
    from myoprosthesis.stack.status import StackStatus

REFRESH_S = 0.25
END_S = 5.0
"""How long the end of a program waits for somebody to read its last words."""
LINE_S = 5.0
MISSED = "late or without a command in time"
"""What a missed tick is."""
GUARD = {
    "idle": "ticks without command while a node was not ready or not alive",
    "stale": "ticks on which the newest command was too old",
    "fault": "ticks on which the hand did not answer or reported a fault",
    "clipped": "commands beyond a limit, cut to it",
    "rate_limited": "commands slowed to the fastest change allowed",
    "non_finite": "ticks on which the newest command was not finite, refused",
    "wrong_size": "commands of another size, refused",
    "wrong_names": "commands with other channel names, refused",
    "second_writer": "commands of a second node, not obeyed",
    "stamped_ahead": "periods with a command whose stamp is ahead of this clock",
    "estop": "emergency stops",
}
"""What the guard counts, in words."""
CAPTION = (
    "error is the distance from the target at the end (mean of the last 0.1 s), median (95 % quantile); lateral is the "
    "largest deviation from the straight line in the x-y plane, mean, right of the motion positive"
)


class Display(LiveScreen):
    """A live table on a terminal, plain lines elsewhere."""

    def __init__(self, live: bool, name: str = "up") -> None:
        """`name`: who says the plain lines."""
        self._name = name
        self._file = Unheld(sys.stdout)  # a terminal on which Ctrl-S was typed must not keep a stack from being watched
        atexit.register(self.end)
        self._console = Console(file=cast(TextIO, self._file), highlight=False, soft_wrap=not live)
        super().__init__(self._console, live, REFRESH_S, LINE_S, transient=True)
        self.keys = ""
        """What keys do; shown below the table."""

    def end(self) -> None:
        """Everything has been written, as far as somebody reads it."""
        self._file.end(END_S)

    def tell(self, who: str, text: str) -> None:
        """A line of a node's output or of the supervisor's."""
        self._console.print(f"[{who}] {text}", markup=False)

    def show(self, status: StackStatus, restarts: Mapping[str, int]) -> None:
        """Refresh the status."""
        self.redraw(lambda: self._table(status, restarts), lambda: self._write_line(status))

    def _table(self, status: StackStatus, restarts: Mapping[str, int]) -> Table:
        table = status_table(status, restarts)
        table.caption = self.keys
        return table

    def _write_line(self, status: StackStatus) -> bool:
        if status.ready:
            from myoprosthesis.stack.monitor import line

            self.tell(self._name, line(status))
        return status.ready

    def summary(self, figures: Mapping[str, Any]) -> None:
        """The page at the end."""
        self._console.print(summary_table(figures))
        if figures["trials_scored"] and figures["conditions"]:
            self._console.print(conditions_table(figures["conditions"]))
        if len(decided := figures.get("decisions_by_condition", ())) > 1:
            self._console.print(prompted_table(decided))


def status_table(status: StackStatus, restarts: Mapping[str, int], whole: bool = True) -> Table:
    """The live status; `whole`: it was followed from the stack's start, so that its totals mean something."""
    e, s = status.effector, status.summary()
    why = e.unfollowed
    doing = f"not following commands: {why}" if why else "following commands" if e.effector else ""
    late = f", {s['missed_ticks']} of {s['ticks']} ticks {MISSED}" if s["missed_ticks"] else ""
    speed = f" = {e.rate * e.dt:.2f} × real time" if e.rate else ""
    state = "" if status.policy.text in ("active", "") else f"  {status.policy.text}"
    rows = {
        "effector": f"{e.effector or 'starting …'}  {doing}",
        "time": f"{e.tick * e.dt:.1f} s  " + ("simulated (lockstep)" if e.lockstep else "real time"),
        "loop": f"{e.rate:.0f} ticks/s{speed}{late}" if e.rate else "–",
        "policy": f"{status.policy.policy or '…'}{state}  {status.policy.why}",
        "perturbation": status.perturbation or "not known yet",
        **_commands(s),
    }
    if "hand" in s:
        idle = s["hand"]["idle"]
        rows["hand"] = f"{s['hand']['effector']}  {f'not following joints: {idle}' if idle else 'following joints'}"
    if "decisions" in s:
        rows |= _decoding(s) | _now(status)
    if status.trials or "decisions" not in s:
        rows |= _trials(status, s, whole)
    if e.waiting_for:
        rows["paused"] = f"waiting for {e.waiting_for}"
    if restarts:
        rows["restarted nodes"] = _restarts(restarts)
    return _table("myoprosthesis", rows)


def summary_table(s: Mapping[str, Any]) -> Table:
    """The figures of a run."""
    rows = {"effector": s["effector"]}
    if "decisions" in s:
        rows |= {"policy": s["policy"], "perturbation": s["perturbation"], **_decoding(s)}
    if s["task"] or "decisions" not in s:
        lost = f", {s['trials_lost']} lost (interrupted, without figures)" if s["trials_lost"] else ""
        unscored = s["trials"] - s["trials_scored"]
        rows["trials"] = f"{s['trials']} of {s['task'] or 'no task'}{lost}"
        if unscored:
            rows["trials"] += f", {unscored} not scored"
        if s["states_missing"]:
            rows["trials"] += f"; {s['states_missing']} states of these did not come (figures without them)"
        if unknown := s["trials_of_unknown_condition"]:
            rows["trials"] += f", {unknown} whose policy or perturbation is not known, in no figure"
    factor = s["real_time_factor"]
    rows["ticks"] = (
        f"{s['ticks']}"
        + (f", {s['missed_ticks']} {MISSED}" if s["missed_ticks"] else "")
        + (f", {factor:.2f} × real time" if factor is not None else "")
    )
    rows |= _commands(s)
    if s["effector_runs"] > 1:
        rows["effector started"] = (
            f"{counted(s['effector_runs'], 'time')}; ages, durations and what a hand counts are of the last"
        )
    if s["guard_events"]:
        rows["guard"] = guard(s["guard_events"])
    if "hand" in s:
        hand = s["hand"]
        rows["hand"] = f"{hand['effector']}, {hand['ticks']} ticks\n{guard(hand['guard_events'])}".strip()
    if s["policy_events"]:
        rows["actions"] = actions(s["policy_events"])
    if s.get("restarts"):
        rows["restarted nodes"] = _restarts(s["restarts"])
    if s["lockstep"] and s["trace_sha256"] and s["effector_runs"] == 1:
        rows["hash of the run"] = f"{s['trace_sha256'][:16]} (the same with the same seed, where nobody intervenes)"
    return _table("Summary", rows)


def conditions_table(conditions: Sequence[Mapping[str, Any]]) -> Table:
    """Figures of trials, a row for each condition: those of reaching, or the means of those that the task has."""
    own = list(dict.fromkeys(name for c in conditions for name in c.get("figures", ())))
    reaching = not own or any(c["endpoint_error_mm"] for c in conditions)
    table = Table(title="Trials by condition", caption=CAPTION if reaching else "means", box=SIMPLE)
    settings = {title: {of(c) for c in conditions} for title, of in _SETTING.items()}
    several = [title for title, values in settings.items() if len(values) > 1]
    for column in (*several, "policy", "perturbation"):
        table.add_column(column, overflow="fold")
    titles = ("on target", "error, mm", "lateral, mm") if reaching else ("success",)
    for column in ("trials", *titles, *map(figure_words.title, own)):
        table.add_column(column, justify="right")
    for c in conditions:
        error = "{median:.1f} ({p95:.1f})".format(**c["endpoint_error_mm"]) if c["endpoint_error_mm"] else "–"
        table.add_row(
            *(Text(_SETTING[title](c)) for title in several),
            Text(c["policy"]), Text(c["perturbation"]), str(c["trials"]), _percent(c["success_rate"]),
            *((error, _mm(c["lateral_deviation_mm"])) if reaching else ()),
            *(figure_words.number(name, c.get("figures", {}).get(name)) for name in own),
        )  # fmt: skip
    return table


def _body(condition: Mapping[str, Any]) -> str:
    """The effector of a condition, with its options and its period."""
    dt, own = condition.get("dt"), condition.get("effector_options")
    return f"{condition.get('effector', '')}{f', {own}' if own else ''}{f', {1e3 * dt:g} ms' if dt else ''}"


_SETTING = {"effector": _body, "task": lambda condition: str(condition.get("task_options") or "as by default")}
"""Columns of what trials were done with, where that differs between conditions."""


def prompted_table(conditions: Sequence[Mapping[str, Any]]) -> Table:
    """How often a decoder decided what was asked for, a row for each condition."""
    title = f"Decisions as prompted, from {JUDGED_AFTER_S:g} s after a prompt on, in windows of one condition"
    table = Table(title=title, box=SIMPLE)
    for column in ("decoder", "perturbation", "judged", "as prompted", "by class"):
        table.add_column(column, overflow="fold")
    for c in conditions:
        table.add_row(
            Text(c["policy"]), Text(c["perturbation"]), str(c["judged"]), _percent(c["accuracy"]), Text(_classes(c))
        )
    return table


def _table(title: str, rows: Mapping[str, Any]) -> Table:
    table = Table(title=title, show_header=False, min_width=60)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in rows.items():
        table.add_row(key, Text(str(value)))
    return table


def actions(policies: Mapping[str, Mapping[str, int]]) -> str:
    """What was counted of the actions of policies, a line each."""
    return "\n".join(f"{n} of {name} {CUT[kind]}" for name, counts in policies.items() for kind, n in counts.items())


def guard(events: Mapping[str, int]) -> str:
    """What a guard has counted, a line each."""
    words = {**GUARD, "estop": "emergency stop" if events.get("estop") == 1 else GUARD["estop"]}
    return "\n".join(f"{n} {words.get(k, k.replace('_', ' '))}" for k, n in events.items())


def _commands(s: Mapping[str, Any]) -> dict[str, str]:
    """How old commands are, in real time; how long a tick takes, in lockstep. Nothing before either is known."""
    age, trip = _pair(s["command_age_ms"]), _pair(s["round_trip_ms"])
    return {**({"age of commands": age} if age else {}), **({"time for a tick": trip} if trip else {})}


def _trials(status: StackStatus, s: Mapping[str, Any], whole: bool) -> dict[str, str]:
    """The condition that is on, and the newest trial."""
    rows = {}
    if whole:
        current = status.policy.policy, status.perturbation
        here = [c for c in reversed(s["conditions"]) if (c["policy"], c["perturbation"]) == current]
        lost = f", {s['trials_lost']} lost" if s["trials_lost"] else ""
        n = here[0]["trials"] if here else 0
        rows["trials"] = f"{n} of this policy and perturbation, {s['trials']} in all{lost}"
        if here and (here[0]["endpoint_error_mm"] or "figures" not in here[0]):
            rows |= {"on target": _percent(here[0]["success_rate"]), "endpoint error": _error(here[0])}
        elif here:
            rows |= {"success": _percent(here[0]["success_rate"]), "means": figure_words.phrases(here[0]["figures"])}
    if running := status.running:
        rows["this trial"] = f"{running['trial']} {running['label']}: {figure_words.phrases(running['figures'])}"
    if status.trials:
        rows["last trial"] = _trial(status.trials[-1])
    return rows


def _trial(trial: Any) -> str:
    v = trial.values
    if trial.lost:
        return f"{trial.number}: lost, {trial.lost}"
    figures = (("error", "endpoint_error_mm", ".1f"), ("lateral deviation", "lateral_deviation_mm", "+.1f"))
    parts = [f"{what} {v[key]:{form}} mm" for what, key, form in figures if isinstance(v.get(key), (int, float))]
    return f"{trial.number} {v.get('label', '')}: " + (", ".join(parts) or figure_words.phrases(trial.own) or "over")


def _decoding(s: Mapping[str, Any]) -> dict[str, str]:
    """The rows of a stack that decodes EMG."""
    timing, device, apart = s["timing"], s["device_events"] or {}, s["twin_apart"]
    faults = {k: timing.get(k) for k in ("gaps", "lost", "duplicates", "jumps", "damaged") if timing.get(k)}
    share = f"{_percent(s['rejection_rate'])} rejected, drift {counted(s['drift_events'], 'time')}"
    gaps = f", {counted(s['decoder_gaps'], 'gap')} in what reached the decoder" if s["decoder_gaps"] else ""
    rows = {
        "EMG": ", ".join([f"{s['source']}", f"{s['samples']} samples", *(f"{k} {v}" for k, v in faults.items())]),
        "decisions": f"{s['decisions']}, {share}{gaps}",
    }
    if s["adaptations"]:
        rows["adaptation to use"] = ", ".join(
            f"{counted(n, 'time')} {what}" for what, n in sorted(s["adaptations"].items())
        )
    if s["accuracy"] is not None and len(s["decisions_by_condition"]) < 2:
        rows["as prompted"] = (
            f"{_percent(s['accuracy'])} of the {s['judged']} decisions later than {JUDGED_AFTER_S:g} s after a prompt: "
            f"{_classes(s)}"
        )
    end = "posture" if "stages_ms" in s else "bytes"
    for what, key in (("taken", "latency_ms"), ("arrived", "latency_since_arrival_ms")):
        if latency := _pair(s[key]):
            rows[f"sample {what} to {end}"] = latency
    for what, duration in list(s.get("stages_ms", {}).items())[1:]:
        if latency := _pair(duration):
            rows[what] = latency
    if device:
        rows["hand"] = ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in device.items())
    if s["emulated"]:
        rows["emulated hand"] = f"on {s['port']}; its own watchdog stopped it {counted(s['watchdog_events'], 'time')}"
    if apart:
        rows["hand and model"] = f"{abs(math.degrees(apart['rad'])):.1f}° apart at most, at {apart['joint']}"
    return rows


def _now(status: StackStatus) -> dict[str, str]:
    """What the decoder decides now, and where the fingers are."""
    rows = {}
    d, joints = status.decision, status.effector.joints
    if d.known:
        sure = f", confidence {d.confidence:.2f}" if isinstance(d.confidence, (int, float)) else ""
        held = ", rejected: the hand stays" if d.rejected else ""
        drift = ", the EMG is unlike that of the fit" if d.drifting else ""
        rows["decides now"] = f"{d.choice or 'values'}{sure}{held}{drift}"
    if joints:
        rows["joints"] = "  ".join(
            f"{name} {math.degrees(position):.0f}°" + (f" {effort:.2f} N·m" if effort else "")
            for name, (position, effort) in joints.items()
        )
    return rows


def _classes(s: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in s["per_class"].items())


def _restarts(restarts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}×" for name, n in restarts.items())


def _pair(p: Mapping[str, Any] | None) -> str:
    if not p or p.get("p50") is None:
        return ""
    return f"median {p['p50']:.2f} ms, 99 % below {p['p99']:.2f} ms"


def _percent(x: float | None) -> str:
    return "–" if x is None else f"{100 * x:.0f} %"


def _mm(x: float | None) -> str:
    return "–" if x is None else f"{x:+.1f}"


def _error(s: Mapping[str, Any]) -> str:
    error = s["endpoint_error_mm"]
    return f"median {error['median']:.1f} mm, 95 % below {error['p95']:.1f} mm" if error else "–"
