"""`myoprosthesis hidden`: the hidden states of a policy that reaches, their axes, and what it does to disturb them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.analysis.perturbation_effect import Effect, Movements
    from myoprosthesis.core.perturbation_plan import PerturbationEntry
    from myoprosthesis.core.trial_plan import TrialPlan
    from myoprosthesis.training.gradient.evaluation import Reaches


@dataclass(frozen=True, kw_only=True)
class PolicyArguments:
    """Which policy moves which body."""

    policy: str = argument("reach_null", "a name or a path")
    effector: str = argument("arm26", "the body")


@dataclass(frozen=True, kw_only=True)
class AxesOptions(PolicyArguments):
    """Options of `hidden axes`."""

    out: Path = argument(help="the .npz or .csv to write", metavar="FILE")
    count: int = argument(4, "how many of them", low=1)


@dataclass(frozen=True, kw_only=True)
class EffectOptions(PolicyArguments, JsonArgument):
    """Options of `hidden effect`."""

    perturbation: str = argument(help="a preset, a kind or a file (see `perturbations`)", positional=True)
    set: str = argument("", "options of its kinds, such as '{units: [3, 4]}'", metavar="YAML")
    share: float = argument(0.1, "share of the largest distance that counts as together again")


def add(commands: Commands) -> None:
    """Add the commands."""
    own = commands.group(
        "hidden",
        "a policy's hidden states, and the effect of disturbing them",
        "Lets a policy reach to eight targets, offline and the same each time, and looks at its hidden states.",
    )
    own.add(
        "axes", run_axes, AxesOptions, help="write the principal axes that all reaches share",
        description="Write the principal axes that all reaches share, for perturbations along them.",
    )  # fmt: skip
    own.add(
        "effect", run_effect, EffectOptions, help="compare reaches with and without a perturbation of the hidden state"
    )


def run_axes(options: AxesOptions) -> int:
    """Write the axes."""
    from myoprosthesis.analysis.hidden import shared_axes

    axes = shared_axes(_reaches(options, lambda trial: ()).hidden, options.count)
    axes.write(options.out.expanduser())
    shares = ", ".join(f"{100 * v:.1f} %" for v in axes.variance)
    print(f"{options.out}: {len(axes.variance)} axes of {len(axes.mean)} units, which hold {shares} of the variance")
    return 0


def run_effect(options: EffectOptions) -> int:
    """Print and write the comparison."""
    from myoprosthesis.analysis.perturbation_effect import compare
    from myoprosthesis.perturbations import presets
    from myoprosthesis.perturbations.planner import Planner

    check_writable(options.json)
    preset = presets.load(options.perturbation)
    planner = Planner(preset, presets.inline(options.set))
    entries: list[PerturbationEntry] = []

    def disturb(trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
        plan = planner.plan(trial)
        other = [e.site for e in plan.entries if e.site != "hidden"]
        if other or not plan.entries:
            what = f"acts at the {other[0]}" if other else "does nothing"
            raise ConfigError(f"perturbation {preset.name!r} {what}; one of the hidden state is needed")
        entries.extend(plan.entries)
        return plan.entries

    plain, perturbed = _movements(_reaches(options, lambda trial: ())), _movements(_reaches(options, disturb))
    from_s = min(e.from_ns for e in entries) / 1e9
    effect = compare(plain, perturbed, options.share, from_s)
    figures = _figures(effect, options, preset.name, from_s)
    for name, unit, factor in (("lateral_deviation", "mm", 1e3), ("endpoint_error", "mm", 1e3)):
        value, low, high = (factor * figures[name][k] for k in ("mean", "low", "high"))
        print(f"change of {name.replace('_', ' ')}: {value:+.1f} {unit} ({low:+.1f} … {high:+.1f}, 95 %, "
              f"{len(effect.label)} targets)")  # fmt: skip
    back = [x for x in figures["return_s"] if not math.isnan(x)]
    print(f"largest distance of the hidden state from that without the perturbation: {figures['distance_peak']:.2f}")
    print(f"it came back to below {100 * options.share:.0f} % of that in {len(back)} of {len(effect.label)} reaches"
          + (f", after {1e3 * sum(back) / len(back):.0f} ms in the mean" if back else ""))  # fmt: skip
    write_json(options.json, figures)
    return 0


def _figures(effect: Effect, options: EffectOptions, name: str, from_s: float) -> dict[str, Any]:
    def both(values: Any, interval: Any) -> dict[str, Any]:
        return {"mean": interval.value, "low": interval.low, "high": interval.high, "by_target": values.tolist()}

    return {
        "policy": options.policy, "effector": options.effector, "perturbation": name, "options": options.set,
        "from_s": from_s, "share": options.share, "targets": effect.label.tolist(),
        "lateral_deviation": both(effect.lateral_deviation, effect.lateral_interval),
        "endpoint_error": both(effect.endpoint_error, effect.error_interval),
        "distance_peak": float(effect.distance.max()), "return_s": effect.return_s.tolist(),
        "distance_over_time": effect.distance.mean(axis=0).tolist(),
    }  # fmt: skip


def _reaches(options: PolicyArguments, disturb: Any) -> Reaches:
    from myoprosthesis.core import registry
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.training.gradient.evaluation import centre_out

    policy = OnnxPolicy(store.find(options.policy))
    if not policy.contract.hidden:
        raise ConfigError(f"policy {options.policy!r} has no recurrent state")
    effector = registry.factory("effectors", options.effector)(registry.options("effectors", options.effector)())
    try:
        return centre_out(policy, effector, disturb=disturb)
    finally:
        effector.close()


def _movements(reaches: Reaches) -> Movements:
    import numpy as np

    from myoprosthesis.analysis.perturbation_effect import Movements

    n = len(reaches.path)
    start = np.repeat(reaches.start[None], n, axis=0)
    path = np.concatenate([start[:, None], reaches.path[:, :-1]], axis=1)  # the states of a trial in a stack
    return Movements(path, start, reaches.target, np.arange(n), reaches.hidden, reaches.dt)
