"""Cross-validation of a way to fit: each part of the windows is held out in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.decoders.models import ModelKind
from myoprosthesis.decoders.options import MULTILABEL, REGRESSION, DecoderOptions
from myoprosthesis.decoders.temperature import sharpened
from myoprosthesis.training.decoding.fitting import fit
from myoprosthesis.training.decoding.reliability import reliability, temperature_for, threshold_for
from myoprosthesis.training.decoding.windows import SPLITS, Windows, splits

Array = NDArray[np.float64]
LEVEL = 0.9
"""Share of the windows whose error an interval is to hold."""


@dataclass(frozen=True)
class SplitOptions:
    """Windows that are held out to evaluate a fit."""

    by: str = option("repetition", "what is held out as a whole; time: the last 30 % of each file", choices=SPLITS)
    test: tuple[str, ...] = option((), "those to hold out together: odd, even, or names; none: each in turn")
    within: str = option("", "fit and evaluate within each session or file separately", choices=("", "session", "file"))


@dataclass(eq=False)
class CrossValidation:
    """Results on the held-out windows of all folds: score of each fold, and `truth` and `predicted`, fold by fold."""

    task: str
    names: tuple[str, ...]
    folds: dict[str, float | None] = field(default_factory=dict)
    truth: list[Array] = field(default_factory=list)
    predicted: list[Array] = field(default_factory=list)
    scores: list[Array] = field(default_factory=list)
    """Of classes, with temperature 1."""
    too_novel: list[NDArray[np.bool_]] = field(default_factory=list)
    distance: list[Array] = field(default_factory=list)
    label: list[NDArray[np.str_]] = field(default_factory=list)

    @property
    def temperature(self) -> float:
        """The temperature of classes by these folds; 1 where there are fewer than two, so that none could judge it."""
        return self._temperature() if len(self.scores) > 1 else 1.0

    def _temperature(self) -> float:
        return temperature_for(np.concatenate(self.scores), np.concatenate(self.truth).astype(int))

    def without(self, k: int) -> CrossValidation:
        """The other folds."""
        lists = ("truth", "predicted", "scores", "too_novel", "distance", "label")
        kept = {name: _others(getattr(self, name), k) for name in lists}
        return CrossValidation(self.task, self.names, dict(_others(list(self.folds.items()), k)), **kept)

    def confidences(self) -> list[Array]:
        """Confidences of each fold's windows, with the temperature by the other folds."""
        if len(self.scores) < 2:
            return [s.max(axis=1) for s in self.scores]
        return [sharpened(s, self.without(k)._temperature()).max(axis=1) for k, s in enumerate(self.scores)]

    def threshold(self, share: float, rest: str = "") -> float:
        """The `reject_below` with which at most `share` of these windows makes a wrong movement.

        Raises:
            ConfigError: None does.
        """
        confidence = sharpened(np.concatenate(self.scores), self._temperature()).max(axis=1)
        return threshold_for(confidence, self._moves_wrong(rest) & ~np.concatenate(self.too_novel), share)

    def _moves_wrong(self, rest: str) -> NDArray[np.bool_]:
        """Whether each window is decided wrongly, and not as rest."""
        truth, predicted = np.concatenate(self.truth), np.concatenate(self.predicted)
        resting = self.names.index(rest) if rest in self.names else -1
        return (predicted != truth) & (predicted != resting)

    def summary(self, rest: str = "", reject_below: float = 0.0, accepted: float = 0.0) -> dict[str, Any]:
        """Figures as plain data.

        Accuracy is the share of windows decided correctly, without rejection; for multilabel the mean over labels. The
        active error rate is the share of windows that are decided wrongly, not as rest, and not rejected. `r2` is the
        coefficient of determination: median over folds of the mean over targets; `interval` is how far off values are,
        `error_by_label` how far at what was done. Confidences are with the temperature that the other folds give, and
        so are thresholds for an `accepted` share of wrong movements, if it is above 0.

        Raises:
            ConfigError: No threshold makes wrong movements as seldom as is accepted, or there is no other fold.
        """
        if accepted and len(self.scores) < 2:
            raise ConfigError("a threshold needs at least two parts that are held out in turn: one that judges it")
        truth, predicted = np.concatenate(self.truth), np.concatenate(self.predicted)
        out: dict[str, Any] = {"task": self.task, "windows": len(truth), "folds": self.folds}
        scores = np.array([score for score in self.folds.values() if score is not None])
        if not len(scores):
            raise ConfigError("no part that is held out can be judged: in each the targets keep one value")
        if self.task == REGRESSION:
            r2 = {"r2": float(np.median(scores)), "r2_worst": float(scores.min())}
            return {**out, **r2, "interval": self.interval(), "error_by_label": self.error_by_label()}
        out |= {"fold_mean": float(scores.mean()), "fold_worst": float(scores.min())}
        if self.task == MULTILABEL:
            per = {n: float(a) for n, a in zip(self.names, (truth == predicted).mean(axis=0), strict=True)}
            base = np.maximum(truth.mean(axis=0), 1 - truth.mean(axis=0))
            majority = {n: float(a) for n, a in zip(self.names, base, strict=True)}
            return {**out, "accuracy": float(np.mean(list(per.values()))), "per_switch": per, "majority": majority}
        confidence = self.confidences()
        folds = range(len(confidence))
        limits = [self.without(k).threshold(accepted, rest) if accepted else reject_below for k in folds]
        low = [c < t for c, t in zip(confidence, limits, strict=True)]
        rejected = np.concatenate(low) | np.concatenate(self.too_novel)
        confusion = np.zeros((len(self.names),) * 2, int)
        np.add.at(confusion, (truth.astype(int), predicted.astype(int)), 1)
        active = self._moves_wrong(rest) & ~rejected
        return {
            **out, "accuracy": float((truth == predicted).mean()), "per_class": per_class(confusion, self.names),
            "confusion": confusion.tolist(),
            "active_error_rate": float(active.mean()), "rejection_rate": float(rejected.mean()),
            "accuracy_of_accepted": float((truth == predicted)[~rejected].mean()) if (~rejected).any() else 0.0,
            "reliability": self._reliability(np.concatenate(confidence), truth == predicted),
        }  # fmt: skip

    def interval(self) -> dict[str, Any]:
        """How far values are off: the `half_width` by target within which `level` of the held-out windows lie.

        This is the quantile of their errors with the correction of split conformal prediction (Lei et al. 2018, JASA
        113, 1094). `coverage` is the share of windows within the half-width that the other folds give, which says
        whether it holds for what is new; None for a single fold.
        """
        errors = [np.abs(t - p) for t, p in zip(self.truth, self.predicted, strict=True)]
        inside = [(e <= _half_width(_others(errors, k))).mean() for k, e in enumerate(errors) if len(errors) > 1]
        return {
            "level": LEVEL,
            "half_width": dict(zip(self.names, map(float, _half_width(errors)), strict=True)),
            "coverage": float(np.mean(inside)) if inside else None,
        }

    def error_by_label(self) -> dict[str, dict[str, float]]:
        """Mean absolute error of each value, by the label of the window; empty where windows have none."""
        label, error = np.concatenate(self.label), np.abs(np.concatenate(self.truth) - np.concatenate(self.predicted))
        means = {name: error[label == name].mean(axis=0) for name in sorted(set(label.tolist()) - {""})}
        return {name: dict(zip(self.names, map(float, mean), strict=True)) for name, mean in means.items()}

    def _reliability(self, confidence: Array, right: NDArray[np.bool_]) -> dict[str, Any]:
        """How far confidences are off as they were, and with the temperature that the other folds give."""
        bins, after = reliability(confidence, right)
        _, before = reliability(np.concatenate([s.max(axis=1) for s in self.scores]), right)
        return {
            "temperature": self.temperature,
            "error_before": before,
            "error": after,
            "bins": [asdict(b) for b in bins],
        }


def _others(values: Sequence[Any], k: int) -> list[Any]:
    """All but the value number `k`."""
    return [v for j, v in enumerate(values) if j != k]


def _half_width(errors: Sequence[Array]) -> Array:
    """(n_targets,) that holds `LEVEL` of the errors of all folds, (n, n_targets) each."""
    pooled = np.sort(np.concatenate(errors), axis=0)
    return np.asarray(pooled[min(len(pooled), math.ceil(LEVEL * (len(pooled) + 1))) - 1])


def cross_validate(
    w: Windows, model: ModelKind, settings: DecoderOptions, names: Sequence[str], split: SplitOptions
) -> CrossValidation:
    """Fit on one part and evaluate on another, for each split; `split.within` takes both from one session or file.

    Neither normaliser nor model sees the held-out part, and no window crosses a boundary, since windows lie within one
    labelled span (or, by time, within one part).
    """
    result = CrossValidation(settings.task, tuple(names))
    parts = [("", w)]
    if split.within:
        origin = getattr(w, split.within)
        short = short_names(origin.tolist()) if split.within == "file" else {}
        parts = [(f"{short.get(n, n)} ", w.where(origin == n)) for n in sorted(set(origin.tolist()))]
    short = short_names(w.file.tolist()) if split.by == "file" else {}
    for prefix, part in parts:
        for name, train, test_mask in splits(part, split.by, split.test):
            fold = prefix + short.get(name, name)
            _validate_fold(result, fold, part.where(train), part.where(test_mask), model, settings)
    return result


def short_names(files: Sequence[str]) -> dict[str, str]:
    """Files by the end of their path that tells them apart: run1.csv, or day1/run1.csv and day2/run1.csv."""
    paths = [Path(name) for name in dict.fromkeys(files)]
    for parts in range(1, 1 + max(len(path.parts) for path in paths)):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return {str(path): name for path, name in zip(paths, names, strict=True)}


def _validate_fold(
    result: CrossValidation, name: str, train: Windows, test: Windows, model: ModelKind, settings: DecoderOptions
) -> None:
    if not len(train) or not len(test):
        raise ConfigError(f"split {name}: one of its parts has no window")
    fitted = fit(train, model, settings.task, result.names)
    scores, distance = fitted(test.x, test.sequence_id)
    result.distance.append(distance)
    result.label.append(test.label)
    if settings.task == REGRESSION:
        truth, predicted = test.target, scores
        spread = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
        varies = spread > len(truth) * (1e-9 * np.abs(truth).max(axis=0)) ** 2  # else there is nothing to explain
        r2 = 1 - ((truth - predicted) ** 2).sum(axis=0)[varies] / spread[varies]
        result.folds[name] = float(r2.mean()) if varies.any() else None
    elif settings.task == MULTILABEL:
        truth, predicted = (test.target > 0.5).astype(float), (scores > 0.5).astype(float)
        result.folds[name] = float((truth == predicted).mean())
    else:
        truth = np.searchsorted(np.array(sorted(result.names)), test.label).astype(float)
        predicted = scores.argmax(axis=1).astype(float)
        result.folds[name] = float((truth == predicted).mean())
        too_novel = distance > settings.reject_beyond if settings.reject_beyond else np.zeros(len(test), bool)
        result.too_novel.append(too_novel)
        result.scores.append(scores)
    result.truth.append(truth)
    result.predicted.append(predicted)


def per_class(confusion: NDArray[Any], names: Sequence[str]) -> dict[str, float | None]:
    """Share of the windows of each class (rows) that were decided right; None for a class that did not occur."""
    totals = confusion.sum(axis=1)
    return {n: float(confusion[k, k] / totals[k]) if totals[k] else None for k, n in enumerate(names)}
