"""Fitting a decoder to windows, judging it on windows that were held out, and writing it as one file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build, option
from myoprosthesis.core.term import Term
from myoprosthesis.decoders.decision import Decision
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.decoders.features import DEFAULT, KINDS, columns
from myoprosthesis.decoders.models import ModelKind
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.decoders.novelty import NOVELTY, NOVELTY_MAX, NoveltyDetector
from myoprosthesis.decoders.options import DecoderOptions
from myoprosthesis.emg.conditioning import Conditioner, Conditioning
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.signal_quality import breaks
from myoprosthesis.training.decoding.windows import SPLITS, Windows, owners, splits

Array = NDArray[np.float64]
DRIFT_MARGIN = 1.3
"""Drift is told of beyond this times the largest median distance of any part that was held out in the fit."""


@dataclass(frozen=True)
class Fit:
    """What is fitted."""

    model: str = option("lda", "kind of model (entry points myoprosthesis.decoders)")
    model_options: dict[str, Any] = option({}, "options of the model, such as ridge=30")
    features: tuple[str, ...] = option(DEFAULT, "features of each channel: " + ", ".join(KINDS))


@dataclass(frozen=True)
class Split:
    """By which windows a fit is judged."""

    by: str = option("repetition", "what is held out as a whole; time: the last 30 % of each file", choices=SPLITS)
    test: tuple[str, ...] = option((), "those to hold out together: odd, even, or names; none: each in turn")
    within: str = option("", "fit and judge within each session or file apart", choices=("", "session", "file"))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model with what it needs to know: normaliser, network, distance, and the names of its answers."""

    normaliser: Normaliser
    network: DecoderNetwork
    familiarity: NoveltyDetector
    names: tuple[str, ...]
    task: str

    def __call__(self, x: Array, sequence_id: NDArray[np.intp] | None = None) -> tuple[Array, Array]:
        """Scores or values (n, n_names) and distances (n,) for features (n, n_features); a memory begins anew wherever
        the number in `sequence_id` (n,) changes."""
        z = self.normaliser(x)
        return self.network(z, sequence_id), self.familiarity(z)


def fit(w: Windows, model: ModelKind, task: str, names: Sequence[str]) -> Fitted:
    """Fit to these windows alone, normaliser included; `names` are the classes, or the targets."""
    if task not in model.tasks:
        raise ConfigError(f"this model fits {', '.join(model.tasks)}, not {task}")
    answers, groups = _answers(w, task, names)
    normaliser = Normaliser.of(w.x)
    z = normaliser(w.x)
    familiarity = NoveltyDetector.of(z, groups)
    return Fitted(normaliser, model.fit(z, answers, task, w.sequence_id), familiarity, tuple(names), task)


def _answers(w: Windows, task: str, names: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """What a model is to answer, and the number of each window's group; refuses windows that cannot be fitted on."""
    if len(w) < 4:
        raise ConfigError(f"{len(w)} windows are too few to fit on")
    if not np.isfinite(w.x).all() or (task != "classes" and not np.isfinite(w.target).all()):
        raise ConfigError("a window to fit on holds features or targets that are not finite")
    answers: NDArray[Any] = w.target
    groups = np.zeros(len(w), np.intp)
    if task == "classes":
        if len(names) < 2:
            raise ConfigError(f"classes are told apart, and there is only {', '.join(names) or 'none'}")
        missing = sorted(set(names) - set(w.label.tolist()))
        if missing:
            raise ConfigError(f"class {missing[0]!r} has no window to fit on")
        answers = groups = np.searchsorted(np.array(sorted(names)), w.label)
    elif task == "switches":
        answers = (w.target > 0.5).astype(int)
        stuck = [n for n, c in zip(names, answers.T, strict=True) if c.min() == c.max()]
        if stuck:
            raise ConfigError(f"target {stuck[0]!r} is never {'off' if answers.max() else 'on'} in what is fitted on")
        _, groups = np.unique(answers, axis=0, return_inverse=True)
        groups = groups.reshape(-1)
    if len(w) < 2 * (groups.max() + 1) + 2:
        raise ConfigError(f"{len(w)} windows are too few to fit on")
    return answers, groups


def names_of(w: Windows, task: str, targets: Sequence[str]) -> tuple[str, ...]:
    """The classes that were labelled, sorted, or the targets; at least two classes, or one target."""
    names = tuple(sorted(set(w.label.tolist()))) if task == "classes" else tuple(targets)
    if len(names) < (2 if task == "classes" else 1):
        raise ConfigError(
            f"there is only one class, {names[0]!r}" if names else f"{task} need targets: name columns (--targets)"
        )
    if NOVELTY in names:
        raise ConfigError(f"{NOVELTY!r} is the name of a decoder's own output: call the class otherwise")
    return names


@dataclass(eq=False)
class Judgement:
    """What decisions on windows that were held out were worth; `truth` and `said` of all folds, one after the other."""

    task: str
    names: tuple[str, ...]
    folds: dict[str, float] = field(default_factory=dict)
    truth: list[Array] = field(default_factory=list)
    said: list[Array] = field(default_factory=list)
    rejected: list[NDArray[np.bool_]] = field(default_factory=list)
    distance: list[Array] = field(default_factory=list)

    def summary(self, rest: str = "") -> dict[str, Any]:
        """Figures as plain data. Accuracy is the share of windows decided rightly, rejection left out; of switches
        the mean over switches. The active error rate is the share of windows that are decided wrongly, not as rest,
        and not rejected. `r2` is the coefficient of determination, its median over folds and its mean over targets."""
        truth, said = np.concatenate(self.truth), np.concatenate(self.said)
        out: dict[str, Any] = {"task": self.task, "windows": len(truth), "folds": self.folds}
        scores = np.array(list(self.folds.values()))
        if self.task == "values":
            return {**out, "r2": float(np.median(scores)), "r2_worst": float(scores.min())}
        out |= {"fold_mean": float(scores.mean()), "fold_worst": float(scores.min())}
        if self.task == "switches":
            per = {n: float(a) for n, a in zip(self.names, (truth == said).mean(axis=0), strict=True)}
            base = np.maximum(truth.mean(axis=0), 1 - truth.mean(axis=0))
            majority = {n: float(a) for n, a in zip(self.names, base, strict=True)}
            return {**out, "accuracy": float(np.mean(list(per.values()))), "per_switch": per, "majority": majority}
        rejected = np.concatenate(self.rejected)
        confusion = np.zeros((len(self.names),) * 2, int)
        np.add.at(confusion, (truth.astype(int), said.astype(int)), 1)
        resting = self.names.index(rest) if rest in self.names else -1
        active = (said != resting) & (said != truth) & ~rejected
        per = {n: float(confusion[k, k] / max(1, confusion[k].sum())) for k, n in enumerate(self.names)}
        return {
            **out, "accuracy": float((truth == said).mean()), "per_class": per, "confusion": confusion.tolist(),
            "active_error_rate": float(active.mean()), "rejection_rate": float(rejected.mean()),
            "accuracy_of_accepted": float((truth == said)[~rejected].mean()) if (~rejected).any() else 0.0,
        }  # fmt: skip


def judge(w: Windows, model: ModelKind, settings: DecoderOptions, names: Sequence[str], split: Split) -> Judgement:
    """Fit on one part and judge on another, for each split; within a session or file, both parts are of the same.

    Nothing of the held-out part is seen by the fit: neither normaliser nor model, and no window reaches over a
    boundary, since windows lie within one labelled span (or, by time, within one part).
    """
    found = Judgement(settings.task, tuple(names))
    parts = [("", w)]
    if split.within:
        given = getattr(w, split.within)
        parts = [(f"{Path(n).name} ", w.where(given == n)) for n in sorted(set(given.tolist()))]
    for prefix, part in parts:
        for name, train, test_mask in splits(part, split.by, split.test):
            _judge_fold(found, prefix + (Path(name).name if split.by == "file" else name), part.where(train),
                        part.where(test_mask), model, settings)  # fmt: skip
    return found


def _judge_fold(
    found: Judgement, name: str, train: Windows, test: Windows, model: ModelKind, settings: DecoderOptions
) -> None:
    if not len(train) or not len(test):
        raise ConfigError(f"split {name}: no window is left on one of the sides")
    fitted = fit(train, model, settings.task, found.names)
    scores, distance = fitted(test.x, test.sequence_id)
    found.distance.append(distance)
    if settings.task == "values":
        truth, said = test.target, scores
        spread = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
        r2 = 1 - ((truth - said) ** 2).sum(axis=0) / np.maximum(spread, 1e-300)
        found.folds[name] = float(r2.mean())
    elif settings.task == "switches":
        truth, said = (test.target > 0.5).astype(float), (scores > 0.5).astype(float)
        found.folds[name] = float((truth == said).mean())
    else:
        truth = np.searchsorted(np.array(sorted(found.names)), test.label).astype(float)
        said = scores.argmax(axis=1).astype(float)
        found.folds[name] = float((truth == said).mean())
        far = distance > settings.reject_beyond if settings.reject_beyond else np.zeros(len(test), bool)
        found.rejected.append((scores.max(axis=1) < settings.reject_below) | far)
    found.truth.append(truth)
    found.said.append(said)


def drift_limit(w: Windows, settings: DecoderOptions, names: Sequence[str], step_s: float) -> float:
    """The median distance beyond which EMG is no longer what was fitted; 0 when nothing can be held out to learn it.

    Each repetition (session, file) is held out in turn; the largest median over `drift_s` of its distances, by what
    the others fitted, is what a wearer reaches without drift, and the limit lies `DRIFT_MARGIN` above it.
    """
    by = next((b for b in ("session", "repetition", "file") if len(set(getattr(w, b).tolist())) > 1), "time")
    n = max(1, round(settings.drift_s / step_s))
    largest = 0.0
    for _, train, test in splits(w, by):
        part = w.where(test)
        try:
            _, groups = _answers(w.where(train), settings.task, names)
        except ConfigError:  # a class that only the held-out part has
            continue
        normaliser = Normaliser.of(w.x[train])
        distance = NoveltyDetector.of(normaliser(w.x[train]), groups)(normaliser(part.x))
        for file in set(part.file.tolist()):
            own = distance[part.file == file]
            medians = [np.median(own[k : k + n]) for k in range(max(1, len(own) - n + 1))]
            largest = max(largest, float(max(medians)))
    return DRIFT_MARGIN * largest


def amplitudes(w: Windows, features: Sequence[str], channels: Sequence[str], rest: str) -> dict[str, list[float]]:
    """Mean absolute value over channels at speed 0 and at speed 1, by class: the 95th percentile of rest (or the 5th of
    the class, without rest), and the 90th percentile of the class."""
    if "mav" not in features:
        return {}
    start = sum(len(columns(f, channels)) for f in features[: features.index("mav")])
    loud = w.x[:, start : start + len(channels)].mean(axis=1)
    out = {}
    for name in sorted(set(w.label.tolist()) - {rest, ""}):
        own = loud[w.label == name]
        low = np.percentile(loud[w.label == rest], 95) if rest else np.percentile(own, 5)
        high = float(np.percentile(own, 90))
        if high > low:
            out[name] = [float(low), high]
    return out


def contract(
    name: str, fitted: Fitted, features: Sequence[str], channels: Sequence[str], conditioning: Conditioning,
    decoding: dict[str, Any], step_s: float, low: Array, high: Array, unit: str, result: dict[str, Any],
) -> Contract:  # fmt: skip
    """The contract of a decoder: a term per feature, an action per class or target, and the distance."""
    terms = tuple(Term(f, columns(f, channels)) for f in features)
    action = Channels(
        "effort", (*fitted.names, NOVELTY), unit,
        (*(float(v) for v in low), 0.0), (*(float(v) for v in high), NOVELTY_MAX),
    )  # fmt: skip
    return Contract(
        name, "emg", terms, action, step_s, fitted.network.hidden, result=result,
        conditioning=conditioning.to_dict(), decoding=decoding,
    )  # fmt: skip


def write(fitted: Fitted, terms: Contract, folder: Path, x: Array) -> float:
    """Write `policy.onnx`; returns by how much it differs, run by onnxruntime, from the model on windows `x`."""
    from myoprosthesis.decoders import graph
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    data = graph.decoder(terms, fitted.normaliser, fitted.network, fitted.familiarity).SerializeToString()
    file = folder / "policy.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    policy = OnnxPolicy(file)
    sample = x[np.linspace(0, len(x) - 1, min(len(x), 500)).astype(int)]
    scores, distance = fitted(sample)
    there = np.array([policy.step(row.astype(np.float32)) for row in sample])
    size = np.maximum(1.0, np.abs(np.column_stack([scores, distance])))
    gap = float((np.abs(there - np.column_stack([scores, distance])) / size).max())
    if not gap < 1e-3:
        raise ConfigError(f"{file} differs from the fitted model by {gap:.2g}: the fit is ill-conditioned")
    return gap


@dataclass(frozen=True, eq=False)
class DecoderReplay:
    """A decoder's decisions over one recording, each with the label its whole window had (empty: none, or several),
    and the seconds that each took: features, model and decision."""

    decisions: list[Decision]
    truth: list[str]
    taken: Array


def replay(decoder: Decoder, recording: EmgRecording, margin_s: float = 0.0) -> DecoderReplay:
    """Run a decoder over a recording from its beginning as in a running stack, a step of samples at a time; it begins
    anew after every gap in time."""
    order = decoder.contract.match_emg(recording.channels, decoder.contract.conditioning)
    settings = build(Conditioning, decoder.contract.conditioning, f"decoder {decoder.contract.name!r}")
    if (recording.rate, recording.unit) != (settings.rate, settings.unit):
        raise ConfigError(
            f"{recording.source} is in {recording.unit} at {recording.rate:g} Hz, "
            f"decoder {decoder.contract.name!r} was fitted in {settings.unit} at {settings.rate:g} Hz"
        )
    conditioner = Conditioner(settings, decoder.contract.emg_channels)
    step, window = decoder.features.step, decoder.features.window
    decisions: list[Decision] = []
    taken = []
    edges = [0, *breaks(recording).tolist(), len(recording)]
    for first, end in pairwise(edges):
        decoder.reset()
        for start in range(first, end, step):
            filtered = conditioner.feed(recording.samples[start : min(start + step, end), order]).filtered
            begin = time.perf_counter()
            new = decoder.feed(filtered)
            if new:
                taken.append((time.perf_counter() - begin) / len(new))
            decisions += [replace(decision, sample=first + decision.sample) for decision in new]
    last = np.array([d.sample - 1 for d in decisions], np.intp)
    owner = owners(recording, last - window + 1, last, round(margin_s * recording.rate))
    truth = [recording.spans[k].label if k >= 0 else "" for k in owner]
    return DecoderReplay(decisions, truth, np.array(taken))
