"""Models that can be fitted: each turns normalised features and answers into a network.

A class has `tasks`, a subset of `classes` (answer: class number, (n,)), `switches` (each of several things on or off,
(n, k) of 0 and 1) and `values` ((n, k) numbers), and `fit`. scikit-learn is needed to fit, never to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.decoders.network import DecoderNetwork

Array = NDArray[np.float64]


class ModelKind(Protocol):
    """What an entry point of `myoprosthesis.decoders` makes from its options."""

    tasks: tuple[str, ...]

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """A network for normalised features `z` (n, n_features) and answers `y`, both finite. Rows with the same number
        in `sequence_id` (n,) are neighbours in time, a decision apart, which a model with memory needs; None: all are.
        Raises `ConfigError` where they do not suffice."""
        ...


@dataclass(frozen=True)
class LdaOptions:
    """Linear discriminant analysis."""

    shrinkage: float = option(-1.0, "of the covariance towards its diagonal, 0 to 1; -1: as Ledoit and Wolf", "", -1, 1)
    equal_priors: bool = option(False, "classes are taken as equally likely, however long each was recorded")


class Lda:
    """Linear discriminant analysis with a shrunk covariance: few parameters, fitted in milliseconds, hard to beat."""

    tasks = ("classes", "switches")

    def __init__(self, options: LdaOptions) -> None:
        self.options = options

    def estimator(self, classes: int) -> Any:
        """The scikit-learn estimator that is fitted."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        shrinkage = "auto" if self.options.shrinkage < 0 else self.options.shrinkage
        priors = np.full(classes, 1 / classes) if self.options.equal_priors else None
        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage, priors=priors)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """One linear layer."""
        if task == "switches":
            fitted = [self.estimator(2).fit(z, column) for column in y.T]
            return _linear(np.concatenate([f.coef_ for f in fitted]), np.array([f.intercept_[0] for f in fitted]),
                           "sigmoid")  # fmt: skip
        found = self.estimator(len(np.unique(y))).fit(z, y)
        return _both(found.coef_, found.intercept_)


@dataclass(frozen=True)
class LogisticOptions:
    """Logistic regression."""

    strength: float = option(1.0, "reciprocal of the ridge on the weights", low=1e-6, high=1e6)


class Logistic:
    """Logistic regression with a ridge: probabilities that are better calibrated than those of `lda`."""

    tasks = ("classes", "switches")

    def __init__(self, options: LogisticOptions) -> None:
        self.options = options

    def estimator(self) -> Any:
        """The scikit-learn estimator that is fitted."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.options.strength, max_iter=2000)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """One linear layer."""
        if task == "switches":
            fitted = [self.estimator().fit(z, column) for column in y.T]
            return _linear(np.concatenate([f.coef_ for f in fitted]), np.array([f.intercept_[0] for f in fitted]),
                           "sigmoid")  # fmt: skip
        found = self.estimator().fit(z, y)
        return _both(found.coef_, found.intercept_)


@dataclass(frozen=True)
class RidgeOptions:
    """Ridge regression."""

    ridge: float = option(10.0, "penalty on the squared weights of normalised features", low=0.0, high=1e9)


class Ridge:
    """Linear regression with a ridge."""

    tasks = ("values",)

    def __init__(self, options: RidgeOptions) -> None:
        self.options = options

    def estimator(self) -> Any:
        """The scikit-learn estimator that is fitted."""
        import sklearn.linear_model

        return sklearn.linear_model.Ridge(alpha=self.options.ridge)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """One linear layer."""
        found = self.estimator().fit(z, y)
        return _linear(np.atleast_2d(found.coef_), np.atleast_1d(found.intercept_), "linear")


@dataclass(frozen=True)
class MlpOptions:
    """A multilayer perceptron."""

    hidden: tuple[int, ...] = option((32,), "units of each hidden layer", low=1, high=4096)
    ridge: float = option(1.0, "penalty on the squared weights", low=0.0, high=1e6)
    epochs: int = option(300, "at most", low=1, high=100000)
    seed: int = option(0, "of the first weights and of the part that says when to stop", low=0)


class Mlp:
    """A multilayer perceptron with ReLU, for classes, switches and values alike."""

    tasks = ("classes", "switches", "values")

    def __init__(self, options: MlpOptions) -> None:
        if not options.hidden:
            raise ConfigError("a multilayer perceptron needs at least one hidden layer")
        self.options = options

    def estimator(self, task: str) -> Any:
        """The scikit-learn estimator that is fitted."""
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        o = self.options
        kind = MLPRegressor if task == "values" else MLPClassifier
        return kind(hidden_layer_sizes=o.hidden, alpha=o.ridge, max_iter=o.epochs, random_state=o.seed)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """Hidden layers and a read-out; targets of a regression are scaled to unit variance for the fit."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning

        mean, sd = (y.mean(axis=0), y.std(axis=0) + 1e-12) if task == "values" else (0.0, 1.0)
        answers = (y - mean) / sd if task == "values" else y
        if task != "classes" and answers.shape[1] == 1:
            answers = answers[:, 0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `epochs` is a limit, and a fair place to stop
            found = self.estimator(task).fit(z, answers)
        layers = list(zip(found.coefs_, found.intercepts_, strict=True))
        weights, bias = layers.pop()
        if task == "values":
            weights, bias = weights * sd, bias * sd + mean
        elif task == "classes" and weights.shape[1] == 1:  # two classes: one log-odds
            weights, bias = np.hstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
        output = {"classes": "softmax", "switches": "sigmoid", "values": "linear"}[task]
        return DecoderNetwork((*((np.asarray(w), np.asarray(b)) for w, b in layers), (weights, bias)), output)


def _linear(weights: Array, bias: Array, output: str) -> DecoderNetwork:
    return DecoderNetwork(((weights.T, bias),), output)


def _both(weights: Array, bias: Array) -> DecoderNetwork:
    """A row per class; of two classes scikit-learn gives one row, the log-odds of the second."""
    if len(weights) == 1:
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return _linear(weights, bias, "softmax")
