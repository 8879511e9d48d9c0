"""Options of PPO."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.options import option


@dataclass(frozen=True)
class PpoOptions:
    """A stage may change any of them."""

    gamma: float = option(0.98, "discount of one step", "1", 0.0, 1.0)
    decay: float = option(0.95, "λ of generalised advantage estimation", "1", 0.0, 1.0)
    clip: float = option(0.2, "largest change of an action's probability that is rewarded", "1", 1e-3, 1.0)
    epochs: int = option(4, "times that every sample is used, at most", "", 1, 1000)
    minibatch: int = option(4096, "samples in a gradient step", "", 1)
    learning_rate: float = option(1e-4, "of the actor at first, and as long as it is not adapted", "1", 0.0, 1.0)
    critic_learning_rate: float = option(5e-4, "of the critic", "1", 0.0, 1.0)
    target_divergence: float = option(
        0.01, "of the policy in an update, to which the rate is adapted; 0: it is not", "nat", 0.0
    )
    stop_divergence: float = option(0.03, "no further epoch beyond this; 0: never", "nat", 0.0)
    rate_range: tuple[float, float] = option((1e-5, 1e-3), "bounds of the adapted learning rate", "1", 0.0, 1.0)
    entropy: float = option(0.0, "reward of entropy", "1", 0.0)
    largest_gradient: float = option(0.5, "norm to which gradients are shortened", "1", 1e-6)
    scale_reward: bool = option(True, "divide rewards by the standard deviation of the discounted return")
