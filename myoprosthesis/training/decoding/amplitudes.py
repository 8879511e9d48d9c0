"""Range of the amplitude of each class, for proportional speed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from myoprosthesis.decoders.amplitude import Amplitude
from myoprosthesis.decoders.features import columns
from myoprosthesis.training.decoding.windows import Windows


def amplitudes(w: Windows, features: Sequence[str], channels: Sequence[str], rest: str) -> dict[str, list[float]]:
    """Amplitude, as `decoders.amplitude` reads it, at speed 0 and at speed 1, by class.

    Speed 0: the 95th percentile of rest, or the 5th of the class without rest; speed 1: the 90th percentile of the
    class.
    """
    reader = Amplitude.of([name for f in features for name in columns(f, channels)])
    if reader is None:
        return {}
    amplitude = reader(w.x)
    out = {}
    for name in sorted(set(w.label.tolist()) - {rest, ""}):
        own = amplitude[w.label == name]
        low = np.percentile(amplitude[w.label == rest], 95) if rest else np.percentile(own, 5)
        high = float(np.percentile(own, 90))
        if high > low:
            out[name] = [float(low), high]
    return out
