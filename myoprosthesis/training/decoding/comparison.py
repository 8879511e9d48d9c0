"""Several decoders and several hands on one recorded session, by the objects that the nodes use, without clocks.

The files of a session follow each other as when they are replayed. The EMG is conditioned as each decoder's contract
says, and comes to it in blocks of the hand's period, rounded to float32 as on the wire; the hand follows each posture
in the period in which the block ends. Nothing depends on how fast the machine is: the same session gives the same
figures to the bit. What a decoder decides is the same for every hand.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector import Effector
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.guard import GuardedEffector
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.options import build
from myoprosthesis.decoders.decision import Decision
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.posture_control import HOLD, OPEN, PostureControlOptions
from myoprosthesis.emg.conditioning import Conditioner, Conditioning, off_is_nan
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.windows import repetitions

Array = NDArray[np.float64]
CLOSED = "power"
"""The pose that is a closure of 1; `OPEN` is one of 0."""
ARRIVED = 0.25
"""Share at a trial's end in which the hand should have arrived."""


@dataclass(frozen=True)
class ComparedTrial:
    """One labelled span of a session: samples `start` to `stop` (exclusive) of the whole."""

    number: int
    file: str
    repetition: str
    label: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class ComparedSession:
    """The recordings of one session, one after the other."""

    samples: Array
    """(n_samples, n_channels) in `unit`."""
    channels: tuple[str, ...]
    rate: float
    unit: str
    trials: tuple[ComparedTrial, ...]

    @classmethod
    def of(cls, recordings: Sequence[tuple[Path, EmgRecording]], layout: RecordingFormat) -> ComparedSession:
        """From recordings with the same channels, rate and unit; refuses one without a labelled span."""
        trials: list[ComparedTrial] = []
        offset = 0
        for path, recording in recordings:
            for span, repetition in zip(recording.spans, repetitions(recording, layout, path), strict=True):
                trials.append(
                    ComparedTrial(
                        len(trials), path.name, repetition, span.label, offset + span.start, offset + span.stop
                    )
                )
            offset += len(recording)
        if not trials:
            raise ConfigError("the recording has no labels, so that nothing can be compared with what was asked for")
        first = recordings[0][1]
        samples = np.concatenate([r.samples for _, r in recordings])
        return cls(samples, first.channels, first.rate, first.unit, tuple(trials))


@dataclass(frozen=True)
class Decided:
    """What a decoder decided in one trial; shares of the windows that lie in it wholly."""

    decoder: str
    trial: int
    repetition: str
    label: str
    windows: int
    accuracy: float
    """Highest score where it should be, rejection left out."""
    active_error: float
    """Something else was chosen than what was asked for, or rest, after rejection and debounce."""
    rejection: float
    chosen: float
    """What was asked for was chosen, after rejection and debounce."""
    onset_s: float
    """Signal time from the trial's begin to the first window that chooses it; NaN: none did."""


@dataclass(frozen=True)
class Moved:
    """What a hand did in one trial under one decoder."""

    decoder: str
    hand: str
    trial: int
    repetition: str
    label: str
    tracking_rad: float
    """RMS over joints and time of measured minus commanded."""
    closure: float
    """Mean over the last quarter of the trial of the share of the way from open to the power grip."""
    goal_rad: float
    """RMS over joints and the last quarter of measured minus the grip that was asked for; NaN where none was."""


@dataclass(frozen=True, eq=False)
class DecisionCourse:
    """One hand under one decoder through the session."""

    decisions: list[Decision]
    times: Array
    """(n_ticks,) s, at the end of each period."""
    command: Array
    """(n_ticks, n_joints) what the decoder asked for, rad."""
    measured: Array
    """(n_ticks, n_joints) where the hand was, rad."""
    events: dict[str, int]
    """What the guard did."""


def voice(
    name: str, policy: Any, session: ComparedSession, spec: EffectorSpec, options: PostureControlOptions
) -> DecoderController:
    """The decoder fitted to session and hand; refuses with one sentence what does not fit."""
    contract = policy.contract
    decoder = Decoder(policy)
    if decoder.settings.task != "classes":
        raise ConfigError(f"decoder {name!r} decodes {decoder.settings.task}; classes are compared")
    settings = build(Conditioning, contract.conditioning, f"decoder {name!r}")
    if (session.rate, session.unit) != (settings.rate, settings.unit):
        raise ConfigError(
            f"decoder {name!r} was fitted in {settings.unit} at {settings.rate:g} Hz, the recording is in "
            f"{session.unit} at {session.rate:g} Hz"
        )
    strange = sorted({t.label for t in session.trials} - set(decoder.names))
    if strange:
        raise ConfigError(f"decoder {name!r} knows {', '.join(decoder.names)}, the recording asks for {strange[0]!r}")
    return DecoderController(
        name, policy, spec, EmgStreamSpec(session.channels, session.rate, contract.conditioning), options
    )


def play(heard: DecoderController, session: ComparedSession, effector: Effector) -> DecisionCourse:
    """Let the hand follow the decoder through the whole session."""
    spec, guard = effector.spec, GuardedEffector(effector)
    # as the EMG node conditions: every channel of the stream, so that one that is off is known as that
    conditioner = Conditioner(build(Conditioning, heard.contract.conditioning), session.channels)
    rng = np.random.default_rng(0)
    columns = [spec.joints.index(n) for n in spec.command.names]
    state = guard.reset(0)
    heard.reset()
    heard.on_activate(state.joint_position[columns])
    posture = heard.command
    if posture is None:
        raise ConfigError(f"effector {spec.name!r} starts nowhere: its posture is not finite")
    decisions: list[Decision] = []
    times, command, measured = [], [], []
    fed = 0
    for k in range(math.ceil(len(session.samples) / session.rate / spec.dt)):
        end = min(len(session.samples), math.floor((k + 1) * spec.dt * session.rate + 1e-9))
        if end > fed:
            block = off_is_nan(conditioner.feed(session.samples[fed:end])).astype(np.float32).astype(float)
            posture, fed = heard.update(block, Moment(rng, seconds=(end - fed) / session.rate)), end
            decisions += heard.made
        age = (k + 1) * spec.dt - fed / session.rate
        state = guard.step(posture, age_s=max(0.0, age))
        times.append((k + 1) * spec.dt)
        command.append(posture)
        measured.append(_posture(state, columns))
    return DecisionCourse(
        decisions, np.array(times), np.array(command), np.array(measured), dict(sorted(guard.events.items()))
    )


def decided(
    heard: DecoderController, course: DecisionCourse, session: ComparedSession, margin_s: float = 0.0
) -> list[Decided]:
    """The decisions by trial; a trial too short for a window is left out."""
    names, rest = list(heard.names), heard.rest
    rows = []
    for t in session.trials:
        first = t.start + round(margin_s * session.rate)
        mine = [d for d in course.decisions if d.sample - heard.window >= first and d.sample <= t.stop]
        if not mine:
            continue
        n = len(mine)
        right = [d for d in mine if d.choice == t.label]
        wrong = sum(d.choice not in (t.label, rest, "") for d in mine)
        rows.append(Decided(
            heard.name, t.number, t.repetition, t.label, n,
            sum(names[int(d.scores.argmax())] == t.label and bool(np.isfinite(d.scores).all()) for d in mine) / n,
            wrong / n, sum(d.rejected for d in mine) / n, len(right) / n,
            (right[0].sample - t.start) / session.rate if right else math.nan,
        ))  # fmt: skip
    return rows


def moved(
    heard: DecoderController,
    course: DecisionCourse,
    session: ComparedSession,
    spec: EffectorSpec,
    hand: str,
    options: PostureControlOptions,
) -> list[Moved]:
    """The movements by trial."""
    shut = closure(course.measured, spec)
    rows = []
    for t in session.trials:
        inside = np.flatnonzero((course.times > t.start / session.rate) & (course.times <= t.stop / session.rate))
        if not inside.size:
            continue
        late = inside[-max(1, round(ARRIVED * inside.size)) :]
        meant = options.meaning(t.label)
        goal = None if meant == HOLD or t.label == heard.rest else np.array(spec.poses[meant])
        rows.append(Moved(
            heard.name, hand, t.number, t.repetition, t.label,
            _rms(course.measured[inside] - course.command[inside]), float(shut[late].mean()),
            math.nan if goal is None else _rms(course.measured[late] - goal),
        ))  # fmt: skip
    return rows


def apart(
    a: DecisionCourse, b: DecisionCourse, a_spec: EffectorSpec, b_spec: EffectorSpec, session: ComparedSession
) -> Array:
    """(n_trials,) RMS over a trial's time of the difference in closure between two hands under one decoder.

    Hands differ in joints and ranges; closure is what they have in common. The one is interpolated at the times of
    the other; NaN for a trial without a tick.
    """
    there = np.interp(a.times, b.times, closure(b.measured, b_spec))
    difference = closure(a.measured, a_spec) - there
    out = []
    for t in session.trials:
        inside = (a.times > t.start / session.rate) & (a.times <= t.stop / session.rate)
        out.append(_rms(difference[inside]) if inside.any() else math.nan)
    return np.array(out)


def closure(posture: Array, spec: EffectorSpec) -> Array:
    """(n,) share of the way from the open hand to the power grip of postures (n, n_joints), along that way."""
    missing = [p for p in (OPEN, CLOSED) if p not in spec.poses]
    if missing:
        raise ConfigError(
            f"effector {spec.name!r} has no pose {missing[0]!r}, so that its closure cannot be told: it has "
            f"{', '.join(spec.poses) or 'none'}"
        )
    start = np.array(spec.poses[OPEN])
    way = np.array(spec.poses[CLOSED]) - start
    found: Array = (posture - start) @ way / (way @ way)
    return found


def table(rows: Sequence[Decided] | Sequence[Moved]) -> str:
    """Rows as CSV; an empty cell where nothing was measured."""
    out = io.StringIO()
    names = [f.name for f in fields(rows[0])]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(_cell(getattr(row, name)) for name in names)
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return str(value)


def _posture(state: EffectorState, columns: list[int]) -> Array:
    return np.array(state.joint_position[columns])


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(np.square(x))))
