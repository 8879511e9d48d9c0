"""The documentation says what is so: generated parts, links, paths of modules, and words of the command line."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from myoprosthesis.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "myoprosthesis"
PAGES = {p.relative_to(ROOT).as_posix(): p for p in (*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")))}
WORDS = {word for words in COMMANDS.values() for word in words}


def _generate() -> Any:
    spec: Any = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_what_the_code_says() -> None:
    old = [path.name for path, text in _generate().generated().items() if path.read_text(encoding="utf-8") != text]
    assert old == [], "run: python docs/generate.py"


def test_the_picture_shows_every_room_and_every_declared_edge() -> None:
    generate = _generate()
    declaration = generate.declared()
    drawn = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    rooms = {p.parent.name for p in PACKAGE.glob("*/__init__.py")} - {"checks"}
    assert {room for room in rooms if f">{room}</text>" not in drawn} == set()
    assert drawn.count('marker-end="url(#a)"') == len(declaration.SIBLINGS)


def test_the_graph_shows_topics_that_exist_and_all_that_nodes_hear_of_each_other() -> None:
    from myoprosthesis.nodes import topics

    drawn = set(re.findall(r">([^<]*)</text>", (ROOT / "docs" / "graph.svg").read_text().partition("monospace")[2]))
    drawn = {name for text in drawn for name in text.split(", ")}
    assert drawn <= {t.name for t in vars(topics).values() if isinstance(t, topics.Topic)}
    loops = {"state", "command", "target", "perturbation", "effector/following", "emg/filtered", "emg/arrival"}
    assert loops | {"trial/events", "policy/active", "emg/decision"} <= drawn


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", PAGES[page].read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [t.split("#")[0] for t in re.findall(r"\]\(([^)]+)\)", text) if "://" not in t]
    made = {"changelog.md", "contributing.md"}
    assert [t for t in targets if t and t not in made and not (PAGES[page].parent / t).exists()] == []


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"CHANGELOG.md"}))
def test_files_that_are_named_exist(page: str) -> None:
    paths = re.findall(
        r"(?<![\w/.…-])((?:[a-z][\w]*/)+[\w]+\.(?:py|yaml|png|svg|md|csv))(?![\w/])",
        PAGES[page].read_text(encoding="utf-8"),
    )
    yours = ("policies/mine", "hands/mine", "perturbations/mine")
    named = [p for p in dict.fromkeys(paths) if not any(y in p for y in yours)]
    bases = (ROOT, PACKAGE, PAGES[page].parent)
    assert [p for p in named if not any((base / p).exists() for base in bases)] == []


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"CHANGELOG.md"}))
def test_commands_that_are_named_exist(page: str) -> None:
    text = PAGES[page].read_text(encoding="utf-8").replace("ros2 launch myoprosthesis", "")
    words = re.findall(r"(?:^|`|&& |\s)myoprosthesis ([a-z-]+)\b", text, re.MULTILINE)
    prose = {"starts", "is", "on", "has", "and", "the", "lies"}
    assert set(words) - WORDS - prose == set()
