"""The one description of a stack: which nodes, with which parameters. `up` and `ros2 launch` both read it."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from myoprosthesis.core import registry, share
from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.extras import library
from myoprosthesis.core.location import anchored, located
from myoprosthesis.core.options import build, option
from myoprosthesis.core.private import runtime_folder, stack_name
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.files import yaml_text
from myoprosthesis.files.parameter_file import ALWAYS, ParameterEntry, entries
from myoprosthesis.files.parameter_file import parameters as parameters_of


@dataclass(frozen=True)
class StackOptions:
    """What a person chooses of a stack; empty: as the stack's file has it."""

    stack: str = option("reach", "a file in config/stacks/, or the path of one")
    effector: str = option("", "the body")
    policy: str = option("", "the policy: a name or the path of a policy.onnx")
    perturbation: str = option("", "what is imposed: a preset, a kind, or the path of a YAML file")
    task: str = option("", "what is asked for, in a stack with a task; none: nothing, the policy plays")
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
    "policy": ("policy_node", ("PolicyNodeOptions", "PostureControlOptions"), None),
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
    "task": "the task; without this key, or with none: nothing is asked for, the policy plays",
    "emg": "the source of EMG; a stack with this key is one from EMG to a hand",
    "nodes": "parameters of nodes, by node and parameter",
}
"""Keys of a file in config/stacks/."""
EMULATOR_S = 20.0
"""How long a hand waits for its emulator."""
GRIPS = "grips"
"""The parameter of the policy that says what each answer of a decoder moves: a later layer changes the answers that it
names, and leaves the others as they are."""
NO_TASK = "none"
"""The name of no task: the policy plays, and nothing is asked for."""
MODEL = "_model"
"""What the name of a hand's model ends with."""


def stacks() -> dict[str, Path]:
    """The stacks that can be named."""
    return {f.stem: f for f in sorted((share.root() / "config" / "stacks").glob("*.yaml"))}


def describe(options: StackOptions, settings: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[NodeSpec, ...]:
    """The nodes of a stack with their parameters, all checked; raises `ConfigError` listing every fault.

    Later wins: the stack's file, the options, `params_file`, `settings` (parameters by node).
    """
    here = Path.cwd()
    file, folder = _stack(options.stack)
    effector = options.effector or str(file.get("effector", "arm26"))
    registry.factory("effectors", effector)
    policy = located(options.policy, here, "name")
    if not policy:
        policy = located(_default_policy(file.get("policy"), effector, options.stack), folder, "name")
    imposed = located(str(file.get("perturbation", "null")), folder, "name")
    perturbation = {"perturbation": located(options.perturbation, here, "name") or imposed}
    chosen = (_with_emg if "emg" in file else _with_task)(options, file, effector, policy)
    chosen["perturbation"] = {**perturbation, **chosen["perturbation"]}
    if options.record:
        bag = str(Path(options.record).expanduser().absolute())
        chosen["recorder"] = {"folder": bag, "clock": "simulated" if options.lockstep else "wall"}
    space = f"/{options.namespace.strip('/')}".rstrip("/")
    nodes = {n: f"{space}/twin/effector" if n == "twin" else f"{space}/{n}" for n in _OPTIONS if n in chosen}
    said = dict(file.get("nodes") or {})
    if options.file or options.emg not in ("", file.get("emg")):
        said.pop("emg", None)  # it is about the stack's own recording
    layers = [(said, options.stack, folder), (chosen, "", here)]
    if options.params_file:
        given = Path(options.params_file).expanduser()
        layers.append((_yaml(given), options.params_file, given.absolute().parent))
    layers.append((dict(settings or {}), "--set", here))
    read = [(entries(data, where, nodes, _OPTIONS), base) for data, where, base in layers]
    given_nodes = {n for data, where, _ in layers if where != options.stack for n in data if n in _OPTIONS}
    strange = given_nodes - set(nodes)
    faults = [f"stack {options.stack!r} has no node {n!r}; it has {', '.join(chosen)}" for n in sorted(strange)]
    specs = []
    for name, full in nodes.items():
        parameters, bases = _layered(name, full, read)
        groups = _groups(name, parameters)
        for group in groups:
            for base in dict.fromkeys(bases.values()):
                seen = {k: v for k, v in parameters.items() if bases[k] == base}
                parameters.update(anchored(group, _own(group, seen), base))
        faults += _faults(name, parameters, groups)
        parameters = {k: _plain(v) for k, v in parameters.items() if not (_sized(v) and len(v) == 0)}
        if options.use_sim_time:
            parameters["use_sim_time"] = True
        twin = name == "twin"
        remappings = {"command": f"{space}/command"} if twin else {}
        simulated = options.lockstep or parameters.get("use_sim_time")
        if space and simulated and name != "effector":  # which gives the time
            remappings["/clock"] = f"{space}/clock"
        specs.append(
            NodeSpec(
                name, _OPTIONS[name][0], parameters, remappings,
                node="effector" if twin else "", namespace=name if twin else "",
            )
        )  # fmt: skip
    if faults:
        raise ConfigError("; ".join(faults))
    _check_policy(specs)
    _check_answers(specs, [parameters_of(said, nodes["policy"], {GRIPS}) for said, _ in read[1:]])
    _check_sites(specs)
    return tuple(specs)


Chosen = dict[str, dict[str, Any]]


def _with_task(options: StackOptions, file: Mapping[str, Any], effector: str, policy: str) -> Chosen:
    """A body, a policy that sees it, what is imposed, and what is asked for."""
    _refuse_given(options, ("emg", "file", "emg_option", "port"), "has no EMG and no real hand")
    task = options.task or str(file.get("task") or NO_TASK)
    if task == NO_TASK:
        _refuse_given(options, ("trials",), "has no task")
    parties = ["perturbation"] if task == NO_TASK else ["task", "perturbation"]
    drawn = task not in registry.names("tasks") or "seed" in {f.name for f in fields(registry.options("tasks", task))}
    chosen: Chosen = {
        "effector": {
            "effector": effector,
            "lockstep": options.lockstep,
            "parties": parties,
            "seed": options.seed,
            "duration_s": options.duration,
            "gui": options.gui,
        },
        "policy": {
            "policy": policy,
            "lockstep": options.lockstep,
            "parties": parties,
            "seed": options.seed,
            "task": "" if task == NO_TASK else task,
        },
        "perturbation": {},
    }
    if task == NO_TASK:
        chosen["perturbation"] = {"per_trial": False}
    else:
        chosen["task"] = {
            "task": task,
            "trials": options.trials,
            "lockstep": options.lockstep,
            **({"seed": options.seed} if drawn else {}),
        }
    return chosen


def _with_emg(options: StackOptions, file: Mapping[str, Any], effector: str, policy: str) -> Chosen:
    """EMG, a decoder that hears it, a hand (emulated, when no port is given), its model beside it."""
    _refuse_given(options, ("task", "trials", "lockstep"), "runs in real time, without a task")
    library("scipy.signal", "emg", "conditioning EMG")
    source = options.emg or str(file["emg"])
    emg: dict[str, Any] = {"source": source, "conditioning": policy}
    if options.file:
        emg["file"] = options.file
    for pair in options.emg_option:
        key, sep, text = pair.partition("=")
        if not sep:
            raise ConfigError(f"an option of the EMG is name=value, got {pair!r}; for instance speed=2")
        value = yaml_text.parse(text, f"option of the EMG {key!r}")
        own = {f.name for f in fields(registry.options("emg_sources", source))}
        if key not in own and "layout" in own and key in {f.name for f in fields(RecordingFormat)}:
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
    return str(runtime_folder(stack_name(domain_id(), namespace)) / hand)


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


def _layered(
    name: str, full: str, read: list[tuple[list[ParameterEntry], Path]]
) -> tuple[dict[str, Any], dict[str, Path]]:
    """The parameters of one node, and for each the folder from which a file that it names is seen.

    The component, whose options stand beside the node's, is known once all layers are read: hence twice.
    """
    parameters: dict[str, Any] = {}
    bases: dict[str, Path] = {}
    for _ in range(2):
        known = {*_names(_groups(name, parameters)), *ALWAYS}
        parameters, bases = {}, {}
        for said, base in read:
            layer = parameters_of(said, full, known)
            parameters |= {k: _with_former(parameters.get(k), v) if k == GRIPS else v for k, v in layer.items()}
            bases |= dict.fromkeys(layer, base)
    return parameters, bases


def _names(groups: list[type]) -> set[str]:
    return {f.name for group in groups for f in fields(group)}


def _own(group: type, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those parameters of a node that are options of one dataclass."""
    return {k: v for k, v in parameters.items() if k in _names([group])}


def _groups(name: str, parameters: Mapping[str, Any]) -> list[type]:
    """The options dataclasses of a node, with that of the component which its parameters name; without it where they
    name none that is known."""
    component, groups = _OPTIONS[name][2], node_options()[name]
    if component is not None:
        with contextlib.suppress(ConfigError):
            groups.append(registry.options(component[0], str(parameters.get(component[1], ""))))
    return groups


def _faults(name: str, parameters: Mapping[str, Any], groups: list[type]) -> list[str]:
    """Everything that is wrong with the parameters of one node."""
    faults = []
    component = _OPTIONS[name][2]
    if component is not None:
        try:
            registry.options(component[0], str(parameters.get(component[1], "")))
        except ConfigError as error:
            return [str(error)]
    known = _names(groups)
    strange = [k for k in parameters if k not in known and k not in ALWAYS and not k.startswith("qos_overrides")]
    faults += [f"node {name!r}: {unknown('parameter', k, known)}" for k in strange]
    for key in ALWAYS:
        if not isinstance(parameters.get(key, True), bool):
            faults.append(f"node {name!r}: {key}: {parameters[key]!r} is not true or false")
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
            planner(build(PerturbationNodeOptions, _own(PerturbationNodeOptions, parameters)))
        except ConfigError as error:
            faults.append(str(error))
    return faults


def _with_former(former: Any, pairs: Any) -> Any:
    """Pairs `answer=grip` with those of other answers that an earlier layer has; anything else as it is, to be refused
    later."""
    if not all(isinstance(v, (list, tuple)) and all(isinstance(p, str) for p in v) for v in (former, pairs)):
        return pairs
    answers = {p.partition("=")[0] for p in pairs}
    return [*(p for p in former if p.partition("=")[0] not in answers), *pairs]


def _check_answers(specs: list[NodeSpec], given: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a grip that a person gives for what the decoder never answers."""
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract

    answers = [p.partition("=")[0] for layer in given for p in layer.get(GRIPS) or () if isinstance(p, str)]
    if not answers:
        return
    name = str(next(s.parameters for s in specs if s.name == "policy")["policy"])
    contract = read_contract(store.find(name))
    known = contract.action.names[:-1] if contract.conditioning else ()
    for answer in answers:
        if answer not in known:
            raise unknown(f"answer of {contract.name!r} in policy.grips,", answer, known)


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
    from myoprosthesis.nodes.perturbation_sites import PerturbationSites, contract_of
    from myoprosthesis.policies import store

    effector, policy, perturbation = (
        next(s.parameters for s in specs if s.name == name) for name in ("effector", "policy", "perturbation")
    )
    imposed = planner(build(PerturbationNodeOptions, _own(PerturbationNodeOptions, perturbation)))
    entries = imposed.entries()
    if not entries:
        return
    own = registry.options("effectors", str(effector["effector"]))
    made: Any = registry.factory("effectors", str(effector["effector"]))(build(own, _own(own, effector)))
    sites = PerturbationSites(made.spec, contract_of(str(store.find(str(policy["policy"])))))
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


def _stack(name: str) -> tuple[dict[str, Any], Path]:
    """What a stack's file says, and its folder, from which the files that it names are seen."""
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
    return data, path.absolute().parent


def _yaml(path: Path) -> dict[str, Any]:
    return yaml_text.read_mapping(path.expanduser())


def as_settings(pairs: Iterable[str]) -> dict[str, dict[str, Any]]:
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
