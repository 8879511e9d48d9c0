"""The shared check lets every registered model pass, and stops what must not pass."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from myoprosthesis.core import registry
from myoprosthesis.core.options import build
from myoprosthesis.decoders import features
from myoprosthesis.decoders.band_network import by_electrode, forward
from myoprosthesis.decoders.models import Lda, LdaOptions, Ridge, RidgeOptions
from myoprosthesis.decoders.network import DecoderNetwork
from myoprosthesis.testing import check_decoder
from myoprosthesis.testing.decoder import CHANNELS, FEATURES

QUICK = {
    "conv": {"units": 8, "steps": 200, "batch": 128},
    "mlp": {"hidden": [16], "epochs": 20},
    "gru": {"hidden": 8, "epochs": 3, "truncate": 40, "learning_rate": 0.02, "noise": 0.05},
}


def one(estimator, z, y):
    """Probabilities of one fitted classifier."""
    return estimator.fit(z, y).predict_proba(z)


def linear(model, z, y, task, stretch):
    given = (2,) if isinstance(model, Lda) else ()
    if task == "multilabel":
        return np.stack([one(model.estimator(*given), z, column)[:, 1] for column in y.T], axis=1)
    return one(model.estimator(*((3,) if given else ())), z, y)


def ridge(model, z, y, task, stretch):
    return model.estimator().fit(z, y).predict(z)


def mlp(model, z, y, task, stretch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if task == "regression":
            mean, sd = y.mean(axis=0), y.std(axis=0) + 1e-12
            return model.estimator(task).fit(z, (y - mean) / sd).predict(z) * sd + mean
        return one(model.estimator(task), z, y)


def gru(model, z, y, task, stretch):
    import torch

    module, mean, sd = model.estimator(z, y, stretch)
    with torch.no_grad():
        rows = [torch.tensor(z[stretch == k], dtype=torch.float32)[None] for k in np.unique(stretch)]
        said = [module["read_out"](module["unit"](x)[0])[0].numpy() for x in rows]
    return np.concatenate(said) * sd + mean


def conv(model, z, y, task, stretch):
    import torch

    columns = by_electrode([n for f in FEATURES for n in features.columns(f, CHANNELS)])
    module = model.estimator(z, y)
    with torch.no_grad():
        x = torch.tensor(z[:, columns].transpose(0, 2, 1), dtype=torch.float32)
        return torch.softmax(forward(module, x), dim=1).numpy()


OWN = {"conv": conv, "lda": linear, "logistic": linear, "ridge": ridge, "mlp": mlp, "gru": gru}


@pytest.mark.parametrize("name", registry.names("decoders"))
def test_every_registered_model_passes(name):
    if name in ("conv", "gru"):
        pytest.importorskip("torch")
    options = build(registry.options("decoders", name), QUICK.get(name, {}))
    check_decoder(lambda: registry.factory("decoders", name)(options), OWN[name])


def changed(**members):
    """LDA with other members."""
    return lambda: type("Changed", (Lda,), members)(LdaOptions())


def drawing(self, z, y, task, stretch=None):
    network = Lda.fit(self, z, y, task)
    ((weights, bias),) = network.layers
    return DecoderNetwork(((weights + np.random.default_rng().normal(0, 1e-6, weights.shape), bias),), network.output)


def learning_on(self, z, y, task, stretch=None):
    """The second fit of an instance is not the first."""
    self.fits = getattr(self, "fits", 0) + 1
    network = Lda.fit(self, z, y, task)
    ((weights, bias),) = network.layers
    return DecoderNetwork(((weights * (1 + 0.01 * self.fits), bias),), network.output)


def swapped(self, z, y, task, stretch=None):
    network = Lda.fit(self, z, y, task)
    ((weights, bias),) = network.layers
    return DecoderNetwork(((weights[:, ::-1], bias[::-1]),), network.output)


def raw(self, z, y, task, stretch=None):
    return DecoderNetwork(Lda.fit(self, z, y, task).layers, "linear")


class Doubtful(DecoderNetwork):
    """Computes something else than its layers, and so than its file."""

    def __call__(self, z, stretch=None):
        scores = super().__call__(z, stretch)
        return 0.99 * scores + 0.01 / scores.shape[1]


def doubtful(self, z, y, task, stretch=None):
    network = Lda.fit(self, z, y, task)
    return Doubtful(network.layers, network.output)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (changed(tasks=()), "its tasks are"),
        (changed(tasks=("classification", "gestures")), "its tasks are"),
        (changed(fit=drawing), "seed what it draws"),
        (changed(fit=learning_on), "fitted again, it answers otherwise"),
        (changed(fit=swapped), "on what it was fitted on"),
        (changed(fit=raw), "classification: scores leave 0 to 1"),
        (changed(fit=doubtful), "it cannot be exported"),
    ],
)
def test_what_must_not_pass(model, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_decoder(model)


def test_the_library_and_the_network_must_agree():
    with pytest.raises(AssertionError, match="regression: the network differs by .* from what the library"):
        check_decoder(lambda: Ridge(RidgeOptions()), lambda *a: 1.01 * ridge(*a))


def test_values_that_the_fit_spoils_are_noticed():
    class Scribbler(Ridge):
        def fit(self, z, y, task, stretch=None):
            network = Ridge.fit(self, z, y, task)
            y *= 2.0
            return network

    with pytest.raises(AssertionError, match="changes the windows"):
        check_decoder(lambda: Scribbler(RidgeOptions()))


def test_a_fit_that_lets_nonsense_through_is_noticed(monkeypatch):
    from myoprosthesis.training.decoding import fitting

    def lenient(w, task, names):
        answers = np.searchsorted(np.array(sorted(names)), w.label) if task == "classification" else w.target
        return answers, np.zeros(len(w), np.intp)

    monkeypatch.setattr(fitting, "targets_of", lenient)
    with pytest.raises(AssertionError, match="not finite .*(is not refused|not ConfigError)"):
        check_decoder(lambda: Ridge(RidgeOptions()))


def test_a_decoder_that_forgets_to_reset_its_memory_is_noticed(monkeypatch):
    pytest.importorskip("torch")
    from myoprosthesis.decoders.decoder import Decoder

    def half(self):
        self.features.reset()
        self._postprocessor.reset()

    monkeypatch.setattr(Decoder, "reset", half)
    make, options = registry.factory("decoders", "gru"), registry.options("decoders", "gru")
    with pytest.raises(AssertionError, match="regression: .*(differs from the model|decided otherwise)"):
        check_decoder(lambda: make(build(options, QUICK["gru"])))
