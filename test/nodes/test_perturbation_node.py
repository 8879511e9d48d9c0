"""The perturbation node alone: setting a perturbation must not keep it from sending heartbeats."""

from __future__ import annotations

import subprocess
import sys

from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import read_contract

SET = """
import json, sys
import rclpy
from rclpy.parameter import Parameter
from myoprosthesis.nodes import diagnostic_status
from myoprosthesis.nodes.perturbation_node import PerturbationNode, _contract

rclpy.init()
node = PerturbationNode()
node._on_policy(_contract(diagnostic_status.status("policy", "active", {"contract": json.loads(sys.argv[1])})))
before = set(sys.modules)
for name in ("curl_cw", "curl_ccw", "band_turned", "nothing"):
    result = node.set_parameters_atomically([Parameter("perturbation", value=name)])
    print(name, result.successful, node._planner.preset.name)
print(*sorted(set(sys.modules) - before), "onnx" in sys.modules)
node.destroy_node()
"""


ALONE = """
import json
import rclpy
from rclpy.parameter import Parameter
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.effectors.mirror import Mirror, MirrorOptions
from myoprosthesis.nodes.perturbation_node import PerturbationNode

rclpy.init(args=["--ros-args", "-p", "per_trial:=false", "-p", "use_sim_time:=true"])
node = PerturbationNode()
plans, publisher = [], node._plan
node._plan = type("Heard", (), {"publish": lambda self, m: plans.append(json.loads(m.data)["from_ns"])})()
now = rclpy.time.Time(nanoseconds=5 * 10**9, clock_type=rclpy.clock.ClockType.ROS_TIME)
node.get_clock().set_ros_time_override(now)
spec = Mirror(MirrorOptions()).spec
node._on_spec(spec)
node.set_parameters([Parameter("perturbation", value="null")])
node._on_spec(spec)
print(plans)
node._plan = publisher
node.destroy_node()
"""


def test_without_trials_an_effector_in_the_place_of_another_is_told_the_plan_from_its_beginning():
    """It has heard none, and in simulated time it would wait for one for ever."""
    run = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=120)
    assert run.stdout == f"{[5 * 10**9, 0]}\n", run.stderr[-2000:]


def test_what_a_perturbation_needs_is_imported_before_one_is_set():
    """Reading a policy's file and importing kinds took 270 ms; an effector waits 80 ms for a heartbeat."""
    contract = read_contract(store.find("reach_null")).to_json()
    run = subprocess.run([sys.executable, "-c", SET, contract], capture_output=True, text=True, timeout=120)
    expected = ["curl_cw True curl_cw", "curl_ccw True curl_ccw", "band_turned False curl_ccw"]
    assert run.stdout.splitlines() == [*expected, "nothing False curl_ccw", "False"], run.stderr[-2000:]
