"""Fixtures of the tests of commands."""

import os
import subprocess
import sys

import pytest

PROBE = "import mujoco; mujoco.GLContext(8, 8).make_current()"


@pytest.fixture(scope="session")
def drawing():
    """The environment in which this machine draws without a display."""
    environment = {**os.environ, "MUJOCO_GL": "egl"}
    if subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True).returncode:
        pytest.skip("no EGL here: install libegl1, libgl1-mesa-dri and libopengl0")
    return environment


@pytest.fixture(scope="session")
def figure_keys():
    """Keys of the figures of every `myoprosthesis up`."""
    return {
        "trials", "success_rate", "endpoint_error_mm", "lateral_deviation_mm", "real_time_factor", "ticks",
        "missed_ticks", "command_age_ms", "policy", "perturbation", "trace_sha256",
    }  # fmt: skip
