"""What a page can ask of a stack: each control with its options, and the sentence that comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, MyoError, Refused, unknown
from myoprosthesis.core.options import build, option, schema
from myoprosthesis.files import yaml_text
from myoprosthesis.perturbations import presets
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.stack import steering
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.effector_switch import EffectorSwitch

PORT = re.compile(r"/dev/(tty|rfcomm|cu\.|serial/by-(id|path)/)[\w.:+-]+|[\w.-]+:\d{1,5}")
"""What a hand may be on."""


@dataclass(frozen=True)
class NoOptions:
    """A control without options."""


@dataclass(frozen=True)
class SwapControl:
    """Options of a swap."""

    policy: str = option(help="name of a policy")


@dataclass(frozen=True)
class ShadowControl:
    """Options of a policy that runs beside the one that is played."""

    policy: str = option("", "name of a policy; empty: none")


@dataclass(frozen=True)
class BlendControl:
    """Options of the cross-fade."""

    blend_s: float = option(0.1, "length of the cross-fade at a swap", "s", 0.0, 10.0)


@dataclass(frozen=True)
class PerturbationControl:
    """Options of what is imposed."""

    perturbation: str = option(help="a preset or a kind")
    gain: float | None = option(None, "size of the gain; empty: that of the preset", "", 0.0)


@dataclass(frozen=True)
class ExchangeControl:
    """Options of a switch to another effector."""

    effector: str = option(help="name of an effector, the present one too")
    option: tuple[str, ...] = option((), "its options, as name=value")


@dataclass(frozen=True)
class Control:
    """One control: its options, and what carries it out and returns a sentence."""

    options: type
    run: Callable[[StackClient, Any], str]


def _named(policy: str) -> str:
    """A policy by its name: a page names no files."""
    known = store.names()
    if policy not in known:
        raise unknown("policy", policy, known)
    return store.abroad(policy)


def _perturb(stack: StackClient, options: PerturbationControl) -> str:
    known = presets.names()
    if options.perturbation not in known:
        raise unknown("perturbation", options.perturbation, known)
    return steering.perturb(stack, options.perturbation, options.gain)


def _shadow(stack: StackClient, options: ShadowControl) -> str:
    answers = stack.run_beside(_named(options.policy) if options.policy else "")
    if not options.policy:
        return "no policy runs beside it"
    return f"{options.policy} runs beside the policy, on policy/shadow{'' if answers else ', once time goes on'}"


def _is_port(name: str, value: Any) -> bool:
    """Whether an option names a serial port or HOST:PORT of a hand, which are no files of a person."""
    return name == "port" and bool(PORT.fullmatch(str(value)))


def _exchange(stack: StackClient, options: ExchangeControl) -> str:
    values = yaml_text.assigned(options.option, "an option of an effector")
    for f in fields(registry.options("effectors", options.effector)):
        if f.name in values and f.metadata.get("file") and not _is_port(f.name, values[f.name]):
            raise Refused(f"{f.name} names a file, and a page names none: myoprosthesis switch-effector does")
    switch = EffectorSwitch(stack, options.effector, values)
    text = switch.run()
    try:
        switch.check_perturbation()
    except Refused as error:
        return f"{text}; note: {error}"
    return text


CONTROLS: Mapping[str, Control] = {
    "swap": Control(SwapControl, lambda stack, o: steering.swap(stack, _named(o.policy))),
    "rollback": Control(NoOptions, lambda stack, _: steering.rollback(stack)),
    "shadow": Control(ShadowControl, _shadow),
    "blend": Control(BlendControl, lambda stack, o: steering.cross_fade(stack, o.blend_s)),
    "perturb": Control(PerturbationControl, _perturb),
    "exchange": Control(ExchangeControl, _exchange),
    "hold_task": Control(NoOptions, lambda stack, _: steering.hold_task(stack)),
    "continue_task": Control(NoOptions, lambda stack, _: steering.continue_task(stack)),
    "next_trial": Control(NoOptions, lambda stack, _: steering.next_trial(stack)),
    "pause": Control(NoOptions, lambda stack, _: stack.pause(True)),
    "continue": Control(NoOptions, lambda stack, _: stack.pause(False)),
    "step": Control(NoOptions, lambda stack, _: stack.trigger("effector", "step")),
    "reset": Control(NoOptions, lambda stack, _: steering.reset(stack)),
}
"""By the names that a page uses."""


def read_control(data: Mapping[str, Any]) -> Callable[[StackClient], str]:
    """What a message from a page asks for; raises `ConfigError` for a control or an option that does not exist."""
    name = str(data.get("do", ""))
    control = CONTROLS.get(name)
    if control is None:
        raise unknown("control", name[:80], CONTROLS)
    options: Any = build(control.options, {k: v for k, v in data.items() if k not in ("do", "id")}, name)
    return lambda stack: control.run(stack, options)


def forms() -> dict[str, Any]:
    """The options of every control as JSON schemas."""
    return {name: schema(control.options) for name, control in CONTROLS.items()}


def policy_list() -> list[dict[str, Any]]:
    """All policies with their contracts in brief; one with a broken file has the reason instead."""
    rows: list[dict[str, Any]] = []
    for name, path in store.names().items():
        try:
            c = read_contract(path)
        except MyoError as error:
            rows.append({"name": name, "unusable": str(error)})
            continue
        score = c.result.get("score")
        rows.append(
            {
                "name": name,
                "effector": c.effector,
                "decodes": bool(c.conditioning),
                "sees": c.observation_size,
                "does": c.action.size,
                "dt": c.dt,
                "score": score if isinstance(score, (int, float)) else None,
                "errors_mm": {k: c.result[k] for k in ("null", "cw", "ccw") if isinstance(c.result.get(k), Mapping)},
                "skill": dict(c.task_options),
            }
        )
    return rows


def effector_list() -> list[dict[str, str]]:
    """All effectors, simulated bodies and real hands."""
    hands = registry.names("hand_protocols")
    return [{"name": name, "group": "hands" if name in hands else "simulated"} for name in registry.names("effectors")]


def perturbation_list() -> list[dict[str, str]]:
    """Presets, then kinds with their defaults, each with what it is about."""
    made, kinds = [], []
    for name, path in presets.names().items():
        if path is None:
            about = (registry.factory("perturbations", name).__doc__ or "").strip().partition("\n")[0]
            kinds.append({"name": name, "about": f"With its defaults: {about}", "group": "kinds"})
            continue
        try:
            made.append({"name": name, "about": presets.load(name).about, "group": "presets"})
        except ConfigError as error:
            made.append({"name": name, "about": "", "group": "presets", "unusable": str(error)})
    return [*made, *kinds]
