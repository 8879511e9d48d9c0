"""Controller that runs a decoder: blocks of conditioned EMG in, postures of a hand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import Refused
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.decoders.decision import Decision
from myoprosthesis.decoders.decoder import Decoder, DecoderModel
from myoprosthesis.decoders.options import CLASSIFICATION
from myoprosthesis.decoders.posture_control import PostureController, PostureControlOptions

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EmgStreamSpec:
    """Channels, rate (Hz) and conditioning of a stream of EMG."""

    channels: tuple[str, ...]
    rate: float
    conditioning: dict[str, Any]


class DecoderController:
    """Controller that runs a decoder on blocks (n, n_channels) of conditioned EMG."""

    period = 1

    def __init__(
        self, name: str, policy: DecoderModel, spec: EffectorSpec, stream: EmgStreamSpec, options: PostureControlOptions
    ) -> None:
        """Raises `ContractError` for EMG with other conditioning, missing channels, and outputs that move nothing."""
        self.name, self.policy, self.contract = name, policy, policy.contract
        self._columns = self.contract.match_emg(stream.channels, stream.conditioning)
        self._decoder = Decoder(policy)
        action, n = self.contract.action, len(self._decoder.names)
        self._posture_controller = PostureController(
            name, self._decoder.names, action.units[0], self._decoder.settings, spec, options,
            (action.low[:n], action.high[:n]),
        )  # fmt: skip
        self.decision: Decision | None = None
        self.new_decisions: list[Decision] = []
        """Decisions of the newest block."""
        self.fresh = False

    @property
    def names(self) -> Sequence[str]:
        """Names of the decoder's outputs."""
        return self._decoder.names

    @property
    def classes(self) -> Sequence[str]:
        """Those of which it decides for one at a time; none where it tells several movements at once, or values."""
        return self._decoder.names if self._decoder.settings.task == CLASSIFICATION else ()

    @property
    def rest(self) -> str:
        """The class that is no movement; empty: none is."""
        return self._decoder.settings.rest

    @property
    def window(self) -> int:
        """Length of a window in samples."""
        return self._decoder.features.window

    @property
    def new_features(self) -> Array:
        """Features of the windows that the newest block completed, shape (n_windows, n_features)."""
        return self._decoder.newest_features

    @property
    def command(self) -> Array | None:
        """The newest posture."""
        return self._posture_controller.posture

    def reset(self) -> None:
        """Start a new stream; the posture stays."""
        self._decoder.reset()
        self.decision, self.new_decisions = None, []

    def on_activate(self, last_command: Array) -> None:
        """See `Controller.on_activate`: start from this posture (rad)."""
        self._posture_controller.start_from(last_command)

    def perturb(self, entries: Sequence[PerturbationEntry]) -> None:
        """See `Controller.perturb`: a decoder has no observation of the effector to perturb."""
        if entries:
            raise Refused(f"decoder {self.name!r} sees EMG: perturb that instead")

    def update(self, block: Array, moment: Moment) -> Array:
        """See `Controller.update`: the posture (rad) after a block of samples, shape (n, n_channels)."""
        self.new_decisions = self._decoder.decode(block[:, self._columns])
        self.fresh = bool(self.new_decisions)
        if self.new_decisions:
            self.decision = self.new_decisions[-1]
        posture = self._posture_controller.advance(self.decision, moment.seconds)
        return posture if posture is not None else np.zeros(0)
