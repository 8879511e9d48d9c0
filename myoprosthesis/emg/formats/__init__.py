"""Recordings from files: the reader is chosen by extension among the entry points `myoprosthesis.emg_formats`.

A reader is a function `(path, layout, block) -> Iterator[Recording]`: parts of up to `block` samples that follow each
other, or the whole for `block` 0. Rate, unit and names come from the file, then from the layout; neither is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.layout import Layout
from myoprosthesis.emg.recording import Recording, joined


def blocks(path: str | Path, layout: Layout, block: int) -> Iterator[Recording]:
    """A recording as parts of up to `block` samples; a reader that can holds no more than that in memory."""
    file = Path(path).expanduser()
    if not file.exists():
        raise ConfigError(f"{file} does not exist")
    if file.is_dir():
        raise ConfigError(f"{file} is a folder, a recording is a file")
    kind = file.suffix.lower().lstrip(".")
    if kind not in registry.names("emg_formats"):
        raise unknown("extension of a recording", kind, registry.names("emg_formats"))
    return registry.factory("emg_formats", kind)(file, layout, block)  # type: ignore[no-any-return]


def read(path: str | Path, layout: Layout) -> Recording:
    """A whole recording."""
    return joined(list(blocks(path, layout, 0)))


def files(path: str | Path, layout: Layout = Layout()) -> list[Path]:  # noqa: B008 - frozen
    """The recordings in a folder and the folders in it that the layout lets through, sorted; or the file itself."""
    place = Path(path).expanduser()
    if not place.is_dir():
        return [place]
    known = registry.names("emg_formats")
    found = sorted(f for f in place.rglob("*") if f.is_file() and f.suffix.lower().lstrip(".") in known)
    if not found:
        raise ConfigError(f"{place} holds no recording: extensions known are {', '.join(known)}")
    found = [f for f in found if f.name != layout.prompts and re.search(layout.only, f.as_posix())]
    if not found:
        raise ConfigError(f"{place} holds no recording whose path has the pattern {layout.only!r}")
    return found
