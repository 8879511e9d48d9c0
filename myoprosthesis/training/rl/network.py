"""Actor and critic: separate multilayer perceptrons over the normalised observation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from myoprosthesis.onnx_graphs.graph_builder import CLIP
from myoprosthesis.training.rl.exploration import Exploration, exploration, explored
from myoprosthesis.training.rl.network_options import NetworkOptions

UNITS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "elu": nn.ELU, "tanh": nn.Tanh, "relu": nn.ReLU}
"""The activations of `network_options.ACTIVATIONS`."""


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

    def act(self, observation: Tensor, noise: Tensor) -> Tensor:
        """The action (…, n_act) for standard normal `noise` of that shape; 0: the mean."""
        return explored(self(observation), self.exploration.factor(self.last_weight), noise)


class SpreadActor(Actor):
    """An actor whose exploration depends on what it observes."""

    def __init__(self, n_obs: int, n_act: int, options: NetworkOptions, generator: torch.Generator) -> None:
        super().__init__(n_obs, n_act, options, generator)
        self._range = options.log_sd_range
        self.spread_layer = nn.Linear(options.actor[-1], n_act)
        nn.init.orthogonal_(self.spread_layer.weight, 0.01, generator=generator)
        low, high = options.log_sd_range
        share = min(max((options.log_sd - low) / (high - low), 0.01), 0.99)
        nn.init.constant_(self.spread_layer.bias, math.log(share / (1 - share)))

    def trained(self) -> list[nn.Parameter]:
        """The parameters that SAC changes."""
        return [*self.layers.parameters(), *self.spread_layer.parameters()]

    def spread(self, normalised: Tensor) -> tuple[Tensor, Tensor]:
        """Mean action and log of its standard deviation, (…, n_act) both, of a normalised observation."""
        units = self.layers[:-1](normalised)
        low, high = self._range
        mean, share = self.layers[-1](units), torch.sigmoid(self.spread_layer(units))
        return mean.float(), low + (high - low) * share.float()

    def act(self, observation: Tensor, noise: Tensor) -> Tensor:
        """See `Actor.act`."""
        mean, log_sd = self.spread(self.normalised(observation))
        return mean + log_sd.exp() * noise


def actor(n_obs: int, n_act: int, options: NetworkOptions, generator: torch.Generator) -> Actor:
    """The actor of these options."""
    return (SpreadActor if options.exploration == "learned" else Actor)(n_obs, n_act, options, generator)


def critic(n_obs: int, options: NetworkOptions, generator: torch.Generator) -> nn.Sequential:
    """A network of the normalised observation with one output, the value."""
    return _layers((n_obs, *options.critic, 1), options.activation, 1.0, generator)


def arrays(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Parameters and normaliser of a network by name, as collectors take them."""
    return {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}


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
        parts += [layer] if final else [layer, *([nn.LayerNorm(n_out)] if norm else []), UNITS[activation]()]
    return nn.Sequential(*parts)
