"""From decisions to joint targets: grips at a speed that grows with the muscles' activity, or joints one by one."""

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
from myoprosthesis.decoders.options import DecoderOptions

Array = NDArray[np.float64]
HOLD = "hold"
OPEN = "open"


@dataclass(frozen=True)
class PostureControlOptions:
    """What decisions do to a hand."""

    grips: tuple[str, ...] = option(
        (), "what each answer of a decoder moves: flexion=pinch (a pose), thumb=thumb_flexor (a joint) or rest=hold"
    )
    speed: float = option(2.0, "fastest change of a joint, at full activity", "rad/s", 0.01, 20.0)

    def __post_init__(self) -> None:
        for pair in self.grips:
            if pair.count("=") != 1 or not all(pair.split("=")):
                raise ConfigError(f"grips takes pairs as close=power, got {pair!r}")

    def meaning(self, name: str) -> str:
        """What an answer moves."""
        return dict(p.split("=") for p in self.grips).get(name, name)


class PostureController:
    """Moves a posture (rad, in the order of the effector's command) as decisions say; it stays where nothing does."""

    def __init__(
        self,
        name: str,
        answers: Sequence[str],
        unit: str,
        settings: DecoderOptions,
        spec: EffectorSpec,
        options: PostureControlOptions,
        fitted: tuple[Sequence[float], Sequence[float]] | None = None,
    ) -> None:
        """`answers` of decoder `name`: its classes, or its values in `unit`; refuses one that moves nothing here.

        Values in the unit of the command are where joints go; values in any other unit close a pose or a joint by
        their share of the range (lowest, highest) that was `fitted`, 0 to 1 where none is given.
        """
        if spec.command.quantity != "position":
            raise ContractError(
                f"decoder {name!r} gives postures, effector {spec.name!r} takes {spec.command.quantity}"
            )
        self._classes, self._speed = settings.task == "classes", options.speed
        self._switches = settings.task == "switches"
        self._low, self._high = spec.command.bounds()
        self._posture: Array | None = None
        self._goals: dict[str, Array | None] = {}
        self._joints: list[tuple[int, int, float, bool]] = []
        self._poses: list[tuple[int, Array]] = []
        self._open = np.clip(np.array(spec.poses.get(OPEN, self._low), float), self._low, self._high)
        for k, answer in enumerate(answers):
            meant = options.meaning(answer)
            pose = np.array(spec.poses[meant], float) if meant in spec.poses else None
            if meant == HOLD or answer == settings.rest:
                self._goals[answer] = None
            elif pose is not None:
                self._goals[answer] = pose
                self._poses.append((k, pose))
            elif not self._classes and meant in spec.command.names:
                j = spec.command.names.index(meant)
                ends = self._low[j], self._high[j]
                far = max(ends, key=lambda end: abs(end - self._open[j]))
                self._joints.append((k, j, float(far), unit == spec.command.units[j]))
            else:
                known = ", ".join(spec.poses) or "none"
                joints = "" if self._classes else f"; its joints: {', '.join(spec.command.names)}"
                closing = next((pose for pose in spec.poses if pose != OPEN), HOLD)
                raise ContractError(
                    f"decoder {name!r} answers {answer!r}, which moves nothing of effector {spec.name!r} (its poses: "
                    f"{known}{joints}): give it one, such as policy.grips=[{answer}={closing}], or hold to stay"
                )
        low, high = fitted if fitted is not None and unit != "1" else ((0.0,) * len(answers), (1.0,) * len(answers))
        self._floor, self._span = np.array(low, float), np.maximum(np.subtract(high, low), 1e-12)

    @property
    def posture(self) -> Array | None:
        """Where the hand is to be; None before `adopt`."""
        return self._posture

    def adopt(self, posture: Array) -> None:
        """Go on from here; a posture that is not finite is no place to go on from."""
        if np.isfinite(posture).all():
            self._posture = bounded(posture, self._low, self._high)

    def advance(self, decision: Decision | None, seconds: float) -> Array | None:
        """The posture after so much more time under a decision."""
        if self._posture is None or decision is None:
            return self._posture
        goal = self._goals.get(decision.choice) if self._classes else self._wanted(decision)
        if goal is None or not np.isfinite(goal).all():
            return self._posture
        way = goal - self._posture
        longest = float(np.abs(way).max())
        step = self._speed * decision.speed * seconds
        if longest > 0 and np.isfinite(step):
            self._posture = bounded(self._posture + way * min(1.0, step / longest), self._low, self._high)
        return self._posture

    def _wanted(self, decision: Decision) -> Array | None:
        """The posture that values ask for; those that are not finite, or far from what was fitted, ask for nothing."""
        if decision.rejected or not np.isfinite(decision.scores).all():
            return None
        assert self._posture is not None
        goal = self._open.copy() if self._poses else self._posture.copy()
        closure = np.round(decision.scores) if self._switches else (decision.scores - self._floor) / self._span
        closure = bounded(closure, 0.0, 1.0)
        for k, pose in self._poses:
            goal += closure[k] * (pose - self._open)
        for k, j, far, in_unit in self._joints:
            goal[j] = decision.scores[k] if in_unit else self._open[j] + closure[k] * (far - self._open[j])
        return bounded(goal, self._low, self._high)
