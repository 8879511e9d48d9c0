"""The environment of legs of muscles that walk as a recorded person."""

from __future__ import annotations

from typing import Any

import numpy as np

from myoprosthesis.core.errors import unknown
from myoprosthesis.core.leg_names import PLACES
from myoprosthesis.core.observation_term import AnyTerm, RegisteredTerm, Term
from myoprosthesis.core.options import build
from myoprosthesis.effectors.bodies import myolegs
from myoprosthesis.effectors.mujoco_body import BodyOptions
from myoprosthesis.envs.env_config import EnvConfig
from myoprosthesis.tasks.walk import PERIOD_S, Walk
from myoprosthesis.tasks.walk_channels import BESIDE, CONTACTS, JOINTS, PELVIS, ROOT, of_reference

RESTING = 0.05
"""Excitation of all muscles about which a policy explores at first."""
FACING = {"root": ROOT, "forward_deg": -90.0}
"""The MyoSim legs face along −y of their floating base."""
AHEAD_S = (PERIOD_S, 0.125)
EDGE = 0.05
"""Of the range of a target length, within which a policy explores at first: at the very end a muscle is relaxed."""
OBSERVATIONS = ("policy", "lean")


def terms(muscles: tuple[str, ...], observation: str = "policy") -> tuple[AnyTerm, ...]:
    """What is observed: the body, the reference now and soon, and the way; `lean`: without lengths of muscles."""
    if observation not in OBSERVATIONS:
        raise unknown("observation", observation, OBSERVATIONS)
    lengths = (
        Term("lengths", muscles, unit="m"),
        Term("lengthening", muscles, "velocity", "m/s"),
    )
    reference = of_reference((*JOINTS, BESIDE[2], *PELVIS))
    return (
        Term("height", (f"{ROOT}/z",), unit="m"),
        RegisteredTerm("upright", "upright", {"root": ROOT}),
        RegisteredTerm("motion", "level_velocity", FACING),
        Term("turning", tuple(f"{ROOT}/q{axis}" for axis in "xyz"), "velocity", "rad/s"),
        Term("joints", JOINTS, unit="rad"),
        Term("velocities", JOINTS, "velocity", "rad/s"),
        *(lengths if observation == "policy" else ()),
        Term("activation", tuple(f"{muscle}/activation" for muscle in muscles), unit="1"),
        Term("contacts", CONTACTS, "effort", "N"),
        RegisteredTerm("error", "difference", {"a": list(of_reference(JOINTS)), "b": list(JOINTS), "unit": "rad"}),
        RegisteredTerm("reference", "goal_ahead", {"channels": list(reference), "ahead_s": list(AHEAD_S)}),
        RegisteredTerm("phase", "phase", {"channel": "reference/phase", "harmonics": 2}),
        RegisteredTerm("speed", "goal", {"channels": ["command/speed"], "unit": "m/s"}),
        RegisteredTerm("bearing", "bearing", FACING),
        RegisteredTerm("way", "way", FACING),
    )


def config(observation: str = "policy", muscle_command: str = "excitation", **task: Any) -> EnvConfig:
    """What `BatchEnv` needs; `task` are options of the task `walk`, `muscle_command` is one of the legs.

    Muscles that are commanded by length, by a stretch reflex as in KINESIS (kp 5, kd 0.1 kp, arXiv 2503.14637), have at
    first about the lengths of the standing posture for targets."""
    effector: dict[str, Any] = {**Walk.effector_options, "dt": PERIOD_S, "observed_sites": PLACES}
    if muscle_command != "excitation":
        effector |= {**Walk.length_options, "muscle_command": muscle_command}
    body = myolegs(build(BodyOptions, effector, "myolegs"))
    muscles = body.spec.muscles
    seen = terms(muscles, observation)
    centre = (RESTING,) * len(muscles)
    if body.actuation.reflex is not None:
        low, high = body.spec.command.bounds()
        lengths = body.reset().table[0, [body.spec.channels.index(name) for name in muscles]]
        centre = tuple(np.clip(lengths, low + EDGE * (high - low), high - EDGE * (high - low)).tolist())
    return EnvConfig(
        "myolegs", "walk", seen, effector, task, centre=centre, exchange=sides(muscles),
        turned=("reference/phase",), odd=odd(seen),
    )  # fmt: skip


def sides(muscles: tuple[str, ...]) -> dict[str, str]:
    """What is on the right, and the same on the left."""
    right = [name for name in (*JOINTS, *PLACES, *muscles) if name.endswith("_r")]
    return {**{name: f"{name[:-2]}_l" for name in right}, "r_foot": "l_foot", "r_toes": "l_toes"}


def odd(terms: tuple[AnyTerm, ...]) -> dict[str, tuple[int, ...]]:
    """The numbers of each term that change their sign in a mirror between the legs.

    The floating base has its left along x: a turn about y or z is to the other side then."""
    reference = next(term for term in terms if term.name == "reference")
    channels = reference.channels * (reference.size // len(reference.channels))
    leaning = of_reference(PELVIS[1:])
    return {
        "upright": (0,), "motion": (1,), "turning": (1, 2), "bearing": (0,), "way": (1,),
        "reference": tuple(k for k, channel in enumerate(channels) if channel in leaning),
    }  # fmt: skip
