"""Options of actor and critic."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option

ACTIVATIONS = ("silu", "elu", "tanh", "relu")
EXPLORATIONS = ("independent", "lattice", "learned")


@dataclass(frozen=True)
class NetworkOptions:
    """Size of the networks, and how the policy explores around its mean."""

    actor: tuple[int, ...] = option((256, 256), "units of the actor's hidden layers", "", 1, 8192)
    critic: tuple[int, ...] = option((256, 256), "units of the critic's hidden layers", "", 1, 8192)
    activation: str = option("silu", "of the hidden layers", choices=ACTIVATIONS)
    exploration: str = option(
        "independent",
        "noise of each action, or along the actor's last layer, or learned for each observation (SAC)",
        choices=EXPLORATIONS,
    )
    log_sd: float = option(
        -1.0, "initial log of the noise's standard deviation, before the action map", "1", -10.0, 2.0
    )
    log_sd_range: tuple[float, float] = option((-3.0, 0.5), "bounds of that", "1", -10.0, 2.0)
    smoothing: float = option(0.7, "part of the past in each smoothed action; 0: none", "1", 0.0, 0.999)
    gain: float = option(2.5, "of the smoothed action, in logits of the effector's range", "1", 1e-3, 100.0)
    bounded: bool = option(False, "squash each action to −1 … 1 before it is smoothed")
    observes_past: bool = option(False, "let the networks see the smoothed action beside the observation")
    layer_norm: bool = option(False, "normalise the units of each hidden layer of the actor before its activation")

    def __post_init__(self) -> None:
        if self.observes_past and not self.smoothing:
            raise ConfigError("observes_past: there is no past where smoothing is 0")
