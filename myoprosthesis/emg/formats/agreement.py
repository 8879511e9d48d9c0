"""Rate and unit of a recording: what its file says and what a person says must agree; one of them has to say it."""

from __future__ import annotations

from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.layout import Layout, needed
from myoprosthesis.emg.recording import spelled

RATE_TOLERANCE = 1e-4
"""Relative; files round their rate: 2148.148 and 2148.1481 Hz are one."""


def rate(path: Path, layout: Layout, in_file: float = 0.0, example: str = "1000") -> float:
    """Sampling rate in Hz; `in_file` is what the file says, 0: nothing. Raises `ConfigError`."""
    if layout.rate and in_file and abs(layout.rate / in_file - 1) > RATE_TOLERANCE:
        raise _differ(path, "rate", f"{in_file:.8g} Hz", f"{layout.rate:.8g} Hz")
    if not (in_file or layout.rate) > 0:
        raise needed(path, "sampling rate", "rate", example)
    return in_file or layout.rate


def unit(path: Path, layout: Layout, in_file: str = "") -> str:
    """Unit of the samples (V, mV, uV, nV or another name); `in_file` is what the file says, empty: nothing."""
    here, asked = spelled(in_file), spelled(layout.unit)
    if here and asked and here != asked:
        raise _differ(path, "unit", here, asked)
    if not (here or asked):
        raise needed(path, "unit", "unit", "uV (or counts)")
    return here or asked


def _differ(path: Path, what: str, here: str, asked: str) -> ConfigError:
    return ConfigError(
        f"{path} says that its {what} is {here}, not {asked}: leave {what} out, or mend the file if it is wrong"
    )
