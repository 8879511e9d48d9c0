"""A trained policy as one ONNX file with its normaliser and its contract inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.onnx_graphs.gru_policy import gru_policy
from myoprosthesis.training import exported_policy
from myoprosthesis.training.exported_policy import PARITY_STEPS
from myoprosthesis.training.gradient.network import ReachPolicy


def to_onnx(policy: ReachPolicy, contract: Contract) -> onnx.ModelProto:
    """The graph of `gru_policy` with the weights of `policy`."""
    return gru_policy(contract, initializers(policy))


def initializers(policy: ReachPolicy) -> dict[str, NDArray[np.float32]]:
    """The weights of `policy` by the names and in the order of `gru_policy`; the inverse of `weights`."""
    n = policy.n_hidden

    def array(tensor: torch.Tensor) -> NDArray[np.float32]:
        return tensor.detach().cpu().numpy().astype(np.float32)

    def gates(tensor: torch.Tensor) -> NDArray[np.float32]:
        """From this package's order reset, update, candidate to ONNX's update, reset, candidate."""
        reset, update, candidate = array(tensor)[:n], array(tensor)[n : 2 * n], array(tensor)[2 * n :]
        return np.concatenate([update, reset, candidate])[None]

    return {
        "mean": array(policy.mean).T, "scale": array(policy.scale).T,
        "w_in": gates(policy.w_in), "w_rec": gates(policy.w_rec),
        "b": np.concatenate([gates(policy.b_in)[..., 0], gates(policy.b_rec)[..., 0]], axis=1),
        "w_out": array(policy.w_out), "b_out": array(policy.b_out)[:, 0],
    }  # fmt: skip


def parity(policy: ReachPolicy, model: onnx.ModelProto, steps: int = PARITY_STEPS, seed: int = 0) -> float:
    """Largest difference of action and hidden state between torch and onnxruntime over `steps` random observations.

    Each side continues from its own hidden state, so that differences can add up; a tenth of the observations
    is far enough out to be clipped.
    """
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(seed)
    mean, scale = policy.mean.numpy()[:, 0], policy.scale.numpy()[:, 0]
    ours, theirs = torch.zeros(policy.n_hidden, 1), np.zeros((1, policy.n_hidden), np.float32)
    worst = 0.0
    with torch.no_grad():
        for _ in range(steps):
            spread = 20.0 if rng.random() < 0.1 else 1.0
            observation = (mean + rng.normal(0, spread, mean.size) / scale).astype(np.float32)
            wanted, ours = policy(torch.from_numpy(observation)[:, None], ours)
            outputs, theirs = session.run(None, {"observation": observation[None], "hidden": theirs})
            worst = max(
                worst,
                float(np.abs(outputs[0] - wanted.numpy()[:, 0]).max()),
                float(np.abs(theirs[0] - ours.numpy()[:, 0]).max()),
            )
    return worst


def export(policy: ReachPolicy, contract: Contract, path: Path) -> float:
    """Write `path` if torch and onnxruntime agree, and return their difference; refuses otherwise."""
    model = to_onnx(policy, contract)
    return exported_policy.write(model, parity(policy, model), path)


def weights(path: Path) -> dict[str, torch.Tensor]:
    """The parameters in a file written by `export`, by the names of `ReachPolicy.state_dict()`."""
    try:
        model = onnx.load_model(str(path))
    except Exception as error:  # protobuf and the file system raise their own kinds
        raise ConfigError(f"no policy to start from in {path}: {error}") from error
    held = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
    missing = {"mean", "scale", "w_in", "w_rec", "b", "w_out", "b_out"} - set(held)
    if missing:
        raise ConfigError(f"{path} was not exported by myoprosthesis train: it has no {', '.join(sorted(missing))}")

    def gates(tensor: torch.Tensor) -> torch.Tensor:
        update, reset, candidate = tensor.chunk(3)
        return torch.cat([reset, update, candidate])

    b_in, b_rec = held["b"][0].chunk(2)
    return {
        "mean": held["mean"].T.contiguous(),
        "scale": held["scale"].T.contiguous(),
        "w_in": gates(held["w_in"][0]),
        "w_rec": gates(held["w_rec"][0]),
        "b_in": gates(b_in)[:, None],
        "b_rec": gates(b_rec)[:, None],
        "w_out": held["w_out"],
        "b_out": held["b_out"][:, None],
    }
