"""How well a policy file reaches on the MuJoCo body: centre-out in a field, by the objects that the nodes use.

Needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector import Effector
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.core.kinematics import endpoint_error, lateral_deviation, peak_speed
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.nanoseconds import ns
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TASK_CHANNELS, TrialPlan
from myoprosthesis.policies.policy import Policy
from myoprosthesis.policies.policy_controller import PolicyController


@dataclass(frozen=True)
class Reaches:
    """Centre-out movements, one per direction."""

    path: NDArray[np.float64]
    """(n_directions, n_samples, 2) endpoint, m, at the end of each control period."""
    velocity: NDArray[np.float64]
    """(n_directions, n_samples, 2) m/s."""
    start: NDArray[np.float64]
    """(2,) m."""
    target: NDArray[np.float64]
    """(n_directions, 2) m."""
    dt: float
    hidden: NDArray[np.float64]
    """(n_directions, n_samples, n_units) recurrent state of the policy, as it went into the command of each period."""

    def endpoint_errors(self) -> NDArray[np.float64]:
        """(n_directions,) mean distance from the target over the last 100 ms, m."""
        return np.array([endpoint_error(p, t, self.dt) for p, t in zip(self.path, self.target, strict=True)])

    def lateral_deviations(self) -> NDArray[np.float64]:
        """(n_directions,) signed largest distance from the straight line, right of the motion positive, m."""
        return np.array([lateral_deviation(p, self.start, t) for p, t in zip(self.path, self.target, strict=True)])

    def summary(self) -> dict[str, float]:
        """Median endpoint error, mean and largest lateral deviation (mm), mean peak speed (m/s)."""
        error, aside = 1e3 * self.endpoint_errors(), 1e3 * self.lateral_deviations()
        return {
            "endpoint_error_mm": round(float(np.median(error)), 2),
            "endpoint_error_worst_mm": round(float(error.max()), 2),
            "lateral_deviation_mm": round(float(aside.mean()), 2),
            "lateral_deviation_largest_mm": round(float(aside[np.abs(aside).argmax()]), 2),
            "peak_speed": round(float(np.mean([peak_speed(v) for v in self.velocity])), 3),
        }


def curl(gain: float) -> ForceField:
    """F = b [v_y, −v_x] with b = `gain`, N·s/m."""
    return ForceField.of(B=[[0.0, gain], [-gain, 0.0]])


def centre_out(
    policy: Policy,
    effector: Effector,
    gain: float = 0.0,
    distance: float = 0.1,
    directions: int = 8,
    go_s: float = 0.2,
    trial_s: float = 1.0,
    disturb: Callable[[TrialPlan], Sequence[PerturbationEntry]] = lambda trial: (),
) -> Reaches:
    """From the effector's start to `directions` targets at `distance` (m) in a curl field of `gain` (N·s/m).

    `disturb` plans what is done to the policy's hidden state in a trial; what it cannot be given is refused.
    """
    spec, rng = effector.spec, np.random.default_rng(0)
    controller = PolicyController("measured", policy, spec)
    imposed = Disturbance(endpoint=curl(gain)) if gain else NO_DISTURBANCE
    steps, home = round(trial_s / spec.dt), np.array(spec.home)
    targets, paths, velocities, states = [], [], [], []
    for angle in 2 * np.pi * np.arange(directions) / directions:
        target = home + distance * np.array([np.cos(angle), np.sin(angle), 0.0])
        plan = TrialPlan(0, 0, ns(trial_s), tuple(home), tuple(target), ns(go_s))
        controller.reset()
        controller.perturb(disturb(plan))
        state, path, velocity, hidden = effector.reset(0), [], [], []
        for k in range(steps):
            now_ns = ns(k * spec.dt)
            table = np.hstack([state.table, plan.goal_table(TASK_CHANNELS, now_ns)])
            command = controller.update(table, Moment(rng, now_ns, spec.dt))
            state = effector.step(command, imposed)
            path.append(state.endpoint_position[:2])
            velocity.append(state.endpoint_velocity[:2])
            hidden.append(policy.hidden.copy())
        targets.append(target[:2])
        paths.append(path)
        velocities.append(velocity)
        states.append(hidden)
    return Reaches(np.array(paths), np.array(velocities), home[:2], np.array(targets), spec.dt, np.array(states, float))


def score(policy: Policy, effector: Effector, gain: float) -> dict[str, Any]:
    """Summaries by field: `null`, `cw` and `ccw` at |`gain`| (10 N·s/m when it is 0)."""
    b = abs(gain) or 10.0
    return {name: centre_out(policy, effector, g).summary() for name, g in (("null", 0.0), ("cw", b), ("ccw", -b))}
