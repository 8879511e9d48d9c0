"""A decoder fitted to one stream of EMG and one hand: blocks of samples in, postures out."""

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
from myoprosthesis.decoders.posture_control import PostureController, PostureControlOptions

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EmgStreamSpec:
    """What a decoder must know of the EMG that it will hear."""

    channels: tuple[str, ...]
    rate: float
    conditioning: dict[str, Any]


class DecoderController:
    """Controller that runs a decoder on blocks (n, n_channels) of conditioned EMG."""

    period = 1

    def __init__(
        self, name: str, policy: DecoderModel, spec: EffectorSpec, stream: EmgStreamSpec, options: PostureControlOptions
    ) -> None:
        """Refuses with a sentence: EMG conditioned otherwise, missing channels, answers that move nothing here."""
        self.name, self.policy, self.contract = name, policy, policy.contract
        self._columns = self.contract.match_emg(stream.channels, stream.conditioning)
        self._decoder = Decoder(policy)
        action, n = self.contract.action, len(self._decoder.names)
        self._drive = PostureController(
            name, self._decoder.names, action.units[0], self._decoder.settings, spec, options,
            (action.low[:n], action.high[:n]),
        )  # fmt: skip
        self.decision: Decision | None = None
        self.made: list[Decision] = []
        """The decisions of the newest block."""
        self.fresh = False

    @property
    def names(self) -> Sequence[str]:
        """Names of the answers."""
        return self._decoder.names

    @property
    def rest(self) -> str:
        """The answer that is no movement; empty: none is."""
        return self._decoder.settings.rest

    @property
    def window(self) -> int:
        """Samples that a decision looks back."""
        return self._decoder.features.window

    @property
    def command(self) -> Array | None:
        """The newest posture."""
        return self._drive.posture

    def reset(self) -> None:
        """Forget the past; the posture stays."""
        self._decoder.reset()
        self.decision, self.made = None, []

    def on_activate(self, last_command: Array) -> None:
        """See `Controller.on_activate`: go on from this posture."""
        self._drive.adopt(last_command)

    def perturb(self, entries: Sequence[PerturbationEntry]) -> None:
        """See `Controller.perturb`: a decoder sees nothing of the effector that could be perturbed."""
        if entries:
            raise Refused(f"decoder {self.name!r} sees EMG: perturb that instead")

    def update(self, block: Array, moment: Moment) -> Array:
        """The posture after these samples, which moves on for as long as they stand for."""
        self.made = self._decoder.feed(block[:, self._columns])
        self.fresh = bool(self.made)
        if self.made:
            self.decision = self.made[-1]
        posture = self._drive.advance(self.decision, moment.seconds)
        return posture if posture is not None else np.zeros(0)
