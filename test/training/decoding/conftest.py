"""Recordings of noise with labelled spans, and their windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.emg.recording import EmgRecording, Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.windows import WindowOptions, windows

FEATURES = ("mav", "zc")


def _recording(n=4000, seed=0, spans=(("a", 0, 1000), ("b", 1000, 2000), ("a", 2000, 3000), ("b", 3000, 4000))):
    samples = np.random.default_rng(seed).normal(0, 1, (n, 2))
    return EmgRecording(samples, ("x", "y"), 1000.0, "V", np.arange(n) / 1000, spans=tuple(Span(*s) for s in spans))


def _cut(recordings, labelled=True, **more):
    pairs = [(Path(f"{k}.csv"), r) for k, r in enumerate(recordings)]
    return windows(
        pairs, RecordingFormat(), Conditioning(1000.0, "V"), FEATURES, 0.2, WindowOptions(**more), labelled=labelled
    )


@pytest.fixture
def recording():
    """(n, seed, spans) → a recording of noise at 1 kHz."""
    return _recording


@pytest.fixture
def cut():
    """(recordings, labelled, **WindowOptions) → their windows of 0.2 s."""
    return _cut
