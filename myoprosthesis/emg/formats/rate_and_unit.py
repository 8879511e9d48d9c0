"""Rate and unit of a recording: what its file says and what a person says must agree; one of them has to say it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.recording import spelled, volts
from myoprosthesis.emg.recording_format import TIME_UNITS, RecordingFormat, needed

Array = NDArray[np.float64]
CONTRADICTION = 1.5
"""Stamps that tell a rate this many times as high or as low are of another rate; nearer ones may have lost samples."""
FEWEST_STEPS, LONG_S = 50, 2.0
RATE_TOLERANCE = 1e-4
"""Relative; files round their rate: 2148.148 and 2148.1481 Hz are one."""


def rate(path: Path, layout: RecordingFormat, in_file: float = 0.0, example: str = "1000") -> float:
    """Sampling rate in Hz; `in_file` is what the file says, 0: nothing. Raises `ConfigError`."""
    if layout.rate and in_file and abs(layout.rate / in_file - 1) > RATE_TOLERANCE:
        raise _differ(path, "rate", f"{in_file:.8g} Hz", f"{layout.rate:.8g} Hz")
    if not (in_file or layout.rate) > 0:
        raise needed(path, "sampling rate", "rate", example)
    return in_file or layout.rate


def unit(path: Path, layout: RecordingFormat, in_file: str = "") -> str:
    """Unit of the samples (V, mV, uV, nV or another name); `in_file` is what the file says, empty: nothing."""
    here, asked = spelled(in_file), spelled(layout.unit)
    if here and asked and here != asked:
        raise _differ(path, "unit", here, asked)
    if not (here or asked):
        raise needed(path, "unit", "unit", "uV (or counts)")
    return here or asked


def units(
    path: Path, layout: RecordingFormat, channels: Sequence[str], in_file: Sequence[str]
) -> tuple[str, str, tuple[float, ...]]:
    """Unit of channels with different units, their own unit in the file, and the factor of each.

    Channels in mV and in uV become V; in mV and in g they are refused.
    """
    here = [spelled(u) for u in in_file]
    if len({u for u in here if u}) > 1 and ("" in here or layout.unit):
        pairs = ", ".join(f"{c} {u or '(none)'}" for c, u in zip(channels, here, strict=True))
        way = "name those that have one (--channels)" if "" in here else "each is read in its own, leave unit out"
        raise ConfigError(f"{path} has EMG channels of several units ({pairs}): {way}")
    own = [unit(path, layout, u) for u in in_file]
    after = [volts(u) for u in own]
    if len({a for a, _ in after}) > 1:
        pairs = ", ".join(f"{c} {u}" for c, u in zip(channels, own, strict=True))
        raise ConfigError(f"{path} has EMG channels of several units ({pairs}): name those of one (--channels)")
    return after[0][0], own[0] if len(set(own)) == 1 else after[0][0], tuple(factor for _, factor in after)


def target_unit(path: Path, layout: RecordingFormat, in_file: Sequence[str]) -> str:
    """Unit of the targets; `in_file` are those in the file, empty: none.

    Empty where it is unknown, or where they differ.
    """
    here, asked = [spelled(u) for u in in_file], spelled(layout.target_unit)
    for name, own in zip(layout.targets, here, strict=True):
        if own and asked and own != asked:
            raise _differ(path, "unit", own, asked, f" of target {name!r}", "target-unit")
    return asked or (here[0] if len(set(here)) == 1 else "")


def _differ(path: Path, what: str, here: str, asked: str, of: str = "", option: str = "") -> ConfigError:
    return ConfigError(
        f"{path} says that its {what}{of} is {here}, not {asked}: leave {option or what} out, or mend the file if it "
        "is wrong"
    )


def _even(times: Array) -> bool:
    """Whether stamps go on in equal steps, to 1 %: then few of them tell the rate."""
    steps = np.diff(times)
    return len(steps) >= FEWEST_STEPS and bool(steps.min() > 0 and np.ptp(steps) <= 0.01 * steps.max())


def stamped_rate(times: Array, sampled: float) -> float:
    """Samples per second by stamps (n,), s, where they contradict the rate `sampled`, Hz; 0 where they do not."""
    pace = _pace(times, sampled)
    return 0.0 if 1 / CONTRADICTION < pace < CONTRADICTION else sampled / pace


def _pace(times: Array, sampled: float) -> float:
    """Step of stamps (n,), s, in periods of the rate; 1 where it is unknown.

    That of the usual step or of the whole span, whichever is nearer to 1: bursts change the one, gaps the other.
    """
    times = times[np.isfinite(times)]
    steps = np.diff(times)
    forward = steps[steps > 0]
    if len(steps) < FEWEST_STEPS or not len(forward):
        return 1.0
    usual = float(np.median(forward)) * len(forward)
    spans = [usual, *([float(times[-1] - times[0])] if times[-1] > times[0] else [])]
    return min((span / len(steps) * sampled for span in spans), key=lambda pace: abs(np.log(pace)))


def check_times(path: Path, layout: RecordingFormat, times: Array, sampled: float, units: bool) -> None:
    """Refuse stamps (s) that do not go on, or that contradict the rate, Hz.

    Over less than `LONG_S` they contradict it when they go on 30 times faster or slower, or all in equal steps.
    `units`: a person may state the unit of the times.
    """
    finite = times[np.isfinite(times)]
    long = len(times) > LONG_S * sampled or _even(times)
    if long and len(finite) > FEWEST_STEPS and finite.min() == finite.max():
        raise ConfigError(f"{path}: its times do not go on: all of {len(finite)} samples are at {finite[0]:.6g} s")
    ratio = _pace(finite, sampled)
    if not 1 / 30 < ratio < 30:
        unit = layout.time_unit
        near = {u: abs(np.log(ratio * v / TIME_UNITS[unit])) for u, v in TIME_UNITS.items()}
        best = min(near, key=lambda u: near[u])
        advice = f": give --time-unit {best}" if units and near[best] < np.log(3) else ""
        raise ConfigError(
            f"{path}: its times go on by {ratio / sampled:.3g} s per sample, read in {unit}, where "
            f"{1 / sampled:.3g} s are due at {sampled:g} Hz{advice}"
        )
    if long and (by_stamps := stamped_rate(times, sampled)):
        raise ConfigError(
            f"{path}: its rate is {sampled:g} Hz, and by its times there are {by_stamps:.4g} samples/s: "
            + ("give the rate of its times (--rate)" if layout.rate else "mend the one that is wrong in the file")
        )
