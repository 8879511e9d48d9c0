"""An adapted decoder as a file that says what it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.training.decoding.export import write_decoder
from myoprosthesis.training.decoding.fitting import Fitted

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Array = NDArray[np.float64]


def write_adapted(
    new: Fitted, parent: Path, out: Path, x: Array, result: DataclassInstance, sentence: str, *, method: str,
    seconds: float, made_by: str, recordings: Sequence[str] = (), decoding: Mapping[str, Any] | None = None,
) -> tuple[float, dict[str, Any]]:  # fmt: skip
    """Write `policy.onnx` and `card.md`.

    Args:
        new: The adapted decoder.
        parent: File of the decoder that it came from.
        out: Folder for both files.
        x: Features that it was adapted to, shape (n, n_features).
        result: What the adaptation found, into the contract.
        sentence: The same in words, for the card.
        method: labelled, unlabelled, turned, or in use.
        seconds: Length of the EMG that it was adapted to, s.
        made_by: Command line or circumstance, for the card.
        recordings: Files that it was adapted to.
        decoding: Options of decisions other than the parent's.

    Returns:
        The gap of `write_decoder`, and what the contract says of the parent (`adapted_from`).
    """
    contract = read_contract(parent)
    origin = {
        "name": contract.name, "sha256": hashlib.sha256(parent.read_bytes()).hexdigest(), "method": method,
        "seconds": seconds, "recordings": list(recordings), **asdict(result),
    }  # fmt: skip
    known = sorted({*contract.result.get("fitted_on", ()), *recordings})
    terms = replace(
        contract, name=out.name, decoding=dict(decoding or contract.decoding),
        result={"adapted_from": origin, "fitted_on": known},
    )  # fmt: skip
    gap = write_decoder(new, terms, out, x)
    (out / "card.md").write_text(
        f"# {out.name}\n\nThe decoder `{contract.name}` (SHA-256 {origin['sha256']}) adapted to {len(x)} "
        f"windows of a new day ({method}); {sentence}.\n\nMade by:\n\n    {made_by}\n",
        encoding="utf-8",
    )
    return gap, origin
