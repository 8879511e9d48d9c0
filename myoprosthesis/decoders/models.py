"""Kinds of decoder models: each fits a network to normalised features and targets.

scikit-learn is needed to fit, never to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.decoders.options import CLASSIFICATION, MULTILABEL, REGRESSION, TASKS, task_of

Array = NDArray[np.float64]


class ModelKind(Protocol):
    """A model that can be fitted; entry points of `myoprosthesis.decoders` construct one from its options.

    One that must know of which electrode and feature a column is has `for_features` too, see there.

    Attributes:
        tasks: The tasks it can be fitted to, of `decoders.options.TASKS`.
    """

    tasks: tuple[str, ...]

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """Fit a network; the same arguments give the same network.

        Args:
            z: Normalised features, shape (n, n_features), finite.
            y: Targets. Classification: class numbers, shape (n,); multilabel: 0 or 1, shape (n, k); regression:
                numbers, shape (n, k), finite.
            task: One of `tasks`.
            sequence_id: Shape (n,); rows with the same number are consecutive decisions, which a model with memory
                needs. None: all rows are.

        Returns:
            The network: class scores, shape (n, n_classes), for classification and multilabel; numbers, shape (n, k),
            for regression.

        Raises:
            ConfigError: The rows do not suffice.
        """
        ...


def for_features(model: ModelKind, names: Sequence[str]) -> ModelKind:
    """The model for windows whose columns have these names (`features.columns`).

    Most do not need to know; one that has a method `for_features(names)` is asked for itself with them.
    """
    method = getattr(model, "for_features", None)
    return model if method is None else method(names)


@dataclass(frozen=True)
class LdaOptions:
    """Linear discriminant analysis."""

    shrinkage: float = option(
        -1.0, "shrinkage of the covariance to its diagonal, 0 to 1; -1: by Ledoit and Wolf", "", -1, 1
    )
    equal_priors: bool = option(False, "the classes have equal prior probabilities, however long each was recorded")


class Lda:
    """Linear discriminant analysis with a shrunk covariance: few parameters, fitted in milliseconds."""

    tasks = (CLASSIFICATION, MULTILABEL)

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
        if task_of(task) == MULTILABEL:
            return _one_by_label([self.estimator(2).fit(z, column) for column in y.T])
        estimator = self.estimator(len(np.unique(y))).fit(z, y)
        return _softmax(estimator.coef_, estimator.intercept_)


@dataclass(frozen=True)
class LogisticOptions:
    """Logistic regression."""

    strength: float = option(1.0, "reciprocal of the ridge on the weights", low=1e-6, high=1e6)


class Logistic:
    """Logistic regression with a ridge: probabilities that are better calibrated than those of `lda`."""

    tasks = (CLASSIFICATION, MULTILABEL)

    def __init__(self, options: LogisticOptions) -> None:
        self.options = options

    def estimator(self) -> Any:
        """The scikit-learn estimator that is fitted."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.options.strength, max_iter=2000)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """One linear layer."""
        if task_of(task) == MULTILABEL:
            return _one_by_label([self.estimator().fit(z, column) for column in y.T])
        estimator = self.estimator().fit(z, y)
        return _softmax(estimator.coef_, estimator.intercept_)


@dataclass(frozen=True)
class RidgeOptions:
    """Ridge regression."""

    ridge: float = option(10.0, "penalty on the squared weights of normalised features", low=0.0, high=1e9)


class Ridge:
    """Linear regression with a ridge."""

    tasks = (REGRESSION,)

    def __init__(self, options: RidgeOptions) -> None:
        self.options = options

    def estimator(self) -> Any:
        """The scikit-learn estimator that is fitted."""
        import sklearn.linear_model

        return sklearn.linear_model.Ridge(alpha=self.options.ridge)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """One linear layer."""
        estimator = self.estimator().fit(z, y)
        return _linear(np.atleast_2d(estimator.coef_), np.atleast_1d(estimator.intercept_), "linear")


@dataclass(frozen=True)
class MlpOptions:
    """A multilayer perceptron."""

    hidden: tuple[int, ...] = option((32,), "units of each hidden layer", low=1, high=4096)
    ridge: float = option(1.0, "penalty on the squared weights", low=0.0, high=1e6)
    epochs: int = option(300, "largest number of epochs", low=1, high=100000)
    seed: int = option(0, "seed of the initial weights", low=0)


class Mlp:
    """A multilayer perceptron with ReLU, for every task."""

    tasks = TASKS

    def __init__(self, options: MlpOptions) -> None:
        if not options.hidden:
            raise ConfigError("a multilayer perceptron needs at least one hidden layer")
        self.options = options

    def estimator(self, task: str) -> Any:
        """The scikit-learn estimator that is fitted."""
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        o = self.options
        kind = MLPRegressor if task_of(task) == REGRESSION else MLPClassifier
        return kind(hidden_layer_sizes=o.hidden, alpha=o.ridge, max_iter=o.epochs, random_state=o.seed)

    def fit(self, z: Array, y: NDArray[Any], task: str, sequence_id: NDArray[np.intp] | None = None) -> DecoderNetwork:
        """Hidden layers and a read-out; targets of a regression are scaled to unit variance for the fit."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning

        task = task_of(task)
        mean, sd = (y.mean(axis=0), y.std(axis=0) + 1e-12) if task == REGRESSION else (0.0, 1.0)
        targets = (y - mean) / sd if task == REGRESSION else y
        if task != CLASSIFICATION and targets.shape[1] == 1:
            targets = targets[:, 0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `epochs` is a limit
            estimator = self.estimator(task).fit(z, targets)
        layers = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
        weights, bias = layers.pop()
        if task == REGRESSION:
            weights, bias = weights * sd, bias * sd + mean
        elif task == CLASSIFICATION and weights.shape[1] == 1:
            weights, bias = _both(weights.T, bias)
        output = {CLASSIFICATION: "softmax", MULTILABEL: "sigmoid", REGRESSION: "linear"}[task]
        return DecoderNetwork((*((np.asarray(w), np.asarray(b)) for w, b in layers), (weights, bias)), output)


def _linear(weights: Array, bias: Array, output: str) -> DecoderNetwork:
    return DecoderNetwork(((weights.T, bias),), output)


def _softmax(weights: Array, bias: Array) -> DecoderNetwork:
    """A linear layer with a row per class."""
    if len(weights) == 1:
        return DecoderNetwork((_both(weights, bias),), "softmax")
    return _linear(weights, bias, "softmax")


def _both(weights: Array, bias: Array) -> tuple[Array, Array]:
    """Weights (n_in, 2) and bias (2,) of two classes from the one row of scikit-learn, the log-odds of the second."""
    return (np.concatenate([-weights, weights]) / 2).T, np.concatenate([-bias, bias]) / 2


def _one_by_label(estimators: list[Any]) -> DecoderNetwork:
    """A linear layer with the row of one binary estimator per label."""
    weights = np.concatenate([e.coef_ for e in estimators])
    return _linear(weights, np.array([e.intercept_[0] for e in estimators]), "sigmoid")
