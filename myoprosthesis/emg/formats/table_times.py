"""Columns of times of a text table, and the rate that they tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.channel_unit import unit_in_name, without_unit
from myoprosthesis.emg.formats.clock_text import is_clock
from myoprosthesis.emg.formats.text_dialect import Head
from myoprosthesis.emg.formats.text_head import is_stamps
from myoprosthesis.emg.recording_format import TIME_UNITS, TIMES

Array = NDArray[np.float64]
RATE_ERROR = 1e-4
SURE = 5.0
"""Standard errors within which a rate may be."""
"""A rate is taken from stamps whose first rows tell it as exactly as this."""
STEP_TOLERANCE = 0.05
"""Times without a unit are in s when their usual step is that of the rate, within this part of it."""
SUFFIX = re.compile(r"_(ms|us|µs|μs|ns|s)$", re.I)
NO_UNIT = re.compile(r"[\[(]\s*(min|minutes?|h|hours?|days?|samples?|frames?|ticks?|rows?)\s*[\])]\s*$", re.I)
"""Units of times in the name of a column that are not converted."""
SLOWEST, FASTEST = 5.0, 1e5
"""Rates between which EMG and its levels are recorded, Hz."""
WORDS = {"sec": "s", "seconds": "s", "msec": "ms", "µs": "us", "μs": "us", "milliseconds": "ms", "microseconds": "us"}
SLOW = ("min", "h")


def own_time_unit(name: str, below: str = "") -> str:
    """The unit of times in the name of their column, as in t_ms and time [us], or `below` it; empty where it has none.

    Units below names are those of `Head.units`.
    """
    suffix = SUFFIX.search(name)
    own = (unit_in_name(name) or (suffix[1] if suffix else below)).lower()
    own = WORDS.get(own, own)
    return own if own in TIME_UNITS else ""


def check_time_unit(path: Path, name: str, unit: str, below: str = "") -> None:
    """Refuse a unit of times that is not the one in the column's own name, or `below` it."""
    own = own_time_unit(name, below)
    if below.lower() in SLOW:
        raise ConfigError(f"{path}: column {name!r} is in {below}, which is none of {', '.join(TIME_UNITS)}")
    if (match := NO_UNIT.search(name)) is not None:
        raise ConfigError(f"{path}: column {name!r} is in {match[1]}, which is none of {', '.join(TIME_UNITS)}")
    if own and own != unit:
        raise ConfigError(f"{path}: column {name!r} is in {own}, not in {unit}: give --time-unit {own}")


def times_by_name(names: list[str], head: Head, cells: Callable[[int], list[str]]) -> int | None:
    """Place of the one column that is called like times, and has numbers or times of a clock; None: none, or several.

    `cells` gives the first cells of a column.

    In a file of Delsys' programs, whose columns have times of their own, there is none.
    """
    if any(is_stamps(n) for n in names):
        return None
    plain = [SUFFIX.sub("", without_unit(n)).lower() for n in names]
    places = [k for k, n in enumerate(plain) if n in TIMES and (head.numeric[k] or is_clock(cells(k)))]
    if not places:  # Shimmer_Timestamp_Unix_CAL over ms
        words = [set(re.findall("[a-zà-ÿ]+", n)) for n in plain]
        places = [
            k for k, own in enumerate(words)
            if head.numeric[k] and own & set(TIMES) and own_time_unit(names[k], head.units[k])
        ]  # fmt: skip
    return places[0] if len(places) == 1 else None


def rate_of_times(path: Path, name: str, times: Array, unit: str) -> float:
    """The rate that the stamps (n,) in a column tell, Hz; raises `ConfigError` where they tell none, or no one's."""
    step, hertz = usual_step(times) * TIME_UNITS[unit], even_rate((times - times[:1]) * TIME_UNITS[unit])
    if not hertz:
        about = f" (about {1 / step:.4g} Hz by their usual step)" if step > 0 else ""
        raise ConfigError(
            f"{path} does not say its sampling rate, and its times {name!r} are uneven{about}: give --rate"
        )
    if not SLOWEST <= hertz <= FASTEST:
        raise ConfigError(
            f"{path}: times {name!r}, in {unit}, would be those of {hertz:g} Hz: give --rate, or --time-unit"
        )
    return hertz


def even_rate(times: Array) -> float:
    """The rate that evenly spaced stamps (n,) tell, in 1 / their unit; 0 where they are too coarse for it.

    A whole one, where their jitter leaves that open; else the shortest number within what it leaves open.
    """
    times = times[np.isfinite(times)]
    if len(times) < 10 or not times[-1] > times[0]:
        return 0.0
    span = float(times[-1] - times[0])
    uneven = float(np.abs(times - np.linspace(times[0], times[-1], len(times))).max())
    if not 2 * uneven / span < RATE_ERROR:
        return 0.0
    rate = (len(times) - 1) / span
    if abs(rate - round(rate)) <= 2 * uneven / span * rate:
        return float(round(rate))
    at = np.arange(len(times)) - (len(times) - 1) / 2
    step = float(at @ times) / float(at @ at)  # by all stamps: rounding of the first and the last one weighs less
    scatter = float(np.std(times - times.mean() - step * at)) / (step * float(np.sqrt(at @ at)))
    left_open = max(SURE * scatter, 1e-9) / step
    shorter = (round(1 / step, digits) for digits in range(12))
    return next((r for r in shorter if abs(r - 1 / step) <= left_open), 1 / step)


def usual_step(times: Array) -> float:
    """Median step of stamps (n,); 0 where they are fewer than two."""
    times = times[np.isfinite(times)]
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0
