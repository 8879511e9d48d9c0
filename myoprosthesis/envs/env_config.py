"""What an environment is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.observation_term import AnyTerm


@dataclass(frozen=True)
class EnvConfig:
    """What an environment is made of: an effector and a task with their options, the terms that are observed, rewards.

    `rewards` are weights by name, where they are not the task's own. `scales` are factors of terms by name that the
    observation of the environment has, and not that of a policy's contract. `contest_action`: actions from −1 to 1, of
    which excitations are made as in MyoSuite, 1 / (1 + exp(−5 (a − 0.5))); else they are the effector's commands.
    `centre` is the command about which a policy explores at first, and `guide` has matrices (n_action, size) by the
    names of terms: what they make of an observation is added to it, in logits of the range. `teacher` gives commands
    (k, n_action) for observations (k, n_obs), from which a policy can learn by imitation. `exchange` names that may
    change places without anything being different, such as those of two equal balls, and `turned` angles that are half
    a turn further then; `odd` are the numbers of terms that change their sign, see `exchanged`.
    `perturbation` is a preset, a kind, or a file, planned for each trial by its number, as in a stack.
    """

    effector: str
    task: str
    terms: tuple[AnyTerm, ...]
    effector_options: Mapping[str, Any] = field(default_factory=dict)
    task_options: Mapping[str, Any] = field(default_factory=dict)
    rewards: Mapping[str, float] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    contest_action: bool = False
    centre: tuple[float, ...] = ()
    guide: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    teacher: Callable[[NDArray[np.float32]], NDArray[np.float64]] | None = None
    exchange: Mapping[str, str] = field(default_factory=dict)
    turned: tuple[str, ...] = ()
    odd: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    perturbation: str = "null"
