"""Models against scikit-learn, and the file that is run against the model that was fitted."""

from __future__ import annotations

import warnings

import numpy as np
import onnxruntime
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.observation_term import Term
from myoprosthesis.decoders import graph
from myoprosthesis.decoders.models import (
    Lda,
    LdaOptions,
    Logistic,
    LogisticOptions,
    Mlp,
    MlpOptions,
    Ridge,
    RidgeOptions,
)
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.decoders.novelty import NOVELTY, NOVELTY_MAX, NoveltyDetector

N = 6


def data(classes=4, n=400, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    x = rng.normal(0, 1, (classes, N))[y] * 2 + rng.normal(0, 1, (n, N)) @ rng.normal(0, 1, (N, N))
    return x * 50 + 7, y


def normalised(x):
    return Normaliser.of(x), Normaliser.of(x)(x)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("equal", [False, True])
def test_lda_is_that_of_scikit_learn(classes, equal):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    x, y = data(classes)
    _, z = normalised(x)
    priors = np.full(classes, 1 / classes) if equal else None
    wanted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=priors).fit(z, y).predict_proba(z)
    given = Lda(LdaOptions(equal_priors=equal)).fit(z, y, "classification")(z)
    assert given == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("model", [Logistic(LogisticOptions()), Mlp(MlpOptions(epochs=20))])
def test_other_classifiers_are_those_of_scikit_learn(classes, model):
    x, y = data(classes)
    _, z = normalised(x)
    estimator = model.estimator("classification") if isinstance(model, Mlp) else model.estimator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = estimator.fit(z, y).predict_proba(z)
    assert model.fit(z, y, "classification")(z) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("model", [Lda(LdaOptions()), Logistic(LogisticOptions())])
def test_a_switch_is_a_classifier_of_two(model):
    x, y = data(4)
    _, z = normalised(x)
    answers = np.stack([y % 2, y // 2], axis=1)
    both = model.fit(z, answers, "multilabel")(z)
    for k in range(2):
        assert both[:, k] == pytest.approx(model.fit(z, answers[:, k], "classification")(z)[:, 1], abs=1e-12)


def test_ridge_is_that_of_its_equation():
    x, _ = data()
    _, z = normalised(x)
    y = z @ np.arange(12.0).reshape(N, 2) + [3.0, -4.0] + np.random.default_rng(0).normal(size=(len(z), 2))
    c, d = z - z.mean(axis=0), y - y.mean(axis=0)
    weights = np.linalg.solve(c.T @ c + 5.0 * np.eye(N), c.T @ d)
    given = Ridge(RidgeOptions(ridge=5.0)).fit(z, y, "regression")(z)
    assert given == pytest.approx(c @ weights + y.mean(axis=0), abs=1e-9)


def test_a_perceptron_learns_what_no_line_can():
    rng = np.random.default_rng(0)
    z = rng.uniform(-1, 1, (800, 2))
    y = 500 + 100 * (z[:, :1] * z[:, 1:])
    said = Mlp(MlpOptions(ridge=1e-3, epochs=1000)).fit(z, y, "regression")(z)
    assert 1 - ((y - said) ** 2).mean() / y.var() > 0.95


def test_the_novelty_is_one_on_what_was_fitted_and_grows_beyond():
    x, y = data(n=2000)
    normaliser, z = normalised(x)
    familiar = NoveltyDetector.of(z, y)
    assert np.sqrt((familiar(z) ** 2).mean()) == pytest.approx(1.0, abs=0.1)
    assert familiar(normaliser(x.mean(axis=0, keepdims=True) + 400 * x.std(axis=0))).item() > 5


CASES = {
    "lda": (Lda(LdaOptions()), "classification"),
    "lda switches": (Lda(LdaOptions()), "multilabel"),
    "logistic": (Logistic(LogisticOptions()), "classification"),
    "mlp": (Mlp(MlpOptions((16, 8), epochs=30)), "classification"),
    "mlp switches": (Mlp(MlpOptions(epochs=30)), "multilabel"),
    "ridge": (Ridge(RidgeOptions()), "regression"),
    "mlp values": (Mlp(MlpOptions(epochs=30)), "regression"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_file_computes_what_was_fitted(case):
    model, task = CASES[case]
    x, y = data()
    normaliser, z = normalised(x)
    answers = {
        "classification": y,
        "multilabel": np.stack([y % 2, y // 2], axis=1),
        "regression": z[:, :3] * [1.0, 20.0, 300.0],
    }
    network, familiar = model.fit(z, answers[task], task), NoveltyDetector.of(z, y)
    far = np.concatenate([x, x * 30])  # clipped, and far from everything
    z = normaliser(far)
    wanted = np.column_stack([network(z), familiar(z)])
    m = wanted.shape[1]
    action = Channels("effort", (*(f"c{k}" for k in range(m - 1)), NOVELTY), "1", (0.0,) * m, (NOVELTY_MAX,) * m)
    contract = Contract("d", "emg", (Term("mav", tuple(f"e{k}/mav" for k in range(N))),), action, 0.05)
    data_ = graph.decoder(contract, normaliser, network, familiar).SerializeToString()
    session = onnxruntime.InferenceSession(data_, providers=["CPUExecutionProvider"])
    given = np.array([session.run(None, {"observation": row[None].astype(np.float32)})[0][0] for row in far])
    assert given == pytest.approx(wanted, rel=1e-3, abs=1e-4)
