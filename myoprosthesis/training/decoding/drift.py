"""Limit of the novelty beyond which EMG has drifted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.normaliser import Normaliser
from myoprosthesis.decoders.novelty import NoveltyDetector
from myoprosthesis.decoders.options import DecoderOptions
from myoprosthesis.training.decoding.fitting import targets_of
from myoprosthesis.training.decoding.windows import Windows, splits

DRIFT_MARGIN = 1.3
"""The limit is this times the largest median novelty of any held-out part."""


def drift_limit(w: Windows, settings: DecoderOptions, names: Sequence[str], step_s: float) -> float:
    """The median novelty beyond which EMG has drifted; 0 where nothing can be held out to find it.

    Each repetition (session, file) is held out in turn. The largest median over `drift_s` of its novelty is reached
    without drift; the limit is `DRIFT_MARGIN` times that.
    """
    by = next((b for b in ("session", "repetition", "file") if len(set(getattr(w, b).tolist())) > 1), "time")
    n = max(1, round(settings.drift_s / step_s))
    largest = 0.0
    for _, train, test in splits(w, by):
        part = w.where(test)
        try:
            _, groups = targets_of(w.where(train), settings.task, names)
        except ConfigError:  # a class that only the held-out part has
            continue
        normaliser = Normaliser.of(w.x[train])
        distance = NoveltyDetector.of(normaliser(w.x[train]), groups)(normaliser(part.x))
        for file in set(part.file.tolist()):
            own = distance[part.file == file]
            medians = [np.median(own[k : k + n]) for k in range(max(1, len(own) - n + 1))]
            largest = max(largest, float(max(medians)))
    return DRIFT_MARGIN * largest
