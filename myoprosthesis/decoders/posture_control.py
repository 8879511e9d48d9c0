"""Control of a hand's posture by decisions: grips at a speed that grows with the EMG, or joints one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import bounded
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.options import option
from myoprosthesis.decoders.decision import Decision
from myoprosthesis.decoders.options import CLASSIFICATION, MULTILABEL, DecoderOptions

Array = NDArray[np.float64]
HOLD = "hold"
OPEN = "open"


@dataclass(frozen=True)
class PostureControlOptions:
    """What each output of a decoder moves, and how fast."""

    grips: tuple[str, ...] = option(
        (), "what each output of a decoder moves: flexion=pinch (a pose), thumb=thumb_flexor (a joint) or rest=hold"
    )
    speed: float = option(2.0, "fastest change of a joint, at full activity", "rad/s", 0.01, 20.0)

    def __post_init__(self) -> None:
        for pair in self.grips:
            if pair.count("=") != 1 or not all(pair.split("=")):
                raise ConfigError(f"grips takes pairs as close=power, got {pair!r}")

    def meaning(self, name: str) -> str:
        """The pose or joint that an output moves."""
        return dict(p.split("=") for p in self.grips).get(name, name)


class PostureController:
    """Moves a posture (rad, in the order of the effector's command) according to decisions."""

    def __init__(
        self,
        name: str,
        outputs: Sequence[str],
        unit: str,
        settings: DecoderOptions,
        spec: EffectorSpec,
        options: PostureControlOptions,
        output_range: tuple[Sequence[float], Sequence[float]] | None = None,
    ) -> None:
        """Outputs of decoder `name` on the effector of `spec`.

        Values in the unit of the command are joint targets; values in another unit close a pose or a joint by their
        share of the `output_range`.

        Args:
            name: Name of the decoder, for messages.
            outputs: Names of its classes or values.
            unit: Unit of its values.
            settings: Task and class of rest.
            spec: Effector, whose command must be positions.
            options: What each output moves, and how fast.
            output_range: Lowest and highest value of each output in the fit; None: 0 to 1.

        Raises:
            ContractError: An output moves nothing of this effector, or the effector takes no positions.
        """
        if spec.command.quantity != "position":
            raise ContractError(
                f"decoder {name!r} gives postures, effector {spec.name!r} takes {spec.command.quantity}"
            )
        self._classes, self._speed = settings.task == CLASSIFICATION, options.speed
        self._multilabel = settings.task == MULTILABEL
        self._low, self._high = spec.command.bounds()
        self._posture: Array | None = None
        self._goals: dict[str, Array | None] = {}
        self._joints: list[tuple[int, int, float, bool]] = []
        self._poses: list[tuple[int, Array]] = []
        self._open = np.clip(np.array(spec.poses.get(OPEN, self._low), float), self._low, self._high)
        for k, output in enumerate(outputs):
            moved = options.meaning(output)
            pose = np.array(spec.poses[moved], float) if moved in spec.poses else None
            if moved == HOLD or output == settings.rest:
                self._goals[output] = None
            elif pose is not None:
                self._goals[output] = pose
                self._poses.append((k, pose))
            elif not self._classes and moved in spec.command.names:
                j = spec.command.names.index(moved)
                ends = self._low[j], self._high[j]
                far = max(ends, key=lambda end: abs(end - self._open[j]))
                self._joints.append((k, j, float(far), unit == spec.command.units[j]))
            else:
                known = ", ".join(spec.poses) or "none"
                joints = "" if self._classes else f"; its joints: {', '.join(spec.command.names)}"
                closing = next((pose for pose in spec.poses if pose != OPEN), HOLD)
                raise ContractError(
                    f"output {output!r} of decoder {name!r} moves nothing of effector {spec.name!r} (its poses: {known}"
                    f"{joints}): give it one, such as policy.grips=[{output}={closing}], or hold to stay"
                )
        low, high = (
            output_range if output_range is not None and unit != "1" else ((0.0,) * len(outputs), (1.0,) * len(outputs))
        )
        self._floor, self._span = np.array(low, float), np.maximum(np.subtract(high, low), 1e-12)

    @property
    def posture(self) -> Array | None:
        """Commanded posture, rad; None before `start_from`."""
        return self._posture

    def start_from(self, posture: Array) -> None:
        """Start from this posture (rad); one that is not finite is ignored."""
        if np.isfinite(posture).all():
            self._posture = bounded(posture, self._low, self._high)

    def advance(self, decision: Decision | None, seconds: float) -> Array | None:
        """The posture (rad) after `seconds` more under a decision."""
        if self._posture is None or decision is None:
            return self._posture
        goal = self._goals.get(decision.choice) if self._classes else self._target(decision, self._posture)
        if goal is None or not np.isfinite(goal).all():
            return self._posture
        path = goal - self._posture
        longest = float(np.abs(path).max())
        step = self._speed * decision.speed * seconds
        if longest > 0 and np.isfinite(step):
            self._posture = bounded(self._posture + path * min(1.0, step / longest), self._low, self._high)
        return self._posture

    def _target(self, decision: Decision, posture: Array) -> Array | None:
        """Target posture of values, from `posture`; None for values that are not finite or rejected."""
        if decision.rejected or not np.isfinite(decision.scores).all():
            return None
        goal = self._open.copy() if self._poses else posture.copy()
        closure = np.round(decision.scores) if self._multilabel else (decision.scores - self._floor) / self._span
        closure = bounded(closure, 0.0, 1.0)
        for k, pose in self._poses:
            goal += closure[k] * (pose - self._open)
        for k, j, far, in_unit in self._joints:
            goal[j] = decision.scores[k] if in_unit else self._open[j] + closure[k] * (far - self._open[j])
        return bounded(goal, self._low, self._high)
