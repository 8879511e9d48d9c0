"""Decisions: rejection, debounce, speed and drift; which EMG a decoder accepts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ContractError
from myoprosthesis.core.observation_term import Term
from myoprosthesis.decoders.amplitude import Amplitude
from myoprosthesis.decoders.decision import DecisionPostprocessor
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.decoders.options import DecoderOptions
from myoprosthesis.emg.conditioning import Conditioning

NAMES = ("fist", "open", "rest")
CONDITIONING = Conditioning(1000.0, "V").to_dict()


def contract(**more):
    terms = tuple(Term(f, (f"a/{f}", f"b/{f}")) for f in ("mav", "zc"))
    action = Channels("effort", (*NAMES, "novelty"), "1", (0.0,) * 4, (1.0, 1.0, 1.0, 1e6))
    return Contract(
        "d", "emg", terms, action, 0.05, conditioning=CONDITIONING,
        decoding={"window_s": 0.2, "rest": "rest", "amplitude": {"fist": [0.1, 1.1]}, **more},
    )  # fmt: skip


def decider(**more):
    return DecisionPostprocessor(
        DecoderOptions(rest="rest", **more), NAMES, 0.05, Amplitude(np.array([0, 1]), powers=False)
    )


def say(d, *classes, novelty=1.0, score=0.9, loud=0.6):
    """Choices of consecutive decisions for these best classes."""
    out = []
    for name in classes:
        scores = np.full(3, (1 - score) / 2)
        scores[NAMES.index(name)] = score
        out.append(d.decide(0, np.array([loud, loud, 7.0]), np.append(scores, novelty)))
    return out


def choices(decisions):
    return [d.choice for d in decisions]


def test_a_class_counts_after_so_many_decisions_in_a_row():
    d = decider(debounce=3)
    said = choices(say(d, "fist", "fist", "fist", "open", "fist", "open", "open", "open"))
    assert said == ["rest", "rest", "fist", "fist", "fist", "fist", "fist", "open"]
    assert choices(say(decider(), "fist", "open")) == ["fist", "open"]
    d = decider(debounce=3, reject_below=0.8)  # what is rejected in between begins the count anew
    said = [*say(d, "fist", "fist"), *say(d, "fist", score=0.7), *say(d, "fist", "fist", "fist")]
    assert choices(said) == ["rest"] * 5 + ["fist"]


def test_what_is_unsure_or_unknown_is_rest():
    d = decider(reject_below=0.8, reject_beyond=3.0)
    assert choices(say(d, "fist")) == ["fist"]
    (unsure,) = say(d, "fist", score=0.7)
    (strange,) = say(d, "fist", novelty=3.5)
    broken = d.decide(0, np.zeros(3), np.array([np.nan, 0.1, 0.1, 1.0]))
    for decision in (unsure, strange, broken):
        assert decision.rejected and decision.choice == "rest" and decision.speed == 0.0
    assert choices(say(d, "fist")) == ["fist"]


def test_speed_grows_with_amplitude_between_its_bounds():
    d = decider(amplitude={"fist": (0.1, 1.1)})
    for loud, speed in ((0.0, 0.0), (0.1, 0.0), (0.6, 0.5), (1.1, 1.0), (9.0, 1.0), (np.inf, 0.0), (np.nan, 0.0)):
        assert say(d, "fist", loud=loud)[0].speed == pytest.approx(speed)
    assert say(d, "rest", loud=9.0)[0].speed == 0.0
    assert say(d, "open", loud=0.0)[0].speed == 1.0  # no amplitude is known for it


def test_drift_is_a_median_that_leaves_the_fitted_for_long_enough():
    d = decider(drift_beyond=2.0, drift_s=0.5)  # ten decisions
    assert not any(x.drifting for x in say(d, *["fist"] * 20))
    assert not any(x.drifting for x in say(d, *["fist"] * 4, novelty=50.0))  # outliers
    assert [x.drifting for x in say(d, *["fist"] * 3, novelty=50.0)][-1]
    d.reset()
    assert [x.drifting for x in say(d, *["fist"] * 11, novelty=3.0)] == [False] * 9 + [True] * 2


class Fake:
    """Says fist where channel b is louder than a."""

    def __init__(self, contract):
        self.contract = contract

    def step(self, observation):
        fist = float(observation[1] > observation[0])
        return np.array([fist, 0.0, 1 - fist, 1.0])

    def reset(self):
        pass


def test_a_decoder_decides_for_any_way_to_cut_the_stream():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (3000, 2)) * np.where(np.arange(3000) % 1000 < 500, 1.0, 0.2)[:, None] ** [1, 0]
    decoder = Decoder(Fake(contract()))
    whole = decoder.decode(x)
    assert [d.sample for d in whole] == list(range(200, 3001, 50))
    assert {"fist", "rest"} == {d.choice for d in whole}
    decoder.reset()
    k, parts = 0, []
    while k < len(x):
        n = int(rng.integers(0, 130))
        parts += decoder.decode(x[k : k + n])
        k += n
    told = [[(d.sample, d.choice, d.speed, d.confidence) for d in run] for run in (whole, parts)]
    assert told[0] == told[1]


def test_channels_are_found_by_name():
    c = contract()
    assert c.emg_channels == ("a", "b")
    assert c.match_emg(("b", "x", "a"), CONDITIONING).tolist() == [2, 0]
    assert Contract.from_json(c.to_json()) == c


@pytest.mark.parametrize(
    ("channels", "change", "sentence"),
    [
        (("a", "c"), {}, "knows EMG channel 'b', which is not there; there are: a, c"),
        (("a",), {}, "knows EMG channel 'b'"),
        (("a", "b"), {"rate": 2000.0}, "fitted on EMG with rate = 1000.0, here it is 2000.0"),
        (("a", "b"), {"unit": "counts"}, "unit = 'V', here it is 'counts'"),
        (("a", "b"), {"mains_hz": 50.0}, "mains_hz = 0.0, here it is 50.0"),
        (("a", "b"), {"whitening": True}, "whitening = None, here it is True"),
    ],
)
def test_other_emg_is_refused(channels, change, sentence):
    with pytest.raises(ContractError, match=sentence):
        contract().match_emg(channels, {**CONDITIONING, **change})


def test_what_is_no_decoder_is_refused():
    with pytest.raises(ContractError, match="is no decoder"):
        Decoder(Fake(replace(contract(), conditioning={})))
    with pytest.raises(ContractError, match="no decoder"):
        replace(contract(), conditioning={}).match_emg(("a", "b"), CONDITIONING)
    with pytest.raises(Exception, match="unknown option 'windows'"):
        Decoder(Fake(contract(windows=3)))
    with pytest.raises(ContractError, match="order"):
        Decoder(Fake(replace(contract(), observation=tuple(reversed([Term("mav", ("a/mav", "b/mav")),
                                                                     Term("zc", ("b/zc", "a/zc"))])))))  # fmt: skip
