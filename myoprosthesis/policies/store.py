"""Finding policy files by name."""

from __future__ import annotations

from pathlib import Path

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.text import brief

FILE = "policy.onnx"


def names() -> dict[str, Path]:
    """All policies that can be named, with their files; the user's own hide shipped ones of the same name."""
    files: dict[str, Path] = {}
    for folder in reversed(share.policy_folders()):
        if folder.is_dir():
            files.update({f.parent.name: f for f in folder.glob(f"*/{FILE}")})
    return dict(sorted(files.items()))


def find(name: str) -> Path:
    """The file of a policy given by name, or by the path of the file or of its folder."""
    try:
        path = Path(name).expanduser()
        if path.is_file():
            return path
        if (path / FILE).is_file() and ("/" in name or path.is_absolute()):
            return path / FILE
    except (OSError, RuntimeError) as error:  # a name too long, a folder that is not ours, a home that does not exist
        raise ConfigError(f"policy {name[:80]!r} cannot be looked for: {str(error)[:60]}") from error
    known = names()
    if name in known:
        return known[name]
    if path.suffix == ".onnx":
        raise ConfigError(f"policy {brief(name, 200)!r}: there is no such file; `myoprosthesis policies` lists names")
    looked = ", ".join(dict.fromkeys(str(folder) for folder in share.policy_folders()))
    raise unknown("policy", name, known, f"(looked in {looked}; or give the path of a policy.onnx)")


def abroad(name: str) -> str:
    """Name by which a node in another folder finds the policy called `name` here.

    A shipped policy keeps its name, any other is the absolute path of its file. A name that is unknown here is left to
    the node.
    """
    try:
        file = find(name).absolute()
    except ConfigError:
        if "/" in name or name.endswith(".onnx"):
            raise
        return name
    return name if file.parent.parent == share.root() / "policies" and file.parent.name == name else str(file)
