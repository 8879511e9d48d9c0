"""A recorded session on which decoders and hands are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.pauses import breaks
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.cross_validation import short_names
from myoprosthesis.training.decoding.windows import repetitions

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ComparedTrial:
    """One labelled span of a session: samples `start` to `stop` (exclusive) of the whole."""

    number: int
    file: str
    repetition: str
    label: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class ComparedSession:
    """Recordings of one session, concatenated."""

    samples: Array
    """(n_samples, n_channels) in `unit`."""
    channels: tuple[str, ...]
    rate: float
    unit: str
    trials: tuple[ComparedTrial, ...]
    breaks: tuple[int, ...] = ()
    """Places of the samples before which time is missing, or another file ends: a decoder is reset there."""

    @classmethod
    def of(cls, recordings: Sequence[tuple[Path, EmgRecording]], layout: RecordingFormat) -> ComparedSession:
        """From recordings with the same channels, rate and unit; raises `ConfigError` if none has a label."""
        trials: list[ComparedTrial] = []
        apart: list[int] = []
        names = short_names([str(path) for path, _ in recordings])
        offset = 0
        for path, recording in recordings:
            apart += [offset] * bool(offset) + [offset + int(k) for k in breaks(recording)]
            for span, repetition in zip(recording.spans, repetitions(recording, layout, path), strict=True):
                trials.append(
                    ComparedTrial(
                        len(trials), names[str(path)], repetition, span.label, offset + span.start, offset + span.stop
                    )
                )
            offset += len(recording)
        if not trials:
            raise ConfigError("the recording has no labels to compare the decisions with")
        first = recordings[0][1]
        samples = np.concatenate([r.samples for _, r in recordings])
        return cls(samples, first.channels, first.rate, first.unit, tuple(trials), tuple(apart))
