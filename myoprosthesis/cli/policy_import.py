"""`policy import sb3|rsl_rl|onnx`: a policy folder from a network of another library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import COMMAND_LINE, Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library

if TYPE_CHECKING:
    from myoprosthesis.onnx_graphs.actor_network import ActorNetwork
    from myoprosthesis.training.imports.imported_policy import Act, ImportedPolicy
    from myoprosthesis.training.imports.policy_interface import PolicyInterface

ASKED = (
    "its file says neither which effector it commands nor what its numbers mean: give the environment in which it was "
    "trained, as --env Baoding-v0, or --contract FILE"
)


@dataclass(frozen=True, kw_only=True)
class ImportOptions(JsonArgument):
    """Options of every `policy import`."""

    file: str = argument(help="the file of the network", positional=True)
    env: str = argument("", "registered environment in which it was trained, such as Baoding-v0 or MODULE:NAME")
    option: tuple[str, ...] = argument((), "an option of --env; may be repeated", repeat=True, metavar="NAME=VALUE")
    contract: str = argument("", "contract in YAML, in place of --env", metavar="FILE")
    out: str = argument("", "folder to write; by default policies/NAME, by the name of the file", metavar="DIR")


@dataclass(frozen=True, kw_only=True)
class ActorImportOptions(ImportOptions):
    """Options of an import of layers."""

    activation: str = argument("", "of the hidden layers, where the file does not say")


@dataclass(frozen=True, kw_only=True)
class Sb3ImportOptions(ActorImportOptions):
    """Options of `policy import sb3`."""

    vecnormalize: str = argument("", "what VecNormalize.save wrote, where observations were normalised", metavar="FILE")


def add(commands: Commands) -> None:
    """Add the commands to the group `policy`."""
    own = commands.group(
        "import",
        "a policy from a network of another library",
        "Makes a policy folder of a network that another library trained. Nothing is unpickled; what the file does not "
        "say is taken from an environment or a contract; the result is compared with the original.",
    )
    own.add("sb3", import_sb3, Sb3ImportOptions, help="a zip file of stable-baselines3 or sb3-contrib")
    own.add("rsl_rl", import_rsl_rl, ActorImportOptions, help="a checkpoint of rsl_rl")
    own.add("onnx", import_onnx, ImportOptions, help="any ONNX file, by a contract in YAML")


def import_sb3(options: Sb3ImportOptions) -> int:
    """Import a zip file of stable-baselines3."""
    from dataclasses import replace

    folder = _folder(options)
    from myoprosthesis.training.imports import sb3_original, sb3_zip, vec_normalize

    path = Path(options.file).expanduser()
    model = sb3_zip.read(path, options.activation)
    files = {"network": path}
    if options.vecnormalize:
        files["normaliser"] = Path(options.vecnormalize).expanduser()
        normaliser = vec_normalize.read(files["normaliser"])
        model = replace(model, network=replace(model.network, normaliser=normaliser))
    what = f"a policy of stable-baselines3 {model.version or 'of unknown version'} ({model.module or 'unknown class'})"
    library_act = lambda network: sb3_original.act(replace(model, network=network))  # noqa: E731
    return _actor(options, folder, model.network, what, files, {"stable-baselines3": library_act})


def import_rsl_rl(options: ActorImportOptions) -> int:
    """Import a checkpoint of rsl_rl."""
    folder = _folder(options)
    from myoprosthesis.training.imports import rsl_rl_checkpoint

    path = Path(options.file).expanduser()
    network = rsl_rl_checkpoint.read(path, options.activation)
    return _actor(options, folder, network, "the actor of a checkpoint of rsl_rl", {"network": path}, {})


def import_onnx(options: ImportOptions) -> int:
    """Import an ONNX file."""
    folder = _folder(options)
    from myoprosthesis.training.imports import onnx_network
    from myoprosthesis.training.imports.contract_file import GraphNames

    path = Path(options.file).expanduser()
    interface, names = _interface(options, folder.name)
    policy, act = onnx_network.read(path, interface, names or GraphNames())
    return _write(options, folder, policy, {"the network": act}, {"network": path})


def _actor(
    options: ImportOptions,
    folder: Path,
    network: ActorNetwork,
    what: str,
    files: dict[str, Path],
    libraries: dict[str, Callable[[ActorNetwork], Act | None]],
) -> int:
    from myoprosthesis.training.imports import imported_policy
    from myoprosthesis.training.imports.torch_actor import TorchActor

    interface, _ = _interface(options, folder.name)
    policy, network = imported_policy.of_actor(network, interface, what)
    originals: dict[str, Act] = {"torch": TorchActor(network).act}
    for name, make in libraries.items():
        act = make(network)
        if act is not None:
            originals[name] = act
    return _write(options, folder, policy, originals, files)


def _folder(options: ImportOptions) -> Path:
    """Where to write; refuses, before anything is read, what cannot be used."""
    check_writable(options.json)
    library("torch", "train", "policy import").set_num_threads(1)  # more are slower for one observation at a time
    if bool(options.env) == bool(options.contract):
        raise ConfigError(
            f"{options.file}: " + ("--env and --contract say the same: give one" if options.env else ASKED)
        )
    if options.option and not options.env:
        raise ConfigError("--option is one of --env: a contract has none")
    stem = Path(options.file).stem
    return Path(options.out).expanduser() if options.out else Path("policies") / stem


def _interface(options: ImportOptions, name: str) -> tuple[PolicyInterface, Any]:
    from myoprosthesis.files import yaml_text
    from myoprosthesis.training.imports import contract_file, policy_interface

    if options.env:
        made = policy_interface.of_environment(options.env, yaml_text.assigned(options.option, "--option"))
        return made.named(name), None
    made, names = contract_file.read(Path(options.contract).expanduser())
    return made.named(name), names


def _write(
    options: ImportOptions, folder: Path, policy: ImportedPolicy, originals: dict[str, Act], files: dict[str, Path]
) -> int:
    from myoprosthesis.training.exported_policy import PARITY_STEPS
    from myoprosthesis.training.imports import imported_policy

    gaps = {name: imported_policy.difference(policy, act) for name, act in originals.items()}
    path = imported_policy.write(policy, folder, gaps, COMMAND_LINE.get(), files)
    contract = policy.contract
    print(f"{path}: {contract.effector}, {contract.observation_size} observations, {contract.action.size} commands, "
          f"every {1e3 * contract.dt:g} ms")  # fmt: skip
    for name, gap in gaps.items():
        print(f"largest difference from {name} over {PARITY_STEPS} steps: {gap:.1e}")
    write_json(
        options.json,
        {
            "path": str(path), "effector": contract.effector, "observations": contract.observation_size,
            "actions": contract.action.size, "dt": contract.dt, "hidden": dict(contract.hidden), "differences": gaps,
        },
    )  # fmt: skip
    return 0
