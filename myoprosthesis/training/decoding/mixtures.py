"""Simultaneous movements from recordings of single ones: their efforts as targets, and mixtures of two.

People are seldom recorded while they do two movements at once, so that a decoder of values would never have seen that.
The EMG of both is about the sum of what each has alone (its fields superpose), which is why combinations can be made
from single movements: Nowak & Castellini 2016 (doi 10.1371/journal.pone.0161678) add features; here the samples are
added, so that every feature is that of the sum. A real mixture has less than the sum where a muscle serves both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import option
from myoprosthesis.emg.conditioning import Conditioner, Conditioning
from myoprosthesis.emg.pauses import breaks
from myoprosthesis.emg.recording import EmgRecording, Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.windows import Windows, repetitions

Array = NDArray[np.float64]
Recordings = list[tuple[Path, EmgRecording]]
LOW, HIGH = 50.0, 90.0
"""Percentile of the amplitude at rest that is no effort, and of a movement that is full effort."""
REST_REACHES = 95.0
"""Percentile of the amplitude at rest that full effort must exceed."""


@dataclass(frozen=True)
class MixtureOptions:
    """Degrees of freedom that are controlled at once."""

    degrees: tuple[str, ...] = option(
        (),
        "pairs of opposite classes, such as flexion:extension,pronation:supination; with --task regression the effort "
        "of each, 0 to 1, is decoded, alone and two at once, of which mixtures are made",
    )

    def pairs(self) -> tuple[tuple[str, ...], ...]:
        """The classes of each degree of freedom.

        Raises:
            ConfigError: One is no pair, or a class comes twice.
        """
        pairs = tuple(tuple(pair.split(":")) for pair in self.degrees)
        names = [name for pair in pairs for name in pair]
        if bad := next((d for d, pair in zip(self.degrees, pairs, strict=True) if len(pair) > 2 or not all(pair)), ""):
            raise ConfigError(f"a degree of freedom is one class or two opposite ones, such as open:close; got {bad!r}")
        if twice := next((n for n in names if names.count(n) > 1), ""):
            raise ConfigError(f"class {twice!r} is in two degrees of freedom")
        return pairs


@dataclass(frozen=True, eq=False)
class Mixture:
    """Two movements at once, of one repetition; `path` is the recording of the first."""

    path: Path
    recording: EmgRecording
    repetition: str


def check_split(by: str) -> None:
    """Raise `ConfigError` where what a mixture is made of would lie on both sides of a split."""
    if by not in ("repetition", "session"):
        raise ConfigError(
            f"degrees of freedom are held out by repetition or session, not by {by}: mixtures are of two recordings"
        )


def with_efforts(
    recordings: Recordings, degrees: Sequence[Sequence[str]], rest: str, layout: RecordingFormat,
    settings: Conditioning, window_s: float, margin_s: float = 0.0,
) -> Recordings:  # fmt: skip
    """The recordings with the effort of each movement, 0 to 1, as targets.

    It is 0 below the `LOW` percentile of the amplitude at rest and 1 above the `HIGH` of the movement's own, both of
    its session. What is neither rest nor a movement of a degree of freedom is no part of them.

    Args:
        recordings: Labelled recordings, each with its path.
        degrees: Classes of each degree of freedom.
        rest: The class that is no movement.
        layout: What finds the session in a path.
        settings: Conditioning of the EMG whose amplitude is taken.
        window_s: Time over which the amplitude is averaged, s.
        margin_s: Left out at the start of each span, s, as in `WindowOptions`.

    Raises:
        ConfigError: A movement or rest is in no recording, a movement is no stronger than rest, or a recording has
            targets of its own.
    """
    movements = [name for pair in degrees for name in pair]
    known = sorted({s.label for _, r in recordings for s in r.spans})
    for name in (rest, *movements):
        if name not in known:
            raise unknown("class", name, known)
    if measured := next((path for path, r in recordings if r.target_names), None):
        raise ConfigError(
            f"{measured} has targets of its own: leave out --targets, or --degrees, which makes them of labels"
        )
    margin, out = round(margin_s * settings.rate), []
    by_session: dict[str, list[tuple[Path, EmgRecording, Array]]] = defaultdict(list)
    for path, recording in recordings:
        amplitude = _amplitude(recording, settings, round(window_s * settings.rate))
        by_session[session_of(path, layout)].append((path, recording, amplitude))
    for session, own in by_session.items():
        low, high = _range(session, own, rest, movements, margin)
        for path, recording, amplitude in own:
            efforts = np.zeros((len(recording), len(movements)))
            for span in recording.spans:
                if span.label in movements:
                    cut = slice(span.start, span.stop)
                    share = (amplitude[cut] - low) / (high[span.label] - low)
                    efforts[cut, movements.index(span.label)] = np.clip(share, 0.0, 1.0)
            kept = tuple(s for s in recording.spans if s.label in (rest, *movements))
            out.append((path, replace(recording, targets=efforts, target_names=tuple(movements), spans=kept)))
    return out


def session_of(path: Path, layout: RecordingFormat) -> str:
    """The session of a recording; without a pattern for it, the recordings of one folder are of one."""
    return layout.from_path("session", path) or str(path.parent)


def _range(
    session: str,
    recordings: Sequence[tuple[Path, EmgRecording, Array]],
    rest: str,
    movements: Sequence[str],
    margin: int,
) -> tuple[float, dict[str, float]]:
    """Amplitude that is no effort, and that of full effort by movement; of those that the session has."""
    amplitudes: dict[str, list[Array]] = defaultdict(list)
    for _, recording, amplitude in recordings:
        for span in recording.spans:
            amplitudes[span.label].append(amplitude[span.start + margin : span.stop])
    if rest not in amplitudes:
        raise ConfigError(f"session {session!r} has no {rest!r}, from which efforts count")
    low, reaches = map(float, np.percentile(np.concatenate(amplitudes[rest]), (LOW, REST_REACHES)))
    high = {n: float(np.percentile(np.concatenate(amplitudes[n]), HIGH)) for n in movements if n in amplitudes}
    if faint := next((name for name in high if high[name] <= reaches), ""):
        raise ConfigError(
            f"in session {session!r} class {faint!r} is no stronger than rest: it has no effort that could be decoded"
        )
    return low, high


def mixtures(
    recordings: Recordings, degrees: Sequence[Sequence[str]], layout: RecordingFormat, least_s: float = 0.0
) -> list[Mixture]:
    """Mixtures of every two movements of different degrees of freedom, from what `with_efforts` returns.

    One is the sum of two spans of the same repetition of a session, each without its mean, as long as the shorter; its
    targets are the efforts of both, and its label is both, joined by +. Spans of `least_s` (s) or less, and those with
    a gap in time, are not mixed.

    Raises:
        ConfigError: There are two degrees of freedom, and no session has a repetition of both.
    """
    parts: dict[tuple[str, str], dict[str, list[tuple[Path, EmgRecording]]]] = defaultdict(lambda: defaultdict(list))
    for path, recording in recordings:
        session = session_of(path, layout)
        for span, number in zip(recording.spans, repetitions(recording, layout, path), strict=True):
            part = recording.part(span.start, span.stop)
            if part.seconds > least_s and not len(breaks(part)):
                parts[session, number][span.label].append((path, part))
    pairs = [(a, b) for one, other in combinations(degrees, 2) for a in one for b in other]
    made = [
        Mixture(path, _sum(first, second, f"{a}+{b}"), number)
        for (_, number), own in parts.items()
        for a, b in pairs
        for (path, first), (_, second) in zip(own.get(a, ()), own.get(b, ()), strict=False)
    ]
    if len(degrees) > 1 and not made:
        raise ConfigError(
            "no session has a repetition of two movements of different degrees of freedom: nothing can be mixed"
        )
    return made


def with_mixtures(single: Windows, of_mixtures: Sequence[tuple[Mixture, Windows]]) -> Windows:
    """All windows as one; those of a mixture are of its repetition."""
    parts = [single, *(replace(w, repetition=np.full(len(w), m.repetition)) for m, w in of_mixtures)]
    begin = np.cumsum([0, *(int(w.index.max(initial=0)) + 2 for w in parts[:-1])])
    parts = [replace(w, index=w.index + k) for w, k in zip(parts, begin, strict=True)]
    return Windows(**{f.name: np.concatenate([getattr(w, f.name) for w in parts]) for f in fields(Windows)})


def _sum(first: EmgRecording, second: EmgRecording, label: str) -> EmgRecording:
    n = min(len(first), len(second))
    samples = sum(r.samples[:n] - r.samples[:n].mean(axis=0) for r in (first, second))
    targets = first.targets[:n] + second.targets[:n]
    times = np.arange(n) / first.rate
    return replace(first, samples=samples, times=times, stamped=False, targets=targets, spans=(Span(label, 0, n),))


def _amplitude(recording: EmgRecording, settings: Conditioning, window: int) -> Array:
    """Mean absolute value (n,) of all channels over the last `window` samples."""
    filtered = Conditioner(settings, recording.channels).filter(recording.samples).filtered
    total = np.cumsum(np.concatenate([np.zeros(window), np.abs(filtered).mean(axis=1)]))
    return np.asarray((total[window:] - total[:-window]) / window)
