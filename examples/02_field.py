"""A force field: what a clockwise curl field does to a policy that does not know it, and to one that learned it.

The lateral deviation is the signed largest distance from the straight line to the target, right of the motion positive.
Without experience the hand is pushed to the right; the policy that learned the field moves almost straight.
"""

import json
import subprocess
import tempfile
from pathlib import Path


def lateral_deviation_mm(policy: str, perturbation: str) -> float:
    """Mean lateral deviation of eight reaches, mm."""
    with tempfile.TemporaryDirectory() as folder:
        figures_file = Path(folder) / "figures.json"
        words = ["up", "reach", "--policy", policy, "--perturbation", perturbation, "--lockstep", "--trials", "8"]
        command = ["myoprosthesis", *words, "--quiet", "--json", str(figures_file)]
        subprocess.run(command, check=True, capture_output=True)
        return json.loads(figures_file.read_text())["conditions"][0]["lateral_deviation_mm"]


for policy in ("reach_null", "reach_cw"):
    for perturbation in ("null", "curl_cw"):
        deviation = lateral_deviation_mm(policy, perturbation)
        print(f"{policy:10s} in {perturbation:7s}: {deviation:+6.1f} mm")
