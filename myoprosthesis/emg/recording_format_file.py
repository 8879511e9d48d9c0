"""A YAML file that says what recordings do not say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.recording_format import BESIDE
from myoprosthesis.files import yaml_text


def beside(place: Path) -> Path | None:
    """The file beside a recording, or in a folder of recordings; None if there is none."""
    return next((f / BESIDE for f in (place, place.parent) if (f / BESIDE).is_file()), None)


def mapping(file: Path) -> dict[str, Any]:
    """Options in a recording.yaml; raises `ConfigError`."""
    values = yaml_text.read(file, f"{file}, which says what the recordings are,") or {}
    if not isinstance(values, dict):
        raise ConfigError(f"{file} holds no mapping of options, such as rate: 1000")
    return values
