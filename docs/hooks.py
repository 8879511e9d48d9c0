"""Pages of the documentation that are made while it is built: the API, a page per room, and copies of root files."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "myoprosthesis"
FORMER = {"checks"}
"""Rooms that only hold former names."""
COPIED = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}


def rooms() -> dict[str, list[str]]:
    """The rooms of the package with the dotted names of their modules, both in alphabetical order."""
    out: dict[str, list[str]] = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if len(parts) > 2 and parts[-1] != "__init__" and parts[1] not in FORMER:
            out.setdefault(parts[1], []).append(".".join(parts))
    return out


def room_page(room: str, modules: list[str]) -> str:
    """The API page of one room, in the syntax of mkdocstrings."""
    init = ast.parse((ROOT / PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))
    sections = [f"## {name.split('.', 2)[2]}\n\n::: {name}\n" for name in modules]
    return "\n".join([f"# {room}\n", f"{ast.get_docstring(init)}\n", *sections])


def on_config(config: Any) -> Any:
    """Add the pages of the API to the navigation."""
    config.nav.append({"API": [{room: f"api/{room}.md"} for room in rooms()]})
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """Add the generated pages."""
    for room, modules in rooms().items():
        files.append(File.generated(config, f"api/{room}.md", content=room_page(room, modules)))
    for page, source in COPIED.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    return files
