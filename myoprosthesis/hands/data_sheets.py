"""Data sheets of hands: `hardware/hands/<name>.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import unknown
from myoprosthesis.core.options import build
from myoprosthesis.core.share import root
from myoprosthesis.files import yaml_text
from myoprosthesis.hands.hand_spec import HandSpec


def folder() -> Path:
    """Folder of the data sheets."""
    return root() / "hardware" / "hands"


def names() -> list[str]:
    """Names of the hands that have a data sheet."""
    return sorted(p.stem for p in folder().glob("*.yaml") if p.stem not in ("grips", "mapping"))


def load(name: str, **changes: Any) -> HandSpec:
    """The data sheet of the hand `name`, with `changes` to its keys; raises `ConfigError` listing every fault."""
    if name not in names():
        raise unknown("hand", name, names())
    path = folder() / f"{name}.yaml"
    return build(HandSpec, {**yaml_text.read_mapping(path), "name": name, **changes}, str(path))
