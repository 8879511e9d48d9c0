"""The environment of reaching with two joints and six muscles, under a force field."""

from __future__ import annotations

from typing import Any

from myoprosthesis.core.observation_term import RegisteredTerm, Term
from myoprosthesis.effectors.bodies import arm26
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.envs.env_config import EnvConfig

RESTING = 0.05
"""Excitation of all muscles about which a policy explores at first."""
PLACES, TARGETS = ("endpoint/x", "endpoint/y"), ("target/x", "target/y")


def config(task: str = "random_reach", perturbation: str = "null", **options: Any) -> EnvConfig:
    """What `BatchEnv` needs; `options` are those of the task, `perturbation` a preset such as `curl_cw`."""
    spec = arm26(BodyOptions()).spec
    terms = (
        Term("joints", spec.joints, unit="rad"),
        Term("velocities", spec.joints, "velocity", "rad/s"),
        Term("activation", tuple(f"{muscle}/activation" for muscle in spec.muscles), unit="1"),
        Term("endpoint", PLACES, unit="m"),
        Term("endpoint_velocity", PLACES, "velocity", "m/s"),
        RegisteredTerm("error", "difference", {"a": list(TARGETS), "b": list(PLACES), "unit": "m"}),
        Term("go", ("go",), unit="1"),
    )
    return EnvConfig(
        "arm26", task, terms, task_options=options, perturbation=perturbation, centre=(RESTING,) * len(spec.muscles)
    )
