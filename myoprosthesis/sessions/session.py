"""A session as a YAML file says it: blocks of trials, what is imposed in each, and who learns."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from myoprosthesis.core import registry, share
from myoprosthesis.core.errors import ConfigError, MyoError, unknown
from myoprosthesis.core.location import anchored
from myoprosthesis.core.options import build, option
from myoprosthesis.core.trial_plan import TASK_UNITS
from myoprosthesis.files import yaml_text
from myoprosthesis.perturbations import presets
from myoprosthesis.perturbations.planner import Planner, Preset
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.tasks.centre_out import CentreOut, CentreOutOptions
from myoprosthesis.training.adaptation import options

T = TypeVar("T")
ROLES = ("", "baseline", "adaptation", "washout", "generalisation")


@dataclass(frozen=True)
class SessionBlock:
    """One condition of a session."""

    name: str = option(help="name for people")
    trials: int = option(help="how many", low=1, high=100_000)
    role: str = option("", "what the report takes it for; empty: its name, where it is one of these", choices=ROLES)
    perturbation: str = option("null", "what is imposed: a preset, a kind, or the path of a YAML file", file="name")
    kinds: tuple[dict, ...] = option((), "or the perturbations themselves, each with its kind and options")
    catch_rate: float = option(0.0, "share of trials in which what is imposed is left out by surprise", "1", 0.0, 0.5)
    channel_rate: float = option(0.0, "share of trials in a force channel", "1", 0.0, 0.5)
    lead_in: int = option(8, "first trials of the block that are neither", "", 0)
    policy: str = option("", "the policy from here on; empty: the one before, as learned until then", file="name")
    feedback: bool = option(True, "whether the endpoint is seen; otherwise it is seen at the start")
    learning: bool = option(True, "whether the learner, where there is one, learns here")
    targets: int | None = option(None, "targets on the circle instead of the session's", "", 1, 360)
    first_angle: float | None = option(None, "angle of the first one instead of the session's", "deg", -360.0, 360.0)
    distance: float | None = option(None, "distance of the targets instead of the session's", "m", 0.001, 2.0)
    rest_s: float = option(0.0, "rest before the block, in real time only", "s", 0.0, 3600.0)

    @property
    def condition(self) -> str:
        """The role, from the name where none is given."""
        return self.role or (self.name if self.name in ROLES else "")


@dataclass(frozen=True)
class Session:
    """What a file in config/sessions/ says."""

    name: str = option(help="name, also of the folder that is written")
    blocks: tuple[SessionBlock, ...] = option(help="the blocks, in order")
    about: str = option("", "one sentence for people")
    effector: str = option("arm26", "the body")
    effector_options: dict = option(
        {}, "options of the body, such as the file of an MJCF: {file: arm.xml, endpoint: tip}"
    )
    policy: str = option("reach_null", "the policy of the first block: a name or a path", file="name")
    seed: int = option(0, "seed of the order of targets, of catch and channel trials, of noise and of learning", "", 0)
    lockstep: bool = option(True, "simulated time, as fast as it goes and repeatable; otherwise wall time")
    task: dict = option({}, "options of centre-out reaching: distance, targets, trial_s, go_s, radius …")
    always: tuple[dict, ...] = option((), "perturbations of every trial, such as sensory noise: kinds with options")
    channel: dict = option({}, "options of the force channel: stiffness, damping")
    lsl: str = option("", "name of an LSL stream for the events of trials; empty: none")
    learner: dict = option({}, "options of the learner; empty: the policies do not learn")

    def __post_init__(self) -> None:
        if not self.blocks:
            raise ConfigError("a session needs blocks, each with a name and a number of trials")
        names = [block.name for block in self.blocks]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ConfigError(f"two blocks are called {twice!r}: give each a name of its own, and both the same role")
        if not self.name or any(c in self.name for c in "/\\ \n"):
            raise ConfigError(f"name {self.name!r} becomes that of a folder: letters, digits, _ and - without spaces")

    @property
    def reaching(self) -> CentreOutOptions:
        """The options of the task."""
        return build(CentreOutOptions, {**self.task, "seed": self.seed}, "task")

    def reaching_of(self, block: SessionBlock) -> CentreOutOptions:
        """The options of the task in one block."""
        own = {k: getattr(block, k) for k in ("targets", "first_angle", "distance")}
        changes = {k: v for k, v in own.items() if v is not None}
        return build(CentreOutOptions, {**self.task, "seed": self.seed, **changes}, f"block {block.name!r}")

    @property
    def trials(self) -> int:
        """How many in all."""
        return sum(b.trials for b in self.blocks)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which `build` makes the same session."""
        return {**asdict(self), "blocks": [_plain(asdict(b)) for b in self.blocks], "always": list(self.always)}


def names() -> dict[str, Path]:
    """The sessions that ship with the package."""
    return {f.stem: f for f in sorted((share.root() / "config" / "sessions").glob("*.yaml"))}


def load(name: str, changes: Mapping[str, Any] | None = None) -> Session:
    """The session of that name or in that file, with `changes` to its own keys; every fault it has is in the error."""
    path = Path(name).expanduser()
    if path.suffix not in (".yaml", ".yml"):
        known = names()
        if name not in known:
            raise unknown("session", name, known, "or give the path of a .yaml file")
        path = known[name]
    data = yaml_text.read_mapping(path, f"session {path}", ", ".join(f.name for f in fields(Session)))
    return made(_anchored({**data, **(changes or {})}, path.absolute().parent), str(path))


def _anchored(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What a file says, with the files that it names seen from its own folder: policies, presets, files of kinds."""
    out: dict[str, Any] = presets.anchored_kinds(data, folder)
    blocks = out.get("blocks")
    if isinstance(blocks, list):
        out["blocks"] = [anchored(SessionBlock, b, folder) if isinstance(b, Mapping) else b for b in blocks]
    own = out.get("effector_options")
    if isinstance(own, Mapping):
        with suppress(ConfigError):  # an unknown effector is reported with the other faults
            body = registry.options("effectors", str(out.get("effector", Session.effector)))
            out["effector_options"] = anchored(body, own, folder)
    return anchored(Session, out, folder)


def made(data: Mapping[str, Any], where: str = "session") -> Session:
    """A session from plain data, checked whole: unknown keys, targets, perturbations, policies; all faults at once."""
    faults: list[str] = []
    blocks, rest = data.get("blocks"), {**data}
    if isinstance(blocks, (list, tuple)) and blocks:
        good = []
        for i, block in enumerate(blocks):
            name = block.get("name", i) if isinstance(block, Mapping) else i
            good.append(_read(SessionBlock, block, f"block {name!r}", {"name": str(i), "trials": 1}, faults))
        rest["blocks"] = tuple(good)
    session = _read(Session, rest, "session", {"name": "session", "blocks": (SessionBlock("0", 1),)}, faults)
    faults = list(dict.fromkeys([*faults, *_faults(session)]))
    if faults:
        raise ConfigError(f"{where}: " + "; ".join(faults))
    return session


def _read(cls: type[T], data: Any, label: str, needed: Mapping[str, Any], faults: list[str]) -> T:
    """Build `cls` from `data`. Faults are added to `faults`; valid entries are kept together with `needed`."""
    try:
        return build(cls, data, label)
    except ConfigError as error:
        faults.append(str(error))
    kept = dict(needed)
    for key, value in data.items() if isinstance(data, Mapping) else ():
        with suppress(ConfigError):
            build(cls, {**needed, key: value})
            kept[key] = value
    return build(cls, kept)


def _faults(session: Session) -> list[str]:
    """What the names in a session refer to, and what contradicts itself."""
    faults: list[str] = []

    def attempt(action: Any, *arguments: Any) -> bool:
        try:
            action(*arguments)
        except MyoError as error:
            faults.append(str(error))
            return False
        return True

    def known(policy: str) -> None:
        contract = read_contract(store.find(policy))
        if body:
            contract.match(body[0].spec, TASK_UNITS)

    def kinds(block: SessionBlock) -> None:
        try:
            planner = Planner(Preset(block.name, kinds=imposed(block)))
            if task:
                planner.check_within(session.reaching.trial_s)
        except ConfigError as error:
            where = f"block {block.name!r}: "
            raise ConfigError(f"{where}{str(error).removeprefix(where)}") from error

    body: list[Any] = []
    attempt(lambda: body.append(effector(session)))
    task = attempt(lambda: session.reaching)
    if {"seed", "home", "between", "catch_rate"} & set(session.task):
        faults.append(
            "task: seed is the session's; home is the effector's; trials begin with a reset of the body; "
            "catch trials are a block's: leave these out"
        )
    attempt(Planner, Preset("channel", kinds=({"kind": "channel", **session.channel},)))
    for kind in session.always:
        if attempt(Planner, Preset("always", kinds=(kind,))) and task:
            attempt(Planner(Preset("always", kinds=(kind,))).check_within, session.reaching.trial_s)
    attempt(known, session.policy)
    for block in session.blocks:
        if task and attempt(session.reaching_of, block) and body:
            attempt(CentreOut(session.reaching_of(block)).for_effector, body[0].spec)
        attempt(kinds, block)
        if block.policy:
            attempt(known, block.policy)
        if block.catch_rate + block.channel_rate > 0.5:
            faults.append(f"block {block.name!r}: more than half of its trials would be catch or channel trials")
    if session.learner:
        attempt(options.read, session.learner)
        if session.effector_options:
            faults.append(
                "a session with a learner has the effector's own options, as its differentiable twin has: "
                "leave effector_options out"
            )
        if any(b.policy for b in session.blocks):
            faults.append("a session with a learner has the one policy that learns: blocks cannot name others")
    return list(dict.fromkeys(faults))


def effector(session: Session) -> Any:
    """The body of a session, not opened."""
    name, own = session.effector, registry.options("effectors", session.effector)
    label = f"effector_options of {name!r}"
    try:
        body = registry.factory("effectors", name)(build(own, session.effector_options, label))
    except ConfigError as error:
        fault = str(error)
        raise error if label in fault else ConfigError(f"effector {name!r} (effector_options): {fault}") from error
    if not body.spec.endpoint:
        takes = "endpoint" in {f.name for f in fields(own)}
        how = ": name a site or a body as one with effector_options: {endpoint: NAME}" if takes else ""
        raise ConfigError(f"effector {name!r} has no endpoint to reach with{how}")
    return body


def imposed(block: SessionBlock) -> tuple[dict, ...]:
    """The kinds of perturbation of a block, with their options."""
    if block.kinds:
        if block.perturbation != "null":
            raise ConfigError(f"block {block.name!r}: perturbation and kinds exclude each other")
        return block.kinds
    preset = presets.load(block.perturbation)
    if preset.blocks or preset.catch_rate:
        raise ConfigError(
            f"block {block.name!r}: preset {block.perturbation!r} has blocks or catch trials of its own; a session "
            "says these itself: choose one without"
        )
    return tuple(k for k in preset.kinds if k.get("kind") != "null")


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Without what was not given."""
    kept = {k: v for k, v in data.items() if v not in (None, "", ())}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}
