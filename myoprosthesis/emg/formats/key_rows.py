"""Lines of a head that say one thing of every column, behind a key: `ChannelTitle=`, as LabChart writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from myoprosthesis.emg.formats.text_dialect import Head
from myoprosthesis.emg.recording_format import TIMES

KEY = re.compile(r"([A-Za-z][\w ]*?) ?[=:]")
NAMES = ("channeltitle", "channel title", "channel titles", "channel name", "channel names", "channels", "names")
UNITS = ("unitname", "unit name", "unit", "units")


def key_of(cells: Sequence[str]) -> str:
    """The key of such a line, in lower case; empty for any other line, such as one of names that all end in a colon."""
    match = KEY.fullmatch(cells[0]) if cells else None
    key = match[1].lower() if match and not any(KEY.fullmatch(c) for c in cells[1:]) else ""
    return "" if key in TIMES else key  # which is the name of a first column


def take(head: Head, key: str, cells: Sequence[str]) -> bool:
    """Whether the line with this key has names or units, which are taken; of any other, that it is not is said."""
    values = list(cells[1:])
    while values and not values[-1]:
        values.pop()
    lacking = head.width - len(values)  # the first column may be without: that of the times
    if lacking in (0, 1) and key in NAMES:
        head.names = [*[""] * lacking, *values]
    elif lacking in (0, 1) and key in UNITS:
        head.units = [*[""] * lacking, *values]
    elif len(values) > 1:
        head.remarks.append(f"its head says {cells[0]} {', '.join(values)[:80]}, which is not applied")
    return lacking in (0, 1) and key in (*NAMES, *UNITS)


def name_times(head: Head, rows: Sequence[Sequence[str]]) -> None:
    """Call the first column, which has no name, times in s, where its steps are those of the rate that is stated."""
    if not head.names or head.names[0] or not head.numeric[0] or len(head.stated) != 1:
        return
    try:
        first = [float(row[0].replace(",", ".")) for row in rows[:3]]
    except ValueError:  # a cell without a number, which is refused, or is missing, when it is read
        return
    steps = [b - a for a, b in zip(first, first[1:], strict=False)]
    if steps and all(abs(step * head.stated[0] - 1) < 0.1 for step in steps):
        head.names[0], head.units[0] = "Time", "s"
