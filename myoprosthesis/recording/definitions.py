"""The definitions of message types, as the interface files that come with ROS's messages have them."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path

_PRIMITIVES = {"bool", "byte", "char", "float32", "float64", "string", "wstring"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_RULE = "=" * 80


@functools.cache
def definition(kind: str) -> str:
    """The text of `kind` (`sensor_msgs/msg/JointState`) followed by all that it is made of, as a rosbag2 has it.

    Empty when its interface file is not on this machine.
    """
    main = _text(kind)
    if main is None:
        return ""
    parts, seen, open_kinds = [main], {kind}, list(_fields(kind, main))
    while open_kinds:
        one = open_kinds.pop(0)
        if one in seen:
            continue
        seen.add(one)
        text = _text(one)
        if text is None:
            return ""
        parts.append(f"{_RULE}\nMSG: {_short(one)}\n{text}")
        open_kinds += _fields(one, text)
    return "\n".join(parts)


@functools.cache
def type_hash(kind: str) -> str:
    """The hash by which publishers and subscriptions compare their types (REP 2016); empty when not known here."""
    try:
        known = json.loads(_beside(kind, "json") or "{}").get("type_hashes", [])
    except ValueError:
        known = []
    return next((one["hash_string"] for one in known if one["type_name"] == kind), "")


@functools.cache
def stamped(kind: str) -> bool:
    """Whether a message of this type begins with a std_msgs/Header, and so with its stamp."""
    text = _text(kind)
    lines = (line for line in map(_code, (text or "").splitlines()) if line)
    return next(lines, "").split()[:1] == ["std_msgs/Header"]


def _text(kind: str) -> str | None:
    return _beside(kind, "msg")


def _beside(kind: str, ending: str) -> str | None:
    """The file of `kind` with this ending that was installed with its package."""
    package, _, name = kind.partition("/msg/")
    try:
        module = importlib.util.find_spec(package) if name else None
    except (ImportError, ValueError):
        module = None
    if module is None or not module.origin:
        return None
    for above in Path(module.origin).parents:  # …/lib/python3.x/site-packages beside …/share
        file = above / "share" / package / "msg" / f"{name}.{ending}"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return None


def _fields(kind: str, text: str) -> Iterator[str]:
    """Types of the fields of `kind` that are messages themselves."""
    for line in map(_code, text.splitlines()):
        if not line:
            continue
        base = re.split(r"[\[<]", line.split()[0])[0]
        if base not in _PRIMITIVES:
            package, _, name = base.rpartition("/")
            yield f"{(package or kind.split('/')[0]).removesuffix('/msg')}/msg/{name}"


def _code(line: str) -> str:
    return line.partition("#")[0].strip()


def _short(kind: str) -> str:
    return kind.replace("/msg/", "/")
