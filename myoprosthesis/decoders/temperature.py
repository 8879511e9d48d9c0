"""Confidences as probabilities: scores with a temperature.

`training/decoding/reliability.py` finds it by what was held out; decisions are made with it in `decision.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sharpened(scores: Array, temperature: float) -> Array:
    """Scores (…, n_classes) to the power 1/`temperature`, with a sum of 1: the softmax of their logarithms over it.

    Above 1 they become less certain. The order of classes stays. (Guo et al. 2017, arXiv 1706.04599.)
    """
    if temperature == 1.0:
        return scores
    highest = scores.max(axis=-1, keepdims=True)
    powers: Array = (np.maximum(scores, 0.0) / np.where(highest > 0, highest, 1.0)) ** (1.0 / temperature)
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares
