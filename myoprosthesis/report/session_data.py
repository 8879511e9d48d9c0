"""What lies in the folder of a session: its table, its settings, where it came from, and the recorded movements."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, RecordingError
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.files import yaml_text
from myoprosthesis.recording import message_decoding
from myoprosthesis.recording.bag import Bag
from myoprosthesis.report import imposed_kinds, trial_table
from myoprosthesis.report.imposed_kinds import Kinds
from myoprosthesis.report.recorded_movement import Array, RecordedMovement
from myoprosthesis.report.trial_table import TableReading

RECORDING, SETTINGS, PROVENANCE = "recording", "session.yaml", "provenance.json"
STATE, COMMAND, HIDDEN, DIAGNOSTICS = "state", "command", "policy/hidden", "/diagnostics"
TICKS = ("ticks", "missed_ticks")
SILENT = 1 << 15
"""Periods; topics come in blocks of some thousand messages, so none lags so far behind the others while it lasts."""
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SessionData:
    """What was found in a folder."""

    folder: Path
    reading: TableReading
    settings: Mapping[str, Any]
    settings_text: str
    provenance: Mapping[str, Any]
    imposed: Mapping[int, Kinds]
    """What acts in the normal trials of each block, by its index; empty where the folder does not say it."""
    faults: tuple[str, ...]
    """What was wrong with it, in sentences."""


def load(folder: Path) -> SessionData:
    """Table, settings and provenance; raises `ConfigError` for a folder that is none of a session."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder: give the folder of a session, which holds {trial_table.NAME}")
    if not (folder / trial_table.NAME).is_file():
        raise ConfigError(f"{folder} is no folder of a session: there is no {trial_table.NAME} in it")
    reading = trial_table.read(folder / trial_table.NAME)
    faults = list(reading.faults)
    text, settings = _settings(folder / SETTINGS, faults)
    provenance = _provenance(folder / PROVENANCE, faults)
    written = provenance.get("table_sha256", reading.sha256)
    if written != reading.sha256:
        faults.append(f"{trial_table.NAME} is not as the session left it: its sha256 was {written}.")
    imposed = imposed_kinds.read(folder, reading.table, settings, faults)
    return SessionData(folder, reading, settings, text, provenance, imposed, tuple(faults))


def _settings(file: Path, faults: list[str]) -> tuple[str, Mapping[str, Any]]:
    if not file.is_file():
        faults.append(f"There is no {file.name}: the roles of blocks follow from their names and fields.")
        return "", {}
    try:
        text = file.read_text(encoding="utf-8")
        data = yaml_text.parse(text, file.name)
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        faults.append(f"{file.name} cannot be read: {' '.join(str(error).split())[:120]}.")
        return "", {}
    return text, data if isinstance(data, Mapping) else {}


def _provenance(file: Path, faults: list[str]) -> Mapping[str, Any]:
    if not file.is_file():
        return {}
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        faults.append(f"{file.name} cannot be read: {' '.join(str(error).split())[:120]}.")
        return {}
    return data if isinstance(data, Mapping) else {}


@dataclass(eq=False)
class RecordedRun:
    """The movements in a session's recording, to be gone through once."""

    bag: Any
    plans: tuple[TrialPlan, ...]
    """By time; of a trial that was planned twice, since it was cut by a crash, the last."""
    spec: EffectorSpec | None
    dt: float
    """s, period of the effector; NaN when it is not known."""
    trials_found: int = 0
    """Movements that were gone through."""
    kept: RecordedColumns = field(default_factory=lambda: RecordedColumns(()))

    @property
    def muscles(self) -> tuple[str, ...]:
        """Names of the muscles with an activation, known once a movement was read."""
        return tuple(self.kept.names[i].removesuffix("/activation") for i in self.kept.activations)

    @property
    def duration_s(self) -> float:
        """From go to the end of a movement, the shortest of all; 1 without any."""
        spans = [(p.until_ns - (p.from_ns if p.go_ns is None else p.go_ns)) / NS for p in self.plans]
        return min(spans, default=1.0)

    @property
    def faults(self) -> list[str]:
        """What is wrong with the files, as far as they were read."""
        return list(self.bag.faults)

    def ledgers(self) -> dict[str, Mapping[str, Any]]:
        """The last diagnostics of each node, by its name; ticks are summed over its starts."""
        if not self.bag.has(DIAGNOSTICS):
            return {}
        last: dict[tuple[int, str], Mapping[str, Any]] = {}
        for message in self.bag.messages([DIAGNOSTICS]):
            with suppress(RecordingError):
                last |= {(message.file, s.name): s.values for s in message_decoding.statuses(message.data)}
        out: dict[str, dict[str, Any]] = {}
        for (_, name), values in last.items():
            before = out.get(name, {})
            sums = {k: before.get(k, 0) + values[k] for k in TICKS if isinstance(values.get(k), int)}
            out[name] = {**values, **sums}
        return dict(out)

    def movements(self, trials: Sequence[int]) -> Iterator[RecordedMovement]:
        """The movements of `trials`, by time; those whose states are missing are left out."""
        wanted = set(trials)
        windows = deque(p for p in self.plans if p.trial in wanted)
        topics = [t for t in (STATE, COMMAND, HIDDEN) if self.bag.has(t)]
        if STATE not in topics:
            return
        names = {self.bag.topic(t).name: t for t in topics}
        held = {t: Held() for t in topics}
        for table in self.bag.tables(*topics):
            held[names[table.topic]].add(table, names[table.topic], self.kept)
            while windows and self._whole(windows[0].until_ns, held):
                yield from self._movement(windows.popleft(), held)
        while windows:
            yield from self._movement(windows.popleft(), held)

    def _whole(self, until_ns: int, held: Mapping[str, Held]) -> bool:
        """Every topic has been read beyond `until_ns`; one that fell silent long ago is not waited for."""
        silent_ns = held[STATE].newest_ns - SILENT * round(NS * (self.dt if self.dt > 0 else 0.01))
        return all(h.newest_ns >= until_ns or silent_ns > until_ns for h in held.values())

    def _movement(self, plan: TrialPlan, held: Mapping[str, Held]) -> Iterator[RecordedMovement]:
        state = held[STATE].between(plan.from_ns, plan.until_ns)
        none = Part(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0)))
        command, hidden = (held[t].between(plan.from_ns, plan.until_ns) if t in held else none
                           for t in (COMMAND, HIDDEN))  # fmt: skip
        for one in held.values():
            one.forget(plan.until_ns)
        if len(state.stamp_ns) < 2 or self.kept.ends < 0:
            return
        self.trials_found += 1
        zero = plan.from_ns if plan.go_ns is None else plan.go_ns
        length = (plan.until_ns - plan.from_ns) / NS
        expected = round(length / self.dt) if self.dt > 0 else len(state.stamp_ns)
        x = state.values
        yield RecordedMovement(
            plan, (state.stamp_ns - zero) / NS, state.received_ns / NS, x[:, 0:2], x[:, 2:4], x[:, 4:6], x[:, 6:],
            (hidden.stamp_ns - zero) / NS, hidden.values,
            (command.stamp_ns - zero) / NS, command.received_ns / NS, expected,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Part:
    """Messages of one topic, one row each, the first of each stamp."""

    stamp_ns: Ints
    received_ns: Ints
    values: Array


@dataclass(eq=False)
class RecordedColumns:
    """Where in a state the endpoint and the activations are; sought again when the names change."""

    names: tuple[str, ...]
    ends: int = -1
    activations: tuple[int, ...] = ()

    def cut(self, table: Any) -> Array:
        """(n, 6 + n_muscles): position, velocity and load of the endpoint in the plane, then activations."""
        if table.names is not self.names and table.names != self.names:
            self.names = table.names
            self.ends = self.names.index("endpoint/x") if "endpoint/x" in self.names else -1
            self.activations = tuple(i for i, n in enumerate(self.names) if n.endswith("/activation"))
        if self.ends < 0:
            return np.zeros((len(table.stamp_ns), 0))
        e = slice(self.ends, self.ends + 2)
        parts = (table.position[:, e], table.velocity[:, e], table.effort[:, e])
        return np.column_stack([*parts, table.position[:, list(self.activations)]])


class Held:
    """Messages of one topic that no movement has taken yet."""

    def __init__(self) -> None:
        self.newest_ns = -1
        self._parts: deque[Part] = deque()

    def add(self, table: Any, topic: str, kept: RecordedColumns) -> None:
        """More of them, later than those before."""
        if topic == STATE:
            values = kept.cut(table)
        elif topic == HIDDEN:
            values = np.array(table.position)
        else:
            values = np.zeros((len(table.stamp_ns), 0))
        self._parts.append(Part(table.stamp_ns, table.received_ns, values))
        self.newest_ns = max(self.newest_ns, int(table.stamp_ns.max()))

    def between(self, from_ns: int, until_ns: int) -> Part:
        """Those with from_ns <= stamp < until_ns, by stamp; of several with one stamp the first."""
        parts = []
        for p in self._parts:
            inside = (p.stamp_ns >= from_ns) & (p.stamp_ns < until_ns)
            if inside.any():
                parts.append(Part(p.stamp_ns[inside], p.received_ns[inside], p.values[inside]))
        if not parts:
            return Part(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0)))
        parts = [p for p in parts if p.values.shape[1] == parts[-1].values.shape[1]]
        stamp, first = np.unique(np.concatenate([p.stamp_ns for p in parts]), return_index=True)
        log, values = np.concatenate([p.received_ns for p in parts]), np.concatenate([p.values for p in parts])
        return Part(stamp, log[first], values[first])

    def forget(self, until_ns: int) -> None:
        """Drop what is older."""
        while self._parts and int(self._parts[0].stamp_ns.max()) < until_ns:
            self._parts.popleft()


def recording(folder: Path, faults: list[str]) -> RecordedRun | None:
    """The recording of a session's folder; None, and a sentence more in `faults`, when there is none to read."""
    place = folder / RECORDING
    if not place.is_dir():
        faults.append(f"There is no recording in {folder.name}: only what the table of trials says is reported.")
        return None
    try:
        bag = Bag(place)
        plans = _plans(bag)
        spec = _spec(bag)
    except MyoError as error:
        faults.append(f"The recording cannot be read: {error}.")
        return None
    if not bag.has(STATE):
        faults.append("The recording holds no states: only what the table of trials says is reported.")
        return None
    return RecordedRun(bag, plans, spec, spec.dt if spec is not None else float("nan"))


def _plans(bag: Any) -> tuple[TrialPlan, ...]:
    if not bag.has("target"):
        return ()
    last: dict[int, TrialPlan] = {}
    for _, text in bag.texts("target"):
        try:
            plan = TrialPlan.from_json(text)
        except ConfigError:
            continue
        last[plan.trial] = plan
    return tuple(sorted(last.values(), key=lambda p: p.from_ns))


def _spec(bag: Any) -> EffectorSpec | None:
    if not bag.has("effector/spec"):
        return None
    spec = None
    for _, text in bag.texts("effector/spec"):
        try:
            spec = EffectorSpec.from_json(text)
        except MyoError:
            continue
    return spec
