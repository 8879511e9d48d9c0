"""Writes the generated parts of the documentation: `python docs/generate.py`. A test compares them with the code.

The picture and the tables of the architecture page come from the edges declared in test/test_architecture.py and from
the docstrings of the rooms, the page of YAML keys from the options dataclasses.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
WIDTH, ROW, BOX, GAP = 1240, 92, 42, 10
"""Pixels of the picture: its width, a row of rooms, a box, and the space between two boxes."""
LABELS = {
    "core": "definitions",
    "effectors": "components",
    "training": "use of components",
    "sessions": "experiments",
    "nodes": "ROS 2",
    "cli": "programs",
}
"""Names of rows, by a room in each."""


def declared() -> ModuleType:
    """The declarations of test/test_architecture.py."""
    path = ROOT / "test" / "test_architecture.py"
    spec: Any = importlib.util.spec_from_file_location("declared_architecture", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(declaration: ModuleType) -> list[list[str]]:
    """Rooms by row, from the bottom up; the last row may import anything."""
    present = {p.parent.name for p in (ROOT / declaration.PACKAGE).glob("*/__init__.py")}
    layers = [*declaration.LAYERS, declaration.TOP]
    return [row for layer in layers if (row := sorted(set(layer) & present - {"checks"}))]


def picture(declaration: ModuleType) -> str:
    """The rooms as an SVG: rows from top to bottom, arrows for the imports within a row."""
    layers = rows(declaration)
    height = ROW * len(layers) + 16
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-size="13" '
        'font-family="Helvetica,Arial,sans-serif">',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#a33"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    centres: dict[str, tuple[float, float]] = {}
    for k, layer in enumerate(reversed(layers)):
        top = 8 + k * ROW
        label = next((LABELS[room] for room in layer if room in LABELS), "")
        out.append(f'<text x="10" y="{top + 40}" fill="#666" font-size="12">{label}</text>')
        out.append(f'<path d="M0 {top + ROW - 8}H{WIDTH}" stroke="#ddd"/>')
        width = min(130.0, (WIDTH - 150) / len(layer) - GAP)
        for i, room in enumerate(layer):
            x, y = 140 + i * (width + GAP), top + 14
            centres[room] = (x + width / 2, y)
            out.append(
                f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{BOX}" rx="8" fill="#eef4fb" stroke="#3b6ea5"/>'
                f'<text x="{x + width / 2:.0f}" y="{y + 26}" text-anchor="middle" fill="#16324f">{room}</text>'
            )
    for here, there in sorted(declaration.SIBLINGS):
        if here in centres and there in centres and centres[here][1] == centres[there][1]:
            (x1, y), (x2, _) = centres[here], centres[there]
            bend = y + BOX + 8 + 14 * min(1.0, abs(x2 - x1) / 400)
            out.append(
                f'<path d="M{x1:.0f} {y + BOX}C{x1:.0f} {bend:.0f} {x2:.0f} {bend:.0f} {x2:.0f} {y + BOX + 1}" '
                'fill="none" stroke="#a33" stroke-width="1.4" marker-end="url(#a)"/>'
            )
    return "\n".join([*out, "</svg>", ""])


def _sentence(room: str) -> str:
    """The first sentence of a room's docstring."""
    text = (
        ast.get_docstring(ast.parse((ROOT / "myoprosthesis" / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    )
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def tables(declaration: ModuleType) -> str:
    """What is in each room, the declared imports within a row, and where libraries may be imported."""
    layers = rows(declaration)
    out = ["| room | what is in it |", "|---|---|"]
    out += [f"| `{room}` | {_sentence(room)} |" for layer in layers for room in layer]
    out += ["", "| import within a row | reason |", "|---|---|"]
    out += [f"| `{a}` → `{b}` | {why} |" for (a, b), why in sorted(declaration.SIBLINGS.items())]
    out += ["", "| library | may be imported in |", "|---|---|"]
    for library, homes in sorted(declaration.HOMES.items()):
        out.append(f"| `{library}` | {', '.join(f'`{home}`' for home in sorted(homes)) or 'launch files'} |")
    return "\n".join(out)


def with_block(text: str, name: str, block: str) -> str:
    """`text` with what stands between the two marks of a generated block replaced."""
    pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"the page has no block <!-- generated: {name} -->")
    return pattern.sub(lambda m: f"{m[1]}{block}\n{m[2]}", text)


def generated() -> dict[Path, str]:
    """The files with generated parts, as they are to be."""
    from myoprosthesis.cli.file_keys import markdown

    declaration = declared()
    page = DOCS / "architecture.md"
    return {
        DOCS / "architecture.svg": picture(declaration),
        page: with_block(page.read_text(encoding="utf-8"), "rooms", tables(declaration)),
        DOCS / "keys.md": markdown().rstrip("\n") + "\n",
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
