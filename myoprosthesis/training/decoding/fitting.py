"""Fit of a decoder model to windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.decoders.features import DEFAULT, KINDS
from myoprosthesis.decoders.models import ModelKind
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.decoders.novelty import NOVELTY, NoveltyDetector
from myoprosthesis.decoders.options import CLASSIFICATION, MULTILABEL, task_of, word_of
from myoprosthesis.training.decoding.windows import Windows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DecoderModelOptions:
    """Model and features that are fitted."""

    model: str = option("lda", "kind of model (entry points myoprosthesis.decoders)")
    model_options: dict[str, Any] = option({}, "options of the model, such as ridge=30")
    features: tuple[str, ...] = option(DEFAULT, "features of each channel: " + ", ".join(KINDS))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted decoder: normaliser, network, novelty detector and the names of its outputs."""

    normaliser: Normaliser
    network: DecoderNetwork
    novelty_detector: NoveltyDetector
    names: tuple[str, ...]
    task: str

    def __call__(self, x: Array, sequence_id: NDArray[np.intp] | None = None) -> tuple[Array, Array]:
        """Scores or values (n, n_names) and novelty (n,) for features (n, n_features).

        A recurrent state starts at zero wherever `sequence_id` (n,) changes.
        """
        z = self.normaliser(x)
        return self.network(z, sequence_id), self.novelty_detector(z)


def fit(w: Windows, model: ModelKind, task: str, names: Sequence[str]) -> Fitted:
    """Fit normaliser, model and novelty detector to these windows; `names` are the classes or the targets."""
    normaliser, network = fit_network(w, model, task, names)
    _, groups = targets_of(w, task, names)
    return Fitted(normaliser, network, NoveltyDetector.of(normaliser(w.x), groups), tuple(names), task)


def fit_network(w: Windows, model: ModelKind, task: str, names: Sequence[str]) -> tuple[Normaliser, DecoderNetwork]:
    """Fit normaliser and model to these windows; `names` are the classes or the targets."""
    word = word_of(task, model.tasks)
    if not word:
        raise ConfigError(f"this model fits {', '.join(map(task_of, model.tasks))}, not {task}")
    targets, _ = targets_of(w, task, names)
    normaliser = Normaliser.of(w.x)
    return normaliser, model.fit(normaliser(w.x), targets, word, w.sequence_id)


def targets_of(w: Windows, task: str, names: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Targets of a model, and the class number of each window for the novelty.

    Raises `ConfigError` for windows that cannot be fitted.
    """
    if len(w) < 4:
        raise ConfigError(f"{len(w)} windows are too few to fit on")
    if not np.isfinite(w.x).all() or (task != CLASSIFICATION and not np.isfinite(w.target).all()):
        raise ConfigError("a window to fit on holds features or targets that are not finite")
    targets: NDArray[Any] = w.target
    groups = np.zeros(len(w), np.intp)
    if task == CLASSIFICATION:
        if len(names) < 2:
            raise ConfigError(f"a classification needs two classes, and there is only {', '.join(names) or 'none'}")
        missing = sorted(set(names) - set(w.label.tolist()))
        if missing:
            raise ConfigError(f"class {missing[0]!r} has no window to fit on")
        targets = groups = np.searchsorted(np.array(sorted(names)), w.label)
    elif task == MULTILABEL:
        targets = (w.target > 0.5).astype(int)
        stuck = [n for n, c in zip(names, targets.T, strict=True) if c.min() == c.max()]
        if stuck:
            raise ConfigError(f"target {stuck[0]!r} is never {'off' if targets.max() else 'on'} in what is fitted on")
        _, groups = np.unique(targets, axis=0, return_inverse=True)
        groups = groups.reshape(-1)
    if len(w) < 2 * (groups.max() + 1) + 2:
        raise ConfigError(f"{len(w)} windows are too few to fit on")
    return targets, groups


def class_shares(w: Windows, names: Sequence[str]) -> dict[str, float]:
    """Share of the windows of each class."""
    return {name: float((w.label == name).mean()) for name in names}


def names_of(w: Windows, task: str, targets: Sequence[str]) -> tuple[str, ...]:
    """The labelled classes, sorted, or the targets; raises `ConfigError` for less than two classes or one target."""
    names = tuple(sorted(set(w.label.tolist()))) if task == CLASSIFICATION else tuple(targets)
    if len(names) < (2 if task == CLASSIFICATION else 1):
        raise ConfigError(
            f"there is only one class, {names[0]!r}" if names else f"{task} needs targets: name columns (--targets)"
        )
    if NOVELTY in names:
        raise ConfigError(f"{NOVELTY!r} is the name of a decoder's own output: rename the class")
    return names
