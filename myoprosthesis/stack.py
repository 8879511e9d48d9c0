"""The one description of a stack: which nodes, with which parameters. `up` and `ros2 launch` both read it."""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from myoprosthesis.core import registry, share
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import build, option
from myoprosthesis.emg.extras import library
from myoprosthesis.emg.layout import Layout
from myoprosthesis.files import yaml_text


@dataclass(frozen=True)
class StackOptions:
    """What a person chooses of a stack; empty: as the stack's file has it."""

    stack: str = option("reach", "a file in config/stacks/, or the path of one")
    effector: str = option("", "the body")
    policy: str = option("", "the policy: a name or the path of a policy.onnx")
    perturbation: str = option("", "what is imposed: a preset, a kind, or the path of a YAML file")
    task: str = option("", "what is asked for, in a stack with a task")
    emg: str = option("", "the source of EMG, in a stack with one: recording, synthetic, serial, lsl, brainflow …")
    file: str = option("", "the recording that is played again")
    emg_option: tuple[str, ...] = option((), "other options of the source of EMG, as name=value")
    port: str = option("", "serial port of a real hand; without one, the hand is emulated on a port of its own")
    twin: bool = option(True, "move the model of a hand beside it, on the same commands")
    lockstep: bool = option(False, "simulated time, as fast as it goes and repeatable, instead of wall time")
    seed: int = option(0, "seed of the task's order and of noise", "", 0)
    trials: int = option(0, "end after so many trials; 0: go on", "", 0)
    duration: float = option(0.0, "end after so much time; 0: go on", "s", 0.0)
    gui: bool = option(False, "open MuJoCo's viewer, where there is a display")
    record: str = option("", "folder into which everything is recorded, as a rosbag2; a new file where there is one")
    namespace: str = option("", "namespace of all nodes")
    network: bool = option(False, "let other machines take part: they can see, command, steer and stop what runs")
    use_sim_time: bool = option(False, "nodes take their time from /clock")
    params_file: str = option("", "YAML with parameters by node")


@dataclass(frozen=True)
class NodeSpec:
    """One process."""

    name: str
    executable: str
    parameters: dict[str, Any]
    remappings: dict[str, str] = field(default_factory=dict)
    respawn: bool = True
    delay_s: float = 0.0
    node: str = ""
    """Name of the ROS node, where it is another than the name in this description."""
    namespace: str = ""
    """Namespace below that of the stack."""

    @property
    def module(self) -> str:
        """The Python module behind the executable."""
        return f"myoprosthesis.nodes.{self.executable}"


_OPTIONS = {
    "emulator": ("emulator_node", ("EmulatorNodeOptions",), None),
    "emg": ("emg_node", ("EmgNodeOptions",), ("emg_sources", "source")),
    "effector": ("effector_node", ("EffectorNodeOptions",), ("effectors", "effector")),
    "twin": ("effector_node", ("EffectorNodeOptions",), ("effectors", "effector")),
    "policy": ("policy_node", ("PolicyNodeOptions", "DriveOptions"), None),
    "perturbation": ("perturbation_node", ("PerturbationNodeOptions",), None),
    "task": ("task_node", ("TaskNodeOptions",), ("tasks", "task")),
    "recorder": ("recorder_node", ("RecorderNodeOptions",), None),
}
"""Node → executable, its options dataclasses, and the kind of component whose options stand beside them, with the
parameter that names it."""
STACK_KEYS = {
    "about": "one sentence for people",
    "effector": "the body",
    "policy": "the policy: a name, a path, or a mapping of effectors to policies",
    "perturbation": "what acts on the body: a preset, a kind, or the path of a YAML file",
    "task": "the task, in a stack with a task",
    "emg": "the source of EMG; a stack with this key is one from EMG to a hand",
    "nodes": "parameters of nodes, by node and parameter",
}
"""Keys of a file in config/stacks/."""
EMULATOR_S = 20.0
"""How long a hand waits for its emulator."""
MODEL = "_model"
"""What the name of a hand's model ends with."""


def stacks() -> dict[str, Path]:
    """The stacks that can be named."""
    return {f.stem: f for f in sorted((share.root() / "config" / "stacks").glob("*.yaml"))}


def describe(options: StackOptions, settings: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[NodeSpec, ...]:
    """The nodes of a stack with their parameters, all checked; raises `ConfigError` listing every fault.

    Later wins: the stack's file, the options, `params_file`, `settings` (parameters by node).
    """
    file = _stack(options.stack)
    effector = options.effector or str(file.get("effector", "arm26"))
    registry.factory("effectors", effector)
    policy = options.policy or _default_policy(file.get("policy"), effector, options.stack)
    perturbation = {"perturbation": options.perturbation or str(file.get("perturbation", "null"))}
    chosen = (_with_emg if "emg" in file else _with_task)(options, file, effector, policy)
    chosen["perturbation"] = {**perturbation, **chosen["perturbation"]}
    if options.record:
        folder = str(Path(options.record).expanduser().absolute())
        chosen["recorder"] = {"folder": folder, "clock": "simulated" if options.lockstep else "wall"}
    said = _by_node(file.get("nodes") or {}, options.stack)
    if options.file or options.emg not in ("", file.get("emg")):
        said.pop("emg", None)  # it is about the stack's own recording
    layers = [said, chosen]
    if options.params_file:
        layers.append(_by_node(_yaml(Path(options.params_file)), options.params_file))
    layers.append(_by_node(settings or {}, "--set"))
    faults: list[str] = []
    specs = []
    for name, (executable, _, _) in _OPTIONS.items():
        if name not in chosen:
            given = [layer[name] for layer in layers[1:] if layer.get(name)]
            faults += [f"stack {options.stack!r} has no node {name!r}; it has {', '.join(chosen)}"] if given else []
            continue
        parameters: dict[str, Any] = {}
        for layer in layers:
            parameters.update(layer.get(name, {}))
        faults += _faults(name, parameters)
        parameters = {k: _plain(v) for k, v in parameters.items() if not (_sized(v) and len(v) == 0)}
        if options.use_sim_time:
            parameters["use_sim_time"] = True
        twin = name == "twin"
        space = f"/{options.namespace.strip('/')}".rstrip("/")
        specs.append(
            NodeSpec(
                name, executable, parameters, {"command": f"{space}/command"} if twin else {},
                node="effector" if twin else "", namespace=name if twin else "",
            )
        )  # fmt: skip
    if faults:
        raise ConfigError("; ".join(faults))
    _check_policy(specs)
    _check_sites(specs)
    return tuple(specs)


Chosen = dict[str, dict[str, Any]]


def _with_task(options: StackOptions, file: Mapping[str, Any], effector: str, policy: str) -> Chosen:
    """A body, a policy that sees it, what is imposed, and what is asked for."""
    _refuse_given(options, ("emg", "file", "emg_option", "port"), "has no EMG and no real hand")
    parties = ["task", "perturbation"]
    task = options.task or str(file.get("task", "centre_out"))
    drawn = task not in registry.names("tasks") or "seed" in {f.name for f in fields(registry.options("tasks", task))}
    return {
        "effector": {
            "effector": effector,
            "lockstep": options.lockstep,
            "parties": parties,
            "seed": options.seed,
            "duration_s": options.duration,
            "gui": options.gui,
        },
        "policy": {"policy": policy, "lockstep": options.lockstep, "parties": parties, "seed": options.seed},
        "perturbation": {},
        "task": {
            "task": task,
            "trials": options.trials,
            "lockstep": options.lockstep,
            **({"seed": options.seed} if drawn else {}),
        },
    }


def _with_emg(options: StackOptions, file: Mapping[str, Any], effector: str, policy: str) -> Chosen:
    """EMG, a decoder that hears it, a hand (emulated, when no port is given), its model beside it."""
    _refuse_given(options, ("task", "trials", "lockstep"), "runs in real time, without a task")
    library("scipy.signal", "emg", "conditioning EMG")
    source = options.emg or str(file["emg"])
    emg: dict[str, Any] = {"source": source, "conditioning": policy}
    if options.file:
        emg["file"] = str(Path(options.file).expanduser().resolve()) if Path(options.file).exists() else options.file
    for pair in options.emg_option:
        key, sep, text = pair.partition("=")
        if not sep:
            raise ConfigError(f"an option of the EMG is name=value, got {pair!r}; for instance speed=2")
        value = yaml_text.parse(text, f"option of the EMG {key!r}")
        own = {f.name for f in fields(registry.options("emg_sources", source))}
        if key not in own and "layout" in own and key in {f.name for f in fields(Layout)}:
            emg.setdefault("layout", {})[key] = value  # what a file does not say of itself
        else:
            emg[key] = value
    hand = {"effector": effector, "parties": ["perturbation"], "seed": options.seed, "duration_s": options.duration}
    chosen: Chosen = {"emg": emg, "effector": hand, "policy": {"policy": policy, "seed": options.seed}}
    real = effector in registry.names("hand_protocols")
    if options.port and not real:
        raise ConfigError(
            f"effector {effector!r} has no port; hands that do: {', '.join(registry.names('hand_protocols'))}"
        )
    if real:
        port = options.port or _emulated(effector, options.namespace)
        hand["port"] = port
        if not options.port:
            hand["wait_s"] = EMULATOR_S
            chosen = {"emulator": {"hand": effector, "path": port}, **chosen}
        if options.twin and effector + MODEL in registry.names("effectors"):
            chosen["twin"] = {"effector": effector + MODEL, "beside": "state", "gui": options.gui}
    else:
        hand["gui"] = options.gui
    chosen["perturbation"] = {"per_trial": False}
    return chosen


def _emulated(hand: str, namespace: str) -> str:
    """The port of an emulated hand, the same for all processes of a stack."""
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    place = "_".join(["myoprosthesis", str(os.getuid()), domain, *namespace.strip("/").split("/")]).rstrip("_")
    return str(Path(tempfile.gettempdir()) / place / hand)


def _refuse_given(options: StackOptions, names: tuple[str, ...], why: str) -> None:
    given = [n for n in names if getattr(options, n)]
    if given:
        raise ConfigError(f"stack {options.stack!r} {why}: {', '.join(given)} cannot be given")


def _sized(value: Any) -> bool:
    return isinstance(value, (list, tuple, str, dict))


def _plain(value: Any) -> Any:
    """A value that a ROS parameter can hold: a mapping becomes YAML."""
    return json.dumps(value) if isinstance(value, dict) else value


def node_options() -> dict[str, list[type]]:
    """The options dataclasses of each node, without those of the component in it."""
    out = {}
    for name, (executable, classes, _) in _OPTIONS.items():
        module = importlib.import_module(f"myoprosthesis.nodes.{executable}")
        out[name] = [getattr(module, cls) for cls in classes]
    return out


def _faults(name: str, parameters: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with the parameters of one node."""
    component = _OPTIONS[name][2]
    groups = node_options()[name]
    faults = []
    if component is not None:
        kind, key = component
        try:
            groups.append(registry.options(kind, str(parameters.get(key, ""))))
        except ConfigError as error:
            return [str(error)]
    known = {f.name for group in groups for f in fields(group)}
    faults += [f"node {name!r}: {unknown('parameter', k, known)}" for k in parameters if k not in known]
    for group in groups:
        mine = {f.name for f in fields(group)}
        try:
            build(
                group,
                {k: v for k, v in parameters.items() if k in mine and not (_sized(v) and len(v) == 0)},
                f"node {name!r}",
            )
        except ConfigError as error:
            faults.append(str(error))
    if name == "perturbation" and not faults:
        from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner

        try:
            planner(build(PerturbationNodeOptions, parameters))
        except ConfigError as error:
            faults.append(str(error))
    return faults


def _check_policy(specs: list[NodeSpec]) -> None:
    """A policy that cannot be read is refused before anything starts."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    parameters = next(s.parameters for s in specs if s.name == "policy")
    for key in ("policy", "shadow"):
        if parameters.get(key):
            read_contract(store.find(str(parameters[key])))


def _check_sites(specs: list[NodeSpec]) -> None:
    """A perturbation that nothing in the stack can apply is refused before anything starts."""
    from myoprosthesis.nodes.perturbation_node import PerturbationNodeOptions, planner
    from myoprosthesis.nodes.sites import Sites, contract_of
    from myoprosthesis.policies import store

    effector, policy, perturbation = (
        next(s.parameters for s in specs if s.name == name) for name in ("effector", "policy", "perturbation")
    )
    imposed = planner(build(PerturbationNodeOptions, perturbation))
    entries = imposed.entries()
    if not entries:
        return
    own = registry.options("effectors", str(effector["effector"]))
    given = {k: v for k, v in effector.items() if k in {f.name for f in fields(own)}}
    made: Any = registry.factory("effectors", str(effector["effector"]))(build(own, given))
    sites = Sites(made.spec, contract_of(str(store.find(str(policy["policy"])))))
    if why := sites.refusal(entries):
        raise ConfigError(f"perturbation {imposed.preset.name!r} cannot act in this stack: {why}")


def _default_policy(given: Any, effector: str, stack: str) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, dict) and effector in given:
        return str(given[effector])
    known = ", ".join(given) if isinstance(given, dict) else "none"
    raise ConfigError(
        f"stack {stack!r} names no policy for effector {effector!r} (it does for: {known}): give one with --policy"
    )


def _stack(name: str) -> dict[str, Any]:
    path = Path(name).expanduser()
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        known = stacks()
        if name not in known:
            raise unknown("stack", name, known)
        path = known[name]
    data = _yaml(path)
    strange = [key for key in data if key not in STACK_KEYS]
    if strange:
        raise ConfigError(f"{path}: {unknown('key', strange[0], STACK_KEYS)}")
    return data


def _by_node(data: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Parameters by node; ROS's own layout with `ros__parameters` is read too."""
    out: dict[str, dict[str, Any]] = {}
    for node, parameters in data.items():
        name = str(node).strip("/")
        if name not in _OPTIONS:
            raise ConfigError(f"{where}: {unknown('node', name, _OPTIONS)}")
        if isinstance(parameters, Mapping) and set(parameters) == {"ros__parameters"}:
            parameters = parameters["ros__parameters"]
        if not isinstance(parameters, Mapping):
            raise ConfigError(f"{where}: node {name!r} needs a mapping of parameters, got {parameters!r}")
        out[name] = dict(parameters)
    return out


def _yaml(path: Path) -> dict[str, Any]:
    return yaml_text.read_mapping(path.expanduser())


def as_settings(pairs: list[str]) -> dict[str, dict[str, Any]]:
    """`node.param=value` texts, values read as YAML, as parameters by node."""
    out: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        key, sep, text = pair.partition("=")
        node, dot, name = key.partition(".")
        if not sep or not dot or not name:
            raise ConfigError(f"--set takes node.parameter=value, got {pair!r}; for instance effector.dt=0.002")
        out.setdefault(node, {})[name] = yaml_text.parse(text, f"--set {key}")
    return out


def as_dict(options: StackOptions) -> dict[str, Any]:
    """Plain data for a record of what was run."""
    return asdict(options)
