"""Which of a file's columns or signals are EMG: by --channels, else by their names, else by their units.

What is not EMG (times, labels, triggers, acceleration, EEG …) is never taken for it: in doubt a person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.recording import VOLTS, spelled
from myoprosthesis.emg.recording_format import RecordingFormat

Array = NDArray[np.float64]
MUSCLES = frozenset([
    "abductor", "adductor", "anconeus", "biceps", "brachialis", "brachii", "brachioradialis", "delt", "deltoid",
    "deltoideus", "deltoids", "digitorum", "ecr", "ecrb", "ecrl", "ecu", "edc", "erector", "extensor", "extensors",
    "fcr", "fcu", "fdi", "fdp", "fds", "femoris", "flexor", "flexors", "fpl", "gastro", "gastroc", "gastrocnemius",
    "glut", "gluteus", "hamstrings", "hypothenar", "iliopsoas", "infraspinatus", "interosseus", "latissimus",
    "lumbrical", "masseter", "palmaris", "pectoralis", "peroneus", "pollicis", "pronator", "quadriceps", "rectus",
    "rhomboideus", "sartorius", "semimembranosus", "semitendinosus", "soleus", "splenius", "sternocleidomastoid",
    "supinator", "supraspinatus", "temporalis", "teres", "thenar", "tib", "tibialis", "trapezius", "triceps", "vastus",
    "vlo", "vmo",
])  # fmt: skip
"""Words of muscles' names, and common abbreviations."""
OTHER = frozenset([
    "acc", "accel", "acceleration", "accelerometer", "angle", "annotation", "annotations", "aux", "bat", "battery",
    "block", "class", "clock", "contact", "counter", "count", "cue", "date", "datetime", "ecg", "eda", "eeg", "ekg",
    "eog", "euler", "event", "events", "force", "frame", "gesture", "grip", "gsr", "gyr", "gyro", "gyroscope", "heart",
    "idx", "impedance", "imu", "index", "label", "labels", "length", "mag", "magn", "magnetometer", "marker", "markers",
    "moment", "movement", "orientation", "packet", "phase", "pitch", "position", "ppg", "pressure", "prompt", "quality",
    "quat", "quaternion", "repetition", "rerepetition", "resp", "respiration", "restimulus", "roll", "sample",
    "session", "state", "status", "stim", "stimulus", "subject", "target", "temp", "temperature", "time", "timestamp",
    "timestamps", "torque", "trg", "trial", "trig", "trigger", "unnamed", "velocity", "yaw",
])  # fmt: skip
"""Words of names of what is recorded beside EMG."""
NEVER = OTHER - {"block", "class", "contact", "grip", "index", "movement", "position", "sample", "session", "state",
                 "subject", "target", "trial", "count", "gesture"}  # fmt: skip
"""Words that outweigh that a name has EMG or a muscle in it: EMG_time, biceps force."""
DERIVED = frozenset([
    "env", "envelope", "filt", "filtered", "iemg", "integrated", "mav", "mean", "mvc", "norm", "normalised",
    "normalized", "rect", "rectified", "rms", "smooth", "smoothed",
])  # fmt: skip
"""Words of names of what is made of EMG. Alone it is taken as EMG; beside the raw channel it is that channel again."""
COUNTS = frozenset(["", "1", "a.u.", "adc", "au", "bit", "bits", "count", "counts", "lsb", "raw", "%", "%mvc"])
"""Units in which EMG comes besides volts."""
NUMBERED = re.compile(r"(a|adc|ai|c|ch|chan|channel|col|column|e|el|electrode|in|input|sensor|signal)?[ _.-]*\d+", re.I)
"""Names that only number the columns."""
SCALP = re.compile(r"\b(Fp[12z]|(AF|F|FC|C|CP|P|PO|O)z|[FCTPO]\d{1,2}[- ]?[AM][12]|[LR]OC[- ]?[AM][12])\b", re.I)
"""Names of the places of EEG electrodes that no numbered channel of EMG has: Cz, Fp1, C3-A2."""
SHOWN = 24
"""Names that are listed in a sentence."""
HEAD = 2000
"""Samples in which channels that are no EMG are looked for."""
ROWS = 50
"""A column of fewer values is not judged by what they look like."""


class Kind(Enum):
    """Kind of a channel by its name and unit."""

    EMG = "emg"
    VOLTS = "volts"
    NUMBERED = "numbered"
    NOT_EMG = "not EMG"
    UNKNOWN = "unknown"


def kind(name: str, unit: str = "") -> Kind:
    """Kind of a channel by its name and its unit in the file (empty: none)."""
    words = re.findall(r"[a-zà-ÿ]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    muscle = any(w.startswith(("emg", "semg", "exg")) or w.endswith("emg") or w in MUSCLES for w in words)
    other = any(w in (NEVER if muscle else OTHER) or re.fullmatch("(acc|gyr|gyro|mag)[xyz]", w) for w in words)
    measured = spelled(unit) in VOLTS
    if other or not (measured or unit.strip().lower() in COUNTS):
        return Kind.NOT_EMG
    if muscle:
        return Kind.EMG
    return Kind.VOLTS if measured else Kind.NUMBERED if NUMBERED.fullmatch(name.strip()) else Kind.UNKNOWN


def emg_channels(
    path: Path,
    layout: RecordingFormat,
    names: Sequence[str],
    units: Sequence[str] = (),
    values: Callable[[int], Array] | None = None,
) -> tuple[list[int], tuple[str, ...]]:
    """Places of the channels that are EMG, and remarks on what is left out; raises `ConfigError` if unknown.

    `names` are those that may be EMG, `units` theirs in the file, if it has any. Columns that are only numbered are
    EMG where nothing is beside them that has a name, and none of them looks like times or labels: `values` gives the
    first ones of a column.
    """
    if layout.channels:
        return [_place(path, c, names) for c in layout.channels], ()
    kinds = [kind(n, u) for n, u in zip(names, units or [""] * len(names), strict=True)]
    for wanted in (Kind.EMG, Kind.VOLTS):
        places = [k for k, own in enumerate(kinds) if own is wanted]
        scalp = [n for n in names if SCALP.search(n)] if wanted is Kind.VOLTS else []
        if places and scalp:
            raise _ask(path, names, f"has channels with names of EEG electrodes ({_listed(scalp)})")
        for k in (
            places if wanted is Kind.VOLTS and len(set(units)) == 1 else ()
        ):  # one unit may be that of the EMG alone
            looks = _looks(values(k), silent=True) if values and NUMBERED.fullmatch(names[k].strip()) else ""
            if looks:
                raise _ask(path, names, f"says one unit for all, and {names[k]!r} {looks}")
        strange = [k for k, own in enumerate(kinds) if own is Kind.NOT_EMG and kind(names[k]) is Kind.EMG]
        if places and strange and wanted is Kind.EMG:
            there = _listed([f"{names[k]} in {units[k]}" for k in strange])
            raise _ask(path, names, f"has EMG channels by name, some of them in no unit of EMG ({there})")
        if places and wanted is Kind.EMG:
            unsure = [n for n, own in zip(names, kinds, strict=True) if own is Kind.VOLTS and not SCALP.search(n)]
            if unsure:
                raise _ask(path, names, f"has EMG channels by name, and others in a unit of EMG ({_listed(unsure)})")
        if places:
            _check_derived(path, names, [names[k] for k in places])
            return places, _left_out(names, places)
    unfit = [f"{n} {u}" for n, u in zip(names, units or (), strict=False) if kind(n) is Kind.EMG]
    if unfit:
        raise _ask(path, names, f"has EMG channels by name, but in no unit of EMG ({_listed(unfit)})")
    places = [k for k, own in enumerate(kinds) if own is Kind.NUMBERED]
    if not places or Kind.UNKNOWN in kinds:
        raise _ask(path, names, "does not say which of its channels are EMG")
    for k in places:
        looks = _looks(values(k)) if values else ""
        if looks:
            raise _ask(path, names, f"does not say which of its channels are EMG, and {names[k]!r} {looks}")
    taken = f"its channels are only numbered: {_listed([names[k] for k in places])} are taken as EMG"
    return places, (*_left_out(names, places), taken)


def check_values(path: Path, names: Sequence[str], samples: Array) -> None:
    """Refuse channels that are no EMG by their first `samples` (n, n_channels), whatever their array is called.

    Those that have a name of their own are refused where they only grow, as times and counters do; those that are
    numbered also where they look like labels.
    """
    for name, x in zip(names, samples.T, strict=True):
        looks = _looks(x, silent=True) if NUMBERED.fullmatch(name.strip()) else ""
        if looks or _grows(x):
            raise _ask(path, names, f"has {name!r}, which {looks or 'only grows, as times and counters do'}")


def _check_derived(path: Path, names: Sequence[str], emg: Sequence[str]) -> None:
    """Refuse one channel twice, raw and as its level: EMG1 and EMG1_RMS."""
    plain = {" ".join(_words(n)): n for n in emg if not DERIVED & set(_words(n))}
    for name in (n for n in emg if DERIVED & set(_words(n))):
        raw = plain.get(" ".join(w for w in _words(name) if w not in DERIVED))
        if raw is not None:
            raise _ask(path, names, f"has {raw!r} and what is derived from it, {name!r}")


def _words(name: str) -> list[str]:
    return re.findall(r"[a-zà-ÿ]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def _place(path: Path, name: str, names: Sequence[str]) -> int:
    count = list(names).count(name)
    if count == 0:
        raise ConfigError(f"{path}: {unknown('channel', name, list(dict.fromkeys(names))[:200])}")
    if count > 1:
        raise ConfigError(f"{path}: the name {name!r} is there {count} times: rename the channels")
    return list(names).index(name)


def _left_out(names: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    rest = [n for k, n in enumerate(names) if k not in set(places)]
    return (f"not EMG by name or unit, and left out: {_listed(rest)}",) if rest else ()


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(n[:80] or "(no name)" for n in names[:SHOWN])
    return text if len(names) <= SHOWN else f"{text} and {len(names) - SHOWN} more"


def _ask(path: Path, names: Sequence[str], why: str) -> ConfigError:
    return ConfigError(
        f"{path} {why}: name them, such as --channels A,B (to a stack: --emg-option 'channels=[A, B]'), or as "
        f"channels: [A, B] in a recording.yaml beside it; there are {_listed(names)}"
    )


def _grows(x: Array) -> bool:
    """Whether a column goes up with most of its rows and never down, which no EMG does, whatever it is called."""
    steps = np.diff(x[np.isfinite(x)])
    return len(steps) >= ROWS and bool((steps >= 0).all() and (steps > 0).mean() > 0.5)


def _looks(x: Array, silent: bool = False) -> str:
    """Kind of a column that is no EMG, by its values; empty: none. EMG may be `silent`, where an electrode is off."""
    x = x[np.isfinite(x)]
    if len(x) < ROWS:
        return ""
    steps = np.diff(x)
    if not steps.any():
        return "" if silent else "does not change"
    if (steps >= 0).all() or (steps <= 0).all():
        return "only grows or only falls, as times and counters do"
    changes = int((steps != 0).sum())
    usual = np.median(steps)
    if usual != 0 and np.isclose(steps, usual, rtol=1e-6, atol=0).mean() > 0.9:
        return "counts"
    levels = x / np.abs(steps[steps != 0]).min()  # whole numbers, in whatever unit
    if changes * 20 < len(x) and np.allclose(levels, np.round(levels), rtol=0, atol=1e-3):
        return "keeps its value for many rows, as labels do"
    return ""
