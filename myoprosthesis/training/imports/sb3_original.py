"""The policy class of stable-baselines3 itself, with the weights of a file, where the library is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from myoprosthesis.training.imports.sb3_zip import TORCH, Sb3Model
from myoprosthesis.training.imports.torch_actor import UNITS

Act = Callable[[NDArray[np.float32]], NDArray[np.float32]]
CLASSES = {
    ("actor_critic", False): ("stable_baselines3.common.policies", "ActorCriticPolicy"),
    ("actor_critic", True): ("sb3_contrib.common.recurrent.policies", "RecurrentActorCriticPolicy"),
    ("sac", False): ("stable_baselines3.sac.policies", "SACPolicy"),
    ("td3", False): ("stable_baselines3.td3.policies", "TD3Policy"),
}


def act(model: Sb3Model) -> Act | None:
    """The deterministic action (m,) of an observation (n,) that `predict` of the library's class gives, step by step.

    The class is built from the readable options and given the tensors of the actor: nothing is unpickled. None where
    the library is not installed, the file is of a release that builds its layers otherwise, or of a class of its own.
    """
    network = model.network
    module, name = CLASSES[model.policy, bool(network.recurrent)]
    if (model.module and model.module != module) or network.low is None or network.high is None:
        return None
    try:
        kind = getattr(importlib.import_module(module), name)
        spaces = importlib.import_module("gymnasium").spaces
        policy = kind(
            spaces.Box(-np.inf, np.inf, (network.n_observations,), np.float32),
            spaces.Box(network.low, network.high, dtype=np.float32),
            lambda _: 0.0,
            **_options(model),
        )
        own = policy.state_dict()
        policy.load_state_dict(
            {k: torch.as_tensor(model.tensors[k]) if _of_actor(k) else v for k, v in own.items()}, strict=True
        )
    except (ImportError, AttributeError, TypeError, KeyError, RuntimeError, AssertionError):
        return None
    state: Any = None

    def step(observation: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal state
        x: NDArray[Any] = observation
        if network.normaliser is not None:
            x = (x - network.normaliser.mean) / network.normaliser.deviation
            x = np.clip(x, -network.normaliser.clip, network.normaliser.clip).astype(np.float32)  # type: ignore[operator]
        action, state = policy.predict(x, state=state, deterministic=True)
        return np.asarray(action, np.float32)

    return step


def _options(model: Sb3Model) -> dict[str, Any]:
    """Options of the class that decide the shapes of the actor's layers."""
    network, settings = model.network, model.settings
    hidden = [len(weight) for weight, _ in network.layers[:-1]]
    options: dict[str, Any] = {"net_arch": {"pi": hidden, "vf": []} if model.policy == "actor_critic" else hidden}
    if network.activation in TORCH.values():
        options["activation_fn"] = UNITS[network.activation]
    gsde = (
        model.policy == "actor_critic" and model.tensors["log_std"].ndim == 2 if "log_std" in model.tensors else False
    )
    if gsde or network.limit is not None:
        options["use_sde"] = True
    if model.policy == "sac" and network.limit is not None:
        options["clip_mean"] = network.limit
    if model.policy == "actor_critic" and network.squashed:
        options["squash_output"] = True
    if "full_std" in settings:
        options["full_std"] = settings["full_std"]
    if network.recurrent:
        options |= {"lstm_hidden_size": network.recurrent[0].size, "n_lstm_layers": len(network.recurrent)}
    return options


def _of_actor(name: str) -> bool:
    """Whether a tensor has to do with the action; others, such as those of a critic, need not fit."""
    return name.startswith(("action_net", "mlp_extractor.policy_net", "lstm_actor", "actor."))
