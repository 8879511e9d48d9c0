"""Lines of label:value, as sketches print them for Arduino's plotter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.text_dialect import Head

PLOTTED = re.compile(r"\s*([^\W\d][^:,;\t]*?)\s*:\s*([+-]?[\d.]+(?:e[+-]?\d+)?)", re.I)
"""A value as sketches print it for Arduino's plotter: `label:value`."""


def is_plotted(line: str) -> bool:
    """Whether a line has values with their names and nothing else."""
    return not re.sub(r"[\s,;]", "", PLOTTED.sub("", line)) and bool(PLOTTED.search(line))


def plotted_head(path: Path, lines: Sequence[str], begin: int, decimal: str) -> Head:
    """The head of a table whose lines from `begin` on are of this kind; raises `ConfigError` for decimal commas."""
    names = [m[1] for m in PLOTTED.finditer(lines[begin])]
    if decimal == ",":
        raise ConfigError(f"{path} has lines of label:value, which have no decimal commas")
    remarks = ["lines of label:value, as for Arduino's plotter"]
    above = [line.strip() for line in lines[:begin] if line.strip()]
    remarks += [f"not read: {above[-1][:80]!r}, above the first sample"] if above else []
    return Head(
        ",", begin, numeric=[True] * len(names), names=names, units=[""] * len(names), rates=[0.0] * len(names),
        plotted=True, remarks=remarks,
    )  # fmt: skip


def unplotted(path: Path, number: int, line: str, names: Sequence[str]) -> str:
    """The values of a line of label:value, between commas."""
    pairs = PLOTTED.findall(line)
    if [name for name, _ in pairs] != list(names) or not is_plotted(line):
        raise ConfigError(f"{path}, line {number}: {line.strip()[:80]!r} does not have the values {', '.join(names)}")
    return ",".join(value for _, value in pairs)
