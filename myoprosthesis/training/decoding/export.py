"""A fitted decoder as one ONNX file with its contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation_term import Term
from myoprosthesis.decoders.features import columns
from myoprosthesis.decoders.novelty import NOVELTY, NOVELTY_MAX
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.training.decoding.fitting import Fitted

Array = NDArray[np.float64]


def decoder_contract(
    name: str, fitted: Fitted, features: Sequence[str], channels: Sequence[str], conditioning: Conditioning,
    decoding: dict[str, Any], step_s: float, low: Array, high: Array, unit: str, result: dict[str, Any],
) -> Contract:  # fmt: skip
    """Contract of a decoder: one term per feature, one action channel per class or target, and the novelty."""
    terms = tuple(Term(f, columns(f, channels)) for f in features)
    action = Channels(
        "effort", (*fitted.names, NOVELTY), unit,
        (*(float(v) for v in low), 0.0), (*(float(v) for v in high), NOVELTY_MAX),
    )  # fmt: skip
    return Contract(
        name, "emg", terms, action, step_s, fitted.network.hidden, result=result,
        conditioning=conditioning.to_dict(), decoding=decoding,
    )  # fmt: skip


def write_decoder(fitted: Fitted, terms: Contract, folder: Path, x: Array) -> float:
    """Write `policy.onnx`.

    Returns:
        Largest relative difference between the file, run by onnxruntime, and the fitted model on windows `x`.
    """
    from myoprosthesis.decoders import graph
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    data = graph.decoder(terms, fitted.normaliser, fitted.network, fitted.novelty_detector).SerializeToString()
    file = folder / "policy.onnx"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    policy = OnnxPolicy(file)
    sample = x[np.linspace(0, len(x) - 1, min(len(x), 500)).astype(int)]
    scores, distance = fitted(sample)
    exported = np.array([policy.step(row.astype(np.float32)) for row in sample])
    size = np.maximum(1.0, np.abs(np.column_stack([scores, distance])))
    gap = float((np.abs(exported - np.column_stack([scores, distance])) / size).max())
    if not gap < 1e-3:
        raise ConfigError(f"{file} differs from the fitted model by {gap:.2g}: the fit is ill-conditioned")
    return gap
