"""Calibration of a person: rest and maximal voluntary contraction (MVC) of each channel, saved by name."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.emg.source import SourceSpec
from myoprosthesis.files.atomic import write_atomic

SHAPING = ("high_pass_hz", "low_pass_hz", "order", "mains_hz", "notch_q", "envelope_hz", "rate", "unit")
"""Conditioning on which an envelope depends."""


def folder() -> Path:
    """Folder of the calibrations (XDG base directory specification 0.8)."""
    try:
        home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    except RuntimeError as error:
        raise ConfigError("calibrations are kept at home, and no home directory is known: set HOME") from error
    return Path(home) / "myoprosthesis" / "calibrations"


@dataclass(frozen=True)
class Calibration:
    """`rest` and `maximum` are envelopes by channel, in the unit of `conditioning`, before normalisation."""

    name: str
    source: str
    rest: dict[str, float]
    maximum: dict[str, float]
    conditioning: dict[str, Any]
    taken: str = ""
    """When (ISO 8601)."""

    def mvc(self, spec: SourceSpec, settings: Conditioning) -> Mapping[str, float]:
        """MVC of each channel of a source; raises `ConfigError` for other conditioning and unknown channels."""
        now = settings.to_dict()
        for key in SHAPING:
            if self.conditioning.get(key) != now[key]:
                raise ConfigError(
                    f"calibration {self.name!r} was taken with {key} = {self.conditioning.get(key)!r}, "
                    f"here it is {now[key]!r}: calibrate again"
                )
        for channel in spec.channels:
            if channel not in self.maximum:
                raise ConfigError(f"calibration {self.name!r} has no channel {channel!r}: calibrate again")
        return self.maximum

    def save(self, path: Path | None = None) -> Path:
        """Write one JSON file, under the name or to a path."""
        file = path or folder() / f"{self.name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(asdict(self), indent=1) + "\n")
        return file

    @classmethod
    def load(cls, name: str) -> Calibration:
        """Read by name or by path."""
        file = Path(name).expanduser()
        if not file.is_file():
            file = folder() / f"{name}.json"
        if not file.is_file():
            raise unknown("calibration", name, [p.stem for p in folder().glob("*.json")])
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            calibration = cls(**{f.name: data[f.name] for f in fields(cls)})
            if not all(math.isfinite(x) and x >= 0 for x in calibration.rest.values()):
                raise ValueError("rest is not a level for each channel")
            if not all(math.isfinite(x) and x > 0 for x in calibration.maximum.values()):
                raise ValueError("maximum is not a level above 0 for each channel")
            return calibration
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{file} is no calibration: {error!r}") from error
