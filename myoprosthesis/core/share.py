"""Where `config/`, `policies/` and `launch/` are: a ROS workspace, a virtual environment, or the source tree."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path

from myoprosthesis.core.errors import ConfigError

PACKAGE = "myoprosthesis"


@cache
def root() -> Path:
    """The folder that holds `config/` and `policies/`."""
    source = Path(__file__).resolve().parents[2]
    ament = [Path(p) / "share" / PACKAGE for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes = (Path(sysconfig.get_path("data")), Path(sys.prefix), *source.parents[2:3])
    for place in (source, *ament, *(p / "share" / PACKAGE for p in prefixes)):
        if (place / "config").is_dir() and (place / "policies").is_dir():
            return place
    raise ConfigError("the shared folders config/ and policies/ were not found: reinstall the package (pip install .)")


def policy_folders() -> list[Path]:
    """Folders in which policies are looked up by name: the user's own first, then the shipped ones."""
    own = [Path(p) for p in os.environ.get("MYOPROSTHESIS_POLICIES", "").split(os.pathsep) if p]
    return [*own, Path.cwd() / "policies", root() / "policies"]
