"""How well a policy does without exploration, on episodes that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.training.rl.collector_spec import CollectorSpec

APART = 1_000_003
"""Added to the seed of a run, so that episodes are others than those of its training."""
STEPS = 32


def evaluation(
    spec: CollectorSpec, weights: Mapping[str, NDArray[np.float32]], stage: int, episodes: int = 100
) -> dict[str, float]:
    """Means over the first episode of as many simulations, with the mean action of the actor.

    Returns:
        Every figure of an episode by name, and `score_sd` and `episodes`.
    """
    own = replace(
        spec, simulations=episodes, steps=STEPS, seed=spec.seed + APART, current_share=1.0, reached_share=0.0, first=0
    )
    collector = own.make(explore=False)
    first: dict[int, dict[str, float]] = {}
    batch = 0
    while len(first) < episodes:
        for episode in collector.collect(weights, stage, batch).episodes:
            first.setdefault(episode.simulation, episode.figures)
        batch += 1
    collector.close()
    rows = list(first.values())
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {**means, "score_sd": float(np.std([row["score"] for row in rows])), "episodes": float(episodes)}
