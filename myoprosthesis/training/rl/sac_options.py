"""Options of the soft actor-critic."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option


@dataclass(frozen=True)
class SacOptions:
    """How every sample is used again and again, and what the critic can tell apart."""

    gamma: float = option(0.97, "discount of one step", "1", 0.0, 1.0)
    n_step: int = option(1, "rewards that are added up before the critic tells the rest", "steps", 1, 1000)
    updates: int = option(16, "of the critic after each batch of samples", "", 1, 100_000)
    actor_every: int = option(2, "updates of the critic for one of the actor", "", 1, 1000)
    minibatch: int = option(1024, "samples in an update", "", 1)
    capacity: int = option(1_000_000, "newest samples that are kept", "", 1)
    start: int = option(20_000, "samples before the first update", "", 1)
    learning_rate: float = option(3e-4, "of actor and critic", "1", 0.0, 1.0)
    decay: float = option(1e-3, "of the weights of both", "1", 0.0, 1.0)
    target_rate: float = option(0.01, "part of the critic that its slow copy takes over in an update", "1", 1e-6, 1.0)
    average_rate: float = option(
        1.0, "part of the actor that its average takes over in each of its updates; the average is the policy that is "
        "exported. 1: the newest actor itself", "1", 1e-6, 1.0,
    )  # fmt: skip
    entropy: float = option(-0.6, "of the policy for each action, to which its price is adapted", "nat")
    temperature: float = option(0.005, "price of entropy at first", "1", 1e-9)
    reward_scale: float = option(0.125, "factor of the rewards", "1", 1e-9)
    value_range: tuple[float, float] = option((-4.0, 36.0), "of scaled returns that the critic can tell apart")
    atoms: int = option(101, "steps of that range", "", 2, 10_000)
    precision: str = option(
        "float32", "of the products of matrices in an update; bfloat16 is faster where the processor has it",
        choices=("float32", "bfloat16"),
    )  # fmt: skip
    keep_samples: bool = option(True, "write the samples into checkpoints, so that a run goes on bit for bit")

    def __post_init__(self) -> None:
        low, high = self.value_range
        if not low < high:
            raise ConfigError(f"value_range goes from {low:g} to {high:g}: the lower end comes first")
        if self.capacity < self.start:
            raise ConfigError(f"capacity {self.capacity} is below start {self.start}: nothing would ever be learned")
