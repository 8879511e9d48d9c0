"""YAML from people and from strangers: plain data only, of bounded size, with every fault as one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.options import assignments
from myoprosthesis.core.text import is_plain, printable
from myoprosthesis.files.regular import MIB, read_bytes

LARGEST = 64 * MIB
DEEPEST = 100
"""Levels of nesting."""
MOST = 100_000
"""Values that a text with references (`*name`) may stand for, once each of them is written out."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path, what: str = "") -> Any:
    """The data in a file in UTF-8; raises `ConfigError`. `what` names it in sentences (default: the path)."""
    name = what or str(path)
    data = read_bytes(path, LARGEST, name)
    try:
        return parse(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is not YAML: byte {error.start} is not UTF-8") from error


def read_mapping(path: Path, what: str = "", keys: str = "") -> dict[str, Any]:
    """As `read`, of a file that must hold a mapping; `keys` says which, in the sentence. An empty file is refused."""
    data = read(path, what)
    if not isinstance(data, dict):
        raise ConfigError(f"{what or path} must hold a YAML mapping" + (f" with: {keys}" if keys else ""))
    return data


def parse(text: str, what: str) -> Any:
    """The data in `text`; raises `ConfigError`, which calls it `what`. Keys are text, as written.

    Refused besides what is no YAML: a key that stands twice in a mapping, keys that are neither words nor whole
    numbers, numbers to the base 8 or 60, control characters, deep nesting, and references that multiply or contain
    themselves.
    """
    if len(text) > LARGEST:
        raise ConfigError(f"{what} has {len(text)} characters; the limit is {LARGEST}")
    try:
        _check_depth(text, what)
        root = yaml.compose(text, Loader=_Loader)
        if root is None:
            return None
        _Check(what).values(root)
        return _construct(root)
    except MyoError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a date such as 2020-13-40 is a ValueError
        tabs = " (YAML takes no tabs before a key: put blanks there)" if "\n\t" in text else ""
        raise ConfigError(f"{what} is not YAML: {printable(' '.join(str(error).split()), 300)}{tabs}") from error


def _check_depth(text: str, what: str) -> None:
    """By events, which take no stack, since composing takes one."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise ConfigError(f"{what}, line {_line(event)}: nested more than {DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _construct(root: yaml.Node) -> Any:
    constructor = yaml.constructor.SafeConstructor()
    return constructor.construct_document(root)


class _Check:
    """Counts the values below each node once, since a referenced node is shared."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()
        self._nodes = 0

    def values(self, node: yaml.Node) -> int:
        """How many values `node` stands for when it is written out."""
        key = id(node)
        if key in self._open:
            raise self._fault(node, "a reference stands inside of what it refers to")
        if key in self._sizes:
            return self._sizes[key]
        self._nodes += 1
        self._open.add(key)
        size = 1
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
            size += sum(self.values(part) for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            size += sum(self.values(part) for part in node.value)
        elif node.tag in _NUMBERS and (other := _OTHERWISE.fullmatch(node.value)):
            what = "a number to the base 8" if other["octal"] else "a number to the base 60"
            raise self._fault(
                node, f"YAML reads {node.value} as {what}: write it otherwise, or in quotes if it is text"
            )
        elif not all(is_plain(line) for line in node.value.replace("\t", " ").splitlines()):
            raise self._fault(node, f"{printable(node.value, 80)!r} has a control character")
        self._open.remove(key)
        self._sizes[key] = size
        if size > max(MOST, self._nodes):
            raise self._fault(node, f"with its references written out it has {size} values; {MOST} is the limit")
        return size

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _KEYS:
                shown = printable(key.value, 40) if isinstance(key, yaml.ScalarNode) else "a list or a mapping"
                raise self._fault(key, f"{shown} cannot be a key; a word is needed (in quotes where YAML reads more)")
            if key.tag == _MERGE:
                continue
            key.tag = _WORD
            if key.value in seen:
                raise self._fault(key, f"{printable(key.value, 80)!r} is there twice")
            seen.add(key.value)

    def _fault(self, node: yaml.Node, text: str) -> ConfigError:
        return ConfigError(f"{self._what}, line {_line(node)}: {text}")


def _line(part: yaml.Node | yaml.Event) -> int:
    return part.start_mark.line + 1 if part.start_mark is not None else 0


_MERGE, _WORD = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OTHERWISE = re.compile(r"[-+]?(?:(?P<octal>0[0-7_]*[0-7])|[\d_]+(?::[\d_]+)+(?:\.[\d_]*)?)")
"""Numbers of YAML 1.1 that nobody means: 010 is 8, and 1:30 is 90."""
_KEYS = (_WORD, "tag:yaml.org,2002:int", _MERGE)


def assigned(pairs: Iterable[str], where: str) -> dict[str, Any]:
    """`name=value` texts as a mapping, values read as YAML; raises `ConfigError`."""
    return {k: parse(v, f"{where} {k}") for k, v in assignments(pairs, where).items()}
