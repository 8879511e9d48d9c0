"""The files of the page, as they lie in the package."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePosixPath

TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
}  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page runs its own scripts only, talks to its own server only, and stands in no frame of another page."""


@dataclass(frozen=True)
class PageFile:
    """A file as it is sent."""

    type: str
    plain: bytes
    packed: bytes
    """Compressed by gzip."""


@cache
def page_files() -> dict[str, PageFile]:
    """The files by the paths of their addresses; `/` is the page itself."""
    root = resources.files("myoprosthesis.console") / "page"
    files = {}
    for folder in ("", "vendor/"):
        for entry in (root / folder if folder else root).iterdir():
            kind = TYPES.get(PurePosixPath(entry.name).suffix)
            if kind and entry.is_file():
                data = entry.read_bytes()
                files[f"/{folder}{entry.name}"] = PageFile(kind, data, gzip.compress(data, 9, mtime=0))
    return {"/": files["/index.html"], **files}
