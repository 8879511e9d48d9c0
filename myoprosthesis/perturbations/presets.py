"""Presets by name: a file in config/perturbations/, a kind with its defaults, or a file by path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from myoprosthesis.core import registry, share
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.location import anchored
from myoprosthesis.core.options import build
from myoprosthesis.files import yaml_text
from myoprosthesis.perturbations.planner import Planner, Preset, refuse_sign


def names() -> dict[str, Path | None]:
    """All that can be named: presets with their files, kinds without."""
    files = {f.stem: f for f in sorted((share.root() / "config" / "perturbations").glob("*.yaml"))}
    return {**dict.fromkeys(registry.names("perturbations")), **files}


def import_kinds() -> None:
    """Import all kinds now, where a node has the time; one that cannot be is refused when it is used."""
    for name in registry.names("perturbations"):
        with suppress(ConfigError):
            registry.options("perturbations", name)


def load(name: str, **changes: Any) -> Preset:
    """The preset of that name, with `changes` to its own options; raises `ConfigError`.

    The name of one from a file of a person's own is that of the file, with a mark of what it imposes.
    """
    try:
        path = Path(name).expanduser()
        by_path = path.suffix in (".yaml", ".yml") and path.is_file()
    except (OSError, RuntimeError) as error:  # a name too long, a folder that is not ours, a home that does not exist
        raise ConfigError(f"perturbation {name[:80]!r} cannot be looked for: {str(error)[:60]}") from error
    if by_path:
        data: dict[str, Any] = _read(path)
        data["name"] = f"{data.get('name') or path.name} {_mark(data)}"
    else:
        known = names()
        if name not in known:
            raise unknown("perturbation", name, known)
        file = known[name]
        path, data = (file, _read(file)) if file is not None else (Path(name), {"kinds": [{"kind": name}]})
    preset = build(Preset, {"name": path.stem, **data, **changes}, f"perturbation {name!r}")
    if not {"kinds", "blocks"} & set(data):
        raise ConfigError(f"{path} perturbs nothing: it needs kinds or blocks (kinds: [] where nothing is meant)")
    return preset


def anchored_kinds(data: Any, folder: Path) -> Any:
    """Mappings with `kind` and its options, anywhere in `data`, with file names resolved from `folder`.

    Faults in them are left for others to refuse.
    """
    if isinstance(data, (list, tuple)):
        return [anchored_kinds(d, folder) for d in data]
    if not isinstance(data, Mapping):
        return data
    if data.get("kind") in registry.names("perturbations"):
        return anchored(registry.options("perturbations", data["kind"]), data, folder)
    return {k: anchored_kinds(v, folder) for k, v in data.items()}


def anchored_overrides(name: str, overrides: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Options that replace those of the kinds of a preset, with the files that they name seen from `folder`."""
    preset, out = load(name), dict(overrides)
    blocks = [preset.kinds, *(b.get("kinds", ()) for b in preset.blocks)]
    for kind in (k.get("kind") for kinds in blocks for k in kinds):
        if kind in registry.names("perturbations"):
            out = anchored(registry.options("perturbations", kind), out, folder)
    return out


def planner(name: str, overrides: Mapping[str, Any], **changes: Any) -> Planner:
    """The planner of the preset of that name with `changes` to its own options and `overrides` of its kinds'."""
    preset = load(name, **changes)
    if isinstance(gain := overrides.get("gain"), (int, float)) and gain < 0:
        refuse_sign(name, overrides, _mirror(preset))
    return Planner(preset, overrides)


def _mirror(preset: Preset) -> str:
    """The preset that acts in the opposite direction; empty where there is none."""
    own = Planner(preset)
    for name, file in names().items():
        if file is not None and own.opposes(Planner(load(name))):
            return name
    return ""


def inline(text: str | Mapping[str, Any]) -> dict[str, Any]:
    """Options written as a YAML mapping, or such a mapping itself; empty text gives none."""
    if isinstance(text, Mapping):
        return dict(text)
    data = yaml_text.parse(text, f"the options {text[:80]!r}") if text.strip() else {}
    if not isinstance(data, dict):
        raise ConfigError(f"options must be a YAML mapping such as '{{ramp_s: 0.2}}', got {text!r}")
    return data


def _mark(data: Mapping[str, Any]) -> str:
    """Six hexadecimal digits of what a file imposes: files of one name, and one that was edited, are told apart."""
    acts = {k: v for k, v in data.items() if k not in ("name", "about")}
    return hashlib.sha256(json.dumps(acts, sort_keys=True, default=str).encode()).hexdigest()[:6]


def _read(path: Path) -> dict[str, Any]:
    """What a file says; the files that it names are seen from its own folder."""
    data = yaml_text.read_mapping(path, keys=", ".join(Preset.__dataclass_fields__))
    return dict(anchored_kinds(data, path.absolute().parent))
