"""The environment of Baoding balls: that of the contest, and with what our policies observe."""

from __future__ import annotations

from typing import Any

from myoprosthesis.core.errors import unknown
from myoprosthesis.core.observation_term import AnyTerm, RegisteredTerm, Term
from myoprosthesis.effectors.baoding_hand import PALM, BaodingHandOptions, baoding_hand
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.tasks.baoding import BALLS, TARGETS

RESTING = (
    0.0733, 0.0194, 0.0146, 0.00786, 0.0135, 0.0159, 0.0128, 0.0144, 0.0465, 0.0249, 0.00612, 0.0228, 0.0118, 0.0151,
    0.00591, 0.0184, 0.0146, 0.0173, 0.0736, 0.0155, 0.0203, 0.00865, 0.0247, 0.0103, 0.0131, 0.0356, 0.0179, 0.0209,
    0.0159, 0.0312, 0.0104, 0.0131, 0.0167, 0.00673, 0.0158, 0.0103, 0.0159, 0.0209, 0.033,
)  # fmt: skip
"""Excitations with which the hand keeps both balls: found by the cross-entropy method over constant excitations."""
OBSERVATIONS = ("policy", "contest")


def _of(places: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{place}/{axis}" for place in places for axis in "xyz")


def terms(joints: tuple[str, ...], muscles: tuple[str, ...], observation: str = "policy") -> tuple[AnyTerm, ...]:
    """What is observed: `contest`, the 86 numbers of MyoChallenge 2022, or `policy`, in which nothing is missing.

    The 112 numbers of the latter have the velocities of the joints, and phase and rate of the targets too."""
    if observation not in OBSERVATIONS:
        raise unknown("observation", observation, OBSERVATIONS)
    carried = {"places": list(TARGETS), "frame": PALM}
    targets = RegisteredTerm("targets", "carried", carried)
    errors = RegisteredTerm("errors", "carried", {**carried, "minus": list(BALLS)})
    hand = Term("hand", joints, unit="rad")
    activation = Term("activation", tuple(f"{muscle}/activation" for muscle in muscles), unit="1")
    if observation == "contest":
        balls = [
            term
            for ball in BALLS
            for term in (Term(ball, _of((ball,)), unit="m"), Term(f"{ball}_step", _of((ball,)), "velocity", "m/s"))
        ]
        return (hand, *balls, targets, errors, activation)
    return (
        hand, Term("hand_velocity", joints, "velocity", "rad/s"), activation, Term("balls", _of(BALLS), unit="m"),
        Term("ball_velocity", _of(BALLS), "velocity", "m/s"), targets, errors,
        RegisteredTerm("phase", "phase", {"channel": f"{TARGETS[0]}/phase"}),
        Term("rate", (f"{TARGETS[0]}/phase",), "velocity", "rad/s"),
    )  # fmt: skip


def config(observation: str = "contest", **task: Any) -> EnvConfig:
    """What `BatchEnv` needs; `task` are options of the task `baoding`.

    With `contest`, velocities are metres in a period, and actions are squashed as in MyoSuite."""
    spec = baoding_hand(BaodingHandOptions()).spec
    contest = observation == "contest"
    return EnvConfig(
        "baoding_hand",
        "baoding",
        terms(spec.joints, spec.muscles, observation),
        task_options=task,
        scales=dict.fromkeys((f"{ball}_step" for ball in BALLS), spec.dt) if contest else {},
        contest_action=contest,
        centre=RESTING,
        exchange={} if contest else {BALLS[0]: BALLS[1], TARGETS[0]: TARGETS[1]},
        turned=(f"{TARGETS[0]}/phase",),
    )
