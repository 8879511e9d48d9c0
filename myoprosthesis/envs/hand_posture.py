"""The environment of the muscle hand's postures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.observation_term import AnyTerm, RegisteredTerm, Term
from myoprosthesis.effectors.bodies import myohand
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.envs.stretch_guide import stretch_guide
from myoprosthesis.envs.torque_teacher import TorqueTeacher
from myoprosthesis.tasks.hand_posture import TARGETS
from myoprosthesis.tasks.reachable_postures import JOINTS, reachable_postures

PERIOD_S = 0.02
RESTING = 0.01
"""Excitation of all muscles about which a policy explores at first."""
STRETCH, DELAY_S = 300.0, 0.05
"""Gain and delay of the `stretch_guide`. Alone it comes within a median of 3.7 deg of the joints of reachable postures
and a 95th percentile of 22; with a gain of 100, within 5.1 and 29."""


def terms(goals: tuple[str, ...], places: tuple[str, ...], unit: str) -> tuple[AnyTerm, ...]:
    """What is observed: the hand, and the goal as it is and as seen from where `places` (channels of the state) are."""
    muscles = myohand(BodyOptions()).spec.muscles
    return (
        Term("joints", JOINTS, unit="rad"),
        Term("velocities", JOINTS, "velocity", "rad/s"),
        Term("activation", tuple(f"{muscle}/activation" for muscle in muscles), unit="1"),
        Term("goal", goals, unit=unit),
        RegisteredTerm("error", "difference", {"a": list(goals), "b": list(places), "unit": unit}),
    )


def config(**task: Any) -> EnvConfig:
    """What `BatchEnv` needs; `task` are options of the task `hand_posture`."""
    seen, body = terms(TARGETS, JOINTS, "rad"), myohand(BodyOptions())
    ahead, against = stretch_guide(body, reachable_postures("training").joints, STRETCH, DELAY_S)
    return EnvConfig(
        "myohand", "hand_posture", seen, {"dt": PERIOD_S}, task, centre=(RESTING,) * seen[2].size,
        guide={"error": ahead, "velocities": against}, teacher=lambda observation: taught(body, observation),
    )  # fmt: skip


def taught(body: MujocoBody, observation: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the `TorqueTeacher` of the hand would do, (k, 39), for observations (k, n) of `HandPosture-v0`."""
    teacher = TorqueTeacher(body)
    joints, errors = (observation[:, part].astype(float) for part in (slice(23), slice(-23, None)))
    return np.array([teacher.excitations(q, error) for q, error in zip(joints, errors, strict=True)])
