"""A policy file, written only where it is the policy that was trained."""

from __future__ import annotations

from pathlib import Path

import onnx

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training import checkpoint

PARITY_STEPS, PARITY = 1000, 1e-5
"""Over so many steps, each with the recurrent state of the step before, torch and onnxruntime differ by less."""


def write(model: onnx.ModelProto, gap: float, path: Path) -> float:
    """Write `model` if torch and onnxruntime agree, and return their difference `gap`; `ConfigError` otherwise."""
    if not gap <= PARITY:
        raise ConfigError(
            f"{path} was not written: torch and onnxruntime differ by {gap:.2g} over {PARITY_STEPS} steps, at most "
            f"{PARITY:g} is allowed"
        )
    checkpoint.write(path, model.SerializeToString())
    return gap
