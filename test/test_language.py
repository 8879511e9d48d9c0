"""The language of the code: variables are nouns of the field, sentences are plain."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(p for p in (ROOT / "myoprosthesis").rglob("*.py"))

IDENTIFIERS = {
    *("told", "given", "found", "said", "heard"),  # participles that hide what a value is
    *("voice", "voices", "keeper", "ledger", "bereaved", "orphaned", "deed", "deeds", "untold", "familiarity"),
    *("party", "parties", "claim", "claims", "is_claimed", "beat", "anew", "complaint", "distorter", "loud"),
}
"""Names of variables, arguments, attributes, functions and methods that say nothing, or a private word."""

SENTENCES = (
    *("at the door", "is not there that", "that is not there", "keeper", "the voice", "voices", "ledger", "deeds"),
    *("anew", "likewise", "bereaved", "in doubt: hold", "let in", "has a say", "bears the joints"),
    *("told to nobody", "keep the books", "every party", "told of beyond", "so long as"),
)
"""Words that a reader from the field would have to guess, in docstrings, comments and messages."""


def names(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and name of every variable, argument, attribute, function and method that is defined."""
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            out.append((node.lineno, node.id))
        elif isinstance(node, ast.arg):
            out.append((node.lineno, node.arg))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            out.append((node.lineno, node.attr))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            out.append((node.lineno, node.name))
    return out


def private_names(source: str) -> list[str]:
    return [f"line {line}: {name}" for line, name in names(ast.parse(source)) if name.strip("_") in IDENTIFIERS]


def private_words(source: str) -> list[str]:
    """In strings and comments."""
    out = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            text = re.sub(r"`[^`]*`", "", " ".join(token.string.split()))
            out += [f"line {token.start[0]}: {w!r}" for w in SENTENCES if re.search(rf"\b{w}\b", text, re.IGNORECASE)]
    return out


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_names_are_nouns_of_the_field(path: Path) -> None:
    assert private_names(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_sentences_are_plain(path: Path) -> None:
    assert private_words(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("line", ["told = 1", "def heard(): ...", "self.voice = 2", "for found in x: ..."])
def test_a_planted_name_is_refused(line: str) -> None:
    assert private_names(line)


@pytest.mark.parametrize("line", ['"""The keeper of the port."""', "# does it anew", 'f"is at the door {x}"'])
def test_a_planted_word_is_refused(line: str) -> None:
    assert private_words(line)
