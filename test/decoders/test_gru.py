"""The recurrent model: torch, the arrays it becomes and the file; memory within a stretch, none across two."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.moment import Moment
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.decoders.decoder_controller import DecoderController, EmgStreamSpec
from myoprosthesis.decoders.gru import Gru, GruOptions, _chunks
from myoprosthesis.decoders.gru_weights import GruWeights
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.decoders.novelty import NoveltyDetector
from myoprosthesis.decoders.posture_control import PostureControlOptions
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.policies.switching import ControllerSwitcher
from myoprosthesis.training.decoding.export import decoder_contract, write_decoder
from myoprosthesis.training.decoding.fitting import Fitted

torch = pytest.importorskip("torch")

QUICK = GruOptions(hidden=12, epochs=20, noise=0.05, learning_rate=1e-2)
CHANNELS = ("a", "b", "c")


def echo(n=600, seed=0, lag=3):
    """Noise, and what it was some rows ago: only a memory can tell."""
    z = np.random.default_rng(seed).normal(0, 1, (n, 3))
    return z, np.roll(z[:, :2], lag, axis=0) * [100.0, 1.0] + [500.0, 0.0]


class Kept(Gru):
    """Keeps the torch module that it fits."""

    def estimator(self, *data):
        self.fitted = super().estimator(*data)
        return self.fitted


@pytest.fixture(scope="module")
def gru():
    return Kept(QUICK)


@pytest.fixture(scope="module")
def fitted(gru):
    z, y = echo()
    x = z * 2 + 5
    normaliser = Normaliser.of(x)
    network = gru.fit(normaliser(x), y, "regression")
    return (
        x,
        y,
        Fitted(normaliser, network, NoveltyDetector.of(z, np.zeros(len(z), int)), ("far", "near"), "regression"),
    )


@pytest.fixture(scope="module")
def policy(fitted, tmp_path_factory):
    x, y, made = fitted
    terms = decoder_contract(
        "echo", made, ("mav",), CHANNELS, Conditioning(1000.0, "V"), {"task": "regression", "window_s": 0.05}, 0.05,
        y.min(axis=0), y.max(axis=0), "N", {},
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("echo")
    assert write_decoder(made, terms, folder, x) < 1e-4
    return OnnxPolicy(folder / "policy.onnx")


def test_it_remembers_what_a_window_does_not_hold(fitted):
    x, y, made = fitted
    fresh, wanted = echo(seed=1)
    said, _ = made(fresh * 2 + 5)
    assert (1 - ((said - wanted)[5:] ** 2).mean(axis=0) / wanted.var(axis=0) > 0.5).all()


def test_torch_and_the_file_agree_over_a_thousand_steps_hidden_state_included(gru, fitted, policy):
    normaliser = fitted[2].normaliser
    module, mean, sd = gru.fitted
    rng = np.random.default_rng(2)
    rows = normaliser.mean + rng.normal(0, 1, (1000, 3)) * np.where(rng.random((1000, 1)) < 0.1, 30.0, 2.0)
    policy.reset()
    state, apart = torch.zeros(1, 1, QUICK.hidden), np.zeros(2)
    with torch.no_grad():
        for row in rows:
            z = torch.tensor(normaliser(row), dtype=torch.float32)[None, None]
            states, state = module["unit"](z, state)
            wanted = module["read_out"](states)[0, 0].numpy()
            given = (policy.step(row.astype(np.float32))[:2] - mean) / sd
            gaps = np.abs(given - wanted).max(), np.abs(policy.hidden - state.numpy().ravel()).max()
            apart = np.maximum(apart, gaps)
    assert (apart < 1e-4).all() and np.abs(policy.hidden).max() > 0.1


def test_the_arrays_are_what_torch_fitted():
    z, y = echo()
    options = replace(QUICK, epochs=3)
    module, mean, sd = Gru(options).estimator(z, y)
    with torch.no_grad():
        wanted = module["read_out"](module["unit"](torch.tensor(z, dtype=torch.float32)[None])[0])[0].numpy()
    assert Gru(options).fit(z, y, "regression")(z) == pytest.approx(wanted * sd + mean, rel=1e-4, abs=1e-4)


def test_a_memory_begins_anew_with_every_stretch(fitted):
    network = fitted[2].network
    z, _ = echo(100)
    stretch = np.repeat([4, 7, 8], [30, 50, 20])
    parts = [network(z[stretch == k]) for k in (4, 7, 8)]
    assert np.array_equal(network(z, stretch), np.concatenate(parts))
    assert not np.allclose(network(z, stretch), network(z))


def test_nothing_is_carried_from_a_stretch_to_the_next():
    z, y = echo()
    spoilt = z.copy()
    spoilt[300:] = 7.0
    halves = np.arange(len(z)) // 300
    one, other = (Gru(QUICK)._sequences(rows, y, halves) for rows in (z, spoilt))
    assert one.x.shape == (2, 300, 3) and torch.equal(one.x[0], other.x[0])
    assert one.held_out[:, 240:].all() and not one.held_out[:, :240].any() and torch.equal(one.fitted, 1 - one.held_out)
    uneven = Gru(QUICK)._sequences(z, y, np.repeat([0, 1], [100, 500]))
    assert not (uneven.fitted + uneven.held_out)[0, 100:].any()  # what fills a stretch up counts nowhere


def test_stretches_that_are_too_short_are_refused():
    with pytest.raises(ConfigError, match="consecutive windows are needed to fit a gru, and at most 2"):
        Gru(QUICK).fit(*echo(), "regression", np.arange(600) // 2)


def test_the_seed_decides():
    z, y = echo(200)
    one, again, other = (
        Gru(GruOptions(hidden=4, epochs=3, seed=s)).fit(z, y, "regression")(z) for s in (1, 1, 2)
    )  # fmt: skip
    assert np.array_equal(one, again) and not np.allclose(one, other)


def test_it_leaves_the_random_numbers_and_threads_of_others_alone():
    z, y = echo(100)
    torch.manual_seed(5)
    wanted, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(5)
    Gru(GruOptions(hidden=4, epochs=2)).fit(z, y, "regression")
    assert torch.equal(torch.rand(3), wanted) and torch.get_num_threads() == threads


def test_it_stops_when_the_part_held_out_gets_no_better():
    z = np.random.default_rng(0).normal(0, 1, (200, 3))
    y = np.random.default_rng(1).normal(0, 1, (200, 1))  # nothing to learn
    model = Gru(GruOptions(hidden=16, epochs=500, patience=5, learning_rate=1e-2, noise=0.0))
    drawn = []
    epochs = model._epochs
    model._epochs = lambda *a: (drawn.append(1) or m for m in epochs(*a))
    model.fit(z, y, "regression")
    assert len(drawn) < 100


def test_chunks_cover_every_row_once():
    for length, first, size in ((10, 3, 4), (10, 4, 4), (2, 5, 9), (1, 1, 1)):
        rows = [k for a, b in _chunks(length, first, size) for k in range(a, b)]
        assert rows == list(range(length))
    assert list(_chunks(10, 3, 4)) == [(0, 3), (3, 7), (7, 10)]


def test_the_unit_is_that_of_its_equation():
    rng = np.random.default_rng(0)
    m = GruWeights(rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), rng.normal(size=6), rng.normal(size=6))
    x, h = rng.normal(size=3), np.zeros(2)
    for said in m(np.tile(x, (4, 1))):
        update, reset, new = (m.w_in @ x + m.b_in).reshape(3, 2)
        u, r, n = (m.w_rec @ h + m.b_rec).reshape(3, 2)
        z = 1 / (1 + np.exp(-(update + u)))
        h = z * h + (1 - z) * np.tanh(new + n / (1 + np.exp(-(reset + r))))
        assert said == pytest.approx(h)


def test_the_decoder_forgets_the_hidden_state(policy):
    samples = np.random.default_rng(3).normal(5, 3, (1000, 3))
    decoder = Decoder(policy)
    decoder.reset()
    first = [d.scores for d in decoder.decode(samples)]
    assert policy.hidden.any()
    decoder.reset()
    assert not policy.hidden.any()
    assert np.array_equal([d.scores for d in decoder.decode(samples)], first)
    decoder.features.reset()  # alone, it leaves the memory as it is
    assert not np.array_equal([d.scores for d in decoder.decode(samples)], first)


def test_a_window_that_is_not_finite_does_not_reach_the_memory(fitted, policy):
    samples = np.random.default_rng(3).normal(5, 3, (1000, 3))
    samples[500] = np.nan
    decoder = Decoder(policy)
    _, rows = decoder.features.extract(samples)
    decoder.reset()
    said = decoder.decode(samples)
    lost = [d.rejected for d in said]
    assert lost == [not np.isfinite(row).all() for row in rows] and sum(lost) == 1
    wanted, _ = fitted[2](rows[np.invert(lost)])
    assert np.array([d.scores for d in said if not d.rejected]) == pytest.approx(wanted, rel=1e-4, abs=1e-4)
    assert not np.isfinite(said[lost.index(True)].scores).any()


def test_a_voice_forgets_the_hidden_state_and_a_newcomer_catches_up(policy):
    joints = ("index", "middle")
    spec = EffectorSpec("claw", 0.005, Channels("position", joints, "rad", (0.0, 0.0), (1.5, 1.5)), joints)
    options = PostureControlOptions(("far=index", "near=middle"))
    conditioning = Conditioning(1000.0, "V").to_dict()

    def controller(run):
        made = DecoderController("echo", run, spec, EmgStreamSpec(CHANNELS, 1000.0, conditioning), options)
        made.on_activate(np.zeros(2))
        return made

    rng = np.random.default_rng(4)
    blocks = rng.normal(5, 3, (60, 5, 3))
    first, other = controller(policy), OnnxPolicy(policy.path)
    first.reset()
    for block in blocks:
        first.update(block, Moment(rng, seconds=len(block) / 1000.0))
    second = controller(other)
    switcher = ControllerSwitcher(spec, lambda name, run: controller(run), 0.1)
    switcher.active = second
    second.reset()
    for block in blocks:
        switcher.update(block, Moment(rng, seconds=spec.dt))
    assert np.array_equal(policy.hidden, other.hidden) and policy.hidden.any()
    late = OnnxPolicy(policy.path)
    late._feed["hidden"][:] = 9.0  # of another life
    newcomer = switcher.fit("late", late)
    switcher.replay_history(newcomer)
    assert np.array_equal(late.hidden, other.hidden)
    switcher.reset()
    first.reset()
    assert not other.hidden.any() and not policy.hidden.any()


def test_without_torch_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match=r"needs torch: pip install 'myoprosthesis\[train\]'"):
        Gru(QUICK).fit(*echo(50), "regression")


def test_a_fit_that_diverges_is_told_of():
    z, y = echo(100)
    y[50] = np.inf
    with np.errstate(invalid="ignore"), pytest.raises(ConfigError, match="diverged"):
        Gru(QUICK).fit(z, y, "regression")
