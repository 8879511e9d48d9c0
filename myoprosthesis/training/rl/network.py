"""Actor and critic: separate multilayer perceptrons over the normalised observation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.onnx_graphs.graph_builder import CLIP
from myoprosthesis.training.rl.exploration import EXPLORATIONS, Exploration, exploration

ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "elu": nn.ELU, "tanh": nn.Tanh, "relu": nn.ReLU}


@dataclass(frozen=True)
class NetworkOptions:
    """Size of the networks, and how the policy explores around its mean."""

    actor: tuple[int, ...] = option((256, 256), "units of the actor's hidden layers", "", 1, 8192)
    critic: tuple[int, ...] = option((256, 256), "units of the critic's hidden layers", "", 1, 8192)
    activation: str = option("silu", "of the hidden layers", choices=tuple(ACTIVATIONS))
    exploration: str = option(
        "independent", "noise of each action, or along the actor's last layer", choices=EXPLORATIONS
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


class Actor(nn.Module):
    """Mean action and exploration of a policy.

    The action is one before the action map (`ActionMap`): unbounded, not smoothed.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_obs: int, n_act: int, options: NetworkOptions, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_obs))
        self.register_buffer("scale", torch.ones(n_obs))
        sizes = (n_obs, *options.actor, n_act)
        self.layers = _layers(sizes, options.activation, 0.01, generator, options.layer_norm)
        self.exploration: Exploration = exploration(options.exploration, n_act, options.log_sd, options.log_sd_range)

    @property
    def last_weight(self) -> Tensor:
        """Weights of the last layer (n_act, units)."""
        weight: Tensor = self.layers[-1].weight  # type: ignore[assignment]
        return weight

    def normalised(self, observation: Tensor) -> Tensor:
        """The observation as both networks take it."""
        return ((observation - self.mean) * self.scale).clamp(-CLIP, CLIP)

    def forward(self, observation: Tensor) -> Tensor:
        """Mean action (…, n_act) of an observation (…, n_obs)."""
        out: Tensor = self.layers(self.normalised(observation))
        return out


def critic(n_obs: int, options: NetworkOptions, generator: torch.Generator) -> nn.Sequential:
    """A network of the normalised observation with one output, the value."""
    return _layers((n_obs, *options.critic, 1), options.activation, 1.0, generator)


def _layers(
    sizes: Sequence[int], activation: str, last: float, generator: torch.Generator, norm: bool = False
) -> nn.Sequential:
    """Orthogonal weights of gain √2 and biases of zero; the gain of the last layer is `last`."""
    parts: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        final = i == len(sizes) - 2
        layer = nn.Linear(n_in, n_out)
        nn.init.orthogonal_(layer.weight, last if final else math.sqrt(2), generator=generator)
        nn.init.zeros_(layer.bias)
        parts += [layer] if final else [layer, *([nn.LayerNorm(n_out)] if norm else []), ACTIVATIONS[activation]()]
    return nn.Sequential(*parts)
