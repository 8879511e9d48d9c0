"""Decoder: conditioned EMG in, decisions out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.errors import ContractError, MyoError
from myoprosthesis.core.options import build
from myoprosthesis.decoders.amplitude import Amplitude
from myoprosthesis.decoders.decision import Decision, DecisionPostprocessor
from myoprosthesis.decoders.features import FeatureStream
from myoprosthesis.decoders.novelty import NOVELTY
from myoprosthesis.decoders.options import DecoderOptions

Array = NDArray[np.float64]


class DecoderModel(Protocol):
    """Runner of a decoder's graph; any policy is one.

    Attributes:
        contract: Features (observation), outputs (action) and conditioning that the decoder was fitted with.
    """

    contract: Contract

    def step(self, observation: NDArray[np.float32]) -> Array:
        """Scores and novelty of one window.

        Args:
            observation: Features, shape (n_features,) in the order of the contract, finite.

        Returns:
            Shape (n_names + 1,): scores or values in the order of the contract, then the novelty.
        """
        ...

    def reset(self) -> None:
        """Set the recurrent state to zero."""
        ...


class Decoder:
    """Decisions from a stream of conditioned EMG; they do not depend on how the stream is cut into blocks."""

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
            raise ContractError(f"decoder {contract.name!r} needs features in an order that this version does not have")
        self.newest_features: Array = np.zeros((0, len(self.features.names)))
        """Features of the windows that the newest samples completed, shape (n_windows, n_features)."""
        self.names = contract.action.names[:-1]
        amplitude = Amplitude.of(self.features.names)
        if settings.amplitude and amplitude is None:
            raise ContractError(f"decoder {contract.name!r} scales speed by amplitude, but has no feature mav or tdpsd")
        self._model, self._postprocessor = model, DecisionPostprocessor(settings, self.names, contract.dt, amplitude)

    @property
    def settings(self) -> DecoderOptions:
        """Options of the decisions, from the contract."""
        return self._postprocessor.settings

    def reset(self) -> None:
        """Start a new stream; the recurrent state of the model is zero."""
        self._model.reset()
        self.features.reset()
        self._postprocessor.reset()

    def decode(self, filtered: Array) -> list[Decision]:
        """Decisions on the windows that the next samples complete.

        Args:
            filtered: Conditioned samples, shape (n, n_channels) in the order of `contract.emg_channels`.
        """
        ends, rows = self.features.extract(self.settings.placement.undo(filtered))
        self.newest_features = rows
        return [
            self._postprocessor.decide(int(end), row, self._act(_single(row)))
            for end, row in zip(ends, rows, strict=True)
        ]

    def _act(self, row: NDArray[np.float32]) -> Array:
        """Output of the model; NaN for features that are not finite.

        The model never sees those: ONNX clips NaN to a bound, and a memory would keep it.
        """
        return self._model.step(row) if np.isfinite(row).all() else np.full(len(self.names) + 1, np.nan)


def _single(row: Array) -> NDArray[np.float32]:
    """Features in single precision, infinite beyond its range."""
    with np.errstate(over="ignore"):
        return row.astype(np.float32)
