"""A hand, real or a model, with the joints of a virtual hand: what is trained on one moves the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import registry
from myoprosthesis.core.channels import Channels
from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector import Device, Effector
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import build, option
from myoprosthesis.hands import data_sheets, retargeting
from myoprosthesis.hands.retargeting import JointMapping

Array = NDArray[np.float64]
MODEL = "_model"


@dataclass(frozen=True)
class RetargetedOptions:
    """Options of a mapped hand."""

    hand: str = option("ability_hand_model", "effector of the hand, a model or a real one")
    virtual: str = option("myohand", "virtual hand whose joints it has")
    options: tuple[str, ...] = option((), "options of that effector as key=value, such as port=/dev/ttyUSB0")


class RetargetedHand:
    """Implements `Effector`: commands and states are joint angles of the virtual hand, in rad.

    Joints that the real hand does not have (wrist, mostly spread) take commands that move nothing, and are reported at
    rest. The effort is that of the same work: torque on a virtual joint = torque on the real one · its turn per turn.
    """

    def __init__(self, hand: Effector, joints: JointMapping, virtual: str) -> None:
        self._hand, self._mapping = hand, joints
        own = hand.spec
        if own.joints != joints.hand.names or own.command.names != joints.hand.names or own.muscles:
            raise ConfigError(f"effector {own.name!r} is not commanded by the joints of {joints.hand.title}")
        low, high = joints.bounds()
        steepest = np.abs(joints.to_real_matrix).sum(axis=1).max()
        self.spec = replace(
            own,
            name=f"{own.name}_as_{virtual}",
            command=Channels("position", joints.names, "rad", tuple(low.tolist()), tuple(high.tolist())),
            joints=joints.names,
            joint_units=(),
            fail=own.fail if isinstance(own.fail, str) else self._angles(own.fail),  # type: ignore[arg-type]
            braking=tuple((np.abs(joints.to_virtual_matrix) @ np.array(own.braking)).tolist()) if own.braking else (),
            rate_limit=None if own.rate_limit is None else float(np.min(own.rate_limit) / steepest),
            sites=tuple(s for s in own.sites if s == "endpoint"),
            poses={name: self._angles(pose) for name, pose in own.poses.items()},
            fingerprint=(),
        )

    def reset(self, seed: int = 0) -> EffectorState:
        """The hand's own start."""
        return self._state(self._hand.reset(seed))

    def step(self, command: Array, disturbance: Disturbance) -> EffectorState:
        """One period; `command` in rad of the virtual joints, shape (n_virtual,)."""
        return self._state(self._hand.step(self._mapping.to_real(command), disturbance))

    def close(self) -> None:
        """The hand's own fail state; safe to call twice."""
        self._hand.close()

    def __getattr__(self, name: str) -> Any:
        """A model's picture and window."""
        if name in ("render", "open_viewer"):
            return getattr(self._hand, name)
        raise AttributeError(name)

    def _state(self, state: EffectorState) -> EffectorState:
        n, m = len(state.spec.joints), self._mapping
        own = state.table[:, :n]
        joints = np.stack([m.to_virtual(own[0]), m.to_virtual_matrix @ own[1], m.to_real_matrix.T @ own[2]])
        table = np.concatenate([joints, state.table[:, n:]], axis=1)
        place, velocity = m.to_virtual(state.measured), m.to_virtual_matrix @ state.measured_velocity
        applied, loads = m.to_virtual(state.applied), np.zeros(len(m.names))
        return EffectorState(self.spec, state.time, table, applied, loads, place, velocity)

    def _angles(self, real: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(self._mapping.to_virtual(np.array(real)).tolist())


class RetargetedDevice(RetargetedHand):
    """Implements `Device` for a hand that is one."""

    _hand: Device

    @property
    def fault(self) -> str:
        """Why the hand cannot follow now."""
        return self._hand.fault

    def idle(self, command: Array, disturbance: Disturbance) -> EffectorState:
        """One period in the hand's fail state."""
        return self._state(self._hand.idle(self._mapping.to_real(command), disturbance))


def mapped(options: RetargetedOptions) -> RetargetedHand:
    """A hand with the joints of a virtual hand."""
    name = options.hand.removesuffix(MODEL)
    if name not in data_sheets.names():
        known = ", ".join(f"{n}, {n}{MODEL}" for n in data_sheets.names())
        raise ConfigError(f"effector {options.hand!r} has no data sheet of a hand; hands are: {known}")
    pairs = [pair.partition("=") for pair in options.options]
    if any(not equals for _, equals, _ in pairs):
        raise ConfigError(f"options {' '.join(options.options)!r}: each is key=value, such as port=/dev/ttyUSB0")
    values = {key: value for key, _, value in pairs}
    own: Any = build(registry.options("effectors", options.hand), values, f"options of {options.hand}")
    hand = registry.factory("effectors", options.hand)(own)
    kind = RetargetedDevice if isinstance(hand, Device) else RetargetedHand
    return kind(hand, retargeting.load(options.virtual, data_sheets.load(name)), options.virtual)
