"""Options of imitation."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.options import option


@dataclass(frozen=True)
class ImitationOptions:
    """How much is asked of the teacher, and how often each answer is learned from."""

    labels: int = option(256, "samples of each batch for which the teacher is asked", "", 1)
    updates: int = option(100, "gradient steps after each batch", "", 1, 100_000)
    minibatch: int = option(512, "samples in a gradient step", "", 1)
    learning_rate: float = option(1e-3, "of the actor at first", "1", 0.0, 1.0)
    settle: float = option(20.0, "n: after k batches the rate is divided by √(1 + k / n)", "batches", 1.0)
