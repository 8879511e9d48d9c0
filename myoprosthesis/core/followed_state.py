"""The state of one effector as the goal of a policy, or as the command of another effector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ContractError
from myoprosthesis.core.joint_state import JointStateFrame
from myoprosthesis.core.text import brief

PREFIX = "target/"
"""What the name of a goal's channel begins with; the joint's follows."""


class _Selection:
    """Columns of some joints in frames whose names seldom change."""

    def __init__(self, joints: Sequence[str], whose: str) -> None:
        self._joints, self._whose = tuple(joints), whose
        self._names: tuple[str, ...] | None = None
        self._columns = np.zeros(0, np.intp)

    def __call__(self, frame: JointStateFrame) -> NDArray[np.intp]:
        if frame.names is not self._names:
            place = {name: k for k, name in enumerate(frame.names)}
            lacking = [joint for joint in self._joints if joint not in place]
            if lacking:
                raise ContractError(
                    f"the state that {self._whose} follows has no {brief(', '.join(lacking))}; it has "
                    f"{brief(', '.join(frame.names), 400)}: let it follow an effector with these joints"
                )
            self._columns = np.array([place[joint] for joint in self._joints], np.intp)
            self._names = frame.names
        return self._columns


class FollowedGoal:
    """Positions and velocities of joints in the columns `target/<joint>` of a goal."""

    def __init__(self, channels: Sequence[str], joints: Sequence[str]) -> None:
        """Of the task's `channels`, those are filled that name one of the effector's `joints`.

        Raises:
            ContractError: None does.
        """
        places = {PREFIX + joint: joint for joint in joints}
        self._to = [k for k, channel in enumerate(channels) if channel in places]
        if not self._to:
            raise ContractError(
                f"the task has no channel target/<joint> for any joint of the effector; it has "
                f"{brief(', '.join(channels), 400)}: a goal is followed in a task that has, such as hand_posture"
            )
        self._select = _Selection([places[channels[k]] for k in self._to], "the goal")

    def fill(self, table: NDArray[np.float64], frame: JointStateFrame) -> None:
        """Write the joints of `frame` into `table` (3, n_channels), whose other columns stay as they are.

        Raises:
            ContractError: The frame lacks one of the joints.
        """
        columns, (position, velocity, _) = self._select(frame), frame.rows()
        table[0, self._to], table[1, self._to] = position[columns], velocity[columns]


class FollowedCommand:
    """Commands that are the positions of another effector's joints, by name."""

    def __init__(self, command: Channels) -> None:
        """Raises `ContractError` for an effector that is not commanded by positions."""
        if command.quantity != "position":
            raise ContractError(f"an effector that follows another takes positions, this one {command.quantity}")
        self._names, self._select = command.names, _Selection(command.names, "this effector")

    def of(self, frame: JointStateFrame) -> JointStateFrame:
        """The command that a state makes; raises `ContractError` for one that lacks a joint."""
        columns, (position, _, _) = self._select(frame), frame.rows()
        return JointStateFrame(frame.stamp_ns, self._names, position[columns], np.zeros(0), np.zeros(0))
