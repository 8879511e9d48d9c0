"""The one description of a stack: which nodes, with which parameters. `up` and `ros2 launch` both read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any

from myoprosthesis.core import registry, share
from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.extras import require
from myoprosthesis.core.location import located
from myoprosthesis.core.options import option
from myoprosthesis.core.private import runtime_folder, stack_name
from myoprosthesis.core.text import printable
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.files import yaml_text
from myoprosthesis.files.parameter_file import parameters
from myoprosthesis.stack.checks import (
    check_grips,
    check_perturbation,
    check_policy,
    decoder_grips,
    task_options_of,
)
from myoprosthesis.stack.node_spec import NodeSpec
from myoprosthesis.stack.node_types import NODE_TYPES, names_of
from myoprosthesis.stack.parameter_layers import (
    GRIPS,
    ParameterLayer,
    as_ros,
    contradictions,
    layered,
    parameter_faults,
    slips,
)
from myoprosthesis.stack.supervisor import OPTIONAL


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
    duration: float = option(0.0, "end after so much time, counted from the first command; 0: go on", "s", 0.0)
    gui: bool = option(False, "serve the console, a page for a browser; its address is printed")
    gui_port: int = option(0, "port of the console; 0: 8770, or the next free one", "", 0, 65535)
    gui_network: bool = option(
        False, "let browsers on other machines open the console; unencrypted: whoever reads the network reads its token"
    )
    markers: bool = option(False, "publish the body as markers for RViz and Foxglove, on the topic markers")
    viewer: bool = option(False, "open MuJoCo's viewer, where there is a display")
    record: str = option("", "folder into which everything is recorded, as a rosbag2; a new file where there is one")
    namespace: str = option("", "namespace of all nodes")
    network: bool = option(False, "let other machines take part: they can see, command, steer and stop what runs")
    nodes: tuple[str, ...] = option(
        (),
        "the nodes that run here, where the others of the stack run elsewhere (on another machine with network); "
        "without it all of them",
    )
    use_sim_time: bool = option(False, "nodes take their time from /clock")
    params_file: str = option("", "YAML with parameters by node")


STACK_KEYS = {
    "about": "one sentence for people",
    "effector": "the body",
    "policy": "the policy: a name, a path, or a mapping of effectors to policies",
    "train": "the command that makes that policy, where it does not come with the package",
    "perturbation": "what acts on the body: a preset, a kind, or the path of a YAML file",
    "task": "the task; without this key, or with none: nothing is asked for, the policy plays",
    "emg": "the source of EMG; a stack with this key is one from EMG to a hand",
    "decoder": "what decodes the EMG into postures, where the policy does not; a stack from EMG to muscles",
    "posture": "the effector that the decoder commands, and whose joints are the goal of the policy",
    "hand": "an effector that follows the joints of the body",
    "nodes": "parameters of nodes, by node and parameter",
}
"""Keys of a file in config/stacks/."""
KINDS: dict[str, tuple[type, ...]] = {
    "nodes": (Mapping, NoneType),
    "policy": (str, Mapping),
    "task": (str, NoneType),
}
"""Kinds of their values that are no single names."""
LISTS = tuple(f.name for f in fields(RecordingFormat) if isinstance(f.default, tuple))
"""Options of the format of a recording that are lists."""
AGAIN_S = 5.0
"""After this long `ros2 launch` starts a process again that others do without."""
EMULATOR_S = 20.0
"""How long a hand waits for its emulator."""
SHARED = {
    "twin": ("command",),
    "decoder": ("emg/filtered", "emg/spec", "emg/prompt", "emg/decision", "perturbation"),
}
"""Topics that a node in a namespace of its own shares with the stack."""
NO_TASK = "none"
"""The name of no task: the policy plays, and nothing is asked for."""
MODEL = "_model"
"""What the name of a hand's model ends with."""


def stacks() -> dict[str, Path]:
    """The stacks that can be named."""
    return {f.stem: f for f in sorted((share.root() / "config" / "stacks").glob("*.yaml"))}


def describe(
    options: StackOptions, settings: Mapping[str, Mapping[str, Any]] | None = None, policy_stays: bool = True
) -> tuple[NodeSpec, ...]:
    """The nodes of a stack with their parameters, all checked; raises `ConfigError` listing every fault.

    Later wins: the stack's file, the options, `params_file`, `settings` (parameters by node). An option that was given
    and a parameter that says something else are a fault.
    Without `policy_stays` the perturbation is not checked against the policy, since others follow it.
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
    if "decoder" in file:
        file["decoder"] = located(str(file["decoder"]), folder, "name")
    chosen = _kind(file)(options, file, effector, policy)
    chosen["perturbation"] = {**perturbation, **chosen["perturbation"]}
    if options.record:
        bag = str(Path(options.record).expanduser().absolute())
        if options.lockstep:
            chosen["effector"]["recorded"] = True
        chosen["recorder"] = {"folder": bag, "clock": "simulated" if options.lockstep else "wall"}
    if options.gui or options.gui_network:
        port = {"port": options.gui_port} if options.gui_port else {}
        chosen["console"] = {**port, "network": options.gui_network}
    if options.markers:
        chosen["markers"] = {}
    space = f"/{options.namespace.strip('/')}".rstrip("/")
    nodes = {n: f"{space}/{kind.place or n}" for n, kind in NODE_TYPES.items() if n in chosen}
    of_file = dict(file.get("nodes") or {})
    if options.file or options.emg not in ("", file.get("emg")):
        of_file.pop("emg", None)  # it is about the stack's own recording
    layers = [ParameterLayer(of_file, options.stack, folder), ParameterLayer(chosen, "", here)]
    if options.params_file:
        path = Path(options.params_file).expanduser()
        layers.append(ParameterLayer(_yaml(path), options.params_file, path.absolute().parent))
    layers.append(ParameterLayer(dict(settings or {}), "--set", here))
    named = {n for layer in layers[1:] for n in layer.data if n in NODE_TYPES}
    asked = {f.name: getattr(options, f.name) for f in fields(options) if getattr(options, f.name) != f.default}
    faults = [
        f"stack {options.stack!r} has no node {n!r}; it has {', '.join(chosen)}" for n in sorted(named - set(nodes))
    ]
    specs: list[NodeSpec] = []
    for name, full in nodes.items():
        values = layered(name, full, nodes, layers)
        if name == "policy":
            policy = str(values.get("policy", policy))
        if name == "task" and (skill := task_options_of(policy)):
            values = {"policy_options": skill, **values}
        if name == "task" and "emg" in nodes and GRIPS in names_of(NODE_TYPES["task"].groups(values)):
            values = {GRIPS: decoder_grips(next(s.parameters for s in specs if s.name == "policy")), **values}
        faults += parameter_faults(name, values) + contradictions(asked, name, chosen[name], values)
        specs.append(_spec(name, as_ros(values), options, space))
    faults += slips(layers, nodes, {s.name: s.parameters for s in specs})
    if faults:
        raise ConfigError("; ".join(faults))
    default = "" if options.policy else _named_policy(file.get("policy"), effector)
    check_policy(specs, options.stack, default, str(file.get("train", "")))
    decoder = "decoder" if "decoder" in nodes else "policy"
    grips = [parameters(layer.entries(nodes), nodes[decoder], {GRIPS}) for layer in layers[1:]]
    check_grips(specs, decoder, grips)
    if policy_stays:
        check_perturbation(specs)
    return tuple(specs)


def _spec(name: str, values: dict[str, Any], options: StackOptions, space: str) -> NodeSpec:
    if options.use_sim_time:
        values["use_sim_time"] = True
    remappings = {topic: f"{space}/{topic}" for topic in SHARED.get(name, ())}
    simulated = options.lockstep or values.get("use_sim_time")
    if space and simulated and name != "effector":  # which publishes the time
        remappings["/clock"] = f"{space}/clock"
    namespace, _, node = NODE_TYPES[name].place.rpartition("/")
    kind = NODE_TYPES[name]
    delay_s = AGAIN_S if name in OPTIONAL else 0.0
    return NodeSpec(name, kind.executable, values, remappings, True, delay_s, node, namespace, kind.room)


Chosen = dict[str, dict[str, Any]]


def _kind(file: Mapping[str, Any]) -> Callable[[StackOptions, Mapping[str, Any], str, str], Chosen]:
    if "decoder" in file:
        return _with_muscles
    return _with_emg if "emg" in file else _with_task


def _with_task(options: StackOptions, file: Mapping[str, Any], effector: str, policy: str) -> Chosen:
    """A body, a policy that sees it, what is imposed, and what is asked for."""
    _refuse_options(options, ("emg", "file", "emg_option", "port"), "has no EMG and no real hand")
    task = options.task or str(file.get("task") or NO_TASK)
    if task == NO_TASK:
        _refuse_options(options, ("trials",), "has no task")
    participants = ["perturbation"] if task == NO_TASK else ["task", "perturbation"]
    drawn = task not in registry.names("tasks") or "seed" in {f.name for f in fields(registry.options("tasks", task))}
    chosen: Chosen = {
        "effector": {
            "effector": effector,
            "lockstep": options.lockstep,
            "participants": participants,
            "seed": options.seed,
            "duration_s": options.duration,
            "gui": options.viewer,
        },
        "policy": {
            "policy": policy,
            "lockstep": options.lockstep,
            "participants": participants,
            "seed": options.seed,
            "task": "" if task == NO_TASK else task,
        },
        "perturbation": {},
    }
    if task == NO_TASK:
        # what begins now begins in the time of the effector
        chosen["perturbation"] = {"per_trial": False, **({"use_sim_time": True} if options.lockstep else {})}
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
    _refuse_options(options, ("lockstep",), "runs in real time")
    task = options.task or str(file.get("task") or NO_TASK)
    if task == NO_TASK:
        _refuse_options(options, ("trials",), "has no task")
    hand = {
        "effector": effector,
        "participants": ["perturbation"],
        "seed": options.seed,
        "duration_s": options.duration,
    }
    chosen: Chosen = {
        "emg": _emg(options, file, policy), "effector": hand, "policy": {"policy": policy, "seed": options.seed}
    }  # fmt: skip
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
            chosen["twin"] = {"effector": effector + MODEL, "beside": "state", "gui": options.viewer}
    else:
        hand["gui"] = options.viewer
    if task == NO_TASK:
        chosen["perturbation"] = {"per_trial": False}
        return chosen
    hand["participants"] = ["task", "perturbation"]
    chosen["task"] = {"task": task, "trials": options.trials, "seed": options.seed}
    chosen["perturbation"] = {}
    return chosen


def _with_muscles(options: StackOptions, file: Mapping[str, Any], effector: str, policy: str) -> Chosen:
    """EMG, a decoder that commands a posture, a policy whose muscles follow it, and a hand that follows the joints."""
    _refuse_options(options, ("task", "trials", "lockstep", "port"), "runs in real time, without a task and a port")
    space = f"/{options.namespace.strip('/')}".rstrip("/")
    decoder = str(file["decoder"])
    chosen = {
        "emg": _emg(options, file, decoder),
        "effector": {
            "effector": effector,
            "participants": ["perturbation"],
            "seed": options.seed,
            "duration_s": options.duration,
            "gui": options.viewer,
        },
        "policy": {"policy": policy, "participants": ["perturbation"], "seed": options.seed, "task": "hand_posture",
                   "goal": f"{space}/posture/state"},
        "decoder": {"policy": decoder, "seed": options.seed},
        "posture": {"effector": str(file.get("posture", "mapped"))},
        "perturbation": {"per_trial": False},
    }  # fmt: skip
    if file.get("hand"):
        chosen["hand"] = {"effector": str(file["hand"]), "follow": f"{space}/state"}
    return chosen


def _emg(options: StackOptions, file: Mapping[str, Any], decoder: str) -> dict[str, Any]:
    """Parameters of the node of the EMG."""
    require("scipy", "emg", "conditioning EMG")
    source = options.emg or str(file["emg"])
    emg: dict[str, Any] = {"source": source, "conditioning": decoder}
    if options.file:
        emg["file"] = options.file
    for pair in options.emg_option:
        key, sep, text = pair.partition("=")
        if not sep:
            raise ConfigError(f"an option of the EMG is name=value, got {pair!r}; for instance speed=2")
        value = yaml_text.parse(text, f"option of the EMG {key!r}")
        own = {f.name for f in fields(registry.options("emg_sources", source))}
        if key in LISTS and not isinstance(value, list):
            value = text  # a list of one, or with commas
        if key not in own and "layout" in own and key in {f.name for f in fields(RecordingFormat)}:
            emg.setdefault("layout", {})[key] = value  # what a file does not say of itself
        else:
            emg[key] = value
    return emg


def _emulated(hand: str, namespace: str) -> str:
    """The port of an emulated hand, the same for all processes of a stack."""
    return str(runtime_folder(stack_name(domain_id(), namespace)) / hand)


def _refuse_options(options: StackOptions, names: tuple[str, ...], why: str) -> None:
    strange = [n for n in names if getattr(options, n)]
    if strange:
        raise ConfigError(f"stack {options.stack!r} {why}: {', '.join(strange)} cannot be given")


def _named_policy(policy: Any, effector: str) -> str:
    """The policy that a stack's file names for an effector; empty where it names none."""
    return policy if isinstance(policy, str) else str((policy or {}).get(effector, ""))


def _default_policy(policy: Any, effector: str, stack: str) -> str:
    if name := _named_policy(policy, effector):
        return name
    known = ", ".join(policy) if isinstance(policy, dict) else "none"
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
    for key, value in data.items():
        kinds = KINDS.get(key, (str,))
        if not isinstance(value, kinds):
            needed = (
                "a mapping of nodes to their parameters"
                if key == "nodes"
                else "a name, in quotes where YAML reads more"
            )
            raise ConfigError(f"{path}: {key} is {printable(str(value), 60)!r}, and it must be {needed}")
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
        if name in out.get(node, {}):
            raise ConfigError(f"--set {key} is given twice")
        out.setdefault(node, {})[name] = yaml_text.parse(text, f"--set {key}")
    return out


def as_dict(options: StackOptions) -> dict[str, Any]:
    """Plain data for a record of what was run."""
    return asdict(options)
