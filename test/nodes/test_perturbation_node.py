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


def test_what_a_perturbation_needs_is_imported_before_one_is_set():
    """Reading a policy's file and importing kinds took 270 ms; an effector waits 80 ms for a heartbeat."""
    contract = read_contract(store.find("reach_null")).to_json()
    run = subprocess.run([sys.executable, "-c", SET, contract], capture_output=True, text=True, timeout=120)
    expected = ["curl_cw True curl_cw", "curl_ccw True curl_ccw", "band_turned False curl_ccw"]
    assert run.stdout.splitlines() == [*expected, "nothing False curl_ccw", "False"], run.stderr[-2000:]
