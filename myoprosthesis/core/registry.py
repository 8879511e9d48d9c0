"""The only registry: entry points, built-ins included."""

from __future__ import annotations

from dataclasses import is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from myoprosthesis.core.errors import ConfigError, unknown

KINDS = (
    *("effectors", "policies", "perturbations", "tasks", "terms"),
    *("emg_sources", "emg_formats", "decoders", "hand_protocols", "emulators", "motion_generators"),
)


@cache
def _entries(kind: str) -> dict[str, EntryPoint]:
    if kind not in KINDS:
        raise unknown("kind of component", kind, KINDS)
    return {e.name: e for e in entry_points(group=f"myoprosthesis.{kind}")}


def _one(kind: str) -> str:
    return "policy" if kind == "policies" else kind.rstrip("s").replace("_", " ")


def names(kind: str) -> list[str]:
    """Names registered under a kind (`effectors`, `tasks` …), sorted."""
    return sorted(_entries(kind))


def factory(kind: str, name: str) -> Any:
    """The callable behind `name`; it takes one options dataclass. Unknown names list the known ones."""
    entries = _entries(kind)
    if name not in entries:
        hint = "(a name just added to setup.py needs a reinstall: pip install -e .)"
        raise unknown(_one(kind), name, entries, hint)
    try:
        return entries[name].load()
    except (ImportError, AttributeError) as error:
        what = f"{_one(kind)} {name!r}"
        raise ConfigError(f"{what} cannot be loaded: {error}; reinstall, or install what it needs") from error


def options(kind: str, name: str) -> type:
    """The options dataclass of a component: the type of its factory's first argument."""
    make = factory(kind, name)
    hints = get_type_hints(make.__init__ if isinstance(make, type) else make)  # type: ignore[misc]
    for key, hint in hints.items():
        if key != "return" and is_dataclass(hint) and isinstance(hint, type):
            return hint
    raise ConfigError(f"{_one(kind)} {name!r} takes no options dataclass: its factory must take one")
