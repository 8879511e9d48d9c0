"""A decoder run over a recording."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build
from myoprosthesis.core.sampling_rate import same_rate
from myoprosthesis.decoders.decision import Decision
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.emg.conditioning import Conditioner, Conditioning
from myoprosthesis.emg.pauses import breaks
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.training.decoding.windows import window_spans

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DecoderReplay:
    """Decisions on one recording with their labels and the time that each took.

    The label is that of the whole window (empty: none, or several); the time (s) is that of features, model and
    decision.
    """

    decisions: list[Decision]
    truth: list[str]
    seconds: Array


def replay(decoder: Decoder, recording: EmgRecording, margin_s: float = 0.0) -> DecoderReplay:
    """Run a decoder over a recording as in a running stack, one step of samples at a time.

    It is reset after every gap in time.
    """
    order = decoder.contract.match_emg(recording.channels, decoder.contract.conditioning)
    settings = build(Conditioning, decoder.contract.conditioning, f"decoder {decoder.contract.name!r}")
    if recording.unit != settings.unit or not same_rate(recording.rate, settings.rate):
        raise ConfigError(
            f"{recording.source} is in {recording.unit} at {recording.rate:.9g} Hz, "
            f"decoder {decoder.contract.name!r} was fitted in {settings.unit} at {settings.rate:.9g} Hz"
        )
    conditioner = Conditioner(settings, decoder.contract.emg_channels)
    step, window = decoder.features.step, decoder.features.window
    decisions: list[Decision] = []
    seconds = []
    edges = [0, *breaks(recording).tolist(), len(recording)]
    for first, end in pairwise(edges):
        decoder.reset()
        for start in range(first, end, step):
            filtered = conditioner.filter(recording.samples[start : min(start + step, end), order]).filtered
            begin = time.perf_counter()
            new = decoder.decode(filtered)
            if new:
                seconds.append((time.perf_counter() - begin) / len(new))
            decisions += [replace(decision, sample=first + decision.sample) for decision in new]
    last = np.array([d.sample - 1 for d in decisions], np.intp)
    owner = window_spans(recording, last - window + 1, last, round(margin_s * recording.rate))
    truth = [recording.spans[k].label if k >= 0 else "" for k in owner]
    return DecoderReplay(decisions, truth, np.array(seconds))
