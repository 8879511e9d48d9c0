"""`keys`: the keys of the YAML files that people write, from the dataclasses that read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields
from typing import Any, NamedTuple

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.options import allowed, shown_default


class Key(NamedTuple):
    """A key of a file: the part of the file that it stands in, its name, what it means, what it may be, its default."""

    part: str
    name: str
    about: str
    allowed: str
    default: str


def session() -> Iterator[Key]:
    """Keys of a session."""
    from myoprosthesis.core import registry
    from myoprosthesis.sessions.session import Session, SessionBlock
    from myoprosthesis.tasks.centre_out import CentreOutOptions
    from myoprosthesis.training.adaptation.options import LearnerOptions
    from myoprosthesis.training.gradient.curriculum import LossWeights

    channel = registry.options("perturbations", "channel")
    parts = {"": Session, "blocks, each": SessionBlock, "task": CentreOutOptions, "channel": channel,
             "learner": LearnerOptions, "learner, weights": LossWeights}  # fmt: skip
    yield from _of(parts)


def stack() -> Iterator[Key]:
    """Keys of a stack."""
    from myoprosthesis.stack.description import STACK_KEYS
    from myoprosthesis.stack.node_types import node_options

    yield from (Key("", name, about, "", "") for name, about in STACK_KEYS.items())
    for node, kinds in node_options().items():
        for kind in kinds:
            yield from _of({f"nodes, {node}": kind})


def curriculum() -> Iterator[Key]:
    """Keys of a curriculum."""
    from myoprosthesis.training.gradient.curriculum import Curriculum, LossWeights, Stage

    yield from _of({"": Curriculum, "stages, each": Stage, "stages, each, weights": LossWeights})


def hand_curriculum() -> Iterator[Key]:
    """Keys of a curriculum of reinforcement learning."""
    from myoprosthesis.training.rl.curriculum import HEAD, OWN, RlCurriculum, RlStage
    from myoprosthesis.training.rl.network_options import NetworkOptions
    from myoprosthesis.training.rl.ppo_options import PpoOptions

    yield from (key for key in _of({"": RlCurriculum}) if key.name in HEAD)
    yield from _of({"network": NetworkOptions, "ppo": PpoOptions})
    yield from (key for key in _of({"stages, each": RlStage}) if key.name in OWN)


def perturbation() -> Iterator[Key]:
    """Keys of a preset."""
    from myoprosthesis.perturbations.planner import PerturbationBlock, Preset

    yield from _of({"": Preset, "blocks, each": PerturbationBlock})


def recording() -> Iterator[Key]:
    """Keys of a recording.yaml."""
    from myoprosthesis.cli.recording_info import options

    for kind in options():
        about = (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")
        yield from _of({about: kind})


FILES = {"session": session, "stack": stack, "curriculum": curriculum, "hand_curriculum": hand_curriculum,
         "perturbation": perturbation, "recording": recording}  # fmt: skip
WHERE = {
    "session": "config/sessions/*.yaml; `myoprosthesis session run FILE`",
    "stack": "config/stacks/*.yaml; `myoprosthesis up FILE`. The options of the component in a node (`myoprosthesis "
    "effectors`, `tasks`, `emg sources`) stand beside the node's own",
    "curriculum": "config/curricula/*.yaml; `myoprosthesis train reach --curriculum FILE`",
    "hand_curriculum": "config/curricula/baoding.yaml; `myoprosthesis train hand --curriculum FILE`, and `train legs`. "
    "A stage also has "
    "`ppo`, with what is other than in the whole, and the components of the environment, such as `task` "
    "(`myoprosthesis tasks`) and `reward`",
    "perturbation": "config/perturbations/*.yaml; `myoprosthesis perturb FILE`. A kind is a mapping with `kind` and "
    "its options: `myoprosthesis perturbations`",
    "recording": "recording.yaml beside recordings; `--recording-info FILE`",
}


@dataclass(frozen=True, kw_only=True)
class KeysOptions(JsonArgument):
    """Options of `keys`."""

    file: str = argument(help="kind of file", choices=tuple(sorted(FILES)), positional=True)


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "keys", run, KeysOptions, help="list the keys of the YAML files that you write", description=__doc__ or ""
    )


def run(options: KeysOptions) -> int:
    """A table per part of the file."""
    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.cli.table_console import table_console

    check_writable(options.json)
    keys = list(FILES[options.file]())
    for part, group in by_part(keys).items():
        table = FigureTable(
            "key", "what it is", "may be", "default", title=f"{options.file}: {part}" if part else options.file
        )
        for key in group:
            table.add_row(key.name, key.about, key.allowed, key.default)
        table_console().print(table)
    write_json(options.json, {"file": options.file, "keys": [key._asdict() for key in keys]})
    return 0


def by_part(keys: list[Key]) -> Mapping[str, list[Key]]:
    """Keys by the part of the file that they stand in, in order."""
    out: dict[str, list[Key]] = {}
    for key in keys:
        out.setdefault(key.part, []).append(key)
    return out


def markdown() -> str:
    """All keys of all files as one page."""
    intro = (
        "`myoprosthesis keys FILE` prints the same. Every file is refused whole, with all its faults in one sentence, "
        "when a key is unknown or a value is not what it may be."
    )
    lines = ["# Keys of the YAML files", "", intro, ""]
    for name, keys in FILES.items():
        lines += [f"## {name}", "", f"{WHERE[name]}.", ""]
        for part, group in by_part(list(keys())).items():
            lines += [f"### {part}", ""] if part else []
            lines += ["| key | what it is | may be | default |", "|---|---|---|---|"]
            lines += ["| " + " | ".join(_cell(x) for x in (f"`{k.name}`", *k[2:])) + " |" for k in group]
            lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("][", "]\\[").replace("\n", " ")  # two brackets would be a reference


def _of(parts: Mapping[str, type]) -> Iterator[Key]:
    for part, kind in parts.items():
        for f in fields(kind):
            if f.init:
                yield Key(part, f.name, *_facts(f))


def _facts(f: Field[Any]) -> tuple[str, str, str]:
    return str(f.metadata.get("help", "")), allowed(f), shown_default(f).removeprefix("default ")
