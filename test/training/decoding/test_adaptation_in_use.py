"""Adaptation of a decoder while it is used: the shipped one on the shipped recording, quieter than it was fitted."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.emg.conditioning import Conditioner, Conditioning
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import OnnxPolicy, read_contract
from myoprosthesis.training.decoding.adaptation_in_use import (
    AdaptationProcess,
    adapt_in_use,
    check_adaptable,
    fitted_file,
)
from myoprosthesis.training.decoding.adapted_file import write_adapted
from myoprosthesis.training.decoding.decoder_file import read_fitted
from myoprosthesis.training.decoding.unlabelled_adaptation import UnlabelledResult

RECORDING = share.root() / "config" / "recordings" / "libemg_myo"
BASE = store.find("gestures_myo")
QUIET = 0.4
"""Share of its size to which the EMG has fallen."""


def use(repetition, gain=1.0, rng=None):
    """Features of all gestures of a repetition, one after another, and the number of the gesture of each window."""
    decoder = Decoder(OnnxPolicy(BASE))
    settings = build(Conditioning, decoder.contract.conditioning, "test")
    x, which = [], []
    for file in sorted(RECORDING.glob(f"R_{repetition}_*.csv")):
        decoder.reset()
        samples = np.loadtxt(file, delimiter=",")
        samples = samples * gain if rng is None else rng.normal(0.0, 10.0, samples.shape)
        decoder.decode(Conditioner(settings, decoder.contract.emg_channels).filter(samples).filtered)
        x.append(decoder.newest_features)
        which += [file.name] * len(decoder.newest_features)
    return np.concatenate(x), np.array(which)


def right(file, x, which):
    """Share of windows decided as most windows of the same gesture are by the fitted decoder on EMG as it was."""
    policy, usual = OnnxPolicy(file), OnnxPolicy(BASE)
    chosen = np.array([policy.step(row.astype(np.float32))[:-1].argmax() for row in x])
    known, of = use(1)
    known = np.array([usual.step(row.astype(np.float32))[:-1].argmax() for row in known])
    meant = {name: np.bincount(known[of == name]).argmax() for name in set(of.tolist())}
    return float((chosen == [meant[name.replace("R_0", "R_1")] for name in which]).mean())


@pytest.fixture(scope="module")
def quiet():
    return use(0, QUIET)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory, quiet):
    verdict = adapt_in_use(BASE, BASE, quiet[0], len(quiet[0]), tmp_path_factory.mktemp("adapted") / "gestures_quiet")
    assert verdict.verdict == "adapted", verdict
    return verdict


def test_a_decoder_follows_emg_that_has_become_quieter(adapted, quiet):
    assert right(BASE, *quiet) < 0.9 < 0.95 < right(adapted.file, *quiet)
    assert "agreed with those one window later" in adapted.sentence


def test_the_new_file_says_what_it_came_from(adapted, quiet):
    contract = read_contract(adapted.file)
    origin = contract.result["adapted_from"]
    assert origin["name"] == "gestures_myo" and origin["method"] == "in use" and origin["windows"] == len(quiet[0])
    assert origin["sha256"] == hashlib.sha256(BASE.read_bytes()).hexdigest()
    assert contract.result["fitted_on"] == sorted(read_contract(BASE).result["fitted_on"])
    assert fitted_file(adapted.file) == BASE == fitted_file(BASE)


def test_it_is_not_adapted_again_to_the_same(adapted, quiet, tmp_path):
    verdict = adapt_in_use(BASE, type(BASE)(adapted.file), quiet[0], len(quiet[0]), tmp_path / "again")
    assert verdict.verdict == "same" and not verdict.file and not (tmp_path / "again").exists()


def test_what_turns_out_worse_is_undone(adapted, quiet, tmp_path):
    """A decoder that decides at random on EMG that came after it was made; few windows say nothing about it."""
    fitted, rng = read_fitted(BASE), np.random.default_rng(0)
    layers = tuple((rng.normal(size=w.shape), rng.normal(size=b.shape)) for w, b in fitted.network.layers)
    random = replace(fitted, network=replace(fitted.network, layers=layers))
    result = UnlabelledResult(0.5, 0.6, 100)
    write_adapted(
        random, BASE, tmp_path / "random", quiet[0], result, "badly", method="in use", seconds=1.0, made_by="me"
    )
    file, loud = tmp_path / "random" / "policy.onnx", use(1)[0]
    worse = adapt_in_use(BASE, file, loud, len(loud), tmp_path / "undone")
    assert worse.verdict == "undone" and "back to that one" in worse.sentence and not (tmp_path / "undone").exists()
    few = adapt_in_use(BASE, file, loud, 30, tmp_path / "few")
    assert few.verdict != "undone"


def test_noise_and_too_little_are_refused(tmp_path, quiet):
    noise = use(0, rng=np.random.default_rng(0))[0]
    for x, why in ((noise, "stays"), (quiet[0][:50], "windows are too few")):
        verdict = adapt_in_use(BASE, BASE, x, len(x), tmp_path / "refused")
        assert verdict.verdict == "refused" and why in verdict.sentence and not (tmp_path / "refused").exists()


def test_only_a_decoder_with_one_linear_layer_can_be_adapted():
    check_adaptable(BASE)
    with pytest.raises(ConfigError, match="is no decoder"):
        check_adaptable(store.find("reach_null"))


def test_a_process_of_its_own_says_the_same(adapted, quiet, tmp_path):
    process = AdaptationProcess()
    verdict = process.run(BASE, BASE, quiet[0], len(quiet[0]), tmp_path / "gestures_quiet")
    assert verdict.verdict == "adapted" and verdict.sentence == adapted.sentence
    assert (tmp_path / "gestures_quiet" / "policy.onnx").read_bytes() == type(BASE)(adapted.file).read_bytes()
    (tmp_path / "file").write_text("")
    refused = process.run(BASE, BASE, quiet[0], len(quiet[0]), tmp_path / "file" / "below")
    assert refused.verdict == "refused" and "cannot be written" in refused.sentence
    broken = process.run(BASE, BASE, np.zeros(3), 3, tmp_path / "broken")
    assert broken.verdict == "refused"
