"""An imported actor computed by torch's own modules, which the written file is compared with."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from myoprosthesis.onnx_graphs.actor_network import ActorNetwork

UNITS: dict[str, type[nn.Module]] = {
    **{"silu": nn.SiLU, "elu": nn.ELU, "tanh": nn.Tanh, "relu": nn.ReLU},
    **{"leaky_relu": nn.LeakyReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity},
}


class TorchActor:
    """The network's own action for its own observation, step by step from a state of zero."""

    def __init__(self, network: ActorNetwork) -> None:
        self.network = network
        self._memory = _memory(network)
        parts: list[nn.Module] = []
        for weight, bias in network.layers:
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.load_state_dict({"weight": torch.as_tensor(weight), "bias": torch.as_tensor(bias)})
            parts += [layer, UNITS[network.activation]()]
        self._layers = nn.Sequential(*parts[:-1])
        self.state: tuple[Tensor, ...] = ()

    @torch.no_grad()
    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """The action (m,) for an observation (n,) in the network's units."""
        x = torch.from_numpy(self._normalised(observation).astype(np.float32))[None]
        if self._memory is not None:
            before = self.state if isinstance(self._memory, nn.LSTM) else self.state[0] if self.state else None
            x, after = self._memory(x[None], before or None if isinstance(before, tuple) else before)
            self.state, x = after if isinstance(after, tuple) else (after,), x[0]
        action = self._layers(x)[0]
        if self.network.limit is not None:
            action = action.clamp(-self.network.limit, self.network.limit)
        return self._bounded(action.numpy())

    def hidden(self) -> NDArray[np.float32]:
        """The recurrent state, flat, in the order of `ActorNetwork.hidden`."""
        parts = [state[i, 0].numpy() for i in range(len(self.network.recurrent)) for state in self.state]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _normalised(self, observation: NDArray[np.float32]) -> NDArray[np.floating]:
        normaliser = self.network.normaliser
        if normaliser is None:
            return observation
        x = (observation - normaliser.mean) / normaliser.deviation
        return x if normaliser.clip is None else np.clip(x, -normaliser.clip, normaliser.clip)

    def _bounded(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        low, high = self.network.low, self.network.high
        if low is None or high is None:
            return action
        if not self.network.squashed:
            return np.clip(action, low, high)
        return np.asarray(low + 0.5 * (np.tanh(action) + 1.0) * (high - low), np.float32)


def _memory(network: ActorNetwork) -> nn.LSTM | nn.GRU | None:
    if not network.recurrent:
        return None
    first = network.recurrent[0]
    kind = nn.LSTM if first.kind == "lstm" else nn.GRU
    memory = kind(network.n_observations, first.size, len(network.recurrent))
    tensors: dict[str, Tensor] = {}
    for i, layer in enumerate(network.recurrent):
        parts = {"weight_ih": layer.w_in, "weight_hh": layer.w_rec, "bias_ih": layer.b_in, "bias_hh": layer.b_rec}
        tensors |= {f"{name}_l{i}": torch.as_tensor(value) for name, value in parts.items()}
    memory.load_state_dict(tensors)
    return memory
