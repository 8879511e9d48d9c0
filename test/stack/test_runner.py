"""A stack from start to stop, in the one way in which commands, sessions and measurements run it."""

import os
import signal

import pytest

from myoprosthesis.core.errors import NotStarted, ProcessDied
from myoprosthesis.stack.description import StackOptions, describe
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.runner import StackRunner


def test_it_is_ready_runs_to_its_end_and_leaves_nothing_behind(domain):
    options = StackOptions(effector="point_mass", lockstep=True, trials=2, namespace="run_whole")
    with StackRunner(describe(options), namespace="run_whole") as stack:
        stack.wait_ready()
        assert stack.wait_until(lambda: stack.status.effector.finished and len(stack.status.trials) == 2, 60.0)
        pids = stack.supervisor.pids()
        stack.stop()
        assert stack.status.effector.ticks == 200 and not stack.restarts
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids.values())


def test_one_that_cannot_be_kept_running_is_an_error_with_its_name(domain):
    node = NodeSpec("effector", "effector_node", {"effector": "nobody"}, respawn=False)
    with StackRunner([node], namespace="run_refused") as stack, pytest.raises(NotStarted, match="nobody") as error:
        stack.wait_ready()
    assert error.value.node == "effector"
    node = NodeSpec("effector", "effector_node", {"effector": "point_mass"}, respawn=False)
    with StackRunner([node], namespace="run_killed") as stack, pytest.raises(ProcessDied, match="signal 9"):
        os.kill(stack.supervisor.pids()["effector"], signal.SIGKILL)
        stack.wait_ready()
