"""Clips in a folder: a CSV file of one cycle for each, and beside it what it was made of, under which licence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from myoprosthesis.files import yaml_text
from myoprosthesis.files.atomic import write_atomic
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.motion.gait import Gait, clip_table
from myoprosthesis.motion.legs import Legs

DIGITS = 6
UNLICENSED = "unknown"


def write_clip(folder: Path, name: str, legs: Legs, gait: Gait, origin: Mapping[str, Any]) -> Path:
    """Write `name`.csv and `name`.yaml, which has `origin`, speed and duration; returns the path of the clip."""
    units, table = clip_table(legs, gait)
    head = ["time_s", *(name if unit == "rad" else f"{name} [{unit}]" for name, unit in units.items())]
    step = gait.duration_s / (len(table) - 1)
    rows = [
        [f"{k * step:.{DIGITS}g}", *(f"{value:.{DIGITS}g}" for value in row)] for k, row in enumerate(table.tolist())
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    write_atomic(path, csv_text(head, *rows))
    about = {**origin, "speed_m_s": round(gait.speed, 4), "duration_s": round(gait.duration_s, 4)}
    write_atomic(path.with_suffix(".yaml"), yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=120))
    return path


def sha256(path: Path) -> str:
    """Of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def about(path: Path) -> dict[str, Any]:
    """What stands beside a clip; empty where nothing does."""
    beside = path.with_suffix(".yaml")
    return yaml_text.read_mapping(beside) if beside.is_file() else {}
