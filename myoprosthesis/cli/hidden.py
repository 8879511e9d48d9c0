"""`myoprosthesis hidden`: the hidden states of a policy that reaches, their axes, and what it does to disturb them."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError

if TYPE_CHECKING:
    from myoprosthesis.analysis.perturbed import Effect, Movements
    from myoprosthesis.core.perturbation_plan import PerturbationEntry
    from myoprosthesis.core.trial_plan import TrialPlan
    from myoprosthesis.training.gradient.evaluation import Reaches


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser(
        "hidden", help="a policy's hidden states, and what it does to disturb them",
        description="Lets a policy reach to eight targets, offline and the same each time, and looks at its hidden "
        "states.",
    )  # fmt: skip
    own = p.add_subparsers(metavar="WHAT", required=True)
    axes = own.add_parser(
        "axes",
        help="write the principal axes that all reaches share",
        description="Write the principal axes that all reaches share, for perturbations along them.",
    )
    axes.add_argument("--out", required=True, type=Path, metavar="FILE", help="the .npz or .csv to write")
    axes.add_argument("--count", type=int, default=4, help="so many of them (default 4)")
    axes.set_defaults(func=run_axes)
    effect = own.add_parser(
        "effect",
        help="compare reaches with and without a perturbation of the hidden state",
        description="Compare reaches with and without a perturbation of the hidden state.",
    )
    effect.add_argument("perturbation", help="a preset, a kind or a file (see `perturbations`)")
    effect.add_argument("--set", default="", metavar="YAML", help="options of its kinds, such as '{units: [3, 4]}'")
    effect.add_argument(
        "--share",
        type=float,
        default=0.1,
        help="share of the largest distance that counts as together again (default 0.1)",
    )
    add_json(effect)
    effect.set_defaults(func=run_effect)
    for each in (axes, effect):
        each.add_argument("--policy", default="reach_null", help="a name or a path (default reach_null)")
        each.add_argument("--effector", default="arm26", help="the body (default arm26)")


def run_axes(given: argparse.Namespace) -> int:
    """Write the axes."""
    from myoprosthesis.analysis.hidden import shared_axes

    axes = shared_axes(_reaches(given, lambda trial: ()).hidden, given.count)
    axes.write(given.out.expanduser())
    shares = ", ".join(f"{100 * v:.1f} %" for v in axes.variance)
    print(f"{given.out}: {len(axes.variance)} axes of {len(axes.mean)} units, which hold {shares} of the variance")
    return 0


def run_effect(given: argparse.Namespace) -> int:
    """Print and write the comparison."""
    from myoprosthesis.analysis.perturbed import compare
    from myoprosthesis.perturbations import presets
    from myoprosthesis.perturbations.planner import Planner

    check_writable(given.json)
    preset = presets.load(given.perturbation)
    planner = Planner(preset, presets.inline(given.set))
    entries: list[PerturbationEntry] = []

    def disturb(trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
        plan = planner.plan(trial)
        other = [e.site for e in plan.entries if e.site != "hidden"]
        if other or not plan.entries:
            what = f"acts at the {other[0]}" if other else "does nothing"
            raise ConfigError(f"perturbation {preset.name!r} {what}; one of the hidden state is needed")
        entries.extend(plan.entries)
        return plan.entries

    plain, perturbed = _movements(_reaches(given, lambda trial: ())), _movements(_reaches(given, disturb))
    from_s = min(e.from_ns for e in entries) / 1e9
    found = compare(plain, perturbed, given.share, from_s)
    figures = _figures(found, given, preset.name, from_s)
    for name, unit, factor in (("lateral_deviation", "mm", 1e3), ("endpoint_error", "mm", 1e3)):
        value, low, high = (factor * figures[name][k] for k in ("mean", "low", "high"))
        print(f"change of {name.replace('_', ' ')}: {value:+.1f} {unit} ({low:+.1f} … {high:+.1f}, 95 %, "
              f"{len(found.label)} targets)")  # fmt: skip
    back = [x for x in figures["return_s"] if not math.isnan(x)]
    print(f"largest distance of the hidden state from that without the perturbation: {figures['distance_peak']:.2f}")
    print(f"it came back to below {100 * given.share:.0f} % of that in {len(back)} of {len(found.label)} reaches"
          + (f", after {1e3 * sum(back) / len(back):.0f} ms in the mean" if back else ""))  # fmt: skip
    write_json(given.json, figures)
    return 0


def _figures(found: Effect, given: argparse.Namespace, name: str, from_s: float) -> dict[str, Any]:
    def both(values: Any, interval: Any) -> dict[str, Any]:
        return {"mean": interval.value, "low": interval.low, "high": interval.high, "by_target": values.tolist()}

    return {
        "policy": given.policy, "effector": given.effector, "perturbation": name, "options": given.set,
        "from_s": from_s, "share": given.share, "targets": found.label.tolist(),
        "lateral_deviation": both(found.lateral_deviation, found.lateral_interval),
        "endpoint_error": both(found.endpoint_error, found.error_interval),
        "distance_peak": float(found.distance.max()), "return_s": found.return_s.tolist(),
        "distance_over_time": found.distance.mean(axis=0).tolist(),
    }  # fmt: skip


def _reaches(given: argparse.Namespace, disturb: Any) -> Reaches:
    from myoprosthesis.core import registry
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.training.gradient.evaluation import centre_out

    policy = OnnxPolicy(store.find(given.policy))
    if not policy.contract.hidden:
        raise ConfigError(f"policy {given.policy!r} has no recurrent state")
    effector = registry.factory("effectors", given.effector)(registry.options("effectors", given.effector)())
    try:
        return centre_out(policy, effector, disturb=disturb)
    finally:
        effector.close()


def _movements(reaches: Reaches) -> Movements:
    import numpy as np

    from myoprosthesis.analysis.perturbed import Movements

    n = len(reaches.path)
    start = np.repeat(reaches.start[None], n, axis=0)
    return Movements(reaches.path, start, reaches.target, np.arange(n), reaches.hidden, reaches.dt)
