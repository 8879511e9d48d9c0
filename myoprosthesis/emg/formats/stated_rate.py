"""Sampling rates that texts state: a value, or words somewhere in a line of a head."""

from __future__ import annotations

import re

NUMBER = r"([+-]?(?:\d+(?:[.,]\d+)?|[.]\d+)(?:e[+-]?\d+)?)"
HERTZ = r"(?:[\[(]\s*(k?)Hz\s*[\])])?"
VALUE = re.compile(rf"\s*{NUMBER}\s*(k?)(?:Hz|sps|samples?\s*/\s*s(?:ec(?:ond)?)?|/s)?\s*", re.I)
NAMED = re.compile(
    rf"(?<![\w-])(?:sampl(?:e|es|ing)?[ _-]?(?:rate|freq(?:uency)?)|abtast(?:rate|frequenz))[\"'\s]*{HERTZ}[\"'\s]*"
    rf"(?:[:=,;\t]|is\b)?[\"'\s]*{NUMBER}\s*(k?)(?:Hz|sps)?",
    re.I,
)
"""Sampling rate 1000 Hz; "sampling rate": 1000; sample_frequency (kHz) = 2."""
SHORT = re.compile(
    rf"^[#%\s\"']*(?:fs|srate|rate)[\"'\s]*{HERTZ}[\"'\s]*[:=,;\t][\"'\s]*{NUMBER}\s*(k?)(?:Hz)?[\"'\s,;]*$", re.I
)
"""A line that says nothing else: fs: 1000."""
FREQUENCY = re.compile(rf"^[#%\s\"']*frequency[\"'\s]*[:=,;\t][\"'\s]*{NUMBER}\s*(k?)Hz[\"'\s,;]*$", re.I)
"""Without Hz it may be that of the mains."""
EACH_SECOND = re.compile(rf"{NUMBER}\s*(k?)samples?\s*(?:/|per)\s*s(?:ec(?:ond)?)?\b", re.I)
INTERVAL = re.compile(rf"{NUMBER}\s*(m|milli|u|µ|μ|micro)?s(?:ec(?:ond)?s?)?\s*(?:/|per)\s*sample\b", re.I)
"""0.5 msec/sample."""
STEP = re.compile(
    rf"^[#%\s\"']*(?:sampl(?:e|ing)[ _-]?)?(?:interval|period)[\"'\s]*[:=,;\t][\"'\s]*{NUMBER}\s*"
    rf"(m|milli|u|µ|μ|micro)?s(?:ec(?:ond)?s?)?[\"'\s,;]*$",
    re.I,
)
"""A line that says nothing else: Interval= 0.001 s."""
PARTS = {"": 1.0, "m": 1e-3, "milli": 1e-3}


def hertz(text: str) -> float:
    """A rate as files write it, 2000, 2 kHz or 2148.1 Hz; 0 for anything else."""
    match = VALUE.fullmatch(text)
    return _number(match[1]) * (1000 if match[2] else 1) if match else 0.0


def stated_rates(line: str) -> list[float]:
    """The rates that a line of a head states, Hz."""
    out = [_number(m[2]) * (1000 if m[1] or m[3] else 1) for p in (NAMED, SHORT) for m in p.finditer(line)]
    for pattern in (FREQUENCY, EACH_SECOND):
        out += [_number(m[1]) * (1000 if m[2] else 1) for m in pattern.finditer(line)]
    intervals = [m for p in (INTERVAL, STEP) for m in p.finditer(line)]
    steps = [_number(m[1]) * PARTS.get((m[2] or "").lower(), 1e-6) for m in intervals]
    return [rate for rate in out if rate > 0] + [1 / step for step in steps if step > 0]


def _number(text: str) -> float:
    """Three digits behind a comma are thousands, fewer or more a fraction."""
    thousands = re.fullmatch(r"\d{1,3},\d{3}", text)
    return float(text.replace(",", "" if thousands else "."))
