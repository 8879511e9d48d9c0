"""`policies`: what there is. `policy show|verify NAME`: one contract, its score measured again; `policy import`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli import figure_words, policy_film, policy_import
from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.text import printable

if TYPE_CHECKING:
    from myoprosthesis.core.contract import Contract
    from myoprosthesis.core.effector_spec import EffectorSpec

GAIN = 10.0
"""Of the curl fields in which policies are scored, N·s/m."""
WINDOW_MM = (-260, 260)
"""The same in every picture, so that two policies can be compared by eye; targets are 100 mm away."""
TOLERANCE_MM = 0.5
"""A score measured again on the physics of its contract differs by less than this."""


@dataclass(frozen=True, kw_only=True)
class PolicyOptions(JsonArgument):
    """Options of `policy show`."""

    name: str = argument(help="a name, or the path of a policy.onnx", positional=True)


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(PolicyOptions):
    """Options of `policy verify`."""

    png: str = argument("", "also draw the paths in each field", metavar="FILE")


def add(commands: Commands) -> None:
    """Add the commands."""
    commands.add("policies", catalogue, JsonArgument, help="list policies with their contracts and scores")
    own = commands.group("policy", "one policy: show its contract, verify its score, import it", __doc__ or "")
    own.add("show", show, PolicyOptions, help="print the contract")
    own.add("verify", verify, VerifyOptions, help="measure the score of its card again")
    policy_film.add(own)
    policy_import.add(own)


def catalogue(options: JsonArgument) -> int:
    """A row a policy."""
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    table = FigureTable(
        title="endpoint error / lateral deviation, mm", caption="right of the motion positive", title_justify="left"
    )
    for column in ("policy", "effector", "sees → does", "period", "state", "null", "cw", "ccw"):
        table.add_column(column, no_wrap=True)
    scores = FigureTable(title="policies with a score", title_justify="left")
    for column in ("policy", "effector", "sees → does", "period", "for", "score", "held", "at noise"):
        scores.add_column(column, no_wrap=True)
    decoders = FigureTable(title="decoders of EMG", title_justify="left")
    for column in ("decoder", "EMG channels", "answers", "window", "every", "held out"):
        decoders.add_column(column)
    figures: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, path in store.names().items():
        try:
            c = read_contract(path)
        except MyoError as error:
            faults[name] = str(error)
            figures[name] = {"unusable": str(error)}
            continue
        if c.conditioning:
            decoders.add_row(
                name, f"{len(c.emg_channels)} at {c.conditioning.get('rate', 0):g} Hz", ", ".join(c.action.names[:-1]),
                f"{1e3 * c.decoding.get('window_s', 0):g} ms", f"{c.dt * 1e3:g} ms", _judged(c.result),
            )  # fmt: skip
            figures[name] = {"effector": c.effector, "path": str(path), "dt": c.dt, "result": c.result, "seed": c.seed}
            continue
        if "score" in c.result:
            skill = ", ".join(f"{k} {v}" for k, v in c.task_options.items())
            scores.add_row(
                name, c.effector, f"{c.observation_size} → {c.action.size}", f"{c.dt * 1e3:g} ms", skill or "–",
                *(figure_words.number(k, c.result.get(k)) for k in ("score", "held", "noise")),
            )  # fmt: skip
            figures[name] = {"effector": c.effector, "path": str(path), "dt": c.dt, "result": c.result, "seed": c.seed}
            continue
        table.add_row(
            name, c.effector, f"{c.observation_size} → {c.action.size}", f"{c.dt * 1e3:g} ms",
            ", ".join(f"{n} {s[-1]}" for n, s in c.hidden) or "none",
            *(_short(c.result.get(k)) for k in ("null", "cw", "ccw")),
        )  # fmt: skip
        figures[name] = {"effector": c.effector, "path": str(path), "dt": c.dt, "result": c.result, "seed": c.seed}
    console = table_console()
    console.print(table if table.row_count else "no policies are there: train one with `myoprosthesis train reach`")
    if scores.row_count:
        console.print(scores)
    if decoders.row_count:
        console.print(decoders)
    for name, fault in faults.items():
        print(f"unusable: {printable(name, 80)}: {printable(fault)}")
    write_json(options.json, figures)
    return 0


def show(options: PolicyOptions) -> int:
    """The contract, whole."""
    import json

    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    contract = json.loads(read_contract(store.find(options.name)).to_json())
    print(json.dumps(contract, indent=1))
    write_json(options.json, contract)
    return 0


def verify(options: VerifyOptions) -> int:
    """Measure what the card tells, on the physics of this machine; status 1 when it no longer holds."""
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console
    from myoprosthesis.core import registry
    from myoprosthesis.core.fingerprint import fingerprint
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.training.gradient.evaluation import score

    check_writable(options.json)
    policy = OnnxPolicy(store.find(options.name))
    contract = policy.contract
    if "score" in contract.result:
        return _verify_score(options, policy)
    if contract.conditioning:
        raise ConfigError(
            f"{contract.name!r} is a decoder, which is judged on recordings: myoprosthesis decode evaluate RECORDINGS "
            f"--decoder {store.find(options.name)}"
        )
    if not contract.result:
        raise ConfigError(f"policy {contract.name!r} carries no score that could be verified")
    effector = registry.factory("effectors", contract.effector)(registry.options("effectors", contract.effector)())
    same = contract.fingerprint == () or _close(contract.fingerprint, fingerprint(effector))
    measured = score(policy, effector, GAIN)
    if options.png:
        _draw(options.png, contract.name, policy, effector)
    table = FigureTable("field", "figure", "card", "now", title=f"{contract.name} on {effector.spec.simulator}")
    held = True
    for field, figures in contract.result.items():
        for key, value in figures.items() if isinstance(figures, dict) else ():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                card = f"the card of policy {options.name!r}"
                raise ConfigError(f"{card} has {value!r} for {field}, {key}; a number is needed")
            now = measured.get(field, {}).get(key)
            near = now is not None and abs(now - value) <= TOLERANCE_MM
            held &= near
            table.add_row(field, key, f"{value:g}", "–" if now is None else f"{now:g}" + ("" if near else "  ✗"))
    table_console().print(table)
    words = physics_words(same, contract, effector.spec)
    print(f"physics: {words}; the score of record {'holds' if held else 'does not hold here'}")
    write_json(
        options.json,
        {"policy": contract.name, "same_physics": same, "holds": held, "card": contract.result, "now": measured},
    )
    return 0 if held else 1


def _verify_score(options: VerifyOptions, policy: Any) -> int:
    """Play the trials of the card again: score and share held are to be as near as chance can have it."""
    from myoprosthesis.cli import evaluate
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console
    from myoprosthesis.core import registry
    from myoprosthesis.core.fingerprint import fingerprint
    from myoprosthesis.core.options import build
    from myoprosthesis.envs.played_trials import effector_options, task_of
    from myoprosthesis.policies.score_record import tolerance

    contract, card = policy.contract, policy.contract.result
    if "seed" not in card:
        raise ConfigError(
            f"policy {contract.name!r} carries the score of its training, whose trials are drawn otherwise: "
            f"`myoprosthesis evaluate {options.name} --record` measures one that can be verified"
        )
    most = tolerance(card)
    named = dict(card.get("options") or {}) | {k: card[k] for k in (evaluate.NOISE, "seed") if k in card}
    now = evaluate.score(policy, int(card["episodes"]), named, perturbation=str(card.get("perturbation", "null")))
    own = effector_options(contract, task_of(contract))
    effector = registry.factory("effectors", contract.effector)(
        build(registry.options("effectors", contract.effector), own, contract.effector)
    )
    same = contract.fingerprint == () or _close(contract.fingerprint, fingerprint(effector))
    near = {name: abs(now[name] - card[name]) <= most for name in ("score", "held") if name in card}
    table = FigureTable("figure", "card", "now", title=f"{contract.name} on {effector.spec.simulator}")
    for name, value in now.items():
        if name in card and isinstance(value, float):
            table.add_row(name, f"{card[name]:.4g}", f"{value:.4g}" + ("" if near.get(name, True) else "  ✗"))
    table_console().print(table)
    held = all(near.values())
    words = physics_words(same, contract, effector.spec)
    print(
        f"physics: {words}; the score of record {'holds' if held else 'does not hold here'} "
        f"({now['episodes']} trials, within {most:.3f})"
    )
    if options.png:
        print("--png draws the paths of policies that reach; this one has none")
    write_json(
        options.json,
        {
            "policy": contract.name, "same_physics": same, "holds": held, "tolerance": most, "card": dict(card),
            "now": now,
        },
    )  # fmt: skip
    return 0 if held else 1


def _close(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    import numpy as np

    return len(a) == len(b) and bool(np.allclose(a, b, rtol=1e-5, atol=1e-5))


def _judged(result: Any) -> str:
    """What a decoder reached on windows that were held out of its fit."""
    for key, text in (("accuracy", "{:.1%} right"), ("r2", "R² {:.2f}")):
        if isinstance(result, dict) and isinstance(result.get(key), (int, float)):
            return text.format(result[key])
    return "not judged"


def _short(score: Any) -> str:
    """Error and deviation as a card tells them; what is no number is shown as it is."""
    if not isinstance(score, dict) or "endpoint_error_mm" not in score:
        return "–" if score is None else str(score)
    error, deviation = score["endpoint_error_mm"], score.get("lateral_deviation_mm", 0.0)
    if isinstance(error, (int, float)) and isinstance(deviation, (int, float)):
        return f"{error:.1f} / {deviation:+.1f}"
    return f"{error} / {deviation}"


def _draw(file: str, name: str, policy: Any, effector: Any) -> None:
    """The paths to eight targets in each field."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("pictures need matplotlib: pip install 'myoprosthesis[plot]'") from error
    import numpy as np

    from myoprosthesis.report.style import direction_colour
    from myoprosthesis.training.gradient.evaluation import centre_out

    figure = Figure(figsize=(9, 3.3), layout="constrained")
    fields = {
        "no field": 0.0, f"CW, b = +{GAIN:g} N·s/m": GAIN, f"CCW, b = −{GAIN:g} N·s/m": -GAIN,
    }  # fmt: skip
    for axes, (title, gain) in zip(figure.subplots(1, 3, sharex=True, sharey=True), fields.items(), strict=True):
        reaches = centre_out(policy, effector, gain)
        for path, target in zip(reaches.path, reaches.target, strict=True):
            aside = 1e3 * (target - reaches.start)
            tint = direction_colour(float(np.arctan2(aside[1], aside[0])))
            axes.plot(*(1e3 * (path - reaches.start)).T, color=tint, lw=1.5)
            axes.plot(*aside, "o", color=tint, ms=9, mfc="none", mew=1.5)
        axes.plot(0, 0, "+", color="black", ms=8)
        axes.set(title=title, xlabel="x from the start, mm", aspect="equal", xlim=WINDOW_MM, ylim=WINDOW_MM)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel(f"{name}\ny from the start, mm")
    try:
        figure.savefig(file, dpi=150)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--png {file}: {error}") from error


def physics_words(same: bool, contract: Contract, spec: EffectorSpec) -> str:
    """Whether the physics are the same as those of the training, in words."""
    return "as when it was trained" if same else f"changed since training ({contract.change_of_simulator(spec)})"
