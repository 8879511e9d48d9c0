"""The clip of a file that legs are to follow for once."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.motion.clip_folder import sha256, write_clip

NAME = "followed-{}"
"""Of the clip, with the hash of its file: none of the package begins so."""


@dataclass(frozen=True)
class Followed:
    """A clip by name and hash, and its own speed (m/s)."""

    name: str
    sha256: str
    speed: float


@contextlib.contextmanager
def followed(file: str) -> Iterator[Followed]:
    """A clip that this process and those that it starts find by name for as long as the context is open.

    Args:
        file: The name of a clip, or the path of one, which is taken as it is. Of any other file with a movement the
            clip is what `motion import` makes with its own defaults.

    Raises:
        ConfigError: No such clip or file, or one that cannot be imported; see `retarget.retargeted`.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        path = motion_clip.find(file)
    with tempfile.TemporaryDirectory() as folder:
        name = NAME.format(sha256(path)[:12])
        if _is_clip(path):
            shutil.copyfile(path, Path(folder) / f"{name}.csv")
        else:
            _import(path, Path(folder), name)
        before = os.environ.get(motion_clip.FOLDERS)
        os.environ[motion_clip.FOLDERS] = os.pathsep.join(part for part in (folder, before) if part)
        try:
            clip = motion_clip.read(motion_clip.find(name))
            speed = float(clip.values[0, list(clip.units).index("speed")])
            yield Followed(name, clip.sha256, speed)
        finally:
            if before is None:
                del os.environ[motion_clip.FOLDERS]
            else:
                os.environ[motion_clip.FOLDERS] = before


def _is_clip(path: Path) -> bool:
    """Whether it has the columns of a clip, which those of a recording are not."""
    try:
        return path.suffix == ".csv" and "speed" in motion_clip.read(path).units
    except ConfigError:
        return False


def _import(path: Path, folder: Path, name: str) -> None:
    from myoprosthesis.motion.legs import Legs
    from myoprosthesis.motion.retarget import RetargetOptions, retargeted

    legs = Legs()
    write_clip(folder, name, legs, retargeted(path, RetargetOptions(), legs).gait, {"source": path.name})
