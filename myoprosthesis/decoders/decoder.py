"""A decoder at work: conditioned EMG in, decisions out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ContractError, MyoError
from myoprosthesis.core.options import build
from myoprosthesis.decoders.decision import Decision, DecisionPostprocessor
from myoprosthesis.decoders.features import FeatureStream
from myoprosthesis.decoders.novelty import NOVELTY
from myoprosthesis.decoders.options import DecoderOptions

Array = NDArray[np.float64]


class DecoderModel(Protocol):
    """What runs a decoder's graph: any policy."""

    contract: Contract

    def step(self, observation: NDArray[np.float32]) -> Array:
        """Action for an observation."""
        ...

    def reset(self) -> None:
        """Recurrent state as at the start."""
        ...


class Decoder:
    """Conditioned EMG in, decisions out, for any way to cut the stream."""

    def __init__(self, model: DecoderModel) -> None:
        contract = self.contract = model.contract
        if not contract.conditioning or contract.action.names[-1] != NOVELTY:
            raise ContractError(f"policy {contract.name!r} is no decoder: fit one with myoprosthesis decode fit")
        try:
            settings = build(DecoderOptions, contract.decoding, f"decoder {contract.name!r}")
            features = tuple(t.name for t in contract.observation)
            rate = float(contract.conditioning["rate"])
            self.features = FeatureStream(
                features, contract.emg_channels, rate, settings.window_s, contract.dt, settings.dead_zone
            )
        except MyoError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise ContractError(f"decoder {contract.name!r} has a contract that cannot be used: {error}") from error
        if self.features.names != contract.state_channels():
            raise ContractError(f"decoder {contract.name!r} wants features in an order that this version does not make")
        self.names = contract.action.names[:-1]
        loud = np.array([k for k, n in enumerate(self.features.names) if n.endswith("/mav")], np.intp)
        if settings.amplitude and not loud.size:
            raise ContractError(f"decoder {contract.name!r} scales speed by amplitude, but sees no feature mav")
        self._model, self._decider = model, DecisionPostprocessor(settings, self.names, contract.dt, loud)

    @property
    def settings(self) -> DecoderOptions:
        """How decisions are made."""
        return self._decider.settings

    def reset(self) -> None:
        """Forget the past, the recurrent state of the model included."""
        self._model.reset()
        self.features.reset()
        self._decider.reset()

    def feed(self, filtered: Array) -> list[Decision]:
        """The decisions that the next samples bring, (n, n_channels) in the order of `contract.emg_channels`."""
        ends, rows = self.features.feed(filtered)
        return [
            self._decider.decide(int(end), row, self._act(_single(row))) for end, row in zip(ends, rows, strict=True)
        ]

    def _act(self, row: NDArray[np.float32]) -> Array:
        """What the model says; features that are not finite get no answer. The model never sees them: ONNX clips NaN
        to a bound, and a memory would keep it."""
        return self._model.step(row) if np.isfinite(row).all() else np.full(len(self.names) + 1, np.nan)


def _single(row: Array) -> NDArray[np.float32]:
    """Features as the model takes them; infinite where single precision ends."""
    with np.errstate(over="ignore"):
        return row.astype(np.float32)
