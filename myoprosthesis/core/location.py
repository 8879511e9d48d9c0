"""Files that options name: as seen from the folder of the person, or of the YAML file, that names them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any


def located(value: str, folder: Path, how: str) -> str:
    """The absolute path of the file that `value` names, seen from `folder`; a name of something else stays a name.

    `how` is the `file` of `option`: always a `path`; a `name` unless it is written as a path, with a / or with the
    ending of a file that is there; or a path where such a thing is `there`, else a name. A ~ is the person's home.
    """
    if not value or value.lstrip().startswith("{"):  # nothing, or options as YAML
        return value
    try:
        path = folder / Path(value).expanduser()
        written = "/" in value or (bool(Path(value).suffix) and path.is_file())
        taken = how == "path" or written or (how == "there" and path.exists())
        return _absolute(path) if taken else value
    except (OSError, RuntimeError, ValueError):  # a name too long, no home folder, a NUL: others refuse it
        return value


def _absolute(path: Path) -> str:
    """Without `..`, unless a link stands before it and it is another file then."""
    plain = os.path.abspath(path)
    if path.exists() and not (os.path.exists(plain) and os.path.samefile(path, plain)):
        return str(path.absolute())
    return plain


def anchored(cls: type, values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`values` of the options dataclass `cls`, with every file that they name by its absolute path."""
    how = {f.name: f.metadata.get("file", "") for f in fields(cls)}

    def each(name: str, value: Any) -> Any:
        if isinstance(value, str):
            return located(value, folder, how[name])
        if isinstance(value, (list, tuple)):
            return type(value)(each(name, v) for v in value)
        return value

    return {k: each(k, v) if isinstance(k, str) and how.get(k) else v for k, v in values.items()}
