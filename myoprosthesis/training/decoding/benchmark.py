"""Benchmark of ways to decode on sessions, days or people that were held out, with nested selection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.models import ModelKind
from myoprosthesis.decoders.options import CLASSIFICATION
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.adaptation import adapt, first_seconds
from myoprosthesis.training.decoding.fitting import Fitted, class_shares, fit, fit_network
from myoprosthesis.training.decoding.repetition_spread import repetition_spread
from myoprosthesis.training.decoding.unlabelled_adaptation import adapt_unlabelled
from myoprosthesis.training.decoding.windows import Mask, Windows

PROTOCOLS = {
    "sessions": "within each person, each session in turn, fitted on the person's other sessions",
    "days": "within each person, each later session, fitted on the person's first one",
    "people": "each person in turn, fitted on all others",
    "repetitions": "within each session, each repetition in turn, fitted on the session's other ones",
}
"""What is held out, by the name of the protocol."""
LABELLED, UNLABELLED = "labelled", "unlabelled"


@dataclass(frozen=True)
class Origin:
    """Person and session that a recording is of."""

    person: str
    session: str


@dataclass(frozen=True)
class Candidate:
    """A kind of model on the features `columns` of windows that may hold more."""

    name: str
    model: ModelKind
    columns: NDArray[np.intp]


@dataclass(frozen=True)
class Fold:
    """Windows that are held out (`test`) and fitted on (`train`)."""

    person: str
    held_out: str
    train: Mask
    test: Mask


@dataclass(frozen=True)
class FoldScore:
    """Accuracy of one candidate in one fold: the share of held-out windows whose best class is the right one."""

    person: str
    held_out: str
    candidate: str
    fitted_windows: int
    windows: int
    accuracy: float
    before: float | None = None
    """Accuracy on the same windows without adaptation; None: there is none."""
    refused: str = ""
    """Why the adaptation refused itself, so that the decoder stayed."""


@dataclass(frozen=True)
class BenchAdaptation:
    """Part of what is held out that a decoder is adapted to before it is evaluated on the rest.

    `LABELLED`: the first repetition, or the first `seconds` of all classes together where that is above 0.
    `UNLABELLED`: the earlier half of the repetitions, without their labels.
    """

    kind: str
    seconds: float = 0.0
    step_s: float = 0.05
    windows_apart: int = 4
    """Steps after which two windows share no sample."""


def origin_of(path: Path, folder: Path, layout: RecordingFormat) -> Origin:
    """Person and session of the recording `path` in the data set `folder`.

    `person_from` and `session_from` find them in the path. Without them the folder of the file is the session, and the
    folder above that the person; there is one person where the folder above is the data set.

    Raises:
        ConfigError: Neither a pattern nor a folder tells the session.
    """
    folders = path.relative_to(folder).parts[:-1] if path.is_relative_to(folder) else ()
    session = layout.from_path("session", path) or (folders[-1] if folders else "")
    if not session:
        raise ConfigError(
            f"{path} lies in no folder of a session: sort the files as PERSON/SESSION/FILE, or give session_from and "
            f"person_from, patterns that find them in the path"
        )
    return Origin(layout.from_path("person", path) or (folders[-2] if len(folders) > 1 else folder.name), session)


def folds(w: Windows, origins: dict[str, Origin], protocol: str, each_session: bool = False) -> list[Fold]:
    """The folds of a protocol.

    Args:
        w: Windows of all recordings.
        origins: Person and session by `Windows.file`.
        protocol: One of `PROTOCOLS`.
        each_session: Evaluate each session of a held-out person on its own, in place of all together.

    Raises:
        ConfigError: A person has too few sessions, or there are too few people or repetitions.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"protocol {protocol!r} is none of {', '.join(PROTOCOLS)}")
    person = np.array([origins[file].person for file in w.file.tolist()])
    session = np.array([origins[file].session for file in w.file.tolist()])
    if protocol == "people":
        known = _values(person)
        if len(known) < 2:
            raise ConfigError(f"there is only one person ({known[0]}): people cannot be held out")
        if each_session:
            own_sessions = [(p, s) for p in known for s in _values(session[person == p])]
            return [Fold(p, s, person != p, (person == p) & (session == s)) for p, s in own_sessions]
        return [Fold(name, name, person != name, person == name) for name in known]
    out = []
    for name in _values(person):
        own = person == name
        sessions = _values(session[own])
        if protocol == "repetitions":
            for each in sessions:
                here = own & (session == each)
                repetitions = _values(w.repetition[here])
                if len(repetitions) < 2:
                    raise ConfigError(f"session {each!r} of {name!r} has only one repetition: none can be held out")
                out += [
                    Fold(name, f"{each} {r}", here & (w.repetition != r), here & (w.repetition == r))
                    for r in repetitions
                ]
            continue
        if len(sessions) < 2:
            raise ConfigError(f"person {name!r} has only the session {sessions[0]!r}: {protocol} need two at least")
        for each in sessions[protocol == "days" :]:
            train = session == sessions[0] if protocol == "days" else session != each
            out.append(Fold(name, each, own & train, own & (session == each)))
    return out


def evaluate(
    w: Windows, candidate: Candidate, names: Sequence[str], fold: Fold, adaptation: BenchAdaptation | None = None
) -> FoldScore:
    """Fit a candidate on one part and evaluate it on the other, or on what of that it was not adapted to."""
    train, test = (_with_columns(w.where(mask), candidate.columns) for mask in (fold.train, fold.test))
    try:
        if adaptation is not None:
            return _evaluate_adapted(train, test, candidate, names, fold, adaptation)
        normaliser, network = fit_network(train, candidate.model, CLASSIFICATION, names)
    except ConfigError as error:
        raise ConfigError(f"{fold.person} {fold.held_out} held out: {error}") from error
    best = network(normaliser(test.x), test.sequence_id).argmax(axis=1)
    accuracy = float((np.array(names)[best] == test.label).mean())
    return FoldScore(fold.person, fold.held_out, candidate.name, len(train), len(test), accuracy)


def _evaluate_adapted(
    train: Windows, test: Windows, candidate: Candidate, names: Sequence[str], fold: Fold, adaptation: BenchAdaptation
) -> FoldScore:
    decoder = fit(train, candidate.model, CLASSIFICATION, names)
    used, rest = adaptation_split(test, names, adaptation)
    new, refused = decoder, ""
    try:
        if adaptation.kind == UNLABELLED:
            new, _ = adapt_unlabelled(decoder, used.x, class_shares(train, names), adaptation.windows_apart)
        else:
            new, _ = adapt(decoder, used, repetition_spread(train, decoder))
    except ConfigError as error:
        refused = str(error)
    return FoldScore(
        fold.person, fold.held_out, candidate.name, len(train), len(rest), _accuracy(new, rest),
        _accuracy(decoder, rest), refused,
    )  # fmt: skip


def adaptation_split(w: Windows, names: Sequence[str], adaptation: BenchAdaptation) -> tuple[Windows, Windows]:
    """Windows to adapt to, and the others, none of which shares a sample with them.

    Raises:
        ConfigError: Nothing is left to evaluate, or a class is too short.
    """
    repetitions = _values(w.repetition)
    if adaptation.seconds:
        used = first_seconds(w, names, adaptation.seconds, adaptation.step_s)
    else:
        if len(repetitions) < 2:
            raise ConfigError("it has only one repetition: nothing is left to evaluate an adaptation on")
        count = max(1, len(repetitions) // 2) if adaptation.kind == UNLABELLED else 1
        used = np.isin(w.repetition, repetitions[:count])
    rest = ~used
    for file in set(w.file[used].tolist()):
        own = w.file == file
        covered = np.zeros(int(w.last[own].max()) + 1, bool)
        for first, last in zip(w.first[own & used], w.last[own & used], strict=True):
            covered[first : last + 1] = True
        rest[own] &= ~(covered[w.first[own]] | covered[w.last[own]])
    if not rest.any():
        raise ConfigError("an adaptation takes all of its windows: nothing is left to evaluate it on")
    return w.where(used), w.where(rest)


def _accuracy(decoder: Fitted, w: Windows) -> float:
    best = decoder.network(decoder.normaliser(w.x), w.sequence_id).argmax(axis=1)
    return float((np.array(decoder.names)[best] == w.label).mean())


def select(
    w: Windows, origins: dict[str, Origin], candidates: Sequence[Candidate], names: Sequence[str], fold: Fold
) -> Candidate:
    """The candidate that is best within the windows which the fold fits on.

    There people are held out in turn, or sessions of one person, or repetitions of one session; the windows that the
    fold holds out are not used. Of equal candidates it is the first.
    """
    inner = w.where(fold.train)
    files = {origins[file] for file in set(inner.file.tolist())}
    one_person = len({o.person for o in files}) == 1
    protocol = ("sessions" if len(files) > 1 else "repetitions") if one_person else "people"
    try:
        parts = folds(inner, origins, protocol)
    except ConfigError as error:
        raise ConfigError(
            f"{fold.person} {fold.held_out} held out: nothing to choose features and model by: {error}; compare one"
        ) from error
    means = [np.mean([evaluate(inner, c, names, part).accuracy for part in parts]) for c in candidates]
    return candidates[int(np.argmax(means))]


def benchmark(
    w: Windows, origins: dict[str, Origin], candidates: Sequence[Candidate], names: Sequence[str], protocol: str,
    adaptation: BenchAdaptation | None = None,
) -> Iterator[tuple[list[FoldScore], FoldScore]]:  # fmt: skip
    """Fold by fold, the score of every candidate and that of the one which is selected without the held-out windows."""
    if adaptation is not None:
        w = replace(w, session=np.array([f"{o.person} {o.session}" for o in (origins[f] for f in w.file.tolist())]))
    for fold in folds(w, origins, protocol, each_session=adaptation is not None):
        scores = [evaluate(w, candidate, names, fold, adaptation) for candidate in candidates]
        chosen = select(w, origins, candidates, names, fold) if len(candidates) > 1 else candidates[0]
        yield scores, next(score for score in scores if score.candidate == chosen.name)


def mean_accuracy(scores: Sequence[FoldScore]) -> tuple[float, dict[str, float]]:
    """The mean over people of the mean over each one's folds, and the latter by person."""
    people = {
        person: float(np.mean([s.accuracy for s in scores if s.person == person]))
        for person in dict.fromkeys(s.person for s in scores)
    }
    return float(np.mean(list(people.values()))), people


def _values(names: NDArray[np.str_]) -> list[str]:
    """The different names, numbers in them by their size: day2 before day10."""
    return sorted(
        set(names.tolist()), key=lambda name: [(part.isdigit(), int(part) if part.isdigit() else 0, part)
                                               for part in re.split(r"(\d+)", name)],
    )  # fmt: skip


def _with_columns(w: Windows, columns: NDArray[np.intp]) -> Windows:
    return replace(w, x=w.x[:, columns])
