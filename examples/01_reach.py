"""A reach: run a stack of four ROS 2 nodes in simulated time and read its figures.

The arm reaches to eight targets. Lockstep makes the run as fast as the machine allows and the same every time:
`trace_sha256` is a hash of all that the effector did.
"""

import json
import subprocess
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    figures_file = Path(folder) / "figures.json"
    words = ["up", "reach", "--policy", "reach_null", "--lockstep", "--trials", "8", "--seed", "11"]
    subprocess.run(["myoprosthesis", *words, "--quiet", "--json", str(figures_file)], check=True, capture_output=True)
    figures = json.loads(figures_file.read_text())

condition = figures["conditions"][0]  # one policy and one perturbation; trials whose policy is not known are in none
error = condition["endpoint_error_mm"]
print(f"{condition['trials']} trials of {condition['policy']}, {condition['success_rate']:.0%} on target")
print(f"endpoint error {error['median']:.1f} mm (median), {error['p95']:.1f} mm (95 % quantile)")
print(f"hash of the run {figures['trace_sha256'][:16]}")
