"""A trained actor as one ONNX file with its normaliser, its action map and its contract inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from myoprosthesis.core.contract import Contract
from myoprosthesis.onnx_graphs.mlp_policy import mlp_policy
from myoprosthesis.training import exported_policy
from myoprosthesis.training.exported_policy import PARITY_STEPS
from myoprosthesis.training.rl.action_map import ActionMap
from myoprosthesis.training.rl.network import UNITS, Actor

PAST = "past"
"""Recurrent state of an exported policy: the smoothed action."""


def hidden(action_map: ActionMap) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Recurrent states of the contract: the smoothed action, where it is smoothed."""
    return ((PAST, (1, action_map.low.size)),) if action_map.smoothing else ()


def to_onnx(actor: Actor, action_map: ActionMap, contract: Contract) -> onnx.ModelProto:
    """The graph of `mlp_policy` with the weights of `actor`; its mean action, without exploration."""
    linear = [layer for layer in actor.layers if isinstance(layer, nn.Linear)]
    activation = next((n for n, kind in UNITS.items() if any(type(part) is kind for part in actor.layers)), "silu")
    weights: dict[str, NDArray[np.floating]] = {
        "mean": _array(actor.mean)[None],
        "scale": _array(actor.scale)[None],
        "centre": action_map.centre,
        "gain": np.array([action_map.gain]),
    }
    for i, layer in enumerate(linear):
        weights |= {f"w{i}": _array(layer.weight), f"b{i}": _array(layer.bias)}
    for i, units in enumerate(part for part in actor.layers if isinstance(part, nn.LayerNorm)):
        weights |= {f"unit_scale{i}": _array(units.weight), f"unit_shift{i}": _array(units.bias)}
    if action_map.smoothing:
        weights["smoothing"] = np.array([action_map.smoothing])
    if action_map.guide is not None:
        weights["guide"] = action_map.guide
    sees_past = actor.mean.numel() > contract.observation_size
    return mlp_policy(contract, weights, activation, action_map.bounded, sees_past)


def parity(actor: Actor, action_map: ActionMap, model: onnx.ModelProto, steps: int = PARITY_STEPS) -> float:
    """Largest difference of action and memory between torch and onnxruntime over `steps` random observations.

    Each side goes on from its own memory, so that differences can add up; a tenth of the observations is clipped. Not
    so with a guide, which sees them as they are: far away its terms are thousands of logits that cancel, and rounding
    them in another order is no other policy.
    """
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    mean, scale = _array(actor.mean), _array(actor.scale)
    n = session.get_inputs()[0].shape[1]
    ours = np.zeros((1, action_map.low.size), np.float32)
    theirs, worst = ours, 0.0
    for _ in range(steps):
        spread = 20.0 if rng.random() < 0.1 and action_map.guide is None else 1.0
        observation = (mean + rng.normal(0, spread, mean.size) / scale).astype(np.float32)[None]
        with torch.inference_mode():
            seen = np.concatenate([observation[:, :n], ours], axis=1) if mean.size > n else observation
            ours = action_map.smoothed(ours, actor(torch.from_numpy(seen)).numpy())
        wanted = action_map.squashed(ours, observation[:, :n])
        inputs = {"observation": observation[:, :n], **({PAST: theirs} if action_map.smoothing else {})}
        action, *memory = session.run(None, inputs)
        worst = max(worst, float(np.abs(action - wanted).max()))
        if memory:
            theirs = memory[0]
            worst = max(worst, float(np.abs(theirs - ours).max()))
    return worst


def export(actor: Actor, action_map: ActionMap, contract: Contract, path: Path) -> float:
    """Write `path` if torch and onnxruntime agree, and return their difference; refuses otherwise."""
    model = to_onnx(actor, action_map, contract)
    return exported_policy.write(model, parity(actor, action_map, model), path)


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().cpu().numpy().astype(np.float32)
