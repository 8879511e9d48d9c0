"""A state that is followed: its joints, by name, are a goal or a command; one that lacks a joint is neither."""

import numpy as np
import pytest

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.errors import ContractError
from myoprosthesis.core.followed_state import FollowedCommand, FollowedGoal
from myoprosthesis.core.joint_state import JointStateFrame

STATE = JointStateFrame(5, ("c", "a", "b"), *np.array([[3.0, 1.0, 2.0], [0.3, 0.1, 0.2], [0.0, 0.0, 0.0]]))


def test_a_goal_has_the_joints_by_name_and_leaves_other_channels():
    goal = FollowedGoal(("target/x", "go", "target/b", "target/a"), ("a", "b"))
    table = np.full((3, 4), 9.0)
    goal.fill(table, STATE)
    np.testing.assert_array_equal(table[:2], [[9.0, 9.0, 2.0, 1.0], [9.0, 9.0, 0.2, 0.1]])
    assert (table[2] == 9.0).all()


def test_a_command_has_the_stamp_and_the_joints_in_the_order_of_the_effector():
    command = FollowedCommand(Channels("position", ("a", "c"), "rad", (-5.0, -5.0), (5.0, 5.0))).of(STATE)
    assert command.stamp_ns == 5 and command.names == ("a", "c") and command.position.tolist() == [1.0, 3.0]


def test_a_state_without_one_of_the_joints_is_refused_with_its_name():
    lacking = JointStateFrame(0, ("a", "z"), *np.zeros((3, 2)))
    with pytest.raises(ContractError, match="the goal follows has no b; it has a, z"):
        FollowedGoal(("target/a", "target/b"), ("a", "b")).fill(np.zeros((3, 2)), lacking)
    with pytest.raises(ContractError, match="this effector follows has no c"):
        FollowedCommand(Channels("position", ("a", "c"), "rad", (0.0, 0.0), (1.0, 1.0))).of(lacking)


def test_what_cannot_follow_is_refused():
    with pytest.raises(ContractError, match="no channel target/<joint>"):
        FollowedGoal(("target/x", "go"), ("a",))
    with pytest.raises(ContractError, match="takes positions, this one effort"):
        FollowedCommand(Channels("effort", ("m",), "1", (0.0,), (1.0,)))
